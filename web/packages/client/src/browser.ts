/** The client's environment in a browser. */

import type { Environment, SocketLike } from "./environment";

const CLIENT_KEY = "termwall.clientId";

export function browserEnvironment(): Environment {
  const encoder = new TextEncoder();
  return {
    socket: (url, protocols) => new WebSocket(url, protocols) as unknown as SocketLike,
    now: () => Date.now(),
    random: () => Math.random(),
    setTimeout: (callback, milliseconds) => window.setTimeout(callback, milliseconds),
    clearTimeout: (timer) => window.clearTimeout(timer as number),
    encode: (text) => encoder.encode(text),
    online: () => navigator.onLine,
    onWake(callback) {
      const looked = () => {
        if (document.visibilityState === "visible") callback();
      };
      window.addEventListener("online", callback);
      document.addEventListener("visibilitychange", looked);
      return () => {
        window.removeEventListener("online", callback);
        document.removeEventListener("visibilitychange", looked);
      };
    },
    storage: {
      get: (key) => sessionStorage.getItem(key),
      set: (key, value) => sessionStorage.setItem(key, value),
    },
  };
}

/** This page's id: the same after a reload, another one in a duplicated tab, which copies the storage. */
export function pageClientId(): string {
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  const kept = made ?? (navigation?.type === "reload" ? sessionStorage.getItem(CLIENT_KEY) : null);
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  made = kept ?? `page-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  sessionStorage.setItem(CLIENT_KEY, made);
  return made;
}

let made: string | null = null;
