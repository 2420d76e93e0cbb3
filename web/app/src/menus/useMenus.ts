/** The menus: what can be done to one terminal, to many, and to the page; the palette offers the same. */

import type { Session, TermwallClient } from "@termwall/client";
import { type Engines, useTermwall, useWorkspace } from "@termwall/react";
import { useMemo } from "react";
import { api } from "../api";
import { chordText, isMac } from "../keys/keys";
import type { RoomParts } from "../room/RoomContext";
import type { Said } from "../room/useSaid";
import { endedOf, isEnded, restartWord } from "../session/order";
import type { MenuItem } from "./PopupMenu";

const MAC = isMac();

type At = { x: number; y: number };
type Offered = MenuItem | false;

interface MenuParts
  extends Pick<RoomParts, "canType" | "stage" | "actions" | "setOpen" | "onLogout">,
    Pick<Said, "explain"> {}

export interface Menus {
  /** What can be done to a terminal. */
  of: (session: Session) => MenuItem[];
  /** What can be done to many at once. */
  many: readonly MenuItem[];
  open: (session: Session, at: At) => void;
  openPage: (at: At) => void;
}

export function useMenus({ canType, stage, actions, setOpen, onLogout, explain }: MenuParts): Menus {
  const { client, engines } = useTermwall();
  const clientId = useWorkspace(({ connection }) => connection.clientId);
  const several = useWorkspace((state) => state.nodes !== null);
  const { alone, sessions } = stage;
  const { all, lost } = useMemo(() => endedOf(sessions.values()), [sessions]);
  // As long as possible the same: each tile has it.
  const single = useMemo(() => {
    const of = (session: Session) =>
      offered(sessionItems(session, { client, engines, clientId, canType, actions, setOpen, explain }));
    const open = (session: Session, at: At) => setOpen({ kind: "menu", items: of(session), at, label: session.name });
    return { of, open };
  }, [client, engines, clientId, canType, actions, setOpen, explain]);
  const many = useMemo(
    () =>
      offered([
        canType && lost > 1 && { label: "Start all again", run: actions.startAll },
        canType && all > 1 && { label: "Clear ended…", run: actions.askClear },
      ]),
    [canType, all, lost, actions],
  );
  const openPage = (at: At) => {
    const about = alone === undefined ? [] : single.of(alone);
    const items = [...about, ...offered(pageItems({ canType, several, many, setOpen, onLogout }))];
    setOpen({ kind: "menu", items, at, label: "Menu" });
  };
  return { ...single, many, openPage };
}

function offered(items: readonly Offered[]): MenuItem[] {
  return items.filter((item): item is MenuItem => item !== false);
}

interface SessionMenuParts extends Pick<MenuParts, "canType" | "actions" | "setOpen" | "explain"> {
  client: TermwallClient;
  engines: Engines;
  clientId: string;
}

function sessionItems(session: Session, parts: SessionMenuParts): Offered[] {
  const { client, engines, clientId, canType, actions, setOpen, explain } = parts;
  const { id } = session;
  const onStage = client.getState().focus?.focusedSessions.includes(id) === true;
  const foreign = session.driver != null && session.driver.clientId !== clientId;
  // Its node would have to do these.
  const mayAct = canType && !session.away;
  const runs = !isEnded(session);
  const recorded = session.recording != null;
  const record = () => void (recorded ? api.stopRecording(id) : api.record(id)).catch(explain);
  return [
    !onStage && { label: "Bring to the stage", run: () => actions.pick(session) },
    onStage && canType && { label: "Take from the stage", run: () => actions.takeFromStage(id) },
    onStage && { label: "Search", keys: chordText("search", MAC), run: () => actions.search(id) },
    onStage && { label: "Copy selection", keys: chordText("copy", MAC), run: () => void actions.copy(id) },
    onStage && { label: "Links…", run: () => setOpen({ kind: "links", links: engines.get(id)?.links() ?? [] }) },
    onStage && mayAct && runs && { label: "Paste", run: () => void actions.pasteFromClipboard(id) },
    mayAct && foreign && { label: "Take over", keys: chordText("drive", MAC), run: () => client.drive(id) },
    mayAct && { label: "Rename…", run: () => setOpen({ kind: "rename", session }) },
    mayAct && (recorded || runs) && { label: recorded ? "Stop recording" : "Record", run: record },
    mayAct && runs && { label: "Reset terminal", run: () => void api.reset(id).catch(explain) },
    mayAct && { label: restartWord(session), run: () => actions.restart(session) },
    mayAct && { label: "Close…", run: () => actions.close(session) },
  ];
}

interface PageMenuParts extends Pick<MenuParts, "canType" | "setOpen" | "onLogout"> {
  several: boolean;
  many: readonly MenuItem[];
}

function pageItems({ canType, several, many, setOpen, onLogout }: PageMenuParts): Offered[] {
  return [
    { label: "Find or run", keys: chordText("palette", MAC), run: () => setOpen({ kind: "palette" }) },
    canType && { label: "New terminal…", keys: chordText("new", MAC), run: () => setOpen({ kind: "new" }) },
    { label: "Search all terminals…", keys: chordText("everywhere", MAC), run: () => setOpen({ kind: "everywhere" }) },
    { label: "Recordings…", run: () => setOpen({ kind: "recordings" }) },
    ...many,
    several && { label: "Nodes…", run: () => setOpen({ kind: "nodes" }) },
    { label: "Settings…", run: () => setOpen({ kind: "settings" }) },
    { label: "Keys", run: () => setOpen({ kind: "help" }) },
    { label: "Sign out", run: onLogout },
  ];
}
