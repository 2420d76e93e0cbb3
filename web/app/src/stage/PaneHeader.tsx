/** A pane's header: what the terminal is, what it wants, who drives it, how it is connected, and its two buttons. */

import type { Session } from "@termwall/client";
import { ConnectionIndicator, connectionOf, useTermwall, useWorkspace } from "@termwall/react";
import { More, Unzoom, Zoom } from "../icons/icons";
import { chordText, isMac } from "../keys/keys";
import { Attention, Evidence, RecordingMark, screenNote } from "../session/Attention";
import { Held } from "../session/Held";
import { Progress } from "../session/Progress";
import type { PaneActions } from "./Pane";
import { type Spectating, useDriver } from "./spectating";
import "./PaneHeader.css";

interface PaneHeaderProps {
  session: Session;
  position: number;
  zoomed: boolean;
  canType: boolean;
  actions: PaneActions;
  spectating: Spectating;
}

export function PaneHeader({ session, position, zoomed, canType, actions, spectating }: PaneHeaderProps) {
  const connection = useWorkspace((state) => state.connection);
  const note = screenNote(session);
  return (
    <header className="pane-header">
      <span className="position">{position}</span>
      <h2 title={session.title || session.name}>{session.name}</h2>
      <span className="profile">{session.type}</span>
      {session.node ? <span className="profile">on {session.node}</span> : null}
      <Attention session={session} />
      <RecordingMark session={session} />
      {note === null ? (
        <Evidence session={session} />
      ) : (
        <span className="note" title={note}>
          {note}
        </span>
      )}
      {session.cwd && (
        <span className="directory" title={session.cwd}>
          {shortPath(session.cwd)}
        </span>
      )}
      <span className="grow" />
      <DrivenBy session={session} canType={canType} actions={actions} spectating={spectating} />
      <ConnectionIndicator connection={{ state: connectionOf(session, connection) }} />
      <span className="tools">
        <button
          type="button"
          className="icon-button"
          aria-label={zoomed ? `Unzoom ${session.name}` : `Zoom ${session.name}`}
          aria-pressed={zoomed}
          title={`Zoom (${chordText("zoom", isMac())})`}
          onClick={() => actions.zoom(session.id)}
        >
          {zoomed ? <Unzoom /> : <Zoom />}
        </button>
        <button
          type="button"
          className="icon-button"
          aria-haspopup="menu"
          aria-label={`More about ${session.name}`}
          title="More"
          onClick={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            actions.menu(session, { x: box.right, y: box.bottom });
          }}
        >
          <More />
        </button>
      </span>
      <Progress session={session} />
    </header>
  );
}

/** Who drives, or what is held meanwhile; with the button that takes over. */
function DrivenBy({ session, canType, actions, spectating }: Omit<PaneHeaderProps, "position" | "zoomed">) {
  const { client } = useTermwall();
  const held = useWorkspace((state) => state.held.get(session.id));
  const { mine, foreign, driver } = useDriver(session);
  const { cols, rows } = session;
  const { line, scale, scaleWords, terms } = spectating;
  if (held) return <Held held={held} />;
  if (!foreign) return <span className="driver">{mine ? "you drive" : canType ? "" : "watching only"}</span>;
  return (
    <span className="driver">
      <span className="who" title={`Driven by ${driver}. ${cols} × ${rows}, ${scaleWords}. ${terms}`}>
        driven by <b>{driver}</b>
        {!line && !canType && ", watching only"}
        {!line && scale < 1 && ` at ${Math.round(scale * 100)} %`}
      </span>
      {canType && !session.away && (
        <button
          type="button"
          title={`Take over (${chordText("drive", isMac())})`}
          onClick={() => {
            client.drive(session.id);
            actions.keys(session.id);
          }}
        >
          Take over
        </button>
      )}
    </span>
  );
}

/** A path's last two parts: enough to know where one is. */
function shortPath(path: string): string {
  const parts = path.split("/").filter(Boolean);
  return parts.length > 2 ? `…/${parts.slice(-2).join("/")}` : path;
}
