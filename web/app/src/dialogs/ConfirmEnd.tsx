/** Asks before programs are ended, or terminals removed. */

import type { Session } from "@termwall/client";
import { Dialog } from "./Dialog";

export function ConfirmEnd(props: {
  session: Session;
  program: string;
  /** What ends the program. */
  by: "close" | "restart";
  onClose: () => void;
  onConfirm: () => void;
}) {
  const { session, program, by, onClose, onConfirm } = props;
  const word = by === "close" ? "Close" : "Restart";
  return (
    <Dialog title={`${word} ${session.name}?`} onClose={onClose} onSubmit={onClose}>
      <p>
        <code>{program}</code> is running in it and will be ended, for everybody.
      </p>
      <div className="buttons">
        <button type="submit" className="primary">
          Cancel
        </button>
        <button type="button" onClick={onConfirm}>
          End it and {by}
        </button>
      </div>
    </Dialog>
  );
}

export function ConfirmClear(props: { count: number; onClose: () => void; onConfirm: () => void }) {
  const { count, onClose, onConfirm } = props;
  return (
    <Dialog title={`Clear ${count} ended terminals?`} onClose={onClose} onSubmit={onClose}>
      <p>They and their last screens are removed for everybody. Recordings are kept.</p>
      <div className="buttons">
        <button type="submit" className="primary">
          Cancel
        </button>
        <button type="button" onClick={onConfirm}>
          Clear them
        </button>
      </div>
    </Dialog>
  );
}
