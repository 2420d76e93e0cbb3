/** Asks before lines are pasted that would run at once. */

import { Dialog } from "./Dialog";
import "./ConfirmPaste.css";

export function ConfirmPaste(props: {
  text: string;
  lines: number;
  onClose: () => void;
  onPaste: (text: string) => void;
}) {
  const { text, lines, onClose, onPaste } = props;
  return (
    <Dialog
      title={`Paste ${lines} ${lines === 1 ? "line" : "lines"}?`}
      onClose={onClose}
      onSubmit={() => onPaste(text)}
    >
      <p>Each line end runs a command here.</p>
      <pre className="preview">{text.length > 2000 ? `${text.slice(0, 2000)}\n…` : text}</pre>
      <div className="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" onClick={() => onPaste(text.trim().replace(/\s*\n\s*/g, " "))}>
          Paste as one line
        </button>
        <button type="submit" className="primary">
          Paste
        </button>
      </div>
    </Dialog>
  );
}
