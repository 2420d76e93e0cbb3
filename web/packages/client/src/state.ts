/** What a page may show: one immutable snapshot after another, each what the server sent last (F9). */

import type { Environment } from "./environment";
import type { ConnectionStatus, FocusState, Limits, Session, WallNode } from "./messages";

export type ConnectionState = "connecting" | "connected" | "disconnected" | "error";
export type Role = NonNullable<ConnectionStatus["role"]>;

export interface Connection {
  /** `connecting` also between two tries; `disconnected` while nobody tries or the machine is offline (W10). */
  state: ConnectionState;
  /** When it came into this state, as the environment's `now` has it; so are all times here. */
  since: number;
  /** When the connection was last lost; null while it never was or has been healed. */
  lostAt: number | null;
  /** Whether there ever was a connection: without one, something is wrong that will not pass. */
  everConnected: boolean;
  /** Since when the server does not answer what it is sent (W6): what is typed is held. Null while it does. */
  silentSince: number | null;
  retryCount: number;
  /** When the next try is due. */
  nextRetryAt: number | null;
  /** Round trip in ms, the median of the last 10. */
  latency: number | null;
  closeCode: number | null;
  reason: string | null;
  clientId: string;
  role: Role | null;
}

/** Input that waits, visibly, for the connection to come back (I2). */
export interface HeldInput {
  sessionId: string;
  /** What may be shown of it: a dot for each character that may belong to a password. */
  text: string;
  bytes: number;
  /** When it is discarded. */
  expiresAt: number;
  /** Whether some of it is not shown. */
  secret?: true;
}

export type NoticeKind = "input-dropped" | "evicted" | "taken" | "conflict" | "resumed" | "jump" | "error";

/** Something that happened, as a sentence for the user. */
export interface Notice {
  id: number;
  kind: NoticeKind;
  text: string;
  at: number;
  sessionId?: string;
  /** For `input-dropped`: what was not typed, as far as it may be shown. */
  typed?: string;
  /** For `evicted` and `taken`: what was on the stage before, to undo. */
  before?: readonly string[];
}

/** Which nodes there are, where the server is one of several (N7). */
export interface Nodes {
  /** Whether the others are reached; while they are not, `all` is this one alone. */
  up: boolean;
  all: readonly WallNode[];
}

export interface WorkspaceState {
  connection: Connection;
  focus: FocusState | null;
  sessions: ReadonlyMap<string, Session>;
  limits: Limits | null;
  /** Null where the server is alone, and until it has named the others. */
  nodes: Nodes | null;
  held: ReadonlyMap<string, HeldInput>;
  notices: readonly Notice[];
}

/** Most notices kept; the oldest give way. */
export const MAX_NOTICES = 20;
/** How many measurements of the round trip the median is taken of. */
const LATENCIES = 10;

/** A command that was refused, with the code of the server's table; `disconnected` where nobody was there to ask. */
export class TermwallError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly focus: FocusState | null = null,
  ) {
    super(message);
    this.name = "TermwallError";
  }
}

export class Store {
  private state: WorkspaceState;
  private readonly listeners = new Set<() => void>();
  private noticeIds = 0;
  private latencies: number[] = [];

  constructor(
    private readonly env: Environment,
    clientId: string,
  ) {
    this.state = {
      connection: {
        state: "disconnected",
        since: env.now(),
        lostAt: null,
        everConnected: false,
        silentSince: null,
        retryCount: 0,
        nextRetryAt: null,
        latency: null,
        closeCode: null,
        reason: null,
        clientId,
        role: null,
      },
      focus: null,
      sessions: new Map(),
      limits: null,
      nodes: null,
      held: new Map(),
      notices: [],
    };
  }

  get = (): WorkspaceState => this.state;

  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  };

  update(change: Partial<WorkspaceState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of [...this.listeners]) listener();
  }

  connection(change: Partial<Connection>): void {
    const before = this.state.connection;
    const since = change.state !== undefined && change.state !== before.state ? this.env.now() : before.since;
    this.update({ connection: { ...before, ...change, since } });
  }

  /** One more round trip was measured. */
  measured(milliseconds: number): void {
    this.latencies = [...this.latencies.slice(1 - LATENCIES), Math.max(0, Math.round(milliseconds))];
    const sorted = [...this.latencies].sort((a, b) => a - b);
    this.connection({ latency: sorted[Math.floor(sorted.length / 2)] ?? null });
  }

  /** The connection is another one: what was measured on the old one says nothing about it. */
  forgetLatency(): void {
    this.latencies = [];
  }

  /** Notify the user; the same sentence twice in a row is shown once. */
  notice(kind: NoticeKind, text: string, sessionId?: string, more: Pick<Notice, "before" | "typed"> = {}): void {
    const { notices } = this.state;
    const last = notices.at(-1);
    const at = this.env.now();
    if (last !== undefined && last.kind === kind && last.text === text && last.sessionId === sessionId) {
      this.update({ notices: [...notices.slice(0, -1), { ...last, at, ...more }] });
      return;
    }
    const one: Notice = { id: ++this.noticeIds, kind, text, at, sessionId, ...more };
    this.update({ notices: [...notices.slice(1 - MAX_NOTICES), one] });
  }

  /**
   * F9: the highest version of the current epoch wins, and an epoch not seen before is taken. False if `next` is older
   * than what is known.
   */
  focus(next: FocusState): boolean {
    const now = this.state.focus;
    if (now !== null && now.epoch === next.epoch && next.version <= now.version) return next.version === now.version;
    const { projectId, focusedSessions, totalFocused, maxFocused, version, epoch, timestamp } = next;
    const sessions = new Map(this.state.sessions);
    for (const [id, session] of sessions) {
      const focused = focusedSessions.includes(id);
      if (session.focused !== focused) sessions.set(id, { ...session, focused });
    }
    const focus = { projectId, focusedSessions, totalFocused, maxFocused, version, epoch, timestamp };
    this.update({ focus, sessions });
    return true;
  }
}
