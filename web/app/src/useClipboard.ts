/** Copying from a terminal and pasting into it. */

import type { Engine, Engines } from "@termwall/react";
import { useCallback } from "react";
import { isMac } from "./keys";
import { cleanPaste, pasteLines } from "./paste";

interface Clipboard {
  /** Copy what is selected in a terminal. */
  copy: (id: string | null) => Promise<void>;
  /** Type a text into a terminal, after a question where each of its lines would run. */
  paste: (text: string, engine: Engine) => void;
  /** The same with what the browser's clipboard holds, where the browser lets the page read it. */
  pasteFromClipboard: (id: string | null) => Promise<void>;
}

export function useClipboard(
  engines: Engines,
  say: (sentence: string) => void,
  ask: (text: string, lines: number, engine: Engine) => void,
): Clipboard {
  const copy = useCallback(
    async (id: string | null) => {
      const text = id === null ? "" : (engines.get(id)?.selection() ?? "");
      if (text === "") return;
      try {
        await navigator.clipboard.writeText(text);
        say(`Copied ${text.length} characters.`);
      } catch {
        say("The browser does not allow copying here; use its own menu.");
      }
    },
    [engines, say],
  );

  const paste = useCallback(
    (text: string, engine: Engine) => {
      const clean = cleanPaste(text);
      const lines = pasteLines(clean, engine.bracketedPaste);
      if (lines > 0) ask(clean, lines, engine);
      else engine.paste(clean);
    },
    [ask],
  );
  const pasteFromClipboard = useCallback(
    async (id: string | null) => {
      const engine = id === null ? undefined : engines.get(id);
      if (engine === undefined) return;
      try {
        paste(await navigator.clipboard.readText(), engine);
      } catch {
        say(`The browser does not allow reading the clipboard; use ${isMac() ? "Cmd+V" : "Ctrl+Shift+V"}.`);
      }
    },
    [engines, say, paste],
  );
  return { copy, paste, pasteFromClipboard };
}
