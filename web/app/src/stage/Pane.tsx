/** One live terminal with its header: who it is, what it wants, who drives, how it is connected. */

import type { Session } from "@termwall/client";
import {
  ConnectionIndicator,
  connectionOf,
  type Engine,
  PreviewTile,
  type ScreenLink,
  TerminalView,
  useTermwall,
  useWorkspace,
} from "@termwall/react";
import { useState } from "react";
import { More, Unzoom, Zoom } from "../icons/icons";
import { chordText, isMac } from "../keys/keys";
import { Attention, Evidence, RecordingMark, screenNote } from "../session/Attention";
import { caption } from "../session/caption";
import { Held } from "../session/Held";
import { restartWord } from "../session/order";
import { Progress } from "../session/Progress";
import { ago, useServerNow } from "../time";
import { SearchBar, type Wanted } from "./SearchBar";
import { useSeen } from "./useSeen";

/** Pixels that the spectator's line takes. */
const SPECTATOR_LINE = 24;

export interface PaneActions {
  makeCurrent: (id: string) => void;
  /** Give it the keys. */
  keys: (id: string) => void;
  zoom: (id: string) => void;
  menu: (session: Session, at: { x: number; y: number }) => void;
  paste: (text: string, engine: Engine) => void;
  /** Ask about a link that leads elsewhere than its text says. */
  link?: (link: ScreenLink) => void;
  restart: (session: Session) => void;
  close: (session: Session) => void;
}

interface PaneProps {
  session: Session;
  position: number;
  visible: boolean;
  current: boolean;
  zoomed: boolean;
  framed: boolean;
  canType: boolean;
  searching: Wanted | null;
  onSearchEnd: () => void;
  actions: PaneActions;
  /** Of one that is shown although it is not on the stage any more. */
  onBring?: (session: Session) => void;
  area?: string;
}

export function Pane(props: PaneProps) {
  const {
    session,
    position,
    visible,
    current,
    zoomed,
    framed,
    canType,
    searching,
    onSearchEnd,
    actions,
    onBring,
    area,
  } = props;
  const { client } = useTermwall();
  const connection = useWorkspace((state) => state.connection);
  const held = useWorkspace((state) => state.held.get(session.id));
  const [shownAt, setShownAt] = useState({ scale: 1, below: 0 });
  const mine = session.driver?.clientId === connection.clientId;
  const foreign = session.driver != null && !mine;
  const driver = session.driver?.name || "somebody else";
  const { cols, rows } = session;
  const scale = shownAt.scale < 1 ? `shown at ${Math.round(shownAt.scale * 100)} % to fit` : "their size";
  const terms = canType
    ? "If you type here you take over, and it gets your size."
    : "Watching only: your link cannot type.";
  // The line lies where the picture leaves room: it takes none from the terminal. Else the header has its words.
  const line = shownAt.below >= SPECTATOR_LINE;
  const ended = session.status === "exited" || session.status === "lost";

  useSeen(session, visible);
  const note = screenNote(session);
  const now = useServerNow(5000, ended);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click anywhere in the pane gives it the keys; keyboards have chords for that.
    <section
      className="pane"
      aria-label={session.name}
      data-current={current}
      data-framed={framed}
      data-session={session.id}
      hidden={!visible}
      style={area ? { gridArea: area } : undefined}
      onFocusCapture={() => actions.makeCurrent(session.id)}
      onClick={({ target }) => {
        actions.makeCurrent(session.id);
        if (target instanceof Element && target.closest("button, .screen") === null) actions.keys(session.id);
      }}
    >
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
        {held ? (
          <Held held={held} />
        ) : foreign ? (
          <span className="driver">
            <span className="who" title={`Driven by ${driver}. ${cols} × ${rows}, ${scale}. ${terms}`}>
              driven by <b>{driver}</b>
              {!line && !canType && ", watching only"}
              {!line && shownAt.scale < 1 && ` at ${Math.round(shownAt.scale * 100)} %`}
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
        ) : (
          <span className="driver">{mine ? "you drive" : canType ? "" : "watching only"}</span>
        )}
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
      <div className="screen" data-foreign={foreign}>
        <TerminalView
          sessionId={session.id}
          projectId={session.projectId}
          type={session.type}
          isFocused
          isVisible={visible}
          indicator={false}
          label={`${session.name}, terminal`}
          onPaste={actions.paste}
          onLink={actions.link}
          onMenu={(at) => actions.menu(session, at)}
          onScale={(scale, below) => setShownAt({ scale, below })}
        />
        {searching && (
          <SearchBar key={searching.text} sessionId={session.id} wanted={searching} onClose={onSearchEnd} />
        )}
        {onBring && <PreviewTile sessionId={session.id} label={`${session.name}, not on the stage`} />}
        {onBring && (
          <p className="spectator" role="status">
            No longer on the stage. This picture follows what {session.name} prints, and what you type still reaches it.
            {canType && (
              <button type="button" onClick={() => onBring(session)}>
                Bring it back
              </button>
            )}
          </p>
        )}
        {foreign && line && !onBring && (
          <p className="spectator">
            {cols} × {rows}, {scale}. {terms}
          </p>
        )}
        {ended && (
          <p className="ended" role="status">
            <b>{endOf(session)}</b> {ago(session.attention.since, now)}
            {canType && !session.away && (
              <>
                <button
                  type="button"
                  title={caption((session.resume ?? session.command).join(" "))}
                  onClick={() => actions.restart(session)}
                >
                  {restartWord(session)} <kbd>Enter</kbd>
                </button>
                <button type="button" onClick={() => actions.close(session)}>
                  Close
                </button>
              </>
            )}
          </p>
        )}
      </div>
    </section>
  );
}

/** A path's last two parts: enough to know where one is. */
function shortPath(path: string): string {
  const parts = path.split("/").filter(Boolean);
  return parts.length > 2 ? `…/${parts.slice(-2).join("/")}` : path;
}

function endOf({ status, signal, exitCode, away }: Session): string {
  if (away) return `Lost: ${away}. It is back as soon as that is; its program may well run on.`;
  if (status === "lost") return "Lost: its program ended while no server was there. This is its last screen.";
  if (exitCode === null && !signal) return "Ended; nobody saw how.";
  return signal ? `Killed (${signal})` : `Exited ${exitCode ?? ""}`;
}
