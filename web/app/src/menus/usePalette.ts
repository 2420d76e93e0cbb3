/** What the palette offers: every terminal, and everything that a button does. */

import type { Session } from "@termwall/client";
import { useTermwall } from "@termwall/react";
import { useMemo } from "react";
import type { Open } from "../dialogs/OpenPart";
import { type Command, chordText, isMac } from "../keys/keys";
import type { Layout, Settings, View } from "../settings";
import type { Action } from "./find";
import type { MenuItem } from "./PopupMenu";

const MAC = isMac();

interface PaletteParts {
  focused: readonly string[];
  shelf: readonly Session[];
  sessions: ReadonlyMap<string, Session>;
  current: string | null;
  menuOf: (session: Session) => readonly MenuItem[];
  /** What can be done to many terminals at once. */
  manyItems: readonly MenuItem[];
  bring: (id: string) => Promise<void>;
  run: (command: Command) => boolean;
  canType: boolean;
  setLayout: (layout: Layout) => void;
  settings: Settings;
  onSettings: (settings: Settings) => void;
  view: View;
  onView: (view: View) => void;
  setOpen: (open: Open) => void;
  /** Whether the server is one of several nodes. */
  several: boolean;
  onLogout: () => void;
}

export function usePalette(parts: PaletteParts): Action[] {
  const { focused, shelf, sessions, current, menuOf, manyItems, bring, run, canType } = parts;
  const { setLayout, settings, onSettings, view, onView, setOpen, several, onLogout } = parts;
  const { engines } = useTermwall();
  return useMemo(() => {
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
    const go = [...focused, ...shelf.map((session) => session.id)].flatMap((id, index): Action[] => {
      const session = sessions.get(id);
      const keys = index < 9 ? chordText(`position-${index + 1}`, MAC) : undefined;
      const position = index < 9 ? index + 1 : undefined;
      return session ? [{ id, label: session.name, session, keys, position, run: () => void bring(id) }] : [];
    });
    const here = current === null ? undefined : sessions.get(current);
    const about =
      here === undefined
        ? []
        : menuOf(here).map((item) => ({
            id: `here-${item.label}`,
            label: `${here.name}: ${item.label}`,
            keys: item.keys,
            run: item.run,
          }));
    return [
      command("next", "Next that needs you"),
      command("everywhere", "Search all terminals"),
      ...go,
      ...(canType ? [command("new", "New terminal")] : []),
      ...about,
      ...manyItems.map((item) => ({ id: `many-${item.label}`, label: item.label, run: item.run })),
      command("zoom", "Zoom the pane and back"),
      ...(["single", "split", "grid"] as const).map((one) => ({
        id: one,
        label: `Layout: ${one}`,
        run: () => setLayout(one),
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
  }, [
    focused,
    shelf,
    sessions,
    current,
    menuOf,
    manyItems,
    bring,
    run,
    canType,
    setLayout,
    onSettings,
    settings,
    view,
    onView,
    setOpen,
    several,
    onLogout,
    engines,
  ]);
}
