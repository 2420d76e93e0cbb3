/**
 * A project's terminals. It holds no focus state of its own; what is focused is the server's, and what it keeps (layout,
 * zoom, which pane has the keys) is this viewer's alone.
 */

import type { Match, Profile, Project, Session } from "@termwall/client";
import { TermwallError } from "@termwall/client";
import { type Engine, useTermwall, useWorkspace } from "@termwall/react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { flushSync } from "react-dom";
import { Bar } from "../bar/Bar";
import { NodesAway } from "../bar/NodesStatus";
import { useTitle } from "../bar/useTitle";
import { useClipboard } from "../clipboard/useClipboard";
import { type Open, OpenPart } from "../dialogs/OpenPart";
import { KeyBar } from "../keys/KeyBar";
import { KeysBack, useKeptKeys } from "../keys/keptKeys";
import { chordText, isMac } from "../keys/keys";
import { nextRegion } from "../keys/regions";
import { useCommands } from "../keys/useCommands";
import type { MenuItem } from "../menus/PopupMenu";
import { usePalette } from "../menus/usePalette";
import { useSessionMenu } from "../menus/useSessionMenu";
import { Notices } from "../notices/Notices";
import { useDesktopNews } from "../notices/useDesktopNews";
import { endedOf, gridSessions, needingCount, shelfOrder, wallOrder } from "../session/order";
import type { Layout, Settings, View } from "../settings";
import { Shelf } from "../shelf/Shelf";
import { useKeptOrder } from "../shelf/useKeptOrder";
import { layoutFor, PHONE_WIDTH } from "../stage/arrangement";
import { nextPaneSize } from "../stage/nextPane";
import type { PaneActions } from "../stage/Pane";
import type { Wanted } from "../stage/SearchBar";
import { Stage } from "../stage/Stage";
import { useStage } from "../stage/useStage";
import { useEnding } from "./useEnding";
import "../entry/sheet.css";
import "./Room.css";

const MAC = isMac();

export interface RoomProps {
  project: Project;
  projects: readonly Project[];
  profiles: readonly Profile[];
  settings: Settings;
  wanted: string | null;
  onSettings: (settings: Settings) => void;
  onProject: (id: string) => void;
  onLogout: () => void;
  /** The server says that this page is not signed in, or that the project is gone. */
  onLost: (closeCode: number, reason: string | null) => void;
  view: View;
  onView: (view: View) => void;
}

