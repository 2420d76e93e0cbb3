/** What all parts of a room share: what it was given, what this page shows of the stage, and what can be done. */

import type { Profile, Project } from "@termwall/client";
import { createContext, useContext } from "react";
import type { Open } from "../dialogs/OpenPart";
import type { Command } from "../keys/keys";
import type { Menus } from "../menus/useMenus";
import type { Settings, View } from "../settings";
import type { StageView } from "../stage/useStage";
import type { SessionActions } from "./useSessionActions";

export interface RoomProps {
  project: Project;
  projects: readonly Project[];
  profiles: readonly Profile[];
  settings: Settings;
  /** The session that the address names. */
  wanted: string | null;
  onSettings: (settings: Settings) => void;
  onProject: (id: string) => void;
  onLogout: () => void;
  /** The server says that this page is not signed in, or that the project is gone. */
  onLost: (closeCode: number, reason: string | null) => void;
  view: View;
  onView: (view: View) => void;
}

export interface RoomParts extends RoomProps {
  canType: boolean;
  stage: StageView;
  actions: SessionActions;
  menus: Menus;
  /** Carries out a command of the keyboard; false where it does not apply. */
  run: (command: Command) => boolean;
  /** Lay something over the page; null: nothing more. */
  setOpen: (open: Open | null) => void;
}

export const RoomContext = createContext<RoomParts | null>(null);

export function useRoom(): RoomParts {
  const room = useContext(RoomContext);
  if (room === null) throw new Error("useRoom needs a room above it");
  return room;
}
