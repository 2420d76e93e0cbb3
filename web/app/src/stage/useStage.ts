/** What this page shows of the stage, and how: the stage is everybody's, but which of it is seen is each viewer's own. */

import type { FocusState, Session } from "@termwall/client";
import { useWorkspace } from "@termwall/react";
import { useCallback, useMemo, useState } from "react";
import { shelfOrder, wallOrder } from "../session/order";
import type { Layout, View } from "../settings";
import { useKeptOrder } from "../shelf/useKeptOrder";
import { layoutFor, PHONE_WIDTH } from "./arrangement";
import type { Wanted } from "./SearchBar";
import { usePanes } from "./usePanes";
import { useWidth } from "./useWidth";

export interface StageView {
  /** Null until the server has said it. */
  focus: FocusState | null;
  sessions: ReadonlyMap<string, Session>;
  /** What is on the stage and known here, in its order. */
  focused: readonly string[];
  /** The same, with what this page keeps in view although it was taken from the stage. */
  panes: readonly string[];
  /** Those of the panes that are seen. */
  shown: readonly string[];
  /** The one that has the keys. */
  current: string | null;
  /** What fits, which in a narrow window is not what was chosen. */
  layout: Layout;
  zoomed: boolean;
  /** Of the window, in pixels. */
  width: number;
  phone: boolean;
  /** Whether a phone is to show the wall of all terminals; `onWall`: whether it does. */
  wall: boolean;
  onWall: boolean;
  /** On a phone: the one terminal that is shown. */
  alone: Session | undefined;
  /** One list each for what is labelled and what the keys and the palette bring. */
  shelf: readonly Session[];
  everything: readonly Session[];
  searching: Wanted | null;
  makeCurrent: (id: string) => void;
  setZoomed: (next: boolean | ((before: boolean) => boolean)) => void;
  setWall: (wall: boolean) => void;
  setSearching: (searching: Wanted | null) => void;
  /** Somebody is about to click in the shelf. */
  setInShelf: (inShelf: boolean) => void;
}

/** `root`: the page's own element; `wanted`: the session that the address names. */
export function useStage(root: React.RefObject<HTMLElement | null>, view: View, wanted: string | null): StageView {
  const focus = useWorkspace((state) => state.focus);
  const sessions = useWorkspace((state) => state.sessions);
  const [chosen, setChosen] = useState(wanted);
  const [beside, setBeside] = useState<string | null>(null);
  const [zoomed, setZoomed] = useState(false);
  const [wall, setWall] = useState(wanted === null);
  const [searching, setSearching] = useState<Wanted | null>(null);
  const [inShelf, setInShelf] = useState(false);
  const width = useWidth(root);
  const phone = width < PHONE_WIDTH;
  const focused = useMemo(() => focus?.focusedSessions.filter((id) => sessions.has(id)) ?? [], [focus, sessions]);
  const inOrder = useMemo(() => shelfOrder(sessions.values()), [sessions]);
  const allInOrder = useMemo(() => wallOrder(sessions.values()), [sessions]);
  const shelf = useKeptOrder(inOrder, inShelf);
  const everything = useKeptOrder(allInOrder, inShelf);
  const { panes, current } = usePanes(focused, chosen);
  const second =
    beside !== null && beside !== current && panes.includes(beside) ? beside : panes.find((id) => id !== current);
  const layout = layoutFor(view.layout, width, zoomed);
  const shown = useMemo(() => {
    if (current === null || (phone && wall)) return [];
    if (layout === "single") return [current];
    if (layout === "grid") return panes;
    return panes.filter((id) => id === current || id === second);
  }, [layout, current, second, panes, phone, wall]);
  const makeCurrent = useCallback((id: string) => {
    setChosen((before) => {
      if (before !== id && before !== null) setBeside(before);
      return id;
    });
  }, []);
  const session = current === null ? undefined : sessions.get(current);
  const onWall = phone && (wall || session === undefined);
  const alone = phone && !onWall ? session : undefined;
  const seen = { focused, panes, shown, current, layout, zoomed, width, phone, wall, onWall, alone, searching };
  const set = { makeCurrent, setZoomed, setWall, setSearching, setInShelf };
  return { focus, sessions, shelf, everything, ...seen, ...set };
}
