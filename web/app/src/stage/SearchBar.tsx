/** Search in one terminal's screen and scrollback. */

import { type SearchState, useTermwall } from "@termwall/react";
import { useEffect, useState } from "react";
import { useGivesKeysBack } from "../keys/keptKeys";
import "./SearchBar.css";

/** What a search begins with: nothing, or a place that a search of all terminals found. */
export interface Wanted {
  id: string;
  text: string;
  linesFromEnd: number | null;
}

export function SearchBar(props: { sessionId: string; wanted: Wanted; onClose: () => void }) {
  const { sessionId, wanted, onClose } = props;
  const { engines } = useTermwall();
  const [text, setText] = useState(wanted.text);
  const [caseSensitive, setCase] = useState(false);
  const [regex, setRegex] = useState(false);
  const [found, setFound] = useState<SearchState>({ index: -1, count: 0 });
  const engine = engines.get(sessionId);
  useEffect(() => {
    if (engine === undefined) return;
    engine.onSearch = setFound;
    return () => {
      engine.onSearch = null;
      engine.endFind();
    };
  }, [engine]);
  useEffect(() => engine?.find(text, { caseSensitive, regex, typing: true }), [engine, text, caseSensitive, regex]);
  // Once the terminal has its screen and the search has marked the matches, which scrolls to the first of them.
  const marked = found.count > 0;
  useEffect(() => {
    if (marked && wanted.linesFromEnd !== null) engine?.reveal(wanted.text, wanted.linesFromEnd);
  }, [engine, wanted, marked]);
  const go = (back: boolean) => engine?.find(text, { back, caseSensitive, regex });
  useGivesKeysBack();
  return (
    <search className="search">
      <input
        // biome-ignore lint/a11y/noAutofocus: the search was asked for this moment.
        autoFocus
        aria-label="Search this terminal"
        placeholder="Search"
        value={text}
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") go(event.shiftKey);
          else if (event.key === "Escape") onClose();
          else return;
          event.preventDefault();
        }}
      />
      <output aria-live="polite">
        {text === ""
          ? ""
          : found.count === 0
            ? "none"
            : found.index >= 0
              ? `${found.index + 1} of ${found.count}`
              : `${found.count}`}
      </output>
      <button
        type="button"
        aria-pressed={caseSensitive}
        title="Match case"
        aria-label="Match case"
        onClick={() => setCase(!caseSensitive)}
      >
        Aa
      </button>
      <button
        type="button"
        aria-pressed={regex}
        title="Regular expression"
        aria-label="Regular expression"
        onClick={() => setRegex(!regex)}
      >
        .*
      </button>
      <button type="button" aria-label="Previous match" title="Previous (Shift+Enter)" onClick={() => go(true)}>
        ↑
      </button>
      <button type="button" aria-label="Next match" title="Next (Enter)" onClick={() => go(false)}>
        ↓
      </button>
      <button type="button" aria-label="End the search" title="Escape" onClick={onClose}>
        ×
      </button>
    </search>
  );
}
