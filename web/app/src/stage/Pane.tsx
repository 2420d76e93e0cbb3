/** One live terminal with its header: who it is, what it wants, who drives, how it is connected. */

import type { Session } from "@termwall/client";
import { PreviewTile, TerminalView } from "@termwall/react";
import { useState } from "react";
import type { Menus } from "../menus/useMenus";
import type { SessionActions } from "../room/useSessionActions";
import { caption } from "../session/caption";
import { isEnded, restartWord } from "../session/order";
import { ago, useServerNow } from "../time";
import { PaneHeader } from "./PaneHeader";
import { SearchBar, type Wanted } from "./SearchBar";
import { spectatingOf, useDriver } from "./spectating";
import { useSeen } from "./useSeen";
import "./Pane.css";

export type PaneActions = Pick<
  SessionActions,
  "makeCurrent" | "keys" | "zoom" | "paste" | "link" | "restart" | "close"
> & {
  menu: Menus["open"];
};

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
  const [shownAt, setShownAt] = useState({ scale: 1, below: 0 });
  const { foreign } = useDriver(session);
  const spectating = spectatingOf(shownAt, canType);
  const ended = isEnded(session);

  useSeen(session, visible);
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
      <PaneHeader
        session={session}
        position={position}
        zoomed={zoomed}
        canType={canType}
        actions={actions}
        spectating={spectating}
      />
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
        {foreign && spectating.line && !onBring && (
          <p className="spectator">
            {session.cols} × {session.rows}, {spectating.scaleWords}. {spectating.terms}
          </p>
        )}
        {ended && <Ended session={session} canType={canType} actions={actions} />}
      </div>
    </section>
  );
}

/** How its program ended, when, and what can be done about it. */
function Ended({ session, canType, actions }: Pick<PaneProps, "session" | "canType" | "actions">) {
  const now = useServerNow(5000);
  return (
    <p className="ended" role="status">
      <b>{endOf(session)}</b> {ago(session.attention.since, now)}
      {canType && !session.away && (
        <>
          <button
            type="button"
            title={caption((session.resume ?? session.command).join(" "))}
            onClick={() => {
              actions.restart(session);
              actions.keys(session.id);
            }}
          >
            {restartWord(session)} <kbd>Enter</kbd>
          </button>
          <button type="button" onClick={() => actions.close(session)}>
            Close
          </button>
        </>
      )}
    </p>
  );
}

function endOf({ status, signal, exitCode, away }: Session): string {
  if (away) return `Lost: ${away}. It is back as soon as that is; its program may well run on.`;
  if (status === "lost") return "Lost: its program ended while no server was there. This is its last screen.";
  if (exitCode === null && !signal) return "Ended; how is not known.";
  return signal ? `Killed (${signal})` : `Exited ${exitCode ?? ""}`;
}
