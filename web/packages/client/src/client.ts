/**
 * A project's terminals over one socket that heals itself. It holds no truth of its own: its state is what the server
 * told last (F9), and says honestly how the connection is (W10).
 */

import { backoff } from "./backoff";
import type { Environment, SocketLike } from "./environment";
import { decodeFrame, encodeInput } from "./frames";
import { HOLD_BYTES, HOLD_MILLISECONDS, InputLine, type Piece } from "./inputs";
import {
  type ClientMessage,
  type ConnectionStatus,
  type ErrorMessage,
  FINAL_CLOSE_CODES,
  type FocusState,
  type FocusUpdate,
  type Limits,
  type ServerMessage,
  type Session,
  type SessionUpdate,
} from "./messages";
import { ACK_MILLISECONDS, type StreamSink, Track } from "./streams";

export type ConnectionState = "connecting" | "connected" | "disconnected" | "error";
export type Role = "view" | "type" | "own";

export interface Connection {
  state: ConnectionState;
  /** When it came into this state, ms since 1970. */
  since: number;
  /** When the connection was last lost; null while it never was or has been healed. */
  lostAt: number | null;
  retryCount: number;
  nextRetryAt: number | null;
  /** Round trip in ms, the median of the last 10. */
  latency: number | null;
  closeCode: number | null;
  reason: string | null;
  clientId: string;
  role: Role | null;
}

export interface HeldInput {
  sessionId: string;
  text: string;
  bytes: number;
  expiresAt: number;
}

export type NoticeKind = "input-dropped" | "evicted" | "conflict" | "resumed" | "jump" | "error";

export interface Notice {
  id: number;
  kind: NoticeKind;
  text: string;
  at: number;
  sessionId?: string;
  /** For `evicted`: what was on the stage before, to undo. */
  before?: readonly string[];
}

export interface WorkspaceState {
  connection: Connection;
  focus: FocusState | null;
  sessions: ReadonlyMap<string, Session>;
  limits: Limits | null;
  held: ReadonlyMap<string, HeldInput>;
  notices: readonly Notice[];
}

export interface ClientOptions {
  /** The WebSocket's address without its query, such as `wss://host/ws/terminal`. */
  url: string;
  projectId: string;
  /** Carry one session only, as the seed's client does. */
  sessionId?: string;
  clientId: string;
  /** Shown to others who watch the same session. */
  name?: string;
  environment: Environment;
  protocol?: "termwall.v1" | "termwall.v1.json";
  /** Milliseconds between two measurements of the round trip. */
  probeInterval?: number;
}

/** A command that the server refused, with its code. */
export class TermwallError extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly focus: FocusState | null = null,
  ) {
    super(message);
  }
}

const PROBE_MILLISECONDS = 10_000;
const SILENT_PROBES = 2.5;
const STABLE_MILLISECONDS = 5_000;
const MAX_NOTICES = 20;
const NOTHING_HELD: ReadonlyMap<string, HeldInput> = new Map();

interface Pending {
  resolve(state: FocusState): void;
  reject(error: TermwallError): void;
}

export class TermwallClient {
  private state: WorkspaceState;
  private readonly listeners = new Set<() => void>();
  private readonly tracks = new Map<string, Track>();
  private readonly lines = new Map<string, InputLine>();
  private readonly pending = new Map<string, Pending>();
  private readonly env: Environment;
  private socket: SocketLike | null = null;
  private wanted = false;
  private open = false;
  private everOpen = false;
  private attempt = 0;
  private requests = 0;
  private noticeIds = 0;
  private retryTimer: unknown = null;
  private probeTimer: unknown = null;
  private stableTimer: unknown = null;
  private holdTimer: unknown = null;
  private heard = 0;
  private latencies: number[] = [];

