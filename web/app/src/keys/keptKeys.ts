/**
 * One mechanism for who has the keyboard: what lies over the page (a menu, a dialog, the palette, a search) borrows the
 * keys and gives them back to whatever had them, and a click on the page's own buttons does not take them at all.
 */

import { createContext, useContext, useEffect, useRef } from "react";

const OVER = "dialog, .menu, .search";
/** What a press of the pointer may give the keys to. */
const TAKES_KEYS = "dialog, .xterm, input, select, textarea, a, [draggable='true'], .divider";

export const KeysBack = createContext<() => void>(() => undefined);

/** For whatever lies over the page: when it is gone, the keys go back. */
export function useGivesKeysBack(): void {
  const giveBack = useContext(KeysBack);
  const latest = useRef(giveBack);
  latest.current = giveBack;
  useEffect(() => () => latest.current(), []);
}

/**
 * Remembers what had the keys. Returns what gives them back, unless something else over the page is open still or somebody
 * took them meanwhile; `fallback` gets them where what had them is gone.
 */
export function useKeptKeys(root: React.RefObject<HTMLElement | null>, fallback: () => void): () => void {
  const home = useRef<HTMLElement | null>(null);
  const otherwise = useRef(fallback);
  otherwise.current = fallback;
  useEffect(() => {
    const page = root.current;
    const focused = ({ target }: FocusEvent) => {
      if (target instanceof HTMLElement && target.closest(OVER) === null) home.current = target;
    };
    const pressed = (event: MouseEvent) => {
      const { target } = event;
      if (!(target instanceof Element) || target.closest(TAKES_KEYS) !== null) return;
      if (target.scrollHeight <= target.clientHeight) event.preventDefault(); // Else it may be a press on a scrollbar.
    };
    document.addEventListener("focusin", focused);
    page?.addEventListener("mousedown", pressed);
    return () => {
      document.removeEventListener("focusin", focused);
      page?.removeEventListener("mousedown", pressed);
    };
  }, [root]);
  return useRef(() => {
    if (document.querySelector("dialog[open], .menu") !== null) return;
    const now = document.activeElement;
    if (now !== null && now !== document.body) return;
    const before = home.current;
    if (before?.isConnected && before.getClientRects().length > 0) before.focus();
    else otherwise.current();
  }).current;
}
