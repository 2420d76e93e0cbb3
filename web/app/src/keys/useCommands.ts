/** What the page's keys do: each command of `keys.ts`, and the few keys that mean something only here. */

import type { TermwallClient } from "@termwall/client";
import { type Engines, platformOf, useTermwall } from "@termwall/react";
import { useCallback, useEffect, useRef } from "react";
import type { RoomParts } from "../room/RoomContext";
import type { Said } from "../room/useSaid";
import { isEnded, nextNeeding } from "../session/order";
import { arrange, neighbour } from "../stage/arrangement";
import { type Command, commandOf, isMac } from "./keys";

const MAC = isMac();
const PLATFORM = platformOf(navigator.platform);

type CommandParts = Omit<RoomParts, "run" | "menus"> & Pick<Said, "say">;

/** Listens to the keyboard; returns what carries a command out, false where it does not apply. */
export function useCommands(parts: CommandParts): (command: Command) => boolean {
  const { client, engines } = useTermwall();
  const latest = useRef(parts);
  latest.current = parts;
  const run = useCallback(
    (command: Command) => runCommand(command, latest.current, client, engines),
    [client, engines],
  );
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const { settings, setOpen } = latest.current;
      const modal = document.querySelector("dialog[open]") !== null;
      const command = commandOf(event, PLATFORM, settings.paletteOnly);
      const twice = command === "palette" && document.querySelector("dialog.palette[open]") !== null;
      if (twice) setOpen(null);
      const ran = command !== null && (twice || !modal) && run(twice ? "next" : command);
      if (!ran && (modal || !runPlainKey(event, latest.current, client))) return;
      event.preventDefault();
      event.stopPropagation();
    };
    addEventListener("keydown", onKeyDown, true);
    return () => removeEventListener("keydown", onKeyDown, true);
  }, [run, client]);
  return run;
}

/** The keys that mean something only here: Escape drops what is held, Enter starts again what ended. */
function runPlainKey(event: KeyboardEvent, { stage, actions, canType }: CommandParts, client: TermwallClient): boolean {
  const { current, sessions } = stage;
  const session = current === null ? undefined : sessions.get(current);
  if (event.key === "Escape" && current !== null && client.getState().held.has(current)) {
    client.dropHeld(current);
    return true;
  }
  const inside = event.target instanceof Element && event.target.closest(".screen .xterm") !== null;
  if (event.key !== "Enter" || !inside || !canType || session === undefined) return false;
  if (!isEnded(session) || session.away) return false;
  actions.restart(session);
  return true;
}

function step(command: "left" | "right" | "up" | "down", { stage, actions }: CommandParts): void {
  const { shown, focused, layout, width, current } = stage;
  // Where one pane is shown, the others lie beside it as tabs.
  const one = shown.length <= 1;
  const list = one ? focused : shown;
  const places = one ? { columns: list.length, rows: 1 } : arrange(layout, list.length, width);
  const index = neighbour(list.indexOf(current ?? ""), command, list.length, places);
  const next = index === null ? undefined : list[index];
  if (next === undefined) return;
  actions.makeCurrent(next);
  actions.keys(next);
}

function runCommand(command: Command, parts: CommandParts, client: TermwallClient, engines: Engines): boolean {
  const { stage, actions, canType, view, setOpen, say } = parts;
  const { current, sessions, focused, shelf } = stage;
  switch (command) {
    case "palette":
    case "everywhere":
      setOpen({ kind: command });
      return true;
    case "next": {
      const next = nextNeeding(sessions.values(), current);
      if (next !== null) actions.pick(next);
      else say("Nothing needs you.");
      return true;
    }
    case "left":
    case "right":
    case "up":
    case "down":
      step(command, parts);
      return true;
    case "zoom":
      if (current !== null) actions.zoom(current);
      return true;
    case "layout":
      actions.setLayout(({ single: "split", split: "grid", grid: "single" } as const)[view.layout]);
      return true;
    case "drive":
      if (current !== null) client.drive(current);
      return true;
    case "retry":
      client.retryNow();
      return true;
    case "search":
      if (current !== null) actions.search(current);
      return true;
    case "copy":
      if (MAC && engines.get(current ?? "")?.selection() === "") return false;
      void actions.copy(current);
      return true;
    case "new":
      if (canType) setOpen({ kind: "new" });
      return true;
    case "regions":
      actions.regions();
      return true;
    default: {
      const position = Number((command satisfies `position-${number}`).slice("position-".length));
      const target = focused[position - 1] ?? shelf[position - 1 - focused.length]?.id;
      if (target !== undefined) void actions.bring(target);
      return target !== undefined || (current !== null && sessions.has(current));
    }
  }
}
