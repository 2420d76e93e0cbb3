/** Which nodes are there, and which of them this page is connected to. */

import { useWorkspace } from "@termwall/react";
import { AWAY, aboutNode, awayMeaning } from "../bar/nodes";
import { Dialog } from "./Dialog";
import "./NodesDialog.css";

export function NodesDialog({ onClose }: { onClose: () => void }) {
  const nodes = useWorkspace((state) => state.nodes);
  return (
    <Dialog title="Nodes" onClose={onClose} onSubmit={onClose}>
      {nodes === null ? (
        <p>This server is alone.</p>
      ) : (
        <>
          {!nodes.up && (
            <p>
              <b>{AWAY}</b> {awayMeaning(nodes)}
            </p>
          )}
          <ul className="rows nodes" aria-label="Nodes that are there">
            {nodes.all.map((node) => (
              <li key={node.name} data-node={node.name}>
                <b>{node.name}</b> <span className="muted">{aboutNode(node)}</span>
              </li>
            ))}
          </ul>
        </>
      )}
      <div className="buttons">
        <button type="submit" className="primary">
          Done
        </button>
      </div>
    </Dialog>
  );
}
