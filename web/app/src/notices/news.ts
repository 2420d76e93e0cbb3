/** What is worth a notification to a user who does not look: a session asks for something, or is done. */

import type { Session } from "@termwall/client";

export interface News {
  sessionId: string;
  title: string;
  text: string;
  /** The same for the same news, in whichever page. */
  tag: string;
}

/** How much older than the state a program's own words may be, to be the reason for it. */
const TOLD_BEFORE_MILLISECONDS = 2000;

/** What turned to `needs input` or `done` between two states; nothing of what was so at the first report. */
export function newsOf(before: ReadonlyMap<string, Session> | null, after: ReadonlyMap<string, Session>): News[] {
  if (before === null) return [];
  return [...after.values()].flatMap((session): News[] => {
    const { state, since, seen } = session.attention;
    const known = before.get(session.id);
    if (known === session || seen || (state !== "needs input" && state !== "done")) return [];
    if (known?.attention.state === state && known.attention.since === since) return [];
    const title = `${session.name} ${state === "done" ? "is done" : "needs input"}`;
    return [{ sessionId: session.id, title, text: wordsOf(session), tag: `${session.id} ${state} ${since}` }];
  });
}

function wordsOf({ attention, notification }: Session): string {
  if (notification == null || notification.timestamp < attention.since - TOLD_BEFORE_MILLISECONDS)
    return attention.reason;
  return [notification.title, notification.body].filter(Boolean).join(": ") || attention.reason;
}
