/** Addresses in a terminal's text, of any length that a line has, with the brackets that belong to them. */

import type { IBuffer, IBufferLine, ILink, ILinkProvider } from "@xterm/xterm";

/** Most rows of one line that are looked through, to either side of the pointer: 100 kB in 80 columns. */
export const MOST_ROWS = 1_250;

/**
 * What cannot be in an address: blanks, controls, what turns text around, quotes, angle brackets, and the punctuation of
 * full-width scripts.
 */
const ADDRESS = /https?:\/\/[^\s\p{Cc}\p{Bidi_Control}"<>`{}|\\^。、，；：！？）】」』》]+/giu;
const CLOSERS: Record<string, string> = { ")": "(", "]": "[" };

export interface FoundAddress {
  start: number;
  text: string;
}

/** The addresses in a text, and where each begins. */
export function findAddresses(text: string): FoundAddress[] {
  return [...text.matchAll(ADDRESS)].flatMap((match) => {
    const address = trimmed(match[0]);
    return /^https?:\/\/[^/?#]/i.test(address) ? [{ start: match.index, text: address }] : [];
  });
}

/** Without what belongs to the sentence around it: its last punctuation, and closers of what was opened before it. */
function trimmed(address: string): string {
  const open: Record<string, number> = {};
  for (const one of address) open[one] = (open[one] ?? 0) + 1;
  let end = address.length;
  for (; end > 0; end--) {
    const last = address[end - 1] ?? "";
    const opener = CLOSERS[last];
    if (opener === undefined ? !/[.,;:!?'*…]/.test(last) : (open[opener] ?? 0) >= (open[last] ?? 0)) break;
    open[last] = (open[last] ?? 1) - 1;
  }
  return address.slice(0, end);
}

/** Offers the addresses of the line under the pointer. */
export class AddressLinks implements ILinkProvider {
  constructor(
    private readonly buffer: () => IBuffer,
    private readonly activate: (event: MouseEvent, address: string) => void,
    /** The pointer is on one, or on none any more. */
    private readonly shown: (address: string | null) => void = () => {},
  ) {}

  provideLinks(y: number, answer: (links: ILink[] | undefined) => void): void {
    const buffer = this.buffer();
    let first = y - 1;
    while (first > 0 && y - first < MOST_ROWS && buffer.getLine(first)?.isWrapped) first--;
    let last = y - 1;
    while (last - y < MOST_ROWS && buffer.getLine(last + 1)?.isWrapped) last++;
    const cells = new Cells(buffer, first, last);
    const links = findAddresses(cells.text).map(({ start, text }): ILink => {
      const range = { start: cells.place(start), end: cells.place(start + text.length - 1) };
      return {
        range,
        text,
        activate: (event) => this.activate(event, text),
        hover: () => this.shown(text),
        leave: () => this.shown(null),
      };
    });
    answer(links.filter(({ range }) => range.start.y <= y && y <= range.end.y));
  }
}

/** The text of some rows, and in which cell each of its characters stands. */
class Cells {
  readonly text: string;
  /** Row and column, both from 1, of each character. */
  private readonly places: { x: number; y: number }[] = [];

  constructor(buffer: IBuffer, first: number, last: number) {
    let text = "";
    for (let row = first; row <= last; row++) {
      const line = buffer.getLine(row);
      if (line !== undefined) text += this.add(line, row, row < last);
    }
    this.text = text;
  }

  place(character: number): { x: number; y: number } {
    return this.places[character] ?? { x: 1, y: 1 };
  }

  /** `goesOn`: the line goes on in the next row, before which a wide character may leave an empty cell. */
  private add(line: IBufferLine, row: number, goesOn: boolean): string {
    let text = "";
    for (let column = 0; column < line.length; column++) {
      const cell = line.getCell(column);
      if (cell === undefined || cell.getWidth() === 0) continue;
      const characters = cell.getChars();
      if (characters === "" && goesOn && column === line.length - 1) continue;
      const shown = characters || " ";
      for (let i = 0; i < shown.length; i++) this.places.push({ x: column + 1, y: row + 1 });
      text += shown;
    }
    return text;
  }
}
