/**
 * Sequences that only one of the two terminals knows do nothing here, as they do nothing on the server: what a program is
 * promised is what both do (S7). Modes are named in `screen/modes.py` too.
 */

import type { Terminal } from "@xterm/xterm";

/** Modes of xterm.js that the server's terminal has not, or that are not kept by all who look on: see S7. */
const IGNORED_MODES = [45, 1016];
/** Character sets besides ASCII, the British one and line drawing, in xterm.js. */
const CHARSETS = ["4", "5", "6", "7", "C", "E", "H", "K", "Q", "R", "Y", "Z", "="];
const DESIGNATIONS = ["(", ")", "*", "+"];
/** Longer ones are ignored, as by the server's terminal. */
export const OSC_BYTES = 2_048;

export function sequencesAlike({ parser }: Pick<Terminal, "parser">): void {
  const nothing = () => true;
  for (const final of ["@", "A"]) parser.registerCsiHandler({ intermediates: " ", final }, nothing);
  for (const final of ["}", "~"]) parser.registerCsiHandler({ intermediates: "'", final }, nothing);
  for (const final of CHARSETS)
    for (const intermediates of DESIGNATIONS) parser.registerEscHandler({ intermediates, final }, nothing);
  for (const intermediates of ["-", ".", "/"])
    for (const final of [...CHARSETS, "A", "B", "0"]) parser.registerEscHandler({ intermediates, final }, nothing);
  for (const final of ["h", "l"]) {
    parser.registerCsiHandler({ prefix: "?", final }, (params) => {
      // With others in one sequence: xterm.js would do them all.
      return params.length > 0 && params.every((mode) => IGNORED_MODES.includes(mode as number));
    });
  }
}
