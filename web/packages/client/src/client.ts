/**
 * A project's terminals over one socket that heals itself. It holds no truth of its own: its state is what the server
 * sent last (F9), and says honestly how the connection is (W10).
 */

import { ServerClock } from "./clock";
import type { Environment } from "./environment";
import { decodeFrame } from "./frames";
import { Inputs } from "./inputs";
import { Link } from "./link";
import type {
  Changer,
  Colours,
  ConnectionStatus,
  ErrorCode,
  ErrorMessage,
  FocusState,
  FocusUpdate,
  Preview,
  ServerMessage,
  Session,
  SessionUpdate,
  Stream,
  SyncComplete,
} from "./messages";
import { Previews } from "./previews";
import { Secrecy } from "./secrecy";
import { Store, TermwallError, type WorkspaceState } from "./state";
import { type Output, type StreamSink, Streams } from "./streams";
import { Taken } from "./taken";

export interface ClientOptions {
  /** The WebSocket's address without its query, such as `wss://host/ws/terminal`. */
  url: string;
  projectId: string;
  /** Carry one session only, as the seed's client does. */
  sessionId?: string;
  /** Who we are, over reconnects; two clients that live at the same time must not share one. */
  clientId: string;
  /** Shown to others who watch the same session. */
  name?: string;
  environment: Environment;
  protocol?: "termwall.v1" | "termwall.v1.json";
  /** Most milliseconds between two measurements of the round trip. */
  probeInterval?: number;
}

/** Errors after which the input that caused them is not sent again: nothing of it was written. */
const INPUT_REFUSALS: readonly ErrorCode[] = [
  "session_ended",
  "other_version",
  "input_overflow",
  "forbidden",
  "unknown_session",
];
/** Most focus commands that wait for their answer. */
const MAX_PENDING = 256;

interface Pending {
  resolve(state: FocusState): void;
  reject(error: TermwallError): void;
}

export class TermwallClient {
  private readonly store: Store;
  private readonly link: Link;
  private readonly streams: Streams;
  private readonly inputs: Inputs;
  private readonly previews: Previews;
  private readonly secrecy = new Secrecy();
  private readonly pending = new Map<string, Pending>();
  /** The server's dates, which may be others than this machine's. */
  private readonly dates = new ServerClock();
  private requests = 0;
  /** The session whose terminal has this client's keys. */
  private keysIn: string | null = null;
  private colours: Colours | null = null;
  private readonly copying = new Set<(sessionId: string, text: string) => void>();
  /** What to say of a reconnect, once the streams have gone on; null if nobody waits for it. */
  private resuming: { missing: readonly Session[] } | null = null;
  private everOpen = false;
  private readonly taken: Taken;

  constructor(private readonly options: ClientOptions) {
    const { environment: env, clientId } = options;
    this.store = new Store(env, clientId);
    this.taken = new Taken(env);
    const protocol = options.protocol ?? "termwall.v1";
    this.link = new Link(
      env,
      this.store,
      { address: address(options), protocol, probe: options.probeInterval },
      {
        received: (data) => this.received(data),
        answers: () => this.inputs.release((id) => this.store.get().sessions.has(id)),
        lost: (why) => this.lost(why),
      },
    );
    this.streams = new Streams(
      env,
      (message) => this.link.send(message),
      (sessionId) => this.store.get().sessions.has(sessionId),
    );
    this.inputs = new Inputs(env, clientId, {
      send: (frame) => this.link.sendBytes(frame),
      offset: () => this.link.clock.offset,
      hides: (sessionId) => this.secrecy.hides(this.store.get().sessions.get(sessionId)),
      held: (held) => {
        if (held.size > 0 || this.store.get().held.size > 0) this.store.update({ held });
      },
      notice: (kind, text, sessionId, typed) => this.store.notice(kind, text, sessionId, { typed }),
    });
    this.previews = new Previews(
      env,
      (message) => this.link.send(message),
      (sessionId) => this.store.get().sessions.has(sessionId),
    );
  }

  /** The state as it is now: a new object after each change, the same one until then. */
  getState = (): WorkspaceState => this.store.get();

  /** Calls back after each change; returns what ends that. */
  subscribe = (listener: () => void): (() => void) => this.store.subscribe(listener);

  /** What the server's dates are when the environment's clock shows `now`; null where the server has sent none yet. */
  serverDate(now: number): number | null {
    const { offset } = this.dates;
    return offset === null ? null : now + offset;
  }

  /** Connect, and stay connected until `close` (W10). */
  connect(): void {
    this.link.connect();
  }

