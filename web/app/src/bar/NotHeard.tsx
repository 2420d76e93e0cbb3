/** Terminals on the stage that the server has heard nothing of: their node has been away since before it started. */

import { useWorkspace } from "@termwall/react";
import "./NotHeard.css";

export function NotHeard({ onBlur }: { onBlur: (ids: readonly string[]) => void }) {
  const focus = useWorkspace((state) => state.focus);
  const sessions = useWorkspace((state) => state.sessions);
  const ids = focus?.focusedSessions.filter((id) => !sessions.has(id)) ?? [];
  if (ids.length === 0) return null;
  const some = `${ids.length} on the stage not heard of`;
  return (
    <button
      type="button"
      className="plain unheard"
      title={`${ids.join(", ")}: the node has not been heard since this server was started. Take off the stage`}
      onClick={() => onBlur(ids)}
    >
      {some} <span aria-hidden="true">×</span>
      <span className="unseen">; take off the stage</span>
    </button>
  );
}
