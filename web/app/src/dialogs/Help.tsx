/** The list of keys. */

import { BINDINGS, chordText, isMac } from "../keys/keys";
import { Dialog } from "./Dialog";
import "./Help.css";

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