  close(): void {
    this.link.close();
  }

  /** Try at once instead of when the next try is due; also after an error that is not retried by itself. */
  retryNow(): void {
    this.link.retryNow();
  }

  /**
   * Put a session on the stage, or make several the whole stage in one version (F3, F5). `expectedVersion`: refuse if the
   * stage is another one by now (F4); `"current"` means the one that this client shows.
   *
   * Rejects with a TermwallError: the server's code, or `disconnected`.
   */
  focus(ids: string | readonly string[], options: { expectedVersion?: number | "current" } = {}): Promise<FocusState> {
    return this.command("focus", ids, options.expectedVersion);
  }

  /** Take sessions from the stage in one version. */
  blur(ids: string | readonly string[], options: { expectedVersion?: number | "current" } = {}): Promise<FocusState> {
    return this.command("blur", ids, options.expectedVersion);
  }

  /** Keys for a program. Without a connection they are held for a moment, visibly (I2). */
  input(sessionId: string, data: string | Uint8Array): void {
    this.taken.typed(sessionId, data);
    if (!this.mayType()) {
      this.store.notice("input-dropped", "Watching only. Ask the owner for a link that may type.", sessionId);
    } else if (!this.link.ready) this.inputs.hold(sessionId, data);
    else {
      this.inputs.type(sessionId, data);
      this.secrecy.typed(sessionId, data);
    }
  }

  /**
   * Whether somebody else took the session from the stage while this client typed into it: a page goes on showing it,
   * and what is typed still reaches it. Until it is on the stage again.
   */
  wasTaken(sessionId: string): boolean {
    return this.taken.has(sessionId) && !this.store.get().focus?.focusedSessions.includes(sessionId);
  }

  /** Drop what is held for a session. */
  dropHeld(sessionId: string): void {
    this.inputs.drop(sessionId);
  }

  /** The size this client shows; it counts while it drives the session (I4). */
  resize(sessionId: string, cols: number, rows: number): void {
    if (this.mayType()) this.link.send({ type: "resize", sessionId, data: { cols, rows } });
  }

  /** Take the session over (I4). */
  drive(sessionId: string, size?: { cols: number; rows: number }): void {
    this.link.send({ type: "drive", sessionId, data: size });
  }

  /** Give a session another name (W7). */
  rename(sessionId: string, name: string): void {
    this.link.send({ type: "rename", sessionId, name });
  }

  /** Whether the next key goes to this session: reported to its program, if that asked for it, merged over all viewers (S7). */
  keys(sessionId: string, has: boolean): void {
    if (!has && this.keysIn !== sessionId) return;
    this.keysIn = has ? sessionId : null;
    if (this.mayType()) this.link.send({ type: "keys", sessionId, has });
  }

  /** The colours of this client's terminals: sent to programs that it drives when they ask (S7). */
  theme(colours: Colours): void {
    this.colours = colours;
    this.sendTheme();
  }

  /** Calls back when a program that this client drives put a text on the clipboard (S7); returns what ends it. */
  onCopied(listener: (sessionId: string, text: string) => void): () => void {
    this.copying.add(listener);
    return () => {
      this.copying.delete(listener);
    };
  }

  /** Somebody had the session before their eyes for 2 s (S9). */
  seen(sessionId: string): void {
    if (this.mayType()) this.link.send({ type: "seen", sessionId });
  }

  /**
   * Ask for cheap pictures of these sessions (S6): the newest of each is at `previewOf`, and `onPreview` calls back with it. What
   * several ask for is asked of the server at once, and again after each reconnect. Returns what ends it.
   */
  preview(sessionIds: readonly string[]): () => void {
    return this.previews.want(sessionIds);
  }

  /** The newest picture of a session that `preview` asks for. */
  previewOf(sessionId: string): Preview | undefined {
    return this.previews.get(sessionId);
  }

  /** Calls back when a session's picture is another one; the workspace's state does not change by it. */
  onPreview(sessionId: string, listener: () => void): () => void {
    return this.previews.listen(sessionId, listener);
  }

  /** Give a session's output to a terminal; a later call for the same session replaces it. Returns what ends it. */
  attach(sessionId: string, sink: StreamSink): () => void {
    return this.streams.attach(sessionId, this.store.get().sessions.get(sessionId)?.epoch, sink);
  }

  /** Whether this client's size counts for a session (I4). */
  drives(sessionId: string): boolean {
    return this.store.get().sessions.get(sessionId)?.driver?.clientId === this.options.clientId;
  }

