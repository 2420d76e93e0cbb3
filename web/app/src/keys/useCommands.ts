/** What the page's keys do: each command of `keys.ts`, and the few keys that mean something only here. */

import type { Session } from "@termwall/client";
import { platformOf, useTermwall } from "@termwall/react";
import { useCallback, useEffect } from "react";
import type { Open } from "../dialogs/OpenPart";
import { nextNeeding } from "../session/order";
import type { Layout } from "../settings";
import { arrange, neighbour } from "../stage/arrangement";
import { type Command, commandOf, isMac } from "./keys";

const MAC = isMac();
const PLATFORM = platformOf(navigator.platform);

interface CommandParts {
  sessions: ReadonlyMap<string, Session>;
  focused: readonly string[];
  shelf: readonly Session[];
  shown: readonly string[];
  current: string | null;
  /** What fits, which in a narrow window is not what was chosen. */
  layout: Layout;
  chosenLayout: Layout;
  /** Of the window, in pixels. */
  width: number;
  canType: boolean;
  paletteOnly: boolean;
  bring: (id: string) => Promise<void>;
  makeCurrent: (id: string) => void;
  focusKeys: (id: string) => void;
  zoom: (id: string) => void;
  setLayout: (layout: Layout) => void;
  copy: (id: string | null) => Promise<void>;
  searchIn: (id: string) => void;
  restart: (session: Session) => void;
  regions: () => void;
  setOpen: (open: Open | null) => void;
  setSaid: (sentence: string) => void;
}

/** Listens to the keyboard; returns what carries a command out, false where it does not apply. */
export function useCommands(parts: CommandParts): (command: Command) => boolean {
  const { sessions, focused, shelf, shown, current, layout, chosenLayout, width, canType, paletteOnly } = parts;
  const { bring, makeCurrent, focusKeys, zoom, setLayout, copy, searchIn, restart, regions, setOpen, setSaid } = parts;
  const { client, engines } = useTermwall();

  const step = useCallback(
    (command: "left" | "right" | "up" | "down") => {
      // Where one pane is shown, the others lie beside it as tabs.
      const one = shown.length <= 1;
      const list = one ? focused : shown;
      const places = one ? { columns: list.length, rows: 1 } : arrange(layout, list.length, width);
      const index = neighbour(list.indexOf(current ?? ""), command, list.length, places);
      const next = index === null ? undefined : list[index];
      if (next !== undefined) {
        makeCurrent(next);
        focusKeys(next);
      }
    },
    [current, shown, focused, layout, width, makeCurrent, focusKeys],
  );

  const run = useCallback(
    (command: Command): boolean => {
      const session = current === null ? undefined : sessions.get(current);
      switch (command) {
        case "palette":
          setOpen({ kind: "palette" });
          return true;
        case "next": {
          const next = nextNeeding(sessions.values(), current);
          if (next !== null) void bring(next.id);
          else setSaid("Nothing needs you.");
          return true;
        }
        case "left":
        case "right":
        case "up":
        case "down":
          step(command);
          return true;
        case "zoom":
          if (current !== null) zoom(current);
          return true;
        case "layout":
          setLayout(({ single: "split", split: "grid", grid: "single" } as const)[chosenLayout]);
          return true;
        case "drive":
          if (current !== null) client.drive(current);
          return true;
        case "retry":
          client.retryNow();
          return true;
        case "search":
          if (current !== null) searchIn(current);
          return true;
        case "everywhere":
          setOpen({ kind: "everywhere" });
          return true;
        case "copy": {
          if (MAC && engines.get(current ?? "")?.selection() === "") return false;
          void copy(current);
          return true;
        }
        case "new":
          if (canType) setOpen({ kind: "new" });
          return true;
        case "regions":
          regions();
          return true;
        default: {
          const position = Number(command.slice("position-".length));
          const target = focused[position - 1] ?? shelf[position - 1 - focused.length]?.id;
          if (target !== undefined) void bring(target);
          return session !== undefined || target !== undefined;
        }
      }
    },
    [
      current,
      sessions,
      bring,
      step,
      zoom,
      setLayout,
      chosenLayout,
      client,
      engines,
      copy,
      canType,
      searchIn,
      regions,
      focused,
      shelf,
      setSaid,
      setOpen,
    ],
  );

  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const modal = document.querySelector("dialog[open]") !== null;
      const command = commandOf(event, PLATFORM, paletteOnly);
      const twice = command === "palette" && document.querySelector("dialog.palette[open]") !== null;
      if (twice) setOpen(null);
      if (command !== null && (twice || !modal) && run(twice ? "next" : command)) {
        event.preventDefault();
        event.stopPropagation();
        return;
      }
      const session = current === null ? undefined : sessions.get(current);
      if (event.key === "Escape" && !modal && current !== null && client.getState().held.has(current)) {
        client.dropHeld(current);
        event.preventDefault();
        event.stopPropagation();
        return;
      }
      const inside = event.target instanceof Element && event.target.closest(".screen .xterm") !== null;
      if (
        event.key === "Enter" &&
        inside &&
        !modal &&
        canType &&
        (session?.status === "exited" || session?.status === "lost") &&
        !session.away
      ) {
        event.preventDefault();
        event.stopPropagation();
        restart(session);
      }
    };
    addEventListener("keydown", onKeyDown, true);
    return () => removeEventListener("keydown", onKeyDown, true);
  }, [run, paletteOnly, current, client, sessions, restart, canType, setOpen]);

  return run;
}
