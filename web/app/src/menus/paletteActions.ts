/** What the palette offers: every terminal, and everything that a button does. */

import type { Engines } from "@termwall/react";
import { type Command, chordText, isMac } from "../keys/keys";
import type { RoomParts } from "../room/RoomContext";
import type { Action } from "./find";

const MAC = isMac();

/** `several`: whether the server is one of several nodes. */
export function paletteActions(room: RoomParts, engines: Engines, several: boolean): Action[] {
  const { stage, actions, menus, run, canType, settings, onSettings, view, onView, setOpen, onLogout } = room;
  const command = (id: Command, label: string): Action => ({
    id,
    label,
    keys: chordText(id, MAC),
    run: () => run(id),
  });
  const font = (id: string, label: string, by: number): Action => ({
    id,
    label,
    run: () => {
      const now = settings.fontSize || engines.fontSize;
      onSettings({ ...settings, fontSize: Math.min(24, Math.max(10, now + by)) });
    },
  });
  const show = (id: "settings" | "recordings" | "help" | "nodes", label: string): Action => ({
    id,
    label,
    run: () => setOpen({ kind: id }),
  });
  const go = [...stage.focused, ...stage.shelf.map(({ id }) => id)].flatMap((id, index): Action[] => {
    const session = stage.sessions.get(id);
    if (session === undefined) return [];
    const position = index < 9 ? index + 1 : undefined;
    const keys = position ? chordText(`position-${position}`, MAC) : undefined;
    return [{ id, label: session.name, session, keys, position, run: () => actions.pick(session) }];
  });
  const here = stage.current === null ? undefined : stage.sessions.get(stage.current);
  const about = here === undefined ? [] : menus.of(here).map(({ label, keys, run }) => ({ label, keys, run }));
  return [
    command("next", "Next that needs you"),
    command("everywhere", "Search all terminals"),
    ...go,
    ...(canType ? [command("new", "New terminal")] : []),
    ...about.map((item) => ({ ...item, id: `here-${item.label}`, label: `${here?.name}: ${item.label}` })),
    ...menus.many.map((item) => ({ ...item, id: `many-${item.label}` })),
    command("zoom", "Zoom the pane and back"),
    ...(["single", "split", "grid"] as const).map((one) => ({
      id: one,
      label: `Layout: ${one}`,
      run: () => actions.setLayout(one),
    })),
    font("bigger", "Font: larger", 1),
    font("smaller", "Font: smaller", -1),
    {
      id: "fold",
      label: view.folded ? "Show the shelf" : "Fold the shelf away",
      run: () => onView({ ...view, folded: !view.folded }),
    },
    show("recordings", "Recordings"),
    ...(several ? [show("nodes", "Nodes")] : []),
    show("settings", "Settings"),
    show("help", "Keys"),
    { id: "logout", label: "Sign out", run: onLogout },
  ];
}