  dismissNotice(id: number): void {
    const { notices } = this.store.get();
    this.store.update({ notices: notices.filter((notice) => notice.id !== id) });
  }

  /** From a link that may only watch this would be refused each time. */
  private mayType(): boolean {
    return this.store.get().connection.role !== "view";
  }

  private sendTheme(): void {
    if (this.colours !== null && this.mayType()) this.link.send({ type: "theme", data: this.colours });
  }

  private sendKeys(): void {
    if (this.keysIn !== null && this.mayType()) this.link.send({ type: "keys", sessionId: this.keysIn, has: true });
  }

  // ---- what comes

  private received(data: unknown): void {
    if (data instanceof ArrayBuffer) {
      const frame = decodeFrame(data);
      if (frame !== null) this.output(frame);
      return;
    }
    if (typeof data !== "string") return;
    let message: ServerMessage | null;
    try {
      message = JSON.parse(data) as ServerMessage | null;
    } catch {
      return;
    }
    if (message !== null) this.handle(message);
  }

  private handle(message: ServerMessage): void {
    switch (message.type) {
      case "connection_status":
        if (message.status === "connected") this.connected(message);
        else this.store.connection({ state: "connecting", retryCount: message.retryCount ?? 0 });
        break;
      case "focus_update":
        this.focusUpdate(message);
        break;
      case "sync_complete":
        this.synced(message);
        break;
      case "session_update":
        this.sessionUpdate(message);
        break;
      case "preview":
        this.previews.take(message);
        break;
      case "clipboard":
        for (const listener of [...this.copying]) listener(message.sessionId, message.data);
        break;
      case "input_ack":
        this.inputs.acknowledged(message.sessionId, message.seq);
        break;
      case "heartbeat":
        this.link.clock.heard(message.clock, this.options.environment.now());
        this.dates.heard(message.timestamp || null, this.options.environment.now());
        if (typeof message.echo === "number") this.store.measured(this.options.environment.now() - message.echo);
        break;
      case "nodes_update":
        this.store.update({ nodes: { up: message.engine === "up", all: message.nodes } });
        if (!this.streams.asking) this.reportResumed(0);
        break;
      case "stream":
        this.output(fromJson(message));
        break;
      case "error":
        this.refused(message);
        break;
      default:
        // All that this version knows is handled; others come with later versions and are not for us (W8).
        message satisfies never;
    }
  }

  private connected(status: ConnectionStatus): void {
    const before = this.store.get();
    const sessions = new Map((status.sessions ?? []).map((session) => [session.id, session]));
    this.store.update({ sessions, limits: status.limits ?? null, nodes: null });
    const focus = focusOf(status, status.projectId);
    if (focus !== null) this.focusState(focus);
    if (this.everOpen && before.connection.lostAt !== null) {
      this.resuming = { missing: [...before.sessions.values()].filter(({ id }) => !sessions.has(id)) };
    }
    this.everOpen = true;
    this.dates.begin();
    this.dates.heard(status.timestamp || null, this.options.environment.now());
    this.link.welcome(status);
    this.store.connection({
      state: "connected",
      role: status.role ?? null,
      everConnected: true,
      lostAt: null,
      silentSince: null,
      nextRetryAt: null,
      closeCode: null,
      reason: null,
      retryCount: 0,
    });
    this.sendTheme();
    if (this.keysIn !== null && !sessions.has(this.keysIn)) this.keysIn = null;
    this.sendKeys();
    this.streams.connected(sessions);
    for (const id of before.sessions.keys()) if (!sessions.has(id)) this.previews.remove(id);
    this.previews.connected();
    // Which nodes are there comes next, where there are several (N7).
    if (!this.streams.asking && !this.resuming?.missing.some(({ node }) => node != null)) this.reportResumed(0);
    this.inputs.connected((id) => sessions.has(id));
  }

  private lost(why: string): void {
    this.resuming = null;
    const waiting = [...this.pending.values()];
    this.pending.clear();
    for (const one of waiting) one.reject(new TermwallError("disconnected", why));
  }

  private output(output: Output): void {
    this.secrecy.printed(output.sessionId, output.data);
    this.streams.take(output);
    if (output.snapshot?.reason === "lagged" && this.streams.get(output.sessionId) !== undefined) {
      const name = this.store.get().sessions.get(output.sessionId)?.name ?? output.sessionId;
      const text = `${name} printed more than this page could show; some of it was skipped.`;
      this.store.notice("jump", text, output.sessionId);
    }
  }

  // ---- the stage

