/**
 * Sequences that only one of the two terminals knows do nothing here, as they do nothing on the server: what a program is
 * promised is what both do (S7). `screen/rewriting.py` has those of the server's terminal.
 */

import type { Terminal } from "@xterm/xterm";
import { insideOf, type ParamsType } from "./inside";

/** Modes of xterm.js in which the server's terminal does something else, so that they are not there: see S7. */
const IGNORED_MODES = [45];
/** Character sets besides ASCII, the British one and line drawing, in xterm.js. */
const CHARSETS = ["4", "5", "6", "7", "C", "E", "H", "K", "Q", "R", "Y", "Z", "="];
const DESIGNATIONS = ["(", ")", "*", "+"];
/** Of a title or a link with its parameters; longer ones are ignored, as by the server's terminal. */
const MOST_BYTES = 2_047;
/** What xterm.js' table of transitions calls such a character, the state within these strings, and doing nothing. */
const BEYOND_ASCII = 0xa0;
const STRING_STATE = 7;
const IGNORE = 0;
/** Characters of a title (X4). */
const TITLE_LENGTH = 256;

export function sequencesAlike(terminal: Terminal): void {
  ignoreUnknown(terminal);
  const handler = insideOf(terminal)?._inputHandler;
  if (handler === undefined) return;
  // xterm.js ends APC, PM and SOS strings at the first character beyond ASCII, and prints the rest.
  handler._parser?._transitions?.add(BEYOND_ASCII, STRING_STATE, IGNORE, STRING_STATE);
  for (const name of ["setModePrivate", "resetModePrivate"] as const) {
    const change = handler[name].bind(handler);
    handler[name] = (params) => {
      const type = params.constructor as unknown as ParamsType;
      const known = params.toArray().filter((mode) => !IGNORED_MODES.includes(mode as number));
      return known.length === params.length ? change(params) : known.length === 0 || change(type.fromArray(known));
    };
  }
  const title = handler.setTitle.bind(handler);
  handler.setTitle = (text) => isTooLong(text) || title([...text].slice(0, TITLE_LENGTH).join(""));
  const link = handler.setHyperlink.bind(handler);
  handler.setHyperlink = (text) => isTooLong(text) || link(text);
}

function isTooLong(text: string): boolean {
  return text.length * 3 > MOST_BYTES && new TextEncoder().encode(text).length > MOST_BYTES;
}

function ignoreUnknown({ parser }: Terminal): void {
  const nothing = () => true;
  for (const final of ["@", "A"]) parser.registerCsiHandler({ intermediates: " ", final }, nothing);
  for (const final of ["}", "~"]) parser.registerCsiHandler({ intermediates: "'", final }, nothing);
  for (const final of CHARSETS)
    for (const intermediates of DESIGNATIONS) parser.registerEscHandler({ intermediates, final }, nothing);
  for (const intermediates of ["-", ".", "/"])
    for (const final of [...CHARSETS, "A", "B", "0"]) parser.registerEscHandler({ intermediates, final }, nothing);
  // With margins in it: where there are none on the sides, it saves no cursor either.
  parser.registerCsiHandler({ final: "s" }, (params) => params.length > 1 || (params[0] as number) > 0);
}
