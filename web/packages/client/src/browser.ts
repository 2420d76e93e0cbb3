/** The client's environment in a browser. */

import type { Environment, SocketLike } from "./environment";

const CLIENT_KEY = "termwall.clientId";

/** How far the two clocks of a browser have to part until the machine must have slept, or its clock been set. */
const LEAP_MILLISECONDS = 1_000;

/**
 * The page's one clock: `performance.now` never goes back, but stands still in some browsers while the machine sleeps;
 * `Date.now` goes on, but is set. What the second is ahead of the first by since the last look is time that was slept
 * through. Where a clock was set ahead instead, what waits is discarded too early, and never typed too late.
 */
class SteadyClock {
  leaps = 0;
  private steady = performance.now();
  private date = Date.now();
  private slept = 0;

  now(): number {
    const [steady, date] = [performance.now(), Date.now()];
    const ahead = date - this.date - (steady - this.steady);
    if (ahead >= LEAP_MILLISECONDS) {
      this.slept += ahead;
      this.leaps++;
    }
    this.steady = steady;
    this.date = date;
    return Math.round(performance.timeOrigin + steady + this.slept);
  }
}

const clock = new SteadyClock();

/** Milliseconds since 1970 that never go back: the clock of all times in a client's state. */
export const steadyNow = (): number => clock.now();

export function browserEnvironment(): Environment {
  const encoder = new TextEncoder();
  return {
    socket: (url, protocols) => new WebSocket(url, protocols) as unknown as SocketLike,
    now: steadyNow,
    leaps: () => clock.leaps,
    visible: () => document.visibilityState === "visible",
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
