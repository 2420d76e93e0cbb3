/** Text in a terminal's buffer, in lines that may take several rows and characters that may be written in two ways. */

import type { IBuffer } from "@xterm/xterm";

const MARKED = /[\\^$.*+?()[\]{}|/-]/g;

/**
 * A regular expression that finds a text whether its letters and marks are one character (NFC) or several (NFD); null where
 * there is only one way to write it.
 */
export function anyForm(text: string): string | null {
  const composed = text.normalize("NFC");
  if (composed === text && text.normalize("NFD") === text) return null;
  return [...composed]
    .map((letter) => {
      const apart = letter.normalize("NFD");
      return apart === letter ? escaped(letter) : `(?:${escaped(letter)}|${escaped(apart)})`;
    })
    .join("");
}

/** The rows of a buffer on which a text begins, in either case and form, whether or not it goes on in the next row. */
export function rowsWith(buffer: IBuffer, text: string): number[] {
  const sought = key(text);
  const found: number[] = [];
  let row = 0;
  while (row < buffer.length) {
    const first = row;
    const starts: number[] = [];
    let whole = "";
    do {
      starts.push(whole.length);
      whole += key(rowText(buffer, row));
      row++;
    } while (buffer.getLine(row)?.isWrapped);
    for (let at = whole.indexOf(sought); at >= 0 && sought !== ""; at = whole.indexOf(sought, at + 1)) {
      const later = starts.findIndex((start) => start > at);
      found.push(first + (later < 0 ? starts.length : later) - 1);
    }
  }
  return found;
}

/** Without the blank cell that a wide character leaves where it found no place at a row's end. */
function rowText(buffer: IBuffer, row: number): string {
  const line = buffer.getLine(row);
  const next = buffer.getLine(row + 1);
  if (line === undefined) return "";
  if (!next?.isWrapped) return line.translateToString(true);
  const text = line.translateToString(false);
  const last = line.getCell(line.length - 1);
  const blank = last?.getChars() === "" && last.getWidth() === 1 && next.getCell(0)?.getWidth() === 2;
  return blank ? text.slice(0, -1) : text;
}

function key(text: string): string {
  return text.normalize("NFD").toLowerCase();
}

function escaped(text: string): string {
  return text.replace(MARKED, "\\$&");
}
