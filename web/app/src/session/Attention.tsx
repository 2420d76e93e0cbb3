/** What a session wants: an icon, a word, and how long (S9); and why that is thought. */

import type { Session } from "@termwall/client";
import * as icons from "../icons/icons";
import { ago, elapsed, MINUTE, useServerNow } from "../time";
import "./Attention.css";

interface Shown {
  icon: () => React.JSX.Element;
  word: string;
  look: "needs" | "done" | "plain" | "muted" | "danger";
  timed: boolean;
}

const IDLE: Shown = { icon: icons.Idle, word: "idle", look: "muted", timed: false };

export function attentionOf(session: Session): Shown {
  const { state, seen } = session.attention;
  if (session.status === "starting") return { icon: icons.Starting, word: "starting", look: "muted", timed: false };
  switch (state) {
    case "needs input":
      return { icon: icons.NeedsInput, word: "needs input", look: "needs", timed: true };
    case "done":
      return seen ? IDLE : { icon: icons.Done, word: "done, unseen", look: "done", timed: false };
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
    case "idle":
      return IDLE;
    default:
      state satisfies never; // Of a later server.
      return IDLE;
  }
}

/** Reasons that last, rather than having happened at some time; how long a session works stands beside its word. */
const LASTING = /^(output|no output|quiet .*)$/;

/** Why a session is shown as it is, such as "bell 12 s ago"; two numbers are kept apart. */
export function evidenceOf({ attention }: Session, now: number): string {
  const { reason, since, state } = attention;
  if (!reason || state === "working" || LASTING.test(reason)) return reason;
  if (reason === "quiet") return now - since < MINUTE ? reason : `quiet ${ago(since, now).replace(" ago", "")}`;
  return `${reason}${/\d$/.test(reason) ? " · " : " "}${ago(since, now)}`;
}

export function Evidence({ session }: { session: Session }) {
  const now = useServerNow(5000);
  const text = evidenceOf(session, now);
  return text === "" ? null : (
    <span className="evidence" title={text}>
      {text}
    </span>
  );
}

/** What is to be said of the screen itself, where it is not what the program drew. */
export function screenNote(session: Session): string | null {
  const { screen } = session;
  switch (screen) {
    case undefined:
    case "exact":
      return null;
    case "rebuilding":
      return "rebuilding the screen";
    case "lost":
      return "Part of this screen could not be rebuilt; it is complete again when the program draws anew.";
    default:
      screen satisfies never;
      return null;
  }
}

/** That a session is being recorded, or why it is no more; for who sees colours and who does not. */
export function RecordingMark({ session }: { session: Session }) {
  if (session.recording == null) {
    if (session.recordingError == null) return null;
    const why = `The recording has ended: ${session.recordingError}`;
    return (
      <span className="recording-mark" role="note" title={why} aria-label={why}>
        <span aria-hidden="true">■</span> rec ended
      </span>
    );
  }
  return (
    <span className="recording-mark" title="It is being recorded">
      <span aria-hidden="true">●</span> rec
    </span>
  );
}

export function Attention({ session, timed = true }: { session: Session; timed?: boolean }) {
  const shown = attentionOf(session);
  const counts = timed && shown.timed;
  const now = useServerNow(1000, counts);
  const Icon = shown.icon;
  return (
    <span className="attention" data-look={shown.look}>
      <Icon />
      <span>{shown.word}</span>
      {counts && <span className="timer">{elapsed(session.attention.since, now)}</span>}
    </span>
  );
}
