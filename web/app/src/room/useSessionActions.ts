/** What a user can do to the room's terminals: one object, the same as long as the page is there. */

import type { Match, Session, TermwallClient } from "@termwall/client";
import { type Engine, type Engines, type ScreenLink, useTermwall } from "@termwall/react";
import { useCallback, useMemo, useRef } from "react";
import { type Clipboard, useClipboard } from "../clipboard/useClipboard";
import { useKeptKeys } from "../keys/keptKeys";
import { nextRegion } from "../keys/regions";
import { gridSessions } from "../session/order";
import type { Layout } from "../settings";
import { nextPaneSize } from "../stage/nextPane";
import type { RoomParts, RoomProps } from "./RoomContext";
import { type Ending, useEnding } from "./useEnding";
import type { Said } from "./useSaid";

/** Until what closed has given the keys back to where they were. */
const KEYS_BACK_MILLISECONDS = 50;

interface ActionParts extends RoomProps, Pick<RoomParts, "canType" | "stage" | "setOpen">, Omit<Said, "said"> {
  root: React.RefObject<HTMLElement | null>;
}

interface StageActions {
  /** To the stage, into view, and give it the keys. */
  bring: (id: string) => Promise<void>;
  pick: (session: Session) => void;
  makeCurrent: (id: string) => void;
  /** Give it the keys. */
  keys: (id: string) => void;
  /** `keys`: whether the terminal gets them. */
  tab: (id: string, keys: boolean) => void;
  zoom: (id: string) => void;
  setLayout: (layout: Layout) => void;
  /** To another place on the stage. */
  move: (id: string, by: number) => void;
  blur: (ids: readonly string[]) => void;
  search: (id: string) => void;
  /** Go to what a search of all terminals found. */
  jump: (match: Match, text: string) => Promise<void>;
  /** Ask about a link that leads elsewhere than its text says. */
  link: (link: ScreenLink) => void;
  /** Out of the terminal: bar, stage, shelf in turn. */
  regions: () => void;
  /** The size that the next terminal will have here. */
  sizeOfNext: () => { cols: number; rows: number } | null;
}

export interface SessionActions extends StageActions, Ending, Clipboard {
  giveKeysBack: () => void;
}

export function useSessionActions(parts: ActionParts): SessionActions {
  const { root, stage, setOpen, say, explain } = parts;
  const { client, engines } = useTermwall();
  const latest = useRef(parts);
  latest.current = parts;
  const focusCurrent = useCallback(() => {
    const { current, phone } = latest.current.stage;
    if (current !== null && !phone) engines.get(current)?.focus();
  }, [engines]);
  const giveKeysBack = useKeptKeys(root, focusCurrent);
  const ending = useEnding({ focused: stage.focused, setOpen, say, explain, giveKeysBack });
  const ask = useCallback(
    (text: string, lines: number, engine: Engine) => setOpen({ kind: "paste", text, lines, engine }),
    [setOpen],
  );
  const clipboard = useClipboard(say, ask);
  return useMemo(
    () => ({ ...stageActions(client, engines, () => latest.current), ...ending, ...clipboard, giveKeysBack }),
    [client, engines, ending, clipboard, giveKeysBack],
  );
}

/** `now`: the room as it is when something is done. */
function stageActions(client: TermwallClient, engines: Engines, now: () => ActionParts): StageActions {
  const keys = (id: string) => void requestAnimationFrame(() => engines.get(id)?.focus());
  const makeCurrent = (id: string) => now().stage.makeCurrent(id);
  const refocus = (order: readonly string[]) =>
    void client.focus(order, { expectedVersion: "current" }).catch(now().explain);
  const bring = async (id: string) => {
    const { stage, canType, say, explain } = now();
    makeCurrent(id);
    stage.setWall(false);
    if (!client.getState().focus?.focusedSessions.includes(id)) {
      if (!canType) return say("Your link cannot change the stage.");
      const free = client.getState().sessions.get(id)?.driver == null;
      try {
        await client.focus(id);
        // It fits the page that brought it, not the one that was the first to show it.
        if (free) client.drive(id);
      } catch (error) {
        stage.setWall(stage.wall);
        return explain(error);
      }
    }
    setTimeout(() => {
      makeCurrent(id);
      keys(id);
    }, KEYS_BACK_MILLISECONDS);
  };
  return {
    bring,
    pick: ({ id }) => void bring(id),
    makeCurrent,
    keys,
    tab: (id, hasKeys) => {
      makeCurrent(id);
      now().stage.setZoomed(false);
      if (hasKeys) keys(id);
    },
    zoom: (id) => {
      makeCurrent(id);
      now().stage.setZoomed((before) => !before);
      keys(id);
    },
    setLayout: (layout) => {
      const { view, onView, stage, canType } = now();
      onView({ ...view, layout });
      stage.setZoomed(false);
      const { focus } = client.getState();
      const before = focus?.focusedSessions ?? [];
      const all = gridSessions(before, stage.shelf, focus?.maxFocused ?? 4);
      // The grid focuses what it shows, in one batch (F5).
      if (layout === "grid" && canType && all.length > before.length) refocus(all);
    },
    move: (id, by) => {
      // All of the stage, also what is not shown because its node is not heard of.
      const order = [...(client.getState().focus?.focusedSessions ?? [])];
      const from = order.indexOf(id);
      const to = Math.min(order.length - 1, Math.max(0, from + by));
      order.splice(to, 0, ...order.splice(from, 1));
      refocus(order);
    },
    blur: (ids) => void client.blur(ids).catch(now().explain),
    search: (id) => now().stage.setSearching({ id, text: "", linesFromEnd: null }),
    jump: async ({ sessionId, recordingId, part, time, linesFromEnd = null }, text) => {
      const { setOpen, stage } = now();
      if (recordingId != null)
        setOpen({ kind: "recordings", play: { id: recordingId, start: { part: part ?? 1, time: time ?? 0 } } });
      else if (sessionId !== null) {
        await bring(sessionId);
        stage.setSearching({ id: sessionId, text, linesFromEnd });
      }
    },
    link: (link) => now().setOpen({ kind: "link", link }),
    regions: () => {
      const { root, stage } = now();
      if (root.current) nextRegion(root.current, stage.current === null ? undefined : engines.get(stage.current));
    },
    sizeOfNext: () => {
      const { root, view, settings, stage } = now();
      const { focus, sessions } = client.getState();
      if (root.current === null || focus === null) return null;
      const counts = { focused: stage.focused.length, maxFocused: focus.maxFocused, all: sessions.size };
      const { zoomed, phone } = stage;
      return nextPaneSize(root.current, { engines, view, zoomed, fontSize: settings.fontSize, phone, ...counts });
    },
  };
}
