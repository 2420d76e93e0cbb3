/** All terminals that are not on the stage, as tiles: a click brings one there, for everybody. */

import type { Session } from "@termwall/client";
import { ConnectionIndicator, connectionOf, PreviewTile, useTermwall, useWorkspace } from "@termwall/react";
import { memo, useEffect } from "react";
import { Plus } from "../icons/icons";
import { chordText, isMac } from "../keys/keys";
import type { MenuItem } from "../menus/PopupMenu";
import { Attention, attentionOf, Evidence, RecordingMark, screenNote } from "../session/Attention";
import { caption } from "../session/caption";
import { Progress } from "../session/Progress";
import { serverNow, spoken } from "../time";

interface ShelfProps {
  sessions: readonly Session[];
  /** The position of the first tile, after the stage's. */
  first: number;
  /** On a phone the shelf is the whole wall. */
  wall?: boolean;
  canType: boolean;
  onPick: (session: Session) => void;
  onNew: () => void;
  onMenu: (session: Session, at: { x: number; y: number }) => void;
  /** Whether somebody is about to click in it: it is not sorted anew meanwhile. */
  onBusy: (busy: boolean) => void;
  /** What can be done to all that ended. */
  ended?: readonly MenuItem[];
}

export function Shelf({ sessions, first, wall, canType, onPick, onNew, onMenu, onBusy, ended = [] }: ShelfProps) {
  useEffect(() => () => onBusy(false), [onBusy]);
  return (
    <aside
      className={wall ? "shelf wall" : "shelf"}
      aria-label={wall ? "All terminals" : "Terminals that are not on the stage"}
      onPointerEnter={({ pointerType }) => onBusy(pointerType === "mouse")}
      onPointerLeave={() => onBusy(false)}
      onFocus={() => onBusy(true)}
      onBlur={() => onBusy(false)}
    >
      <header>
        <h2>
          {wall ? `${sessions.length} terminals` : `${sessions.length} more`} <span className="muted">by need</span>
        </h2>
        {ended.length > 0 && (
          <span className="many">
            {ended.map(({ label, run }) => (
              <button key={label} type="button" onClick={run}>
                {label}
              </button>
            ))}
          </span>
        )}
        {canType && (
          <button type="button" className="plain" title={`New terminal (${chordText("new", isMac())})`} onClick={onNew}>
            <Plus /> New
          </button>
        )}
      </header>
      <ul>
        {sessions.map((session, index) => (
          <li key={session.id}>
            <Tile session={session} position={wall ? 0 : first + index} onPick={onPick} onMenu={onMenu} />
          </li>
        ))}
      </ul>
    </aside>
  );
}

interface TileProps {
  session: Session;
  position: number;
  onPick: (session: Session) => void;
  onMenu: (session: Session, at: { x: number; y: number }) => void;
}

/**
 * One button, whose name is its picture's; the rest is for the eye. It renders only when its own session changed: a wall
 * has many of them, and each tells of itself often.
 */
const Tile = memo(function Tile({ session, position, onPick, onMenu }: TileProps) {
  const { client } = useTermwall();
  const state = useWorkspace(({ connection }) => connectionOf(session, connection));
  const shown = attentionOf(session);
  const counted = position > 0 && position <= 9;
  const note = screenNote(session);
  const parts = [
    session.name,
    shown.word + (shown.timed ? ` for ${spoken(session.attention.since, serverNow(client))}` : ""),
    session.recording != null && "is being recorded",
    session.progress?.percent != null && `${session.progress.percent} percent`,
    state,
    counted && `position ${position}`,
  ];
  return (
    <button
      type="button"
      className="tile"
      data-look={shown.look}
      data-state={session.attention.state}
      data-session={session.id}
      title={session.title || caption(session.command.join(" "))}
      onClick={() => onPick(session)}
      onContextMenu={(event) => {
        event.preventDefault();
        onMenu(session, { x: event.clientX, y: event.clientY });
      }}
    >
      <span className="line" aria-hidden="true">
        {counted && <span className="position">{position}</span>}
        <b>{session.name}</b>
        <span className="grow" />
        <RecordingMark session={session} />
        <Attention session={session} />
      </span>
      <PreviewTile sessionId={session.id} label={parts.filter(Boolean).join(", ")} />
      <span className="line foot" aria-hidden="true">
        {note === null ? (
          <Evidence session={session} />
        ) : (
          <span className="note" title={note}>
            {note}
          </span>
        )}
        <span className="grow" />
        <ConnectionIndicator connection={{ state }} />
      </span>
      <Progress session={session} />
    </button>
  );
});
