/**
 * xterm.js sends what an input method made by a timer, or before that when the next key comes. So it has to see the keys
 * that are sent past it, or they would overtake the text.
 */

import type { Terminal } from "@xterm/xterm";

interface Helper {
  keydown(event: KeyboardEvent): boolean;
  _compositionPosition?: { end: number };
}

/** To be called before what a key sends; one whose inside is another one sends by its timer. */
export function finishComposition(terminal: Terminal, event: KeyboardEvent): void {
  const inside = terminal as unknown as { _core?: { _compositionHelper?: Helper } };
  const helper = inside._core?._compositionHelper;
  // A timer notes where the text ends, too; a key that comes before it would have what was composed before sent again.
  if (helper?._compositionPosition && terminal.textarea)
    helper._compositionPosition.end = terminal.textarea.value.length;
  helper?.keydown?.(event);
}
