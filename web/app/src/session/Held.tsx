/** What was typed while the connection is down: visible, for some seconds, then discarded (I2). */

import type { HeldInput } from "@termwall/client";
import { useTermwall } from "@termwall/react";
import { useNow } from "../time";
import "./Held.css";

/** Control characters as pictures of themselves. */
export function visible(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is shown.
  return text.replace(/\r/g, "⏎").replace(/[\x00-\x1f\x7f]/g, "·");
}

export function Held({ held }: { held: HeldInput }) {
  const { client } = useTermwall();
  const now = useNow(200);
  const seconds = Math.max(0, Math.ceil((held.expiresAt - now) / 1000));
  return (
    <span className="held">
      <span className="who">
        <b>Held, not sent</b> <code>{visible(held.text).slice(-24)}</code> dropped in {seconds} s.
      </span>
      <button type="button" onClick={() => client.dropHeld(held.sessionId)}>
        Drop <kbd>Esc</kbd>
      </button>
    </span>
  );
}
