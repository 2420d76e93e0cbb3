/** Text cut into what a terminal puts into one place, with the cells it takes there: by the terminals' own table. */

import { UnicodeGraphemesAddon } from "@xterm/addon-unicode-graphemes";
import type { IUnicodeVersionProvider, Terminal } from "@xterm/xterm";

export const UNICODE_VERSION = "15-graphemes";

export interface Cluster {
  text: string;
  width: number;
}

let table: IUnicodeVersionProvider | null = null;

/** The add-on gives its table only to a terminal that it is loaded into, and of that it needs no more than this. */
function widths(): IUnicodeVersionProvider {
  if (table !== null) return table;
  let found: IUnicodeVersionProvider | null = null;
  const unicode = {
    versions: [],
    activeVersion: "",
    register: (one: IUnicodeVersionProvider) => {
      if (one.version === UNICODE_VERSION) found = one;
    },
  };
  new UnicodeGraphemesAddon().activate({ unicode } as unknown as Terminal);
  if (found === null) throw new Error(`@xterm/addon-unicode-graphemes has no table ${UNICODE_VERSION}`);
  table = found;
  return found;
}

export function clusters(text: string): Cluster[] {
  const all: Cluster[] = [];
  let before = 0;
  for (const character of text) {
    // One number holds what the table knows: whether it joins the one before, the width of both, and its kind.
    const now = widths().charProperties(character.codePointAt(0) ?? 0, before);
    const width = (now >> 1) & 3;
    const last = all.at(-1);
    if ((now & 1) === 1 && last !== undefined) {
      last.text += character;
      last.width = width;
    } else all.push({ text: character, width });
    before = now;
  }
  return all;
}
