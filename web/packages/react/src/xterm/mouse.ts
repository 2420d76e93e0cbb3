/**
 * The mouse in pixels (mode 1016): in those of the cell that the server promises (S7), whatever the font of this page. A
 * program that counts with that cell finds the pointer where it is.
 */

import type { Terminal } from "@xterm/xterm";
import { insideOf } from "./inside";

/** Pixels of the promised cell; `screen/effects.py` has the same. */
const CELL = { width: 8, height: 16 };
const PIXELS = "SGR_PIXELS";

export function mouseAlike(terminal: Terminal): void {
  const inside = insideOf(terminal);
  const encode = inside?.coreMouseService?._encodings[PIXELS];
  if (inside === null || encode === undefined) return;
  inside.coreMouseService.addEncoding(PIXELS, (event) => {
    const cell = inside._renderService?.dimensions.css.cell ?? CELL;
    const x = promised(event.x, event.col, cell.width, CELL.width);
    const y = promised(event.y, event.row, cell.height, CELL.height);
    return encode({ ...event, x, y });
  });
}

/** A pixel from 1 in a row or column of promised cells, within the cell that was hit. */
export function promised(pixel: number, cell: number, size: number, wanted: number): number {
  const within = Math.floor(((pixel + 0.5) / size - (cell - 1)) * wanted);
  return (cell - 1) * wanted + Math.min(wanted - 1, Math.max(0, within)) + 1;
}
