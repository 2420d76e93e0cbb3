/**
 * Makes xterm.js show what the server's terminal shows. The two are different programs; where they differ one of them is
 * made to follow, mostly this one, so that a page that was there from the start, one that was reloaded, `screen` and a
 * preview are the same. `tests/screen/fidelity/` compares them.
 */

import type { Terminal } from "@xterm/xterm";
import { UNICODE_VERSION, WIDTH_PROVIDER } from "./clusters";
import { guardErase } from "./erase";
import { mouseAlike } from "./mouse";
import { penAlike } from "./pens";
import { printAlike } from "./printing";
import { rowsAlike } from "./rows";
import { sequencesAlike } from "./sequences";

export { OutputText } from "./text";

export function makeAlike(terminal: Terminal): void {
  terminal.unicode.register(WIDTH_PROVIDER);
  terminal.unicode.activeVersion = UNICODE_VERSION;
  guardErase(terminal);
  penAlike(terminal);
  printAlike(terminal);
  rowsAlike(terminal);
  sequencesAlike(terminal);
  mouseAlike(terminal);
}