  constructor(private readonly options: ClientOptions) {
    this.env = options.environment;
    this.state = {
      connection: {
        state: "disconnected",
        since: this.env.now(),
        lostAt: null,
        retryCount: 0,
        nextRetryAt: null,
        latency: null,
        closeCode: null,
        reason: null,
        clientId: options.clientId,
        role: null,
      },
      focus: null,
      sessions: new Map(),
      limits: null,
      held: NOTHING_HELD,
      notices: [],
    };
  }

  /** The state as it is now: a new object after each change, the same one until then. */
  getState = (): WorkspaceState => this.state;

  /** Calls back after each change; returns what ends that. */
  subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  connect(): void {
    if (this.wanted) return;
    this.wanted = true;
    this.attempt = 0;
    this.dial();
  }

  close(): void {
    this.wanted = false;
    this.hangUp();
    this.env.clearTimeout(this.retryTimer);
    this.retryTimer = null;
    this.setConnection({ state: "disconnected", nextRetryAt: null });
    this.rejectPending("The connection was closed.");
  }

  /** Try at once instead of at the next try's time; also after an error that would not be retried. */
  retryNow(): void {
    if (this.open || (this.socket !== null && this.retryTimer === null)) return;
    this.wanted = true;
    this.dial();
  }

  /** Put a session on the stage, or make several the whole stage in one version (F3, F5). */
  focus(ids: string | readonly string[], options: { expectedVersion?: number | "current" } = {}): Promise<FocusState> {
    return this.command("focus", ids, options.expectedVersion);
  }

  /** Take sessions from the stage in one version. */
  blur(ids: string | readonly string[], options: { expectedVersion?: number | "current" } = {}): Promise<FocusState> {
    return this.command("blur", ids, options.expectedVersion);
  }

  /** Keys for a program. Without a connection they are held for a moment, visibly (I2). */
  input(sessionId: string, data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? this.env.encode(data) : data;
    if (bytes.length === 0) return;
    const line = this.line(sessionId);
    if (!this.open) {
      this.hold(sessionId, line, bytes);
      return;
    }
    const pieces = line.take(bytes, this.env.now());
    if (pieces === null) {
      this.notice("input-dropped", "Not sent: the program does not read what was typed before.", sessionId);
      return;
    }
    this.sendPieces(sessionId, pieces);
  }

  /** Drop what is held for a session. */
  dropHeld(sessionId: string): void {
    const line = this.lines.get(sessionId);
    if (line !== undefined) line.held = [];
    this.showHeld();
  }

  /** The size this client shows; it counts while it drives the session (I4). */
  resize(sessionId: string, cols: number, rows: number): void {
    this.send({ type: "resize", sessionId, data: { cols, rows } });
  }

  /** Take the session over (I4). */
  drive(sessionId: string, size?: { cols: number; rows: number }): void {
    this.send({ type: "drive", sessionId, data: size });
  }

  /** Somebody had the session before their eyes for 2 s (S9). */
  seen(sessionId: string): void {
    this.send({ type: "seen", sessionId });
  }

  /** Give a session's output to a terminal; a later call for the same session replaces it. Returns what ends it. */
  attach(sessionId: string, sink: StreamSink): () => void {
    const track = new Track(
      sink,
      (offset) => this.send({ type: "ack", sessionId, offset }),
      (callback) => this.env.setTimeout(callback, ACK_MILLISECONDS),
    );
    const session = this.state.sessions.get(sessionId);
    if (session !== undefined) track.newEpoch(session.epoch);
    this.tracks.set(sessionId, track);
    // A program's output may have come before there was anybody to show it to: ask for it anew.
    if (this.open) this.requestStreams([sessionId]);
    return () => {
      if (this.tracks.get(sessionId) === track) this.tracks.delete(sessionId);
    };
  }

  /** Whether this client's size and answers count for a session (I4, S7). */
  drives(sessionId: string): boolean {
    return this.state.sessions.get(sessionId)?.driver?.clientId === this.options.clientId;
  }

  dismissNotice(id: number): void {
    this.update({ notices: this.state.notices.filter((notice) => notice.id !== id) });
  }

  // ---- the socket

