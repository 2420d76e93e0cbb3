/** What lies over the page right now: the palette, a menu, or a question. */

import type { Session } from "@termwall/client";
import { type Engine, type ScreenLink, useTermwall, useWorkspace } from "@termwall/react";
import { useCallback } from "react";
import { Palette } from "../menus/Palette";
import { type MenuItem, PopupMenu } from "../menus/PopupMenu";
import { paletteActions } from "../menus/paletteActions";
import { Everywhere } from "../recordings/Everywhere";
import { type Playing, Recordings } from "../recordings/Recordings";
import { useRoom } from "../room/RoomContext";
import { ConfirmClear, ConfirmEnd } from "./ConfirmEnd";
import { ConfirmPaste } from "./ConfirmPaste";
import { Help } from "./Help";
import { ConfirmLink, Links } from "./LinkDialogs";
import { NewTerminal } from "./NewTerminal";
import { NodesDialog } from "./NodesDialog";
import { Rename } from "./Rename";
import { SettingsDialog } from "./SettingsDialog";

export type Open =
  | { kind: "palette" | "new" | "settings" | "help" | "everywhere" | "nodes" }
  | { kind: "recordings"; play?: Playing }
  | { kind: "rename"; session: Session }
  | { kind: "close" | "restart"; session: Session; program: string }
  | { kind: "clear"; count: number }
  | { kind: "link"; link: ScreenLink }
  | { kind: "links"; links: readonly ScreenLink[] }
  | { kind: "paste"; text: string; lines: number; engine: Engine }
  | { kind: "menu"; items: MenuItem[]; at: { x: number; y: number }; label: string };

export function OpenPart({ open }: { open: Open }) {
  const room = useRoom();
  const { project, profiles, settings, onSettings, onLogout, actions, canType, setOpen } = room;
  const { engines } = useTermwall();
  const owner = useWorkspace(({ connection }) => connection.role === "own");
  const several = useWorkspace((state) => state.nodes !== null);
  const onClose = useCallback(() => setOpen(null), [setOpen]);
  const afterwards = (run: () => void) => () => {
    onClose();
    run();
  };
  switch (open.kind) {
    case "palette":
      return <Palette actions={paletteActions(room, engines, several)} onClose={onClose} />;
    case "everywhere":
      return (
        <Everywhere projectId={project.id} onPick={(match, text) => void actions.jump(match, text)} onClose={onClose} />
      );
    case "recordings":
      return <Recordings projectId={project.id} play={open.play} canType={canType} onClose={onClose} />;
    case "new":
      return (
        <NewTerminal
          projectId={project.id}
          profiles={profiles}
          sizeOfNext={actions.sizeOfNext}
          onClose={onClose}
          onMade={(session) => {
            onClose();
            setTimeout(() => actions.pick(session)); // After the keys were given back, so that they may go on to it.
          }}
        />
      );
    case "rename":
      return <Rename session={open.session} onClose={onClose} />;
    case "close":
    case "restart":
      return (
        <ConfirmEnd
          by={open.kind}
          session={open.session}
          program={open.program}
          onClose={onClose}
          onConfirm={afterwards(() => actions.endNow(open.session, open.kind))}
        />
      );
    case "clear":
      return <ConfirmClear count={open.count} onClose={onClose} onConfirm={afterwards(actions.clearEnded)} />;
    case "paste":
      return (
        <ConfirmPaste
          text={open.text}
          lines={open.lines}
          onClose={onClose}
          onPaste={(text) => {
            onClose();
            open.engine.paste(text);
          }}
        />
      );
    case "link":
      return <ConfirmLink link={open.link} onClose={onClose} />;
    case "links":
      return <Links links={open.links} onClose={onClose} />;
    case "settings":
      return (
        <SettingsDialog settings={settings} onChange={onSettings} onClose={onClose} onLogout={onLogout} owner={owner} />
      );
    case "nodes":
      return <NodesDialog onClose={onClose} />;
    case "help":
      return <Help onClose={onClose} />;
    case "menu":
      return <PopupMenu items={open.items} at={open.at} label={open.label} onClose={onClose} />;
    default:
      return open satisfies never;
  }
}
