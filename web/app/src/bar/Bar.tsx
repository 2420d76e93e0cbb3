/** The one row above the stage. While the connection is lost, what matters then stands in it: nothing moves. */

import type { Connection, Session } from "@termwall/client";
import { ConnectionIndicator, useWorkspace } from "@termwall/react";
import { Grid, Menu, NeedsInput, Single, Split } from "../icons/icons";
import { chordText, isMac } from "../keys/keys";
import { useRoom } from "../room/RoomContext";
import { needingCount } from "../session/order";
import type { Layout } from "../settings";
import { Banner } from "./Banner";
import { NodesStatus } from "./NodesStatus";
import { NotHeard } from "./NotHeard";
import { Tabs } from "./Tabs";
import "./Bar.css";

const LAYOUTS: readonly { layout: Layout; label: string; icon: () => React.JSX.Element }[] = [
  { layout: "single", label: "Single", icon: Single },
  { layout: "split", label: "Split", icon: Split },
  { layout: "grid", label: "Grid", icon: Grid },
];

export function Bar() {
  const { project, projects, onProject, view, stage, actions, menus, run, setOpen } = useRoom();
  const { phone, alone, onWall } = stage;
  const { layout } = view;
  const needing = needingCount(stage.sessions.values());
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
      {phone && !onWall && (
        <button type="button" className="icon-button" aria-label="All terminals" onClick={() => stage.setWall(true)}>
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
              onClick={() => run("next")}
            >
              <NeedsInput />
              <span>
                {needing}
                {!alone && <span className="words"> {needing === 1 ? "needs you" : "need you"}</span>}
              </span>
            </button>
          )}
          {!phone && (stage.shown.length < (stage.focus?.focusedSessions.length ?? 0) || layout !== "grid") && <Tabs />}
          {nodes !== null && <NodesStatus unseen={phone} />}
          {nodes !== null && !phone && !away && <NotHeard onBlur={actions.blur} />}
          <span className="grow" />
          {!phone && !away && (
            <button type="button" className="plain find" onClick={() => setOpen({ kind: "palette" })}>
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
              onClick={() => actions.setLayout(one)}
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
          <button
            type="button"
            className="link plain"
            aria-haspopup="dialog"
            title="Nodes"
            onClick={() => setOpen({ kind: "nodes" })}
          >
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
          menus.openPage({ x: box.right, y: box.bottom });
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

function lossText(connection: Connection): string {
  if (connection.state === "error") return connection.reason ?? "refused by the server";
  if (connection.silentSince !== null) return "The server does not answer";
  return connection.everConnected ? "Connection lost" : "Not connected";
}
