/** In which order the shelf shows what is not on the stage: by need, then as the sessions were made. */

import type { Session } from "@termwall/client";

function need(session: Session): number {
  const { state, seen } = session.attention;
  if (state === "needs input") return 0;
  if (state === "done" && !seen) return 1;
  if (state === "lost" || (state === "exited" && (session.exitCode !== 0 || session.signal))) return 2;
  if (state === "working") return 3;
  if (state === "exited") return 5;
  return 4;
}

export function shelfOrder(sessions: Iterable<Session>): Session[] {
  const list = [...sessions].filter((session) => !session.focused);
  const since = (session: Session) => (need(session) === 0 ? session.attention.since : 0);
  return list.sort(
    (a, b) => need(a) - need(b) || since(a) - since(b) || a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1),
  );
}

/** How many wait for the user: for the page's title and the bar. */
export function needingCount(sessions: Iterable<Session>): number {
  return [...sessions].filter((session) => need(session) <= 1).length;
}

/** What one key brings the user to next. */
export function nextNeeding(sessions: Iterable<Session>): Session | null {
  const waiting = [...sessions].filter((session) => need(session) <= 1);
  waiting.sort((a, b) => need(a) - need(b) || a.attention.since - b.attention.since);
  return waiting[0] ?? null;
}

/** What the grid shows, and so focuses in one batch (F5): the stage, filled up from the shelf. */
export function gridSessions(focused: readonly string[], shelf: readonly Session[], most: number): string[] {
  const running = shelf.filter((session) => session.status !== "exited").map((session) => session.id);
  return [...focused, ...running].slice(0, Math.max(focused.length, Math.min(most, 4)));
}