  private dial(): void {
    this.hangUp();
    this.env.clearTimeout(this.retryTimer);
    this.retryTimer = null;
    this.setConnection({ state: "connecting", nextRetryAt: null });
    const { url, projectId, sessionId, clientId, name, protocol } = this.options;
    const resume = [...this.tracks.values()].some((track) => track.place !== null);
    const query = Object.entries({ projectId, sessionId, clientId, name, resume: resume ? "1" : undefined })
      .filter((entry): entry is [string, string] => entry[1] !== undefined)
      .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
      .join("&");
    let socket: SocketLike;
    try {
      socket = this.env.socket(`${url}?${query}`, [protocol ?? "termwall.v1"]);
    } catch (error) {
      this.lost(1006, String(error));
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => {
      if (this.socket === socket) this.received(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.code, event.reason);
    };
    this.heard = this.env.now();
    this.probe();
  }

  private hangUp(): void {
    const socket = this.socket;
    this.socket = null;
    this.open = false;
    for (const timer of [this.probeTimer, this.stableTimer]) this.env.clearTimeout(timer);
    if (socket !== null) {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
  }

  private lost(code: number, reason: string): void {
    const now = this.env.now();
    const wasOpen = this.open;
    this.hangUp();
    this.rejectPending("The connection was lost.");
    const lostAt = wasOpen ? now : (this.state.connection.lostAt ?? now);
    const why = { closeCode: code, reason: reason || null, lostAt, latency: null };
    if (!this.wanted || FINAL_CLOSE_CODES.includes(code)) {
      const state = FINAL_CLOSE_CODES.includes(code) ? "error" : "disconnected";
      this.wanted = false;
      this.setConnection({ ...why, state, nextRetryAt: null });
      return;
    }
    const delay = backoff(this.attempt++, this.env.random());
    this.setConnection({ ...why, state: "connecting", retryCount: this.attempt, nextRetryAt: now + delay });
    this.retryTimer = this.env.setTimeout(() => this.dial(), delay);
  }

  private probe(): void {
    const every = this.options.probeInterval ?? PROBE_MILLISECONDS;
    const now = this.env.now();
    if (now - this.heard > SILENT_PROBES * every) {
      this.lost(1006, "The server has been silent for too long");
      return;
    }
    if (this.open) this.send({ type: "heartbeat" });
    this.probeTimer = this.env.setTimeout(() => this.probe(), every);
  }

  private send(message: ClientMessage): void {
    if (this.open) this.socket?.send(JSON.stringify({ ...message, timestamp: this.env.now() }));
  }

  private received(data: unknown): void {
    this.heard = this.env.now();
    if (data instanceof ArrayBuffer) {
      const frame = decodeFrame(data);
      if (frame === null) return;
      const track = this.tracks.get(frame.sessionId);
      if (track !== undefined && !track.take({ ...frame, bytes: frame.data.length })) {
        this.requestStreams([frame.sessionId]);
      }
      if (frame.snapshot?.reason === "lagged") this.tellJump(frame.sessionId);
      return;
    }
    if (typeof data !== "string") return;
    let message: ServerMessage;
    try {
      message = JSON.parse(data) as ServerMessage;
    } catch {
      return;
    }
    this.handle(message);
  }

  private handle(message: ServerMessage): void {
    switch (message.type) {
      case "connection_status":
        if (message.status === "connected") this.connected(message);
        else this.setConnection({ state: "connecting", retryCount: message.retryCount ?? 0 });
        break;
      case "focus_update":
        this.focusUpdate(message);
        break;
      case "sync_complete":
        this.setFocus(message);
        for (const [id, stream] of Object.entries(message.streams ?? {})) this.tracks.get(id)?.seek(stream);
        this.settle(message.requestId, message);
        break;
      case "session_update":
        this.sessionUpdate(message);
        break;
      case "input_ack":
        this.lines.get(message.sessionId)?.acknowledge(message.seq);
        break;
      case "heartbeat":
        if (typeof message.echo === "number") this.measured(this.env.now() - message.echo);
        break;
      case "stream":
        this.tracks.get(message.sessionId)?.take({
          sessionId: message.sessionId,
          offset: message.offset,
          data: message.data,
          bytes: message.snapshot ? 0 : this.env.encode(message.data).length,
          snapshot: message.snapshot
            ? { cols: message.cols ?? 80, rows: message.rows ?? 24, reason: message.reason ?? "resume" }
            : undefined,
        });
        break;
      case "error":
        this.refused(message);
        break;
    }
  }

  private connected(status: ConnectionStatus): void {
    const again = this.everOpen;
    const lostAt = this.state.connection.lostAt;
    this.open = true;
    this.everOpen = true;
    const sessions = new Map((status.sessions ?? []).map((session) => [session.id, session]));
    for (const [id, track] of this.tracks) {
      const session = sessions.get(id);
      if (session !== undefined) track.newEpoch(session.epoch);
    }
    this.update({ sessions, limits: status.limits ?? null });
    if (status.focusedSessions && status.version != null && status.epoch != null) {
      this.setFocus({
        projectId: status.projectId,
        focusedSessions: status.focusedSessions,
        totalFocused: status.totalFocused ?? status.focusedSessions.length,
        maxFocused: status.maxFocused ?? 4,
        version: status.version,
        epoch: status.epoch,
        timestamp: status.timestamp,
      });
    }
    this.setConnection({
      state: "connected",
      role: status.role ?? null,
      lostAt: null,
      nextRetryAt: null,
      closeCode: null,
      reason: null,
      retryCount: 0,
    });
    this.stableTimer = this.env.setTimeout(() => {
      this.attempt = 0;
    }, STABLE_MILLISECONDS);
    this.requestStreams([...this.tracks.keys()]);
    if (again && lostAt !== null) this.notice("resumed", "Connected again. Nothing was missed.");
    this.flushInput();
    this.send({ type: "heartbeat" });
  }

  private requestStreams(ids: readonly string[]): void {
    const offsets: Record<string, { epoch: string; offset: number }> = {};
    for (const id of ids) {
      const track = this.tracks.get(id);
      if (track === undefined || !this.state.sessions.has(id)) continue;
      // An epoch that no session has asks for a snapshot.
      offsets[id] = track.place ?? { epoch: "", offset: 0 };
    }
    if (Object.keys(offsets).length > 0 || ids.length === 0) {
      this.send({ type: "sync_request", offsets });
    }
  }

  // ---- the stage

  private command(
    type: "focus" | "blur",
    ids: string | readonly string[],
    expected?: number | "current",
  ): Promise<FocusState> {
    if (!this.open) return Promise.reject(new TermwallError("disconnected", "There is no connection right now."));
    const requestId = `r${++this.requests}`;
    const expectedVersion = expected === "current" ? this.state.focus?.version : expected;
    const names = typeof ids === "string" ? { sessionId: ids } : { sessionIds: [...ids] };
    return new Promise((resolve, reject) => {
      this.pending.set(requestId, { resolve, reject });
      this.send({ type, ...names, requestId, expectedVersion } as ClientMessage);
    });
  }

  private focusUpdate(update: FocusUpdate): void {
    const before = this.state.focus?.focusedSessions;
    if (!this.setFocus(update)) return;
    if (update.evicted.length > 0 && update.sessionId !== null && before !== undefined) {
      const name = (id: string) => this.state.sessions.get(id)?.name ?? id;
      const text = `${update.evicted.map(name).join(", ")} left the stage for ${update.added.map(name).join(", ")}.`;
      this.notice("evicted", text, update.evicted[0], before);
    }
    this.settle(update.requestId, update);
  }

  /** F9: the highest version of the current epoch wins. False for an older one. */
  private setFocus(next: FocusState): boolean {
    const now = this.state.focus;
    if (now !== null && now.epoch === next.epoch && next.version < now.version) return false;
    const focus: FocusState = {
      projectId: next.projectId,
      focusedSessions: next.focusedSessions,
      totalFocused: next.totalFocused,
      maxFocused: next.maxFocused,
      version: next.version,
      epoch: next.epoch,
      timestamp: next.timestamp,
    };
    if (now !== null && now.epoch === focus.epoch && now.version === focus.version) return true;
    const sessions = new Map(this.state.sessions);
    for (const [id, session] of sessions) {
      const focused = focus.focusedSessions.includes(id);
      if (session.focused !== focused) sessions.set(id, { ...session, focused });
    }
    this.update({ focus, sessions });
    return true;
  }

  private settle(requestId: string | null | undefined, state: FocusState): void {
    if (requestId == null) return;
    this.pending.get(requestId)?.resolve(this.state.focus ?? state);
    this.pending.delete(requestId);
  }

  private rejectPending(why: string): void {
    const waiting = [...this.pending.values()];
    this.pending.clear();
    for (const one of waiting) one.reject(new TermwallError("disconnected", why));
  }

  private refused(error: ErrorMessage): void {
    const focus =
      error.focusedSessions != null && error.version != null && error.epoch != null
        ? {
            projectId: error.projectId ?? this.options.projectId,
            focusedSessions: error.focusedSessions,
            totalFocused: error.totalFocused ?? error.focusedSessions.length,
            maxFocused: error.maxFocused ?? 4,
            version: error.version,
            epoch: error.epoch,
            timestamp: error.timestamp,
          }
        : null;
    if (focus !== null) this.setFocus(focus);
    const pending = error.requestId != null ? this.pending.get(error.requestId) : undefined;
    if (pending !== undefined && error.requestId != null) {
      this.pending.delete(error.requestId);
      pending.reject(new TermwallError(error.code, error.data, focus));
      return;
    }
    const sessionId = error.sessionId ?? undefined;
    const line = sessionId === undefined ? undefined : this.lines.get(sessionId);
    if (error.code === "input_gap" && line !== undefined && sessionId !== undefined && error.expected != null) {
      this.sendPieces(sessionId, line.renumber(error.expected));
      return;
    }
    if (error.code === "session_ended" || error.code === "input_overflow" || error.code === "forbidden") line?.forget();
    this.notice("error", error.data, sessionId);
  }

  // ---- sessions

  private sessionUpdate(update: SessionUpdate): void {
    const id = update.sessionId;
    const sessions = new Map(this.state.sessions);
    const track = this.tracks.get(id);
    if (update.removed) {
      sessions.delete(id);
      this.tracks.delete(id);
      this.lines.delete(id);
      this.update({ sessions });
      this.showHeld();
      return;
    }
    const isNew = !sessions.has(id);
    const before = update.session ?? sessions.get(id);
    if (before === undefined) return;
    const { type: _type, sessionId: _id, projectId: _project, timestamp: _timestamp, session: _session, ...rest } = update;
    sessions.set(id, { ...before, ...(rest as Partial<Session>) });
    this.update({ sessions });
    if (track !== undefined) {
      if (update.cols != null && update.rows != null && update.session == null) track.resize(update.cols, update.rows);
      else if (update.epoch != null && update.offset != null) track.replayTo(update.epoch, update.offset);
      if (isNew) this.requestStreams([id]);
    }
  }

  private tellJump(sessionId: string): void {
    const name = this.state.sessions.get(sessionId)?.name ?? sessionId;
    this.notice("jump", `${name} printed more than this page could show; some of it was skipped.`, sessionId);
  }

  // ---- input

  private line(sessionId: string): InputLine {
    let line = this.lines.get(sessionId);
    if (line === undefined) {
      line = new InputLine();
      this.lines.set(sessionId, line);
    }
    return line;
  }

  private sendPieces(sessionId: string, pieces: readonly Piece[]): void {
    for (const piece of pieces) this.socket?.send(encodeInput(sessionId, piece.seq, piece.data));
  }

  private hold(sessionId: string, line: InputLine, bytes: Uint8Array): void {
    if (line.held.length === 0) line.heldSince = this.env.now();
    line.held.push(bytes);
    if (line.heldBytes > HOLD_BYTES) this.discard(sessionId, line, "It was more than 4 KiB.");
    this.showHeld();
    this.watchHeld();
  }

  private watchHeld(): void {
    this.env.clearTimeout(this.holdTimer);
    const waiting = [...this.lines.entries()].filter(([, line]) => line.held.length > 0);
    if (waiting.length === 0) return;
    const now = this.env.now();
    for (const [sessionId, line] of waiting) {
      if (now - line.heldSince >= HOLD_MILLISECONDS) this.discard(sessionId, line, "It was older than 5 s.");
    }
    this.showHeld();
    const since = [...this.lines.values()].filter((line) => line.held.length > 0).map((line) => line.heldSince);
    if (since.length > 0) {
      const due = Math.min(...since) + HOLD_MILLISECONDS - now;
      this.holdTimer = this.env.setTimeout(() => this.watchHeld(), Math.max(0, due));
    }
  }

  private discard(sessionId: string, line: InputLine, why: string): void {
    const count = line.heldBytes;
    line.held = [];
    const text = `Not sent: ${count} characters. ${why} Type them again if you still want them.`;
    this.notice("input-dropped", text, sessionId);
  }

  private flushInput(): void {
    const now = this.env.now();
    for (const [sessionId, line] of this.lines) {
      if (!this.state.sessions.has(sessionId)) {
        this.lines.delete(sessionId);
        continue;
      }
      const { pieces, dropped } = line.resend(now);
      if (dropped > 0) {
        this.notice("input-dropped", `Perhaps not sent: ${dropped} characters, older than 5 s.`, sessionId);
      }
      this.sendPieces(sessionId, pieces);
      const held = line.held;
      line.held = [];
      if (held.length > 0 && now - line.heldSince <= HOLD_MILLISECONDS) for (const bytes of held) this.input(sessionId, bytes);
    }
    this.showHeld();
  }

  private showHeld(): void {
    const decoder = (data: Uint8Array) => decodeURIComponentSafe(data);
    const held = new Map<string, HeldInput>();
    for (const [sessionId, line] of this.lines) {
      if (line.held.length === 0) continue;
      const text = line.held.map(decoder).join("");
      held.set(sessionId, { sessionId, text, bytes: line.heldBytes, expiresAt: line.heldSince + HOLD_MILLISECONDS });
    }
    if (held.size > 0 || this.state.held.size > 0) this.update({ held });
  }

  // ---- state

  private measured(milliseconds: number): void {
    this.latencies = [...this.latencies.slice(-9), Math.max(0, milliseconds)];
    const sorted = [...this.latencies].sort((a, b) => a - b);
    this.setConnection({ latency: sorted[Math.floor(sorted.length / 2)] ?? null });
  }

  private notice(kind: NoticeKind, text: string, sessionId?: string, before?: readonly string[]): void {
    const one: Notice = { id: ++this.noticeIds, kind, text, at: this.env.now(), sessionId, before };
    this.update({ notices: [...this.state.notices.slice(1 - MAX_NOTICES), one] });
  }

  private setConnection(change: Partial<Connection>): void {
    const before = this.state.connection;
    const since = change.state !== undefined && change.state !== before.state ? this.env.now() : before.since;
    this.update({ connection: { ...before, ...change, since } });
  }

  private update(change: Partial<WorkspaceState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of [...this.listeners]) listener();
  }
}

/** Held input as text to show; bytes that are no text show as a question mark. */
function decodeURIComponentSafe(data: Uint8Array): string {
  let escaped = "";
  for (const byte of data) escaped += `%${byte.toString(16).padStart(2, "0")}`;
  try {
    return decodeURIComponent(escaped);
  } catch {
    return "?".repeat(data.length);
  }
}
