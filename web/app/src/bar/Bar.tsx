/** The one row above the stage. While the connection is lost, what matters then stands in it: nothing moves. */

import type { Connection, FocusState, Project, Session } from "@termwall/client";
import { ConnectionIndicator, useTermwall, useWorkspace } from "@termwall/react";
import { Grid, Menu, NeedsInput, Single, Split } from "../icons/icons";
import { chordText, isMac } from "../keys/keys";
import { Attention } from "../session/Attention";
import type { Layout } from "../settings";
import { useNow } from "../time";
import { NodesStatus } from "./NodesAway";
import { NotHeard } from "./NotHeard";
import { useReach } from "./useReach";

const LAYOUTS: readonly { layout: Layout; label: string; icon: () => React.JSX.Element }[] = [
  { layout: "single", label: "Single", icon: Single },
  { layout: "split", label: "Split", icon: Split },
  { layout: "grid", label: "Grid", icon: Grid },
];

/** Pixels that a tab has beside its name: position, icon, and what lies between. */
const BESIDE_NAME = 62;
const DRAGGED = "application/x-termwall-session";

interface BarProps {
  project: Project;
  projects: readonly Project[];
  onProject: (id: string) => void;
  focus: FocusState | null;
  sessions: ReadonlyMap<string, Session>;
  shown: readonly string[];
  current: string | null;
  layout: Layout;
  onLayout: (layout: Layout) => void;
  /** `keys`: whether the terminal gets the keys. */
  onTab: (id: string, keys: boolean) => void;
  onMove: (id: string, by: number) => void;
  onBlur: (ids: readonly string[]) => void;
  needing: number;
  onNext: () => void;
  onPalette: () => void;
  onNodes: () => void;
  onMenu: (at: { x: number; y: number }) => void;
  phone: boolean;
  /** On a phone: the one terminal that is shown. */
  alone?: Session;
  onWall?: () => void;
}

export function Bar(props: BarProps) {
  const {
    project,
    projects,
    onProject,
    layout,
    onLayout,
    needing,
    onNext,
    onPalette,
    onNodes,
    onMenu,
    phone,
    alone,
    onWall,
  } = props;
  const connection = useWorkspace((state) => state.connection);
  const nodes = useWorkspace((state) => state.nodes);
  const mac = isMac();
  const down = connection.state !== "connected" && (connection.lostAt !== null || connection.state === "error");
  const away = !down && nodes !== null && !nodes.up;
  const here = nodes?.all.find((one) => one.here);
  const link = (
    <>
      <ConnectionIndicator connection={connection} />
      <span className="latency">{connection.latency !== null && `${connection.latency} ms`}</span>
    </>
  );
  return (
    <header className="bar" data-down={down || away}>
      {phone && onWall && (
        <button type="button" className="icon-button" aria-label="All terminals" onClick={onWall}>
          ‹
        </button>
      )}
      <h1 title={alone?.name ?? project.path}>
        {alone ? (
          <>
            <span className="name">{alone.name}</span>
            <span className="muted">
              <ConnectionIndicator connection={connection} />
              {down ? lossText(connection) : aboutAlone(alone, connection.clientId, away)}
            </span>
          </>
        ) : projects.length > 1 ? (
          <select aria-label="Project" value={project.id} onChange={(event) => onProject(event.target.value)}>
            {projects.map((one) => (
              <option key={one.id} value={one.id}>
                {one.name}
              </option>
            ))}
          </select>
        ) : (
          project.name
        )}
        {phone && !alone && down && <span className="muted">{lossText(connection)}</span>}
      </h1>
      {!phone && !away && <span className="path muted">{project.path}</span>}
      {down ? (
        <Banner short={phone} />
      ) : (
        <>
          {needing > 0 && (
            <button
              type="button"
              className="needs"
              aria-label={`${needing} ${needing === 1 ? "needs" : "need"} you`}
              title={`Next that needs you (${chordText("next", mac)})`}
              onClick={onNext}
            >
              <NeedsInput />
              <span>
                {needing}
                {!alone && <span className="words"> {needing === 1 ? "needs you" : "need you"}</span>}
              </span>
            </button>
          )}
          {!phone && (props.shown.length < (props.focus?.focusedSessions.length ?? 0) || layout !== "grid") && (
            <Tabs {...props} />
          )}
          {nodes !== null && <NodesStatus unseen={phone} />}
          {nodes !== null && !phone && !away && <NotHeard onBlur={props.onBlur} />}
          <span className="grow" />
          {!phone && !away && (
            <button type="button" className="plain find" onClick={onPalette}>
              Find or run <kbd>{chordText("palette", mac)}</kbd>
            </button>
          )}
        </>
      )}
      {!phone && (
        // biome-ignore lint/a11y/useSemanticElements: a fieldset is a part of a form, and this is none.
        <div className="layouts" role="group" aria-label="Layout">
          {LAYOUTS.map(({ layout: one, label, icon: Icon }) => (
            <button
              key={one}
              type="button"
              className="icon-button"
              aria-label={label}
              aria-pressed={layout === one}
              title={`${label} (${chordText("layout", mac)})`}
              onClick={() => onLayout(one)}
            >
              <Icon />
            </button>
          ))}
        </div>
      )}
      {!alone &&
        (here === undefined ? (
          <span className="link">{link}</span>
        ) : (
          <button type="button" className="link plain" aria-haspopup="dialog" title="Nodes" onClick={onNodes}>
            {link}
            <span className="here">{here.name}</span>
          </button>
        ))}
      <button
        type="button"
        className="icon-button"
        aria-label="Menu"
        aria-haspopup="menu"
        onClick={(event) => {
          const box = event.currentTarget.getBoundingClientRect();
          onMenu({ x: box.right, y: box.bottom });
        }}
      >
        <Menu />
      </button>
    </header>
  );
}

