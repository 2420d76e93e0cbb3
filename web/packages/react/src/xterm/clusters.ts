/**
 * Text cut into what a terminal puts into one place, with the cells it takes there: by the table of the server's
 * terminal, so that page and server agree on every column (S8).
 */

import type { IUnicodeVersionProvider } from "@xterm/xterm";
import { BEGINS, CELLS, JOINS, KINDS, LETTERS, OPEN_SYLLABLE, WIDTHS } from "./widths";

export const UNICODE_VERSION = "termwall";
/** Variation selectors: text and picture. */
const VARIATIONS = [0xfe0e, 0xfe0f];
const SYLLABLES = { start: 0xac00, end: 0xd7a4, step: 28 };

/** A character that has begun: what may join it, and its cells. */
export type State = number;

export interface Cluster {
  text: string;
  width: number;
}

const kinds = readKinds();
const widths = Uint8Array.from(WIDTHS, Number);
const begins = Uint8Array.from(BEGINS, (letter) => LETTERS.indexOf(letter));
const cells = Uint8Array.from(CELLS, Number);
const joins = JOINS.split(" ").map((row) => Int8Array.from(row, (letter) => LETTERS.indexOf(letter)));

function readKinds(): Uint8Array {
  const table = new Uint8Array(0x110000);
  let at = 0;
  for (const [, letter, count] of KINDS.matchAll(/([^0-9a-z])([0-9a-z]*)/g)) {
    const end = at + (count ? Number.parseInt(count, 36) : 1);
    table.fill(LETTERS.indexOf(letter ?? ""), at, end);
    at = end;
  }
  for (let code = SYLLABLES.start; code < SYLLABLES.end; code += SYLLABLES.step)
    table[code] = LETTERS.indexOf(OPEN_SYLLABLE);
  return table;
}

function kindOf(code: number): number {
  return kinds[code] ?? 0;
}

/** Cells of a code point alone. */
export function widthOf(code: number): number {
  return widths[kindOf(code)] ?? 1;
}

export function begin(code: number): State {
  return begins[kindOf(code)] ?? 0;
}

/** What a character becomes by a further code point; -1 where that begins another one. */
export function join(state: State, code: number): State {
  return joins[state]?.[kindOf(code)] ?? -1;
}

/** Cells of a character. */
export function cellsOf(state: State): number {
  return cells[state] ?? 1;
}

/** The state that a character's code points lead to. */
export function stateOf(text: string): State {
  let state = -1;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    state = state < 0 ? begin(code) : Math.max(0, join(state, code));
  }
  return state;
}

/** Whether a code point is dropped where it joins: a variation selector behind what has no variations. */
export function isIdle(code: number, before: State, after: State): boolean {
  return before === after && VARIATIONS.includes(code);
}

export function clusters(text: string): Cluster[] {
  const all: Cluster[] = [];
  let state = -1;
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0;
    const joined = state < 0 ? -1 : join(state, code);
    const last = all.at(-1);
    if (joined < 0 || last === undefined) {
      state = begin(code);
      all.push({ text: character, width: widthOf(code) });
    } else {
      state = joined;
      last.text += character;
      last.width = cellsOf(state);
    }
  }
  return all;
}

/** The table as xterm.js takes it. What joins is decided where characters are printed (`printing.ts`), so none does here. */
export const WIDTH_PROVIDER: IUnicodeVersionProvider = {
  version: UNICODE_VERSION,
  wcwidth: (code) => widthOf(code) as 0 | 1 | 2,
  charProperties: (code) => (code < 0x300 ? 1 : widthOf(code)) << 1,
};
