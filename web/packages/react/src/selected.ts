/** What is selected, over a new picture of the same text: a picture that comes by itself takes nobody's selection away. */

import type { Terminal } from "@xterm/xterm";

export interface Selected {
  text: string;
  column: number;
  /** Rows above the first one of the screen; negative on the screen. */
  above: number;
  /** In cells. */
  length: number;
}

export function selectedIn(terminal: Terminal): Selected | null {
  const place = terminal.getSelectionPosition();
  if (place === undefined) return null;
  const { start, end } = place;
  const length = (end.y - start.y) * terminal.cols + end.x - start.x;
  return { text: terminal.getSelection(), column: start.x, above: terminal.buffer.active.baseY - start.y, length };
}

/** Select it again where it was; not where there is another text by now. */
export function selectAgain(terminal: Terminal, { text, column, above, length }: Selected): void {
  const row = terminal.buffer.active.baseY - above;
  if (row < 0 || length <= 0) return;
  terminal.select(column, row, length);
  if (terminal.getSelection() !== text) terminal.clearSelection();
}
