/** How far a program says it is (OSC 9;4): a thin line that takes no room. */

import type { Session } from "@termwall/client";
import "./Progress.css";

export function Progress({ session }: { session: Session }) {
  const { progress } = session;
  if (progress == null) return null;
  const known = progress.state !== "indeterminate" && progress.percent != null;
  const percent = known ? Math.min(100, Math.max(0, progress.percent ?? 0)) : undefined;
  return (
    <span
      className="progress"
      role="progressbar"
      aria-label={`Progress of ${session.name}${progress.state === "normal" ? "" : `, ${progress.state}`}`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      data-state={known ? progress.state : "indeterminate"}
    >
      <span className="fill" style={{ width: `${percent ?? 100}%` }} />
    </span>
  );
}
