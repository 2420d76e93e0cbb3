/** What a session wants: an icon, a word, and how long (S9). */

import type { Session } from "@termwall/client";
import * as icons from "./icons";
import { elapsed, useNow } from "./time";

interface Shown {
  icon: () => React.JSX.Element;
  word: string;
  look: "needs" | "done" | "plain" | "muted" | "danger";
  timed: boolean;
}

export function attentionOf(session: Session): Shown {
  const { state, seen } = session.attention;
  if (session.status === "starting") return { icon: icons.Starting, word: "starting", look: "muted", timed: false };
  switch (state) {
    case "needs input":
      return { icon: icons.NeedsInput, word: "needs input", look: "needs", timed: true };
    case "done":
      return { icon: icons.Done, word: seen ? "done" : "done, unseen", look: seen ? "muted" : "done", timed: false };
    case "working":
      return { icon: icons.Working, word: "working", look: "plain", timed: true };
    case "exited":
      if (session.signal) {
        const word = `killed (${session.signal.replace(/^SIG/, "")})`;
        return { icon: icons.Failed, word, look: "danger", timed: false };
      }
      if (session.exitCode)
        return { icon: icons.Failed, word: `exited ${session.exitCode}`, look: "danger", timed: false };
      return { icon: icons.Exited, word: "exited 0", look: "muted", timed: false };
    case "lost":
      return { icon: icons.Lost, word: "lost", look: "danger", timed: false };
    default:
      return { icon: icons.Idle, word: "idle", look: "muted", timed: false };
  }
}

export function Attention({ session, timed = true }: { session: Session; timed?: boolean }) {
  const shown = attentionOf(session);
  const counts = timed && shown.timed;
  const now = useNow(1000, counts);
  const Icon = shown.icon;
  return (
    <span className="attention" data-look={shown.look}>
      <Icon />
      <span>{shown.word}</span>
      {counts && <span className="timer">{elapsed(session.attention.since, now)}</span>}
    </span>
  );
}
