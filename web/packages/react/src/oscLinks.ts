/** Links that a program gave to its text (OSC 8), read from a terminal's buffer: the text that each stands under. */

import type { IBufferCell, Terminal } from "@xterm/xterm";
import { MOST_ROWS } from "./links";

/** A link's cells in one row. Row and columns from 0; `end` is behind the last. */
export interface LinkPiece {
  id: number;
  row: number;
  start: number;
  end: number;
}

type Screen = Pick<Terminal, "buffer" | "cols">;

interface Linked {
  _core?: { _oscLinkService?: { getLinkData(id: number): { uri: string } | undefined } };
}

const linkOf = (cell: IBufferCell | undefined): number => {
  const inside = cell as { hasExtendedAttrs?(): number; extended?: { urlId?: number } } | undefined;
  return inside?.hasExtendedAttrs?.() ? (inside.extended?.urlId ?? 0) : 0;
};

export class OscLinks {
  constructor(private readonly terminal: Screen) {}

  /** Where it leads, as the program said. */
  address(piece: LinkPiece): string | undefined {
    return (this.terminal as Linked)._core?._oscLinkService?.getLinkData(piece.id)?.uri;
  }

  /** The links of a row. */
  in(row: number): LinkPiece[] {
    const line = this.terminal.buffer.active.getLine(row);
    const pieces: LinkPiece[] = [];
    for (let column = 0; line !== undefined && column < line.length; column++) {
      const id = linkOf(line.getCell(column));
      const last = pieces.at(-1);
      if (id === 0) continue;
      if (last?.id === id && last.end === column) last.end++;
      else pieces.push({ id, row, start: column, end: column + 1 });
    }
    return pieces;
  }

  /** The link at a place. */
  at(row: number, column: number): LinkPiece | undefined {
    return this.in(row).find(({ start, end }) => start <= column && column < end);
  }

  /** Its pieces in all rows that its line takes, and its text. */
  whole(piece: LinkPiece): { pieces: LinkPiece[]; text: string } {
    const { buffer, cols } = this.terminal;
    const goesOn = (row: number) => buffer.active.getLine(row + 1)?.isWrapped === true;
    const pieces = [piece];
    for (let first = piece; first.start === 0 && pieces.length < MOST_ROWS && goesOn(first.row - 1); ) {
      const above = this.in(first.row - 1).at(-1);
      if (above?.id !== piece.id || above.end < cols) break;
      pieces.unshift(above);
      first = above;
    }
    for (let last = piece; last.end >= cols && pieces.length < MOST_ROWS && goesOn(last.row); ) {
      const below = this.in(last.row + 1)[0];
      if (below?.id !== piece.id || below.start > 0) break;
      pieces.push(below);
      last = below;
    }
    const text = pieces.map(({ row, start, end }) => buffer.active.getLine(row)?.translateToString(false, start, end));
    return { pieces, text: text.join("").trim() };
  }
}
