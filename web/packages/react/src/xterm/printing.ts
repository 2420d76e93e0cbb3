/**
 * Prints as the server's terminal does. xterm.js joins a character only to the one that came right before it in the
 * output; the server's joins it to what stands left of the cursor, so that moving about or a reload makes no difference.
 * And halves of wide characters that are overwritten leave blanks without the pen's underline and colours.
 */

import type { Terminal } from "@xterm/xterm";
import { begin, cellsOf, isIdle, join, type State, stateOf, widthOf } from "./clusters";
import { type Handler, type Inside, insideOf, type Line } from "./inside";

/** Below, no code point joins another one. */
const JOINING = 0x100;
const BLANK = 0x20;

export function printAlike(terminal: Terminal): void {
  const inside = insideOf(terminal);
  if (inside === null) return;
  const handler = inside._inputHandler;
  const print = handler.print.bind(handler);
  let last = 0;

  const plainly = (data: Uint32Array, start: number, end: number) => {
    if (start === end) return;
    last = data[end - 1] ?? 0;
    clearHalves(handler, terminal.cols, true);
    if (inside.coreService.modes.insertMode) splitWide(handler);
    print(data, start, end);
    clearHalves(handler, terminal.cols, false);
  };

  handler.print = (data, start, end) => {
    const translates = inside._charsetService.charset !== undefined;
    let from = start;
    /** The character before, as far as it was not printed yet. */
    let state: State = -1;
    for (let at = start; at < end; at++) {
      const code = data[at] ?? 0;
      if (code < JOINING) {
        state = begin(code);
        continue;
      }
      if (state < 0 || join(state, code) >= 0 || from === at) {
        plainly(data, from, at);
        from = at;
        if (joinLeft(inside, terminal.cols, code)) {
          from = at + 1;
          state = -1;
          continue;
        }
      }
      state = begin(code);
      if (widthOf(code) === 2 && !inside.coreService.decPrivateModes.wraparound) {
        // Where it finds no place it is nothing; xterm.js would move the cursor.
        plainly(data, from, at);
        from = at;
        if (inside.buffers.active.x >= terminal.cols - 1) {
          from = at + 1;
          state = -1;
          continue;
        }
      }
      if (widthOf(code) === 0) {
        plainly(data, from, at);
        from = at + 1;
        state = -1;
      } else if (translates) {
        plainly(data, from, at);
        const blanks = new Uint32Array(widthOf(code)).fill(BLANK);
        plainly(blanks, 0, blanks.length);
        from = at + 1;
        state = -1;
      }
    }
    plainly(data, from, end);
  };

  handler.repeatPrecedingCharacter = (params) => {
    if (last !== 0) {
      const count = Math.max(1, params.params[0] ?? 1);
      handler.print(new Uint32Array(count).fill(last), 0, count);
    }
    return true;
  };
}

/** Blanks a wide character in which the cursor is: what is inserted there would leave its second half. */
export function splitWide(handler: Handler): void {
  const screen = handler._activeBuffer;
  const line = screen.lines.get(screen.ybase + screen.y);
  const { x } = screen;
  if (line === undefined || x === 0 || line.getWidth(x - 1) !== 2) return;
  for (const half of [x - 1, x]) line.setCellFromCodepoint(half, 0, 1, handler._eraseAttrData());
}

/** Blanks what a character that is about to be printed, or was, leaves of a wide one. */
function clearHalves(handler: Handler, cols: number, before: boolean): void {
  const screen = handler._activeBuffer;
  const line = screen.lines.get(screen.ybase + screen.y);
  if (line === undefined) return;
  const { x } = screen;
  if (before && x > 0 && x < cols && line.getWidth(x - 1) === 2)
    line.setCellFromCodepoint(x - 1, 0, 1, handler._eraseAttrData());
  if (!before && x > 0 && x < cols && line.getWidth(x) === 0 && !line.hasContent(x) && line.getWidth(x - 1) !== 2)
    line.setCellFromCodepoint(x, 0, 1, handler._eraseAttrData());
}

/** The column of the character left of the cursor, or under it where that hangs at the row's end; -1 if there is none. */
function columnLeft(inside: Inside, line: Line, cols: number): number {
  const { x } = inside.buffers.active;
  if (x === 0) return -1;
  let column = x - 1;
  if (!inside.coreService.decPrivateModes.wraparound && x === cols - 1 && line.getString(x) !== "") column = x;
  if (line.getWidth(column) === 0) column--;
  return column >= 0 && line.getString(column) !== "" ? column : -1;
}

/** Joins a code point to the character left of the cursor; false where it begins one of its own. */
function joinLeft(inside: Inside, cols: number, code: number): boolean {
  const handler = inside._inputHandler;
  const screen = inside.buffers.active;
  const line = screen.lines.get(screen.ybase + screen.y);
  if (line === undefined) return false;
  const column = columnLeft(inside, line, cols);
  if (column < 0) return false;
  const before = stateOf(line.getString(column));
  const after = join(before, code);
  if (after < 0) return false;
  if (isIdle(code, before, after)) return true;
  const old = line.getWidth(column);
  // Only a variation makes a character narrow again.
  const width = cellsOf(after) < old && !isVariation(code) ? old : Math.max(1, cellsOf(after));
  if (width > old) widen(inside, line, column, code, cols);
  else {
    line.addCodepointToCell(column, code, width);
    if (width < old) {
      line.setCellFromCodepoint(column + 1, 0, 1, handler._eraseAttrData());
      screen.x = Math.min(column + 1, cols - 1);
    }
  }
  return true;
}

function isVariation(code: number): boolean {
  return code === 0xfe0e;
}

/** A narrow character gets wide; in the last column it moves to the next row. */
function widen(inside: Inside, line: Line, column: number, code: number, cols: number): void {
  const handler = inside._inputHandler;
  const screen = inside.buffers.active;
  if (column < cols - 1) {
    line.addCodepointToCell(column, code, 2);
    screen.x = column + 1;
    if (line.getWidth(column + 1) === 2 && column + 2 < cols)
      line.setCellFromCodepoint(column + 2, 0, 1, handler._eraseAttrData());
    line.setCellFromCodepoint(screen.x++, 0, 0, handler._curAttrData);
    return;
  }
  if (!inside.coreService.decPrivateModes.wraparound) return;
  const pen = handler._curAttrData;
  if (screen.y === screen.scrollBottom) inside._bufferService.scroll(handler._eraseAttrData(), true);
  else {
    if (screen.y < inside.rows - 1) screen.y++;
    const next = screen.lines.get(screen.ybase + screen.y);
    if (next !== undefined) next.isWrapped = true;
  }
  const row = screen.lines.get(screen.ybase + screen.y);
  if (row === undefined) return;
  row.copyCellsFrom(line, column, 0, 1, false);
  line.setCellFromCodepoint(column, 0, 1, pen);
  row.addCodepointToCell(0, code, 2);
  row.setCellFromCodepoint(1, 0, 0, pen);
  screen.x = 2;
}
