/**
 * One terminal: the seed's XTermViewV2. Inside a `<TermwallProvider>` it shares the page's socket; alone it opens one of
 * its own for its session. It shows the size of whoever drives, scaled down to fit where that is somebody else (I4).
 */

import { type Connection, type Session, TermwallClient } from "@termwall/client";
import { browserEnvironment, pageClientId } from "@termwall/client/browser";
import "@xterm/xterm/css/xterm.css";
import "./TerminalView.css";
import { useContext, useEffect, useLayoutEffect, useMemo, useRef, useState } from "react";
import { TermwallContext, TermwallProvider, useConnection, useTermwall, useWorkspace } from "./context";
import type { Engine } from "./engine";
import { askedOf, type ScreenLink } from "./linkTarget";

export interface TerminalViewProps {
  sessionId: string;
  projectId: string;
  /** The session's profile; the seed chose the server by it, here it only labels the terminal. */
  type?: string;
  /** Whether it is on the stage; without it, as the server says. */
  isFocused?: boolean;
  /** The stage changed, or was sent on connecting. */
  onFocusUpdate?: (focusedSessions: readonly string[], version: number) => void;
  onData?: (data: string | Uint8Array) => void;
  onResize?: (cols: number, rows: number) => void;
  /** Whether the user sees it; a hidden terminal goes on, but asks for no size. */
  isVisible?: boolean;
  /** Show the connection in a corner; a page that shows it elsewhere turns it off. */
  indicator?: boolean;
  /** A key the page wants for itself: true takes it from the program. */
  onKey?: (event: KeyboardEvent) => boolean;
  /** The user asks for the terminal's menu, while a program uses the mouse; a page without one leaves it out. */
  onMenu?: (at: { x: number; y: number }) => void;
  /** What to do with pasted text; without it, it is typed. */
  onPaste?: (text: string, engine: Engine) => void;
  /** What to do with a link that was clicked and leads elsewhere than its text says; without it the browser asks. */
  onLink?: (link: ScreenLink) => void;
  /** The scale at which the picture is shown, 1 where it is this page's own size; and the pixels left free below it. */
  onScale?: (scale: number, below: number) => void;
  label?: string;
  /** For a terminal without a provider: the WebSocket's address. */
  url?: string;
}

export function TerminalView(props: TerminalViewProps) {
  return useContext(TermwallContext) === null ? <OwnConnection {...props} /> : <SharedTerminal {...props} />;
}

function OwnConnection(props: TerminalViewProps) {
  const { projectId, sessionId, url } = props;
  const client = useMemo(() => {
    const address = url ?? new URL("ws/terminal", document.baseURI.replace(/^http/, "ws")).href;
    const clientId = pageClientId();
    return new TermwallClient({ url: address, projectId, sessionId, clientId, environment: browserEnvironment() });
  }, [projectId, sessionId, url]);
  useEffect(() => {
    client.connect();
    return () => client.close();
  }, [client]);
  return (
    <TermwallProvider client={client}>
      <SharedTerminal {...props} />
    </TermwallProvider>
  );
}

