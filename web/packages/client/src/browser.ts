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
  };
}

/** This page's id: the same after a reload, another one in a duplicated tab, which copies the storage. */
export function pageClientId(): string {
  const [navigation] = performance.getEntriesByType("navigation") as PerformanceNavigationTiming[];
  const kept = navigation?.type === "reload" ? sessionStorage.getItem(CLIENT_KEY) : null;
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  const id = kept ?? `page-${Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  sessionStorage.setItem(CLIENT_KEY, id);
  return id;
}
