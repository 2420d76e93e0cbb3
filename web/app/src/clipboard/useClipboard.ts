/** Copying from a terminal and pasting into it. */

import { type Engine, useTermwall } from "@termwall/react";
import { useCallback, useMemo } from "react";
import { isMac } from "../keys/keys";
import { copyText } from "./copy";
import { cleanPaste, megabytes, pasteLines } from "./paste";

/** Bytes that a bracketed paste has before and after it. */
const PASTE_MARKS = 12;

const WATCHING = "Watching only. Ask the owner for a link that may type.";

export interface Clipboard {
  /** Copy what is selected in a terminal. */
  copy: (id: string | null) => Promise<void>;
  /** Type a text into a terminal, after a question where each of its lines would run. */
  paste: (text: string, engine: Engine) => void;
  /** The same with what the browser's clipboard holds, where the browser lets the page read it. */
  pasteFromClipboard: (id: string | null) => Promise<void>;
}

export function useClipboard(
  say: (sentence: string) => void,
  ask: (text: string, lines: number, engine: Engine) => void,
): Clipboard {
  const { client, engines } = useTermwall();
  const copy = useCallback(
    async (id: string | null) => {
      const text = id === null ? "" : (engines.get(id)?.selection() ?? "");
      if (text === "") return say("Nothing is selected.");
      const copied = await copyText(text);
      say(
        copied
          ? `Copied ${text.length} ${text.length === 1 ? "character" : "characters"}.`
          : "The browser does not allow copying here; use its own menu.",
      );
    },
    [engines, say],
  );

  const paste = useCallback(
    (text: string, engine: Engine) => {
      if (client.getState().connection.role === "view") return say(WATCHING);
      const clean = cleanPaste(text);
      const most = client.getState().limits?.inputBytes;
      const bytes = new TextEncoder().encode(clean).length + PASTE_MARKS;
      if (most !== undefined && bytes > most) {
        return say(`That is ${megabytes(bytes)}; a paste can have ${megabytes(most)} at most. None of it was typed.`);
      }
      const lines = pasteLines(clean, engine.bracketedPaste);
      if (lines > 0) ask(clean, lines, engine);
      else engine.paste(clean);
    },
    [ask, say, client],
  );
  const pasteFromClipboard = useCallback(
    async (id: string | null) => {
      const engine = id === null ? undefined : engines.get(id);
      if (engine === undefined) return;
      try {
        paste(await navigator.clipboard.readText(), engine);
      } catch {
        const hand = matchMedia("(pointer: coarse)").matches;
        const keys = isMac() ? "Cmd+V" : "Ctrl+Shift+V";
        say(
          hand
            ? "Hold the terminal and choose Paste, or use https."
            : `The browser does not let a page read the clipboard here; use ${keys}.`,
        );
      }
    },
    [engines, say, paste],
  );
  return useMemo(() => ({ copy, paste, pasteFromClipboard }), [copy, paste, pasteFromClipboard]);
}
