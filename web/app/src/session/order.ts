/** In which order sessions want somebody: by need, then as they were made (S9). */

import type { Session } from "@termwall/client";

function need({ attention, exitCode, signal }: Session): number {
  const { state, seen } = attention;
  switch (state) {
    case "needs input":
      return 0;
    case "done":
      return seen ? 4 : 1;
    case "lost":
      return 2;
    case "exited":
      return exitCode !== 0 || signal ? 2 : 5;
    case "working":
      return 3;
    case "idle":
      return 4;
    default:
      state satisfies never; // Of a later server.
      return 4;
  }
}

/** Who waits longest comes first; that somebody is busy or idle for long is no reason to come first. */
function byNeed(a: Session, b: Session): number {
  const since = (session: Session) => (need(session) <= 1 ? session.attention.since : 0);
  return need(a) - need(b) || since(a) - since(b) || a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1);
}

/** All sessions, as a phone's wall shows them. */
export function wallOrder(sessions: Iterable<Session>): Session[] {
  return [...sessions].sort(byNeed);
}

/** What is not on the stage, as the shelf shows it. */
export function shelfOrder(sessions: Iterable<Session>): Session[] {
  return wallOrder([...sessions].filter((session) => !session.focused));
}

/** Those of an order that was shown before as they stood, and after them what is new. */
export function inKeptOrder(sessions: readonly Session[], before: readonly string[]): Session[] {
  const places = new Map(before.map((id, index) => [id, index]));
  const place = ({ id }: Session) => places.get(id) ?? before.length;
  return [...sessions].sort((a, b) => place(a) - place(b));
}

/** Whether its program is over. */
export function isEnded({ status }: Session): boolean {
  return status === "exited" || status === "lost";
}

/** How many ended, and how many of them were lost with the server; those of a node that is away are not counted. */
export function endedOf(sessions: Iterable<Session>): { all: number; lost: number } {
  const ended = [...sessions].filter((session) => isEnded(session) && !session.away);
  return { all: ended.length, lost: ended.filter(({ status }) => status === "lost").length };
}

/** How many wait for the user's input: for the page's title and the bar. */
export function needingCount(sessions: Iterable<Session>): number {
  return [...sessions].filter((session) => need(session) === 0).length;
}

/**
 * What one key brings the user to: whoever has waited longest for input, then what is done and unseen. From one of them
 * it goes on to the next, so that the key walks through all.
 */
export function nextNeeding(sessions: Iterable<Session>, current: string | null = null): Session | null {
  const waiting = wallOrder(sessions).filter((session) => need(session) <= 1);
  const here = waiting.findIndex((session) => session.id === current);
  return waiting[(here + 1) % waiting.length] ?? null;
}

/** What the grid shows, and so focuses in one batch (F5): the stage, filled up from the shelf. */
export function gridSessions(focused: readonly string[], shelf: readonly Session[], most: number): string[] {
  const running = shelf
    .filter((session) => session.status !== "exited" && session.status !== "lost")
    .map((session) => session.id);
  return [...focused, ...running].slice(0, Math.max(focused.length, Math.min(most, 4)));
}

/** What starting a session again is called. */
export function restartWord({ status, resume }: Session): string {
  if (status !== "lost") return "Restart";
  return resume ? "Resume" : "Start again";
}
