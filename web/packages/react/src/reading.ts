/**
 * The line that a reader has at the top of a terminal, and where it is in another picture of the same text: of another
 * width, with more or fewer rows, or with more printed after it.
 */

import type { IBuffer } from "@xterm/xterm";

/** Lines by which a place is known again; of each at most so many characters. */
const KNOWN_LINES = 4;
const KNOWN_CHARACTERS = 256;

/** A place in the text. A line here is what was printed between two line ends, in however many rows it stands. */
export interface ReadingPlace {
  /** The lines from the place on. */
  lines: readonly string[];
  /** How many lines lie between it and the cursor's. */
  fromCursor: number;
  /** Characters of its first line that stand above it. */
  into: number;
}

/** What is being read; null at the end, where what comes is to be seen, and on the alternate screen. */
export function readingPlace(buffer: IBuffer): ReadingPlace | null {
  if (buffer.type === "alternate" || buffer.viewportY >= buffer.baseY) return null;
  const start = startOfLine(buffer, buffer.viewportY);
  let into = 0;
  for (let row = start; row < buffer.viewportY; row++) into += rowText(buffer, row).length;
  let fromCursor = 0;
  for (let row = buffer.baseY + buffer.cursorY; row > start; row--) if (!isWrapped(buffer, row)) fromCursor++;
  return { lines: linesFrom(buffer, start), fromCursor, into };
}

/**
 * The row where a place is; of several that look alike the one nearest to where it was. The oldest row, where the text no
 * longer goes back that far; null where it is another text.
 */
export function rowOfPlace(buffer: IBuffer, place: ReadingPlace): number | null {
  const starts: number[] = [];
  for (let row = Math.min(buffer.baseY + buffer.cursorY, buffer.length - 1); row >= 0; row--)
    if (!isWrapped(buffer, row)) starts.push(row);
  const expected = Math.min(place.fromCursor, starts.length - 1);
  const start = nearest(starts, expected, (row) => sameLines(buffer, row, place.lines));
  if (start === undefined) return place.fromCursor >= starts.length && starts.length > 1 ? 0 : null;
  let row = start;
  for (let left = place.into; left > 0 && isWrapped(buffer, row + 1); row++) {
    left -= rowText(buffer, row).length;
    if (left < 0) break;
  }
  return row;
}

function nearest(rows: readonly number[], from: number, fits: (row: number) => boolean): number | undefined {
  for (let away = 0; away < rows.length; away++) {
    const sides = away === 0 ? [from] : [from - away, from + away];
    for (const side of sides) {
      const row = rows[side];
      if (row !== undefined && fits(row)) return row;
    }
  }
  return undefined;
}

function sameLines(buffer: IBuffer, start: number, lines: readonly string[]): boolean {
  let row = start;
  for (const line of lines) {
    if (lineText(buffer, row) !== line) return false;
    row = nextLine(buffer, row);
  }
  return true;
}

function linesFrom(buffer: IBuffer, start: number): string[] {
  const lines: string[] = [];
  const end = buffer.baseY; // What is on the screen itself may be drawn anew for another size.
  for (let row = start; lines.length < KNOWN_LINES && (row < end || lines.length === 0); row = nextLine(buffer, row))
    lines.push(lineText(buffer, row));
  return lines;
}

function lineText(buffer: IBuffer, start: number): string {
  let text = rowText(buffer, start);
  for (let row = start + 1; text.length < KNOWN_CHARACTERS && isWrapped(buffer, row); row++)
    text += rowText(buffer, row);
  return text.slice(0, KNOWN_CHARACTERS).trimEnd();
}

function nextLine(buffer: IBuffer, start: number): number {
  let row = start + 1;
  while (isWrapped(buffer, row)) row++;
  return row;
}

function startOfLine(buffer: IBuffer, row: number): number {
  let start = row;
  while (start > 0 && isWrapped(buffer, start)) start--;
  return start;
}

function isWrapped(buffer: IBuffer, row: number): boolean {
  return buffer.getLine(row)?.isWrapped ?? false;
}

/** A row's text, with the blanks in it that the line goes on after; not the cell that a wide character did not fit into. */
function rowText(buffer: IBuffer, row: number): string {
  const line = buffer.getLine(row);
  if (line === undefined) return "";
  if (!isWrapped(buffer, row + 1)) return line.translateToString(true);
  const left = line.getCell(line.length - 1);
  return line.translateToString(
    false,
    0,
    left?.getChars() === "" && left.getWidth() === 1 ? line.length - 1 : undefined,
  );
}
