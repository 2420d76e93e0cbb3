/** One terminal that is not on the stage: its name, what it wants, and its picture. */

import type { Session } from "@termwall/client";
import { ConnectionIndicator, connectionOf, PreviewTile, useTermwall, useWorkspace } from "@termwall/react";
import { memo } from "react";
import { Attention, attentionOf, Evidence, RecordingMark, screenNote } from "../session/Attention";
import { caption } from "../session/caption";
import { Progress } from "../session/Progress";
import { serverNow, spoken } from "../time";
import "./Tile.css";

interface TileProps {
  session: Session;
  position: number;
  onPick: (session: Session) => void;
  onMenu: (session: Session, at: { x: number; y: number }) => void;
}

/**
 * One button, whose name is its picture's; the rest is for the eye. It renders only when its own session changed: a wall
 * has many of them, and each changes often.
 */
export const Tile = memo(function Tile({ session, position, onPick, onMenu }: TileProps) {
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