export function Room(props: RoomProps) {
  const { project, projects, profiles, settings, wanted, onSettings, onProject, onLogout, onLost, view, onView } =
    props;
  const { client, engines } = useTermwall();
  const focus = useWorkspace((state) => state.focus);
  const sessions = useWorkspace((state) => state.sessions);
  const connection = useWorkspace((state) => state.connection);
  const several = useWorkspace((state) => state.nodes !== null);
  const [open, setOpen] = useState<Open | null>(null);
  const [chosen, setChosen] = useState<string | null>(wanted);
  const [beside, setBeside] = useState<string | null>(null);
  const [zoomed, setZoomed] = useState(false);
  const [searching, setSearching] = useState<Wanted | null>(null);
  const [width, setWidth] = useState(innerWidth);
  const phone = width < PHONE_WIDTH;
  const [wall, setWall] = useState(wanted === null);
  const [said, setSaid] = useState("");
  /** Whether somebody is about to click in the shelf. */
  const [inShelf, setInShelf] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const canType = connection.role !== "view";

  const focused = useMemo(() => focus?.focusedSessions.filter((id) => sessions.has(id)) ?? [], [focus, sessions]);
  // One list each for what is labelled and what the keys and the palette bring.
  const shelf = useKeptOrder(
    useMemo(() => shelfOrder(sessions.values()), [sessions]),
    inShelf,
  );
  const everything = useKeptOrder(
    useMemo(() => wallOrder(sessions.values()), [sessions]),
    inShelf,
  );
  const { panes, current } = useStage(focused, chosen);
  const second =
    beside !== null && beside !== current && panes.includes(beside) ? beside : panes.find((id) => id !== current);
  const layout = layoutFor(view.layout, width, zoomed);
  const shown = useMemo(() => {
    if (current === null || (phone && wall)) return [];
    if (layout === "single") return [current];
    if (layout === "grid") return panes;
    return panes.filter((id) => id === current || id === second);
  }, [layout, current, second, panes, phone, wall]);
  const ended = useMemo(() => endedOf(sessions.values()), [sessions]);
  const needing = needingCount(sessions.values());
  const waiting = useMemo(() => {
    const names = [...sessions.values()]
      .filter(({ attention }) => attention.state === "needs input")
      .map(({ name }) => name);
    return names.length > 0 ? `Needs input: ${names.join(", ")}` : "";
  }, [sessions]);

  useEffect(() => {
    const measure = () => setWidth(innerWidth);
    const observer = new ResizeObserver(measure);
    if (root.current) observer.observe(root.current);
    // Before its panes are measured: no program hears of a size between two arrangements.
    const arrangeNow = () => flushSync(measure);
    addEventListener("resize", arrangeNow);
    measure();
    return () => {
      removeEventListener("resize", arrangeNow);
      observer.disconnect();
    };
  }, []);

  useTitle(project.name, needing);

  const explain = useCallback((error: unknown) => {
    if (error instanceof TermwallError && error.code === "version_conflict") {
      setSaid("Somebody changed the stage first. This is the stage now; repeat your change if it still fits.");
    } else {
      setSaid(error instanceof Error ? error.message : String(error));
    }
  }, []);
  useEffect(() => {
    if (said === "") return;
    const timer = setTimeout(() => setSaid(""), 8000);
    return () => clearTimeout(timer);
  }, [said]);

  const focusKeys = useCallback((id: string) => requestAnimationFrame(() => engines.get(id)?.focus()), [engines]);

  const makeCurrent = useCallback((id: string) => {
    setChosen((before) => {
      if (before !== id && before !== null) setBeside(before);
      return id;
    });
  }, []);

  const bring = useCallback(
    async (id: string) => {
      makeCurrent(id);
      setWall(false);
      if (!client.getState().focus?.focusedSessions.includes(id)) {
        if (!canType) {
          setSaid("Your link cannot change the stage.");
          return;
        }
        const free = client.getState().sessions.get(id)?.driver == null;
        try {
          await client.focus(id);
          // It fits the page that brought it, not the one that was the first to show it.
          if (free) client.drive(id);
        } catch (error) {
          setWall(wall);
          explain(error);
          return;
        }
      }
      // What closed meanwhile has given the keys back to where they were.
      setTimeout(() => {
        makeCurrent(id);
        focusKeys(id);
      }, 50);
    },
    [client, makeCurrent, wall, canType, explain, focusKeys],
  );

  useDesktopNews(settings.notify, (id) => void bring(id));

  const pick = useCallback((session: Session) => void bring(session.id), [bring]);

  const known = sessions.size > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the sessions are known; the address names where to start.
  useEffect(() => {
    if (wanted !== null && sessions.has(wanted)) void bring(wanted);
  }, [known]);

  // Keys go to a terminal from the start, unless the user is already elsewhere; on a phone that would open its keyboard.
  const started = useRef(false);
  useEffect(() => {
    if (started.current || current === null || phone) return;
    started.current = true;
    if (document.activeElement === document.body) focusKeys(current);
  }, [current, phone, focusKeys]);

  // What an error means for the page: a revoked sign-in leads to the sign-in, a removed project to the others.
  const { state: connectionState, closeCode } = connection;
  useEffect(() => {
    if (connectionState === "error" && (closeCode === 4401 || closeCode === 4404)) onLost(closeCode, connection.reason);
  }, [connectionState, closeCode, connection.reason, onLost]);

  const setLayout = useCallback(
    (next: Layout) => {
      onView({ ...view, layout: next });
      setZoomed(false);
      const stage = client.getState().focus;
      const before = stage?.focusedSessions ?? [];
      const all = gridSessions(before, shelf, stage?.maxFocused ?? 4);
      // The grid focuses what it shows, in one batch (F5).
      if (next === "grid" && canType && all.length > before.length)
        client.focus(all, { expectedVersion: "current" }).catch(explain);
    },
    [view, onView, client, shelf, canType, explain],
  );

  const focusCurrent = useCallback(() => {
    if (current !== null && !phone) engines.get(current)?.focus();
  }, [engines, current, phone]);
  const giveKeysBack = useKeptKeys(root, focusCurrent);
  const ending = useEnding({ focused, setOpen, say: setSaid, explain, giveKeysBack });
  const { close, restart } = ending;

  const ask = useCallback(
    (text: string, lines: number, engine: Engine) => setOpen({ kind: "paste", text, lines, engine }),
    [],
  );
  const { copy, paste, pasteFromClipboard } = useClipboard(setSaid, ask);

  const searchIn = useCallback((id: string) => setSearching({ id, text: "", linesFromEnd: null }), []);
  const jump = useCallback(
    async ({ sessionId, recordingId, part, time, linesFromEnd = null }: Match, text: string) => {
      if (recordingId != null)
        setOpen({ kind: "recordings", play: { id: recordingId, start: { part: part ?? 1, time: time ?? 0 } } });
      else if (sessionId !== null) {
        await bring(sessionId);
        setSearching({ id: sessionId, text, linesFromEnd });
      }
    },
    [bring],
  );

  const menuOf = useSessionMenu({ canType, ending, bring, copy, pasteFromClipboard, searchIn, setOpen, explain });
  const menu = useCallback(
    (session: Session, at: { x: number; y: number }) =>
      setOpen({ kind: "menu", items: menuOf(session), at, label: session.name }),
    [menuOf],
  );

  const actions = useMemo<PaneActions>(
    () => ({
      makeCurrent,
      keys: focusKeys,
      zoom: (id) => {
        makeCurrent(id);
        setZoomed((before) => !before);
        focusKeys(id);
      },
      menu,
      paste,
      link: (link) => setOpen({ kind: "link", link }),
      restart: (session) => {
        restart(session);
        focusKeys(session.id);
      },
      close,
    }),
    [makeCurrent, focusKeys, menu, paste, restart, close],
  );

  const regions = useCallback(() => {
    if (root.current) nextRegion(root.current, current === null ? undefined : engines.get(current));
  }, [current, engines]);

  const run = useCommands({
    sessions,
    focused,
    shelf,
    shown,
    current,
    layout,
    chosenLayout: view.layout,
    width,
    canType,
    paletteOnly: settings.paletteOnly,
    bring,
    makeCurrent,
    focusKeys,
    zoom: actions.zoom,
    setLayout,
    copy,
    searchIn,
    restart,
    regions,
    setOpen,
    setSaid,
  });

  useEffect(() => {
    if (!settings.copyOnSelect) return;
    const up = () => {
      if (current !== null && engines.get(current)?.selection()) void copy(current);
    };
    addEventListener("mouseup", up);
    return () => removeEventListener("mouseup", up);
  }, [settings.copyOnSelect, copy, current, engines]);

  const move = useCallback(
    (id: string, by: number) => {
      // All of the stage, also what is not shown because its node is not heard of.
      const order = [...(client.getState().focus?.focusedSessions ?? [])];
      const from = order.indexOf(id);
      const to = Math.min(order.length - 1, Math.max(0, from + by));
      order.splice(to, 0, ...order.splice(from, 1));
      client.focus(order, { expectedVersion: "current" }).catch(explain);
    },
    [client, explain],
  );

  const { startAll, askClear } = ending;
  const manyItems = useMemo<MenuItem[]>(
    () => [
      ...(canType && ended.lost > 1 ? [{ label: "Start all again", run: startAll }] : []),
      ...(canType && ended.all > 1 ? [{ label: "Clear ended…", run: askClear }] : []),
    ],
    [canType, ended, startAll, askClear],
  );

  const pageItems = useMemo<MenuItem[]>(
    () => [
      { label: "Find or run", keys: chordText("palette", MAC), run: () => setOpen({ kind: "palette" }) },
      ...(canType
        ? [{ label: "New terminal…", keys: chordText("new", MAC), run: () => setOpen({ kind: "new" }) }]
        : []),
      {
        label: "Search all terminals…",
        keys: chordText("everywhere", MAC),
        run: () => setOpen({ kind: "everywhere" }),
      },
      { label: "Recordings…", run: () => setOpen({ kind: "recordings" }) },
      ...manyItems,
      ...(several ? [{ label: "Nodes…", run: () => setOpen({ kind: "nodes" }) }] : []),
      { label: "Settings…", run: () => setOpen({ kind: "settings" }) },
      { label: "Keys", run: () => setOpen({ kind: "help" }) },
      { label: "Sign out", run: onLogout },
    ],
    [onLogout, several, canType, manyItems],
  );

  const paletteActions = usePalette({
    focused,
    shelf,
    sessions,
    current,
    menuOf,
    manyItems,
    bring,
    run,
    canType,
    setLayout,
    settings,
    onSettings,
    view,
    onView,
    setOpen,
    several,
    onLogout,
  });

  const sizeOfNext = useCallback(() => {
    const stage = client.getState().focus;
    if (root.current === null || stage === null) return null;
    const counts = { focused: focused.length, maxFocused: stage.maxFocused, all: sessions.size };
    return nextPaneSize(root.current, { engines, view, zoomed, fontSize: settings.fontSize, phone, ...counts });
  }, [client, engines, focused.length, sessions.size, view, zoomed, settings.fontSize, phone]);

  const end = useCallback(() => setOpen(null), []);
  const currentSession = current === null ? undefined : sessions.get(current);
  const onWall = phone && (wall || currentSession === undefined);
  const alone = phone && !onWall ? currentSession : undefined;
  const loaded = focus !== null;
  return (
    <KeysBack.Provider value={giveKeysBack}>
      <div
        ref={root}
        className="workspace"
        data-connection={connection.state}
        data-phone={phone}
        data-stale={connection.state !== "connected"}
      >
        <Bar
          project={project}
          projects={projects}
          onProject={onProject}
          focus={focus}
          sessions={sessions}
          shown={shown}
          current={current}
          layout={view.layout}
          onLayout={setLayout}
          onTab={(id, keys) => {
            makeCurrent(id);
            setZoomed(false);
            if (keys) focusKeys(id);
          }}
          onMove={move}
          onBlur={(ids) => void client.blur(ids).catch(explain)}
          needing={needing}
          onNext={() => run("next")}
          onPalette={() => setOpen({ kind: "palette" })}
          onNodes={() => setOpen({ kind: "nodes" })}
          onMenu={(at) => {
            const about = alone === undefined ? [] : menuOf(alone);
            setOpen({ kind: "menu", items: [...about, ...pageItems], at, label: "Menu" });
          }}
          phone={phone}
          alone={alone}
          onWall={onWall ? undefined : () => setWall(true)}
        />
        {onWall && <NodesAway />}
        {!loaded ? (
          <main className="stage empty">
            <p className="muted">{connection.state === "error" ? connection.reason : "Connecting…"}</p>
          </main>
        ) : sessions.size === 0 ? (
          <main className="stage empty">
            <h2>No terminals in {project.name} yet.</h2>
            <p>Start one here. Everyone in the project sees it at once.</p>
            {canType && (
              <button type="button" className="primary" onClick={() => setOpen({ kind: "new" })}>
                New terminal <kbd>{chordText("new", MAC)}</kbd>
              </button>
            )}
          </main>
        ) : (
          <Stage
            panes={panes}
            onBring={pick}
            sessions={sessions}
            shown={shown}
            current={current}
            zoomed={zoomed}
            view={{ ...view, layout }}
            width={width}
            fontSize={settings.fontSize}
            onView={(next) => onView({ ...next, layout: view.layout })}
            canType={canType}
            searching={searching}
            onSearchEnd={() => setSearching(null)}
            actions={actions}
          />
        )}
        {loaded && sessions.size > 0 && shown.length === 0 && !onWall && (
          <p className="nothing muted">Nothing is on the stage. Choose a terminal to bring it here, for everybody.</p>
        )}
        {sessions.size > 0 && (onWall || (!phone && !view.folded)) && (
          <Shelf
            sessions={onWall ? everything : shelf}
            first={focused.length + 1}
            wall={onWall}
            canType={canType}
            onPick={pick}
            onNew={() => setOpen({ kind: "new" })}
            onMenu={menu}
            onBusy={setInShelf}
            ended={manyItems}
          />
        )}
        {alone && canType && <KeyBar session={alone} onPaste={() => void pasteFromClipboard(current)} />}
        <Notices programCopy={settings.programCopy} />
        <p className="said" role="status">
          {said}
        </p>
        <p className="unseen" role="status">
          {waiting}
        </p>
        {open !== null && (
          <OpenPart
            open={open}
            project={project}
            profiles={profiles}
            palette={paletteActions}
            settings={settings}
            onSettings={onSettings}
            onLogout={onLogout}
            onMade={(session) => void bring(session.id)}
            sizeOfNext={sizeOfNext}
            onMatch={(match, text) => void jump(match, text)}
            canType={canType}
            owner={connection.role === "own"}
            onEnd={ending.endNow}
            onClear={ending.clearEnded}
            onClose={end}
          />
        )}
      </div>
    </KeysBack.Provider>
  );
}
