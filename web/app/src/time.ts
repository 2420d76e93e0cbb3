/**
 * Times in words, as short as a tile allows, and the one clock of all that show one. What the page itself remembers it
 * counts on a clock that is never set; what the server sends, on the server's, whatever this machine's clock shows.
 */

import type { TermwallClient } from "@termwall/client";
import { steadyNow } from "@termwall/client/browser";
import { useTermwall } from "@termwall/react";
import { useSyncExternalStore } from "react";

const SECOND = 1000;
export const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Ticks for all who show a time at the same pace, so that fifty badges wake the page once; it stands while nobody looks. */
class Clock {
  private readonly listeners = new Set<() => void>();
  private timer: ReturnType<typeof setInterval> | null = null;
  now = steadyNow();
  /** What this machine's clock shows. */
  date = Date.now();

  constructor(private readonly every: number) {}

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    if (this.timer === null) {
      this.look();
      this.timer = setInterval(this.tick, this.every);
      document.addEventListener("visibilitychange", this.tick);
    }
    return () => {
      this.listeners.delete(listener);
      if (this.listeners.size > 0 || this.timer === null) return;
      clearInterval(this.timer);
      this.timer = null;
      document.removeEventListener("visibilitychange", this.tick);
    };
  };

  private look(): void {
    this.now = steadyNow();
    this.date = Date.now();
  }

  private tick = (): void => {
    if (document.hidden) return;
    this.look();
    for (const listener of [...this.listeners]) listener();
  };
}

const clocks = new Map<number, Clock>();
const never = () => () => undefined;

function clockOf(every: number): Clock {
  const clock = clocks.get(every) ?? new Clock(every);
  clocks.set(every, clock);
  return clock;
}

/** The present for times that the page itself remembers, renewed each `every` ms while `on`. */
export function useNow(every = SECOND, on = true): number {
  const clock = clockOf(every);
  return useSyncExternalStore(on ? clock.subscribe : never, () => clock.now);
}

/** The present for times that the server sends, renewed each `every` ms while `on`. */
export function useServerNow(every = SECOND, on = true): number {
  const { client } = useTermwall();
  const now = useNow(every, on);
  return client.serverDate(now) ?? clockOf(every).date;
}

/** As `useServerNow`, once. */
export function serverNow(client: TermwallClient): number {
  return client.serverDate(steadyNow()) ?? Date.now();
}

export function ago(at: number, now: number): string {
  const passed = Math.max(0, now - at);
  if (passed < 5 * SECOND) return "just now";
  if (passed < MINUTE) return `${Math.round(passed / SECOND)} s ago`;
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} min ago`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} h ago`;
  return `${Math.floor(passed / DAY)} d ago`;
}

/** A running time, such as 0:42. */
export function elapsed(since: number, now: number): string {
  const seconds = Math.max(0, Math.floor((now - since) / SECOND));
  const minutes = Math.floor(seconds / 60);
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h`;
  return `${minutes}:${String(seconds % 60).padStart(2, "0")}`;
}

/** A running time as it is said. */
export function spoken(since: number, now: number): string {
  const passed = Math.max(0, now - since);
  const [count, unit] =
    passed < MINUTE
      ? [Math.floor(passed / SECOND), "second"]
      : passed < HOUR
        ? [Math.floor(passed / MINUTE), "minute"]
        : [Math.floor(passed / HOUR), "hour"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
