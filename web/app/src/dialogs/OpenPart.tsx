/** What lies over the page right now: the palette, a menu, or a question. */

import type { Match, Profile, Project, Session } from "@termwall/client";
import type { Engine, ScreenLink } from "@termwall/react";
import type { Action } from "../menus/find";
import { Palette } from "../menus/Palette";
import { type MenuItem, PopupMenu } from "../menus/PopupMenu";
import { Everywhere } from "../recordings/Everywhere";
import { type Playing, Recordings } from "../recordings/Recordings";
import type { EndBy } from "../room/useEnding";
import type { Settings } from "../settings";
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

interface OpenPartProps {
  open: Open;
  project: Project;
  profiles: readonly Profile[];
  palette: readonly Action[];
  settings: Settings;
  onSettings: (settings: Settings) => void;
  onLogout: () => void;
  onMade: (session: Session) => void;
  /** The size that the next terminal will have here. */
  sizeOfNext: () => { cols: number; rows: number } | null;
  onMatch: (match: Match, text: string) => void;
  canType: boolean;
  owner: boolean;
  onEnd: (session: Session, by: EndBy) => void;
  onClear: () => void;
  onClose: () => void;
}

export function OpenPart(props: OpenPartProps) {
  const { open, project, profiles, palette, settings, onSettings, onLogout, onMade, onEnd, onClear, onClose } = props;
  const { onMatch, canType } = props;
  switch (open.kind) {
    case "palette":
      return <Palette actions={palette} onClose={onClose} />;
    case "everywhere":
      return <Everywhere projectId={project.id} onPick={onMatch} onClose={onClose} />;
    case "recordings":
      return <Recordings projectId={project.id} play={open.play} canType={canType} onClose={onClose} />;
    case "new":
      return (
        <NewTerminal
          projectId={project.id}
          profiles={profiles}
          sizeOfNext={props.sizeOfNext}
          onClose={onClose}
          onMade={(session) => {
            onClose();
            setTimeout(() => onMade(session)); // After the keys were given back, so that they may go on to it.
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
          onConfirm={() => {
            onClose();
            onEnd(open.session, open.kind);
          }}
        />
      );
    case "clear":
      return (
        <ConfirmClear
          count={open.count}
          onClose={onClose}
          onConfirm={() => {
            onClose();
            onClear();
          }}
        />
      );
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
        <SettingsDialog
          settings={settings}
          onChange={onSettings}
          onClose={onClose}
          onLogout={onLogout}
          owner={props.owner}
        />
      );
    case "nodes":
      return <NodesDialog onClose={onClose} />;
    case "help":
      return <Help onClose={onClose} />;
    case "menu":
      return <PopupMenu items={open.items} at={open.at} label={open.label} onClose={onClose} />;
  }
}