function SharedTerminal(props: TerminalViewProps) {
  const { sessionId, isVisible = true, indicator = true, label } = props;
  const { client, engines } = useTermwall();
  const connection = useConnection();
  const focus = useWorkspace((state) => state.focus);
  const session = useWorkspace((state) => state.sessions.get(sessionId));
  const known = session !== undefined;
  const host = useRef<HTMLDivElement>(null);
  const engine = useRef<Engine | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const [scale, setScale] = useState(1);
  const isFocused = props.isFocused ?? session?.focused ?? false;
  const drives = session?.driver == null || session.driver.clientId === connection.clientId;

  useLayoutEffect(() => {
    if (!known || host.current === null) return;
    const own = engines.acquire(sessionId, {
      data: (data) => {
        client.input(sessionId, data);
        latest.current.onData?.(data);
      },
      keys: (has) => client.keys(sessionId, has),
      drives: () => client.drives(sessionId),
      points: () => client.drives(sessionId) || client.getState().sessions.get(sessionId)?.driver == null,
      menu: (at) => {
        latest.current.onMenu?.(at);
        return latest.current.onMenu !== undefined;
      },
      key: (event) => latest.current.onKey?.(event) ?? false,
      link: (link) => (latest.current.onLink ?? askedOf)(link),
      paste: (text) => (latest.current.onPaste ? latest.current.onPaste(text, own) : own.paste(text)),
    });
    own.mount(host.current);
    engine.current = own;
    return () => {
      engine.current = null;
      client.keys(sessionId, false); // A field that is taken away may not say that it lost them.
      engines.release(sessionId, own);
    };
  }, [client, engines, sessionId, known]);

  // The size: sent on each change of the place, and again after a reconnect, because the server forgets who leaves.
  const connected = connection.state === "connected";
  useEffect(() => {
    const place = host.current;
    const own = engine.current;
    if (!known || !isVisible || !connected || place === null || own === null) return;
    let sent = "";
    const measure = () => {
      const size = own.proposal();
      if (size !== null && sent !== `${size.cols}x${size.rows}`) {
        sent = `${size.cols}x${size.rows}`;
        client.resize(sessionId, size.cols, size.rows);
      }
      const { width, height } = own.pixels();
      const fits = width > 0 ? Math.min(1, place.clientWidth / width, place.clientHeight / height) : 1;
      const next = drives ? 1 : fits;
      setScale(next);
      latest.current.onScale?.(next, place.clientHeight - height * next);
    };
    const observer = new ResizeObserver(measure);
    observer.observe(place);
    own.onSize = () => {
      latest.current.onResize?.(own.cols, own.rows);
      requestAnimationFrame(measure);
    };
    own.onCell = () => requestAnimationFrame(measure);
    measure();
    return () => {
      observer.disconnect();
      own.onSize = null;
      own.onCell = null;
    };
  }, [client, sessionId, known, isVisible, connected, drives]);

  useEffect(() => {
    if (focus !== null) latest.current.onFocusUpdate?.(focus.focusedSessions, focus.version);
  }, [focus]);

  return (
    <div
      className="termwall-view"
      data-connection={connection.state}
      data-session={sessionId}
      data-type={props.type ?? session?.type}
      data-focused={isFocused}
    >
      {indicator && <ConnectionIndicator connection={{ state: connectionOf(session, connection) }} />}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is a part of a form, and this is none. */}
      <div
        ref={host}
        className="termwall-host"
        style={{ "--termwall-scale": scale } as React.CSSProperties}
        data-spectator={!drives}
        role="group"
        aria-label={label ?? session?.name ?? sessionId}
      />
    </div>
  );
}

/** How a terminal is connected: its node may be away while this page's connection is well (N5, W10). */
export function connectionOf(session: Session | undefined, connection: Pick<Connection, "state">): Connection["state"] {
  return session?.away && connection.state === "connected" ? "disconnected" : connection.state;
}

/** Each state has a shape of its own, so that it reads in greyscale. */
const SHAPES: Record<Connection["state"], React.JSX.Element> = {
  connected: <circle cx="4" cy="4" r="4" />,
  connecting: (
    <>
      <circle cx="4" cy="4" r="3.25" fill="none" stroke="currentColor" strokeWidth="1.5" />
      <path d="M4 0a4 4 0 0 0 0 8z" />
    </>
  ),
  disconnected: (
    <g fill="none" stroke="currentColor" strokeWidth="1.5">
      <circle cx="4" cy="4" r="3.25" />
      <path d="M1.5 6.5l5-5" />
    </g>
  ),
  error: (
    <g fill="none" stroke="currentColor" strokeWidth="1.4">
      <rect x=".7" y=".7" width="6.6" height="6.6" />
      <path d="M2.4 2.4l3.2 3.2m0-3.2L2.4 5.6" />
    </g>
  ),
};

/** The connection's state as a dot with its word (W10). */
export function ConnectionIndicator({ connection }: { connection: Pick<Connection, "state"> }) {
  return (
    <span className="termwall-connection" data-connection={connection.state}>
      <svg viewBox="0 0 8 8" width="8" height="8" aria-hidden="true" focusable="false">
        {SHAPES[connection.state]}
      </svg>
      <span>{connection.state}</span>
    </span>
  );
}
