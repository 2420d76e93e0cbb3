/**
 * xterm.js 6.0.0 throws on "erase above" (`CSI 1 J`) with the cursor in the last cell of a screen without scrollback, and
 * parses nothing more from then on: a program could end its own picture. There the erasing is done in two steps.
 */

import type { Terminal } from "@xterm/xterm";

interface Buffer {
  x: number;
  y: number;
  lines: { get(index: number): unknown };
}

interface Handler {
  _activeBuffer: Buffer;
  eraseInDisplay(params: { params: ArrayLike<number> }, respectProtect?: boolean): boolean;
  eraseInLine(params: { params: ArrayLike<number> }, respectProtect?: boolean): boolean;
}

/** Mends a terminal; one whose inside is another one is left as it is. */
export function guardErase(terminal: Pick<Terminal, "cols">): void {
  const handler = (terminal as unknown as { _core?: { _inputHandler?: Handler } })._core?._inputHandler;
  if (handler?._activeBuffer?.lines === undefined) return;
  const erase = handler.eraseInDisplay;
  handler.eraseInDisplay = (params, respectProtect) => {
    const buffer = handler._activeBuffer;
    const throws =
      params.params[0] === 1 && buffer.x + 1 >= terminal.cols && buffer.lines.get(buffer.y + 1) === undefined;
    if (!throws) return erase.call(handler, params, respectProtect);
    const x = buffer.x;
    buffer.x = terminal.cols - 2;
    erase.call(handler, params, respectProtect);
    buffer.x = terminal.cols - 1;
    handler.eraseInLine({ params: [0] }, respectProtect);
    buffer.x = x;
    return true;
  };
}