  private command(
    type: "focus" | "blur",
    ids: string | readonly string[],
    expected?: number | "current",
  ): Promise<FocusState> {
    const requestId = `r${++this.requests}`;
    const expectedVersion = expected === "current" ? this.store.get().focus?.version : expected;
    const names = typeof ids === "string" ? { sessionId: ids } : { sessionIds: [...ids] };
    if (this.pending.size >= MAX_PENDING) {
      return Promise.reject(new TermwallError("rate_limited", "Too many commands wait for their answer."));
    }
    if (!this.link.send({ type, ...names, requestId, expectedVersion })) {
      return Promise.reject(new TermwallError("disconnected", "There is no connection right now."));
    }
    return new Promise((resolve, reject) => {
      this.pending.set(requestId, { resolve, reject });
    });
  }

  private focusUpdate(update: FocusUpdate): void {
    const before = this.store.get().focus;
    const others = update.by != null && update.by.clientId !== this.options.clientId;
    if (others && before !== null && !(before.epoch === update.epoch && update.version <= before.version)) {
      const evicted = update.evicted.filter((id) => !this.taken.typing(id));
      const gone = update.removed.filter((id) => !evicted.includes(id));
      this.reportTaken(gone, before.focusedSessions, update.by);
    }
    const news = this.store.focus(update) && before?.version !== update.version;
    this.taken.back(this.store.get().focus?.focusedSessions ?? []);
    if (news && before !== null && update.evicted.length > 0 && update.sessionId !== null) {
      const name = (id: string) => this.store.get().sessions.get(id)?.name ?? id;
      const text = `${update.evicted.map(name).join(", ")} left the stage for ${update.added.map(name).join(", ")}.`;
      this.store.notice("evicted", text, update.evicted[0], { before: before.focusedSessions });
    }
    this.settle(update.requestId);
  }

  /** Before it is the state: who shows a session that was taken goes on showing it. */
  private reportTaken(gone: readonly string[], before: readonly string[], by: Changer | null | undefined): void {
    if (gone.length === 0) return;
    const typing = this.taken.left(gone);
    const names = gone.slice(0, 3).map((id) => this.store.get().sessions.get(id)?.name ?? id);
    if (gone.length > 3) names.push(`${gone.length - 3} more`);
    const who = by?.clientId === "http" ? "a command" : (by?.name ?? "somebody else");
    const text = `${names.join(", ")} ${gone.length === 1 ? "was" : "were"} taken from the stage by ${who}.`;
    this.store.notice("taken", typing ? `${text} What you type still reaches it.` : text, gone[0], { before });
  }

  /** What the server sent on connecting, or unasked. What changed in between was not reported. */
  private focusState(next: FocusState): void {
    const { focus: before, sessions } = this.store.get();
    if (before !== null && before.version !== next.version) {
      const gone = before.focusedSessions.filter((id) => !next.focusedSessions.includes(id) && sessions.has(id));
      this.reportTaken(
        gone.filter((id) => this.taken.typing(id)),
        before.focusedSessions,
        null,
      );
    }
    this.store.focus(next);
    this.taken.back(this.store.get().focus?.focusedSessions ?? []);
  }

  private synced(answer: SyncComplete): void {
    this.focusState(answer);
    if (answer.streams != null) {
      const { missed } = this.streams.resumed(answer.streams, this.store.get().sessions);
      this.reportResumed(missed);
    }
    this.settle(answer.requestId);
  }

  private reportResumed(missed: number): void {
    if (this.resuming === null) return;
    const { missing } = this.resuming;
    this.resuming = null;
    const unheard = missing.filter((session) => this.mayComeBack(session)).length;
    const gone = missing.length - unheard;
    const text = [
      gone > 0 && `${terminals(gone)} gone.`,
      unheard > 0 && `${terminals(unheard)} on a node that is not heard of.`,
      missed > 0 && `${bytes(missed)} of output went by; this is the current screen.`,
    ].filter(Boolean);
    this.store.notice("resumed", `Connected again. ${text.join(" ") || "Nothing was missed."}`);
  }

  /** Whether a session may only be unknown to a server that was started meanwhile and has not heard of its node (N5). */
  private mayComeBack({ id, node }: Session): boolean {
    const { focus, nodes } = this.store.get();
    if (focus?.focusedSessions.includes(id)) return true;
    return node != null && nodes !== null && (!nodes.up || !nodes.all.some(({ name }) => name === node));
  }

  private settle(requestId: string | null | undefined): void {
    const { focus } = this.store.get();
    if (requestId == null || focus === null) return;
    this.pending.get(requestId)?.resolve(focus);
    this.pending.delete(requestId);
  }

