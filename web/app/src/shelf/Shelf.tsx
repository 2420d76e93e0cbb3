/** All terminals that are not on the stage, as tiles: a click brings one there, for everybody. */

import type { Session } from "@termwall/client";
import { useEffect } from "react";
import { Plus } from "../icons/icons";
import { chordText, isMac } from "../keys/keys";
import type { MenuItem } from "../menus/PopupMenu";
import { Tile } from "./Tile";
import "./Shelf.css";

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
