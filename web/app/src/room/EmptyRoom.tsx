/** In place of the stage: why there is no terminal, and how to start one. */

import { useWorkspace } from "@termwall/react";
import { chordText, isMac } from "../keys/keys";
import { useRoom } from "./RoomContext";
import "../entry/sheet.css";

export function EmptyRoom() {
  const { project, canType, stage, setOpen } = useRoom();
  const connection = useWorkspace((state) => state.connection);
  if (stage.focus === null)
    return (
      <main className="stage empty">
        <p className="muted">{connection.state === "error" ? connection.reason : "Connecting…"}</p>
      </main>
    );
  return (
    <main className="stage empty">
      <h2>No terminals in {project.name} yet.</h2>
      <p>Start one here. Everyone in the project sees it at once.</p>
      {canType && (
        <button type="button" className="primary" onClick={() => setOpen({ kind: "new" })}>
          New terminal <kbd>{chordText("new", isMac())}</kbd>
        </button>
      )}
    </main>
  );
}
