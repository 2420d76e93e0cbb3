/** Says what is stale while the other nodes cannot be reached. It goes by itself. */

import { useWorkspace } from "@termwall/react";
import { AWAY, awayMeaning } from "./nodes";
import "./NodesStatus.css";

/** In the bar, always there so that its change is read aloud. `unseen`: where the page shows it elsewhere. */
export function NodesStatus({ unseen }: { unseen: boolean }) {
  const nodes = useWorkspace((state) => state.nodes);
  const away = nodes !== null && !nodes.up;
  return (
    <p role="status" className={unseen || !away ? "unseen" : "away"} title={away ? awayMeaning(nodes) : undefined}>
      {away && (
        <>
          <b>{AWAY}</b> {awayMeaning(nodes)}
        </>
      )}
    </p>
  );
}

/** The same over a phone's wall, where there is room for it and no terminal that would have to shrink. */
export function NodesAway() {
  const nodes = useWorkspace((state) => state.nodes);
  if (nodes === null || nodes.up) return null;
  return (
    <p className="away strip" aria-hidden="true">
      <b>{AWAY}</b> {awayMeaning(nodes)}
    </p>
  );
}
