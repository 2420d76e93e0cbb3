/**
 * What stands above a snapshot. The server keeps fewer lines above a screen than a page does, and a snapshot begins by
 * emptying the terminal: after one that came for a size alone, what the page had before it is put back above it.
 */

import type { Terminal } from "@xterm/xterm";
import { insideOf, type Line, type Screen } from "./inside";

type Shown = Pick<Terminal, "cols">;

/** Rows by which the snapshot's beginning is known again. */
const KNOWN_ROWS = 8;

export interface History {
  /** All rows of the primary screen and above it, in order. They are not changed any more. */
  rows: readonly Line[];
  /** The row of the cursor. */
  cursor: number;
}

/** All that the terminal has now; null where nothing stands above its screen. */
export function takeHistory(terminal: Shown): History | null {
  const screen = insideOf(terminal)?.buffers.normal;
  if (screen === undefined || screen.ybase === 0) return null;
  const rows = Array.from({ length: screen.lines.length }, (_, row) => screen.lines.get(row));
  return { rows: rows.filter((line) => line !== undefined), cursor: screen.ybase + screen.y };
}

/** Put back what stood above what the terminal has now. Nothing, where that is not found in it at its place. */
export function putBack(terminal: Shown, { rows, cursor }: History): void {
  const inside = insideOf(terminal);
  if (inside === null) return;
  const screen = inside.buffers.normal;
  let top = 0;
  while (top < screen.ybase && screen.lines.get(top)?.isWrapped) top++;
  if (top + KNOWN_ROWS > screen.ybase) return;
  const known = Array.from({ length: KNOWN_ROWS }, (_, row) => textOf(screen.lines.get(top + row)));
  const expected = cursor - (screen.ybase + screen.y - top);
  const place = nearest(rows.length, expected, (row) => known.every((text, next) => textOf(rows[row + next]) === text));
  if (place === undefined || place <= top) return;
  const first = screen.lines.get(top);
  if (first !== undefined) first.isWrapped = rows[place]?.isWrapped ?? false; // A snapshot may begin within a line.
  insertAbove(screen, rows.slice(0, place), top);
  // The scrollbar learns how much there is now, and where.
  if (inside.buffers.active === screen) inside._bufferService._onScroll.fire(screen.ydisp);
}

/** `instead` rows at the top make room: the rest of a line that is whole in what comes. */
function insertAbove(screen: Screen, rows: readonly Line[], instead: number): void {
  const room = screen.lines.maxLength - (screen.lines.length - instead);
  const added = room > 0 ? rows.slice(-room) : [];
  if (added.length <= instead) return;
  screen.lines.splice(0, instead, ...added);
  const moved = added.length - instead;
  screen.ybase += moved;
  screen.ydisp += moved;
  screen.savedY += moved;
}

function nearest(length: number, from: number, fits: (row: number) => boolean): number | undefined {
  for (let away = 0; away < length; away++) {
    const found = [from - away, from + away].find((row) => row >= 0 && row < length && fits(row));
    if (found !== undefined) return found;
  }
  return undefined;
}

function textOf(line: Line | undefined): string | undefined {
  return line?.translateToString(true);
}