function aboutAlone(session: Session, me: string, away: boolean): string {
  return away ? "Other nodes are away" : `${driverOf(session, me)} · ${session.cols} × ${session.rows}`;
}

function driverOf({ driver }: Session, me: string): string {
  if (driver == null) return "nobody drives";
  return driver.clientId === me ? "you drive" : `driven by ${driver.name || "somebody else"}`;
}

function Tabs({ focus, sessions, shown, current, onTab, onMove }: BarProps) {
  const ids = focus?.focusedSessions ?? [];
  const onKeyDown = (event: React.KeyboardEvent, index: number) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const id = ids[index];
    if (by === 0 || id === undefined) return;
    event.preventDefault();
    if (event.altKey && event.shiftKey) {
      onMove(id, by);
      return;
    }
    const next = ids[(index + by + ids.length) % ids.length];
    if (next === undefined) return;
    onTab(next, false);
    document.getElementById(`tab-${next}`)?.focus();
  };
  return (
    <div
      className="tabs"
      role="tablist"
      aria-label="Stage"
      onWheel={(event) => event.currentTarget.scrollBy({ left: event.deltaX || event.deltaY })}
    >
      {ids.map((id, index) => {
        const session = sessions.get(id);
        if (session === undefined) return null;
        return (
          <button
            key={id}
            id={`tab-${id}`}
            type="button"
            role="tab"
            className="tab"
            style={{ minWidth: `calc(${Math.min(session.name.length, 8)}ch + ${BESIDE_NAME}px)` }}
            aria-selected={id === current}
            data-shown={shown.includes(id)}
            tabIndex={id === current ? 0 : -1}
            draggable
            onDragStart={(event) => event.dataTransfer.setData(DRAGGED, id)}
            onDragOver={(event) => event.dataTransfer.types.includes(DRAGGED) && event.preventDefault()}
            onDrop={(event) => {
              const from = ids.indexOf(event.dataTransfer.getData(DRAGGED));
              const dragged = ids[from];
              if (dragged !== undefined && from !== index) onMove(dragged, index - from);
            }}
            onClick={(event) => onTab(id, event.detail > 0)}
            onKeyDown={(event) => onKeyDown(event, index)}
          >
            <span className="position">{index + 1}</span> <b title={session.name}>{session.name}</b>{" "}
            <Attention session={session} timed={false} />
          </button>
        );
      })}
    </div>
  );
}

function lossText(connection: Connection): string {
  if (connection.state === "error") return connection.reason ?? "refused by the server";
  if (connection.silentSince !== null) return "The server does not answer";
  return connection.everConnected ? "Connection lost" : "Not connected";
}

/** `short`: on a phone the words stand under the name, and only the button here. */
function Banner({ short }: { short: boolean }) {
  const { client } = useTermwall();
  const connection = useWorkspace((state) => state.connection);
  const now = useNow(250);
  const seconds = connection.lostAt === null ? 0 : Math.max(0, Math.round((now - connection.lostAt) / 1000));
  const due = connection.nextRetryAt === null ? null : Math.max(0, (connection.nextRetryAt - now) / 1000);
  const final = connection.state === "error";
  const why = useReach();
  return (
    <div className="banner">
      <p role="status" className={short ? "unseen" : undefined}>
        {final ? (
          <>
            <b>{connection.reason ?? "The server refused the connection"}.</b> termwall does not try again by itself.
          </>
        ) : connection.silentSince !== null && why === null ? (
          <>
            <b>The server does not answer.</b> What you type is held for 5 s at most.
          </>
        ) : (
          <>
            <b>{connection.everConnected ? "Connection lost." : "Not connected."}</b>{" "}
            {why ?? (connection.everConnected ? "Your programs keep running." : "The server does not answer.")}
          </>
        )}
      </p>
      <p className="muted" aria-live="off">
        {!final && !short && `${seconds} s ago. ${due === null ? "Trying…" : `Next try in ${due.toFixed(1)} s.`}`}
      </p>
      <button type="button" title={`Try now (${chordText("retry", isMac())})`} onClick={() => client.retryNow()}>
        Try now
      </button>
      <span className="grow" />
    </div>
  );
}
