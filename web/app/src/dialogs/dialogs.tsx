/** The questions the page asks: a name, a close, a paste, and the list of keys. */

import type { Session } from "@termwall/client";
import { useState } from "react";
import { api } from "../api";
import { BINDINGS, chordText, isMac } from "../keys/keys";
import { Dialog } from "./dialog";

export function Rename({ session, onClose }: { session: Session; onClose: () => void }) {
  const [name, setName] = useState(session.name);
  const [problem, setProblem] = useState("");
  const rename = async () => {
    try {
      if (name.trim()) await api.rename(session.id, name.trim());
      onClose();
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Dialog title={`Rename ${session.name}`} onClose={onClose} onSubmit={rename}>
      <label className="field">
        <span>Name</span>
        <input
          value={name}
          onChange={(event) => setName(event.target.value)}
          maxLength={256}
          required
          onFocus={(event) => event.target.select()}
        />
      </label>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      <div className="buttons">
        <button type="button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="primary">
          Rename
        </button>
      </div>
    </Dialog>
  );
}

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

export function Help({ onClose }: { onClose: () => void }) {
  const mac = isMac();
  return (
    <Dialog title="Keys" onClose={onClose} onSubmit={onClose} wide>
      <table className="keys">
        <tbody>
          {BINDINGS.filter(({ command }) => !command.startsWith("position-")).map(({ command, label }) => (
            <tr key={command}>
              <th scope="row">{label}</th>
              <td>
                <kbd>{chordText(command, mac)}</kbd>
              </td>
            </tr>
          ))}
          <tr>
            <th scope="row">Position 1 to 9; from the shelf to the stage</th>
            <td>
              <kbd>{chordText("position-1", mac)} to 9</kbd>
            </td>
          </tr>
          <tr>
            <th scope="row">Paste</th>
            <td>
              <kbd>{mac ? "Cmd+V" : "Ctrl+Shift+V"}</kbd>
            </td>
          </tr>
          <tr>
            <th scope="row">Open a link</th>
            <td>
              <kbd>{mac ? "Cmd" : "Ctrl"}+click</kbd>
            </td>
          </tr>
        </tbody>
      </table>
      <p className="muted">
        Every other key goes to the program. While a program uses the mouse, hold {mac ? "Option" : "Shift"} to select
        text, or while you right-click to open the terminal's menu.
      </p>
      <div className="buttons">
        <button type="submit" className="primary">
          Done
        </button>
      </div>
    </Dialog>
  );
}
