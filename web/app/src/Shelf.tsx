/** All terminals that are not on the stage, as tiles: a click brings one there, for everybody. */

import type { Session } from "@termwall/client";
import { ConnectionIndicator, useConnection } from "@termwall/react";
import { useRef, useState } from "react";
import { Attention, attentionOf } from "./Attention";
import { Plus } from "./icons";
import { chordText, isMac } from "./keys";
import { ago, useNow } from "./time";

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
}

export function Shelf({ sessions, first, wall, canType, onPick, onNew, onMenu }: ShelfProps) {
  const now = useNow(5000);
  // It sorts anew only while nobody is about to click in it.
  const [busy, setBusy] = useState(false);
  const kept = useRef<readonly string[]>([]);
  const ids = sessions.map((session) => session.id);
  if (!busy) kept.current = ids;
  const place = (id: string) => {
    const index = kept.current.indexOf(id);
    return index < 0 ? kept.current.length : index;
  };
  const shown = busy ? [...sessions].sort((a, b) => place(a.id) - place(b.id)) : sessions;
  return (
    <aside
      className={wall ? "shelf wall" : "shelf"}
      aria-label={wall ? "All terminals" : "Terminals that are not on the stage"}
      onMouseEnter={() => setBusy(true)}
      onMouseLeave={() => setBusy(false)}
      onFocus={() => setBusy(true)}
      onBlur={() => setBusy(false)}
    >
      <header>
        <h2>
          {wall ? `${sessions.length} terminals` : `${sessions.length} more`} <span className="muted">by need</span>
        </h2>
        {canType && (
          <button type="button" className="plain" title={`New terminal (${chordText("new", isMac())})`} onClick={onNew}>
            <Plus /> New
          </button>
        )}
      </header>
      <ul>
        {shown.map((session, index) => (
          <li key={session.id}>
            <Tile
              session={session}
              now={now}
              position={wall ? 0 : first + index}
              onPick={() => onPick(session)}
              onMenu={(at) => onMenu(session, at)}
            />
          </li>
        ))}
      </ul>
    </aside>
  );
}

function Tile(props: {
  session: Session;
  now: number;
  position: number;
  onPick: () => void;
  onMenu: (at: { x: number; y: number }) => void;
}) {
  const { session, now, position, onPick, onMenu } = props;
  const connection = useConnection();
  const { look } = attentionOf(session);
  const shown = position > 0 && position <= 9;
  return (
    <button
      type="button"
      className="tile"
      data-look={look}
      data-session={session.id}
      onClick={onPick}
      onContextMenu={(event) => {
        event.preventDefault();
        onMenu({ x: event.clientX, y: event.clientY });
      }}
    >
      <span className="line">
        {shown && (
          <span className="position">
            <span className="unseen">position </span>
            {position}
          </span>
        )}
        <b>{session.name}</b>
        <span className="grow" />
        <Attention session={session} />
      </span>
      <span className="line title">{session.title || session.command.join(" ")}</span>
      <span className="line muted">
        <span className="grow">output {ago(session.lastActivity, now)}</span>
        <ConnectionIndicator connection={connection} />
      </span>
    </button>
  );
}