  private refused(error: ErrorMessage): void {
    const focus = focusOf(error, error.projectId ?? this.options.projectId);
    if (focus !== null) this.store.focus(focus);
    const pending = error.requestId != null ? this.pending.get(error.requestId) : undefined;
    if (pending !== undefined && error.requestId != null) {
      this.pending.delete(error.requestId);
      pending.reject(new TermwallError(error.code, error.data, focus));
      return;
    }
    // Of a later server it may be one that is not known here: that is none of these.
    const code = error.code as ErrorCode;
    // Pictures come again with the engine, or with the next request where a session has just gone: no news for anybody.
    const quiet = code === "engine_away" || code === "unknown_session";
    if (this.previews.refused(error.requestId) && quiet) return;
    const sessionId = error.sessionId ?? undefined;
    if (code === "rate_limited") this.inputs.rateLimited();
    else if (code === "input_gap" && sessionId !== undefined && error.expected != null) {
      this.inputs.gap(sessionId, error.expected);
      return;
    } else if (sessionId !== undefined && (code === "too_late" || code === "engine_away")) {
      const late = code === "too_late";
      const why = late ? "The server could not take them within 5 s." : error.data;
      if (this.inputs.notTyped(sessionId, why, error.expected ?? null) || late) return;
    } else if (sessionId !== undefined && INPUT_REFUSALS.includes(code)) this.inputs.refused(sessionId);
    this.store.notice(code === "version_conflict" ? "conflict" : "error", error.data, sessionId);
  }

  // ---- sessions

  private sessionUpdate(update: SessionUpdate): void {
    const id = update.sessionId;
    const sessions = new Map(this.store.get().sessions);
    if (update.removed) {
      sessions.delete(id);
      this.streams.remove(id);
      this.previews.remove(id);
      this.inputs.remove(id);
      this.inputs.drop(id);
      this.secrecy.forget(id);
      this.taken.forget(id);
      this.store.update({ sessions });
      return;
    }
    const known = sessions.get(id);
    const session = update.session ?? known;
    if (session === undefined) return;
    const { type: _, sessionId: _id, projectId: _project, timestamp: _time, session: _session, ...changes } = update;
    // With a size, `offset` is the place of the change and not the end of the log (S3).
    const sized = update.cols != null && update.rows != null;
    if (sized) delete changes.offset;
    sessions.set(id, { ...session, ...(changes as Partial<Session>) });
    this.store.update({ sessions });
    const track = this.streams.get(id);
    if (track !== undefined && update.epoch != null && update.offset != null) {
      if (sized) track.sink.resize(update.cols as number, update.rows as number);
      else track.replayTo(update.epoch, update.offset);
    }
    if (known?.away != null && update.away === null && id === this.keysIn) this.sendKeys();
    if (known === undefined) this.streams.want(id);
    // The engine has come back, or reports a new session: what was refused may be asked for again.
    if (known === undefined || update.screen != null) this.previews.gather();
  }
}

function terminals(count: number): string {
  return count === 1 ? "1 terminal is" : `${count} terminals are`;
}

function address({ url, projectId, sessionId, clientId, name }: ClientOptions): string {
  // The first thing we send is where each stream is, so the server may wait for it (W1).
  const query = Object.entries({ projectId, sessionId, clientId, name, resume: "1" })
    .filter((entry): entry is [string, string] => entry[1] !== undefined)
    .map(([key, value]) => `${key}=${encodeURIComponent(value)}`)
    .join("&");
  return `${url}?${query}`;
}

/** The stage that a message has, if it has one. */
function focusOf(message: ConnectionStatus | ErrorMessage, projectId: string): FocusState | null {
  const { focusedSessions, totalFocused, maxFocused, version, epoch, timestamp } = message;
  if (focusedSessions == null || version == null || epoch == null) return null;
  return {
    projectId,
    focusedSessions,
    totalFocused: totalFocused ?? focusedSessions.length,
    maxFocused: maxFocused ?? 4,
    version,
    epoch,
    timestamp,
  };
}

function fromJson(message: Stream): Output {
  const { sessionId, offset, data, cols, rows, reason } = message;
  if (!message.snapshot) return { sessionId, offset, data };
  return { sessionId, offset, data, snapshot: { cols: cols ?? 80, rows: rows ?? 24, reason: reason ?? "resume" } };
}

function bytes(count: number): string {
  if (count < 1024) return `${count} bytes`;
  return count < 1024 * 1024 ? `${Math.round(count / 1024)} KB` : `${Math.round(count / 1024 / 1024)} MB`;
}
