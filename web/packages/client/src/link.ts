/**
 * The socket that heals itself: dials, tries again (W10), keeps the connection warm, says so when the server does not
 * answer, and notices when the connection is dead (W6). It knows no message but the heartbeat.
 */

import { backoff } from "./backoff";
import { ServerClock } from "./clock";
import type { Environment, SocketLike } from "./environment";
import { type ClientMessage, type ConnectionStatus, FINAL_CLOSE_CODES } from "./messages";
import type { Store } from "./state";

/** The server's own default, until it has sent its own (W4). */
const HEARTBEAT_MILLISECONDS = 30_000;
/** Heartbeats are sent at least this often, so that the shown round trip is fresh and a dead link is soon noticed. */
export const PROBE_MILLISECONDS = 10_000;
/** Heartbeats without any word from the server until it is taken for dead (W6). */
export const SILENT_INTERVALS = 2.5;
/**
 * After what a server answers at once: how long it may be silent until that is shown. With what a page in view waits
 * between two heartbeats (W4) this is less than 5 s.
 */
export const SILENCE_MILLISECONDS = 2_000;
/**
 * Most patience with a silent server, where connections that were made instead fell silent too: a slow line that brings
 * one large message needs it.
 */
export const MOST_PATIENCE_MILLISECONDS = 25_000;
/** How long a connection may take until the server's first word. */
export const HANDSHAKE_MILLISECONDS = 10_000;
/** When the first heartbeat of a connection is sent: a page that has just been opened is busy, and would measure itself. */
export const FIRST_BEAT_MILLISECONDS = 1_000;
/** A connection that lasted so long was a good one: the next loss begins with the shortest delay again (W10). */
export const STABLE_MILLISECONDS = 5_000;

export interface LinkOptions {
  /** The whole address, query and all. */
  address: string;
  protocol: string;
  /** Most milliseconds between two heartbeats, if less than the server asks for. */
  probe?: number;
}

export interface LinkEvents {
  received(data: unknown): void;
  /** The server answers again: what was held may be sent. */
  answers(): void;
  /** The connection is gone, for now or for good; whatever was asked over it gets no answer. */
  lost(why: string): void;
}

export class Link {
  /** The server has said `connected`. */
  open = false;
  private socket: SocketLike | null = null;
  private wanted = false;
  private attempt = 0;
  private heartbeat = HEARTBEAT_MILLISECONDS;
  private visibleHeartbeat: number | null = null;
  readonly clock = new ServerClock();
  private leaps = 0;
  /** When the oldest of what the server answers at once was sent that nothing has been heard since; null if all is well. */
  private unanswered: number | null = null;
  /** Whether input is held although there is a connection. */
  private holding = false;
  /** Connections in a row that were given up because the server was silent. */
  private silences = 0;
  private retryTimer: unknown = null;
  private beatTimer: unknown = null;
  private stableTimer: unknown = null;
  private silenceTimer: unknown = null;
  private endWake: (() => void) | null = null;

  constructor(
    private readonly env: Environment,
    private readonly store: Store,
    private readonly options: LinkOptions,
    private readonly events: LinkEvents,
  ) {}

  connect(): void {
    if (this.wanted) return;
    this.attempt = 0;
    this.want();
    this.dial();
  }

  close(): void {
    this.unwant();
    this.hangUp();
    this.store.connection({ state: "disconnected", nextRetryAt: null, latency: null, silentSince: null });
    this.events.lost("The connection was closed.");
  }

  /** Try at once instead of when the next try is due; also after an error that is not retried by itself. */
  retryNow(): void {
    if (this.socket !== null) {
      if (!this.open || this.silentSince === null) return;
      this.hangUp();
      this.events.lost("The server did not answer.");
    }
    this.want();
    this.dial();
  }

  /** Whether what is typed now may be sent: there is a connection, the server answers, and its clock is known. */
  get ready(): boolean {
    if (!this.open) return false;
    const now = this.env.now();
    const leaps = this.env.leaps?.() ?? 0;
    if (leaps !== this.leaps) {
      this.leaps = leaps;
      this.clock.leapt();
      this.beat();
    }
    if (this.unanswered !== null && now - this.unanswered >= SILENCE_MILLISECONDS) this.silent();
    const ready = this.open && this.silentSince === null && (!this.clock.given || this.clock.offset !== null);
    if (this.open && !ready) this.holding = true;
    return ready;
  }

  private get silentSince(): number | null {
    return this.store.get().connection.silentSince;
  }

  /** Sends a message; false if there is nobody to send it to. */
  send(message: ClientMessage): boolean {
    if (!this.open || this.socket === null) return false;
    this.socket.send(JSON.stringify({ ...message, timestamp: this.env.now() }));
    return true;
  }

  /** Sends input, which is answered. */
  sendBytes(frame: Uint8Array<ArrayBuffer>): void {
    if (!this.open) return;
    this.socket?.send(frame);
    this.asked();
  }

  /** The server said `connected`. */
  welcome(status: ConnectionStatus): void {
    this.open = true;
    this.heartbeat = status.heartbeatInterval ?? HEARTBEAT_MILLISECONDS;
    this.visibleHeartbeat = status.visibleHeartbeatInterval ?? null;
    this.clock.begin();
    this.clock.heard(status.clock, this.env.now());
    this.leaps = this.env.leaps?.() ?? 0;
    this.heard();
    this.holding = false;
    this.store.forgetLatency();
    this.stableTimer = this.env.setTimeout(() => {
      this.attempt = 0;
      if (this.unanswered === null) this.silences = 0;
    }, STABLE_MILLISECONDS);
    this.env.clearTimeout(this.beatTimer);
    this.beatTimer = this.env.setTimeout(() => this.beat(), Math.min(FIRST_BEAT_MILLISECONDS, this.interval));
  }

  private get interval(): number {
    const visible = this.env.visible?.();
    if (visible === false) return this.heartbeat;
    const most = (visible && this.visibleHeartbeat) || PROBE_MILLISECONDS;
    return Math.min(this.heartbeat, this.options.probe ?? most);
  }

  private get patience(): number {
    const least = SILENT_INTERVALS * this.interval;
    return Math.max(least, Math.min(least * 2 ** this.silences, MOST_PATIENCE_MILLISECONDS));
  }

  private want(): void {
    this.wanted = true;
    this.endWake ??= this.env.onWake?.(() => this.woken()) ?? null;
  }

  private unwant(): void {
    this.wanted = false;
    this.env.clearTimeout(this.retryTimer);
    this.retryTimer = null;
    this.endWake?.();
    this.endWake = null;
  }

  private woken(): void {
    if (this.open) this.beat();
    else if (this.retryTimer !== null) this.dial();
  }

  private dial(): void {
    this.env.clearTimeout(this.retryTimer);
    this.retryTimer = null;
    this.store.connection({ state: "connecting", nextRetryAt: null });
    let socket: SocketLike;
    try {
      socket = this.env.socket(this.options.address, [this.options.protocol]);
    } catch (error) {
      this.lost(1006, String(error));
      return;
    }
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onmessage = (event) => {
      if (this.socket !== socket) return;
      this.heard();
      if (!this.open) this.watchSilence(HANDSHAKE_MILLISECONDS);
      this.events.received(event.data);
      if (this.holding && this.ready) {
        this.holding = false;
        this.events.answers();
      }
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.code, event.reason);
    };
    this.watchSilence(HANDSHAKE_MILLISECONDS);
  }

  private watchSilence(milliseconds: number): void {
    this.env.clearTimeout(this.beatTimer);
    this.beatTimer = this.env.setTimeout(() => this.lost(1006, "The server does not answer", true), milliseconds);
  }

  /** The server was sent something that it answers at once. */
  private asked(): void {
    this.unanswered ??= this.env.now();
    if (this.silenceTimer !== null || this.env.visible?.() === false) return;
    this.silenceTimer = this.env.setTimeout(() => this.silent(), SILENCE_MILLISECONDS);
  }

  private silent(): void {
    if (!this.open || this.unanswered === null || this.silentSince !== null) return;
    this.holding = true;
    const since = this.unanswered;
    this.store.connection({ state: "connecting", silentSince: since, lostAt: since, latency: null });
  }

  /** The server said something. */
  private heard(): void {
    this.unanswered = null;
    this.env.clearTimeout(this.silenceTimer);
    this.silenceTimer = null;
    if (this.open && this.silentSince !== null) {
      this.store.connection({ state: "connected", silentSince: null, lostAt: null });
    }
  }

  /** A heartbeat now and each interval. Silence counts from a heartbeat on, so a page that slept is not misjudged. */
  private beat(): void {
    const now = this.env.now();
    const { patience } = this;
    if (this.unanswered !== null && now - this.unanswered >= patience) {
      this.lost(1006, "The server has been silent for too long", true);
      return;
    }
    this.asked();
    const left = (this.unanswered ?? now) + patience - now;
    this.send({ type: "heartbeat" });
    this.env.clearTimeout(this.beatTimer);
    this.beatTimer = this.env.setTimeout(() => this.beat(), Math.min(this.interval, left));
  }

  private hangUp(): void {
    const socket = this.socket;
    this.socket = null;
    this.open = false;
    this.unanswered = null;
    this.holding = false;
    this.env.clearTimeout(this.beatTimer);
    this.env.clearTimeout(this.stableTimer);
    this.env.clearTimeout(this.silenceTimer);
    this.silenceTimer = null;
    if (socket !== null) {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
  }

  private lost(code: number, reason: string, silent = false): void {
    const now = this.env.now();
    const { connection } = this.store.get();
    const lostAt = connection.lostAt ?? now;
    if (silent) this.silences++;
    this.hangUp();
    const silentSince = silent ? (connection.silentSince ?? now) : null;
    const why = { closeCode: code, reason: reason || null, lostAt, silentSince, latency: null };
    if (isFinal(code)) {
      this.unwant();
      this.store.connection({ ...why, state: "error", nextRetryAt: null });
    } else {
      const delay = backoff(this.attempt++, this.env.random());
      const state = this.env.online?.() === false ? "disconnected" : "connecting";
      this.store.connection({ ...why, state, retryCount: this.attempt, nextRetryAt: now + delay });
      this.retryTimer = this.env.setTimeout(() => this.dial(), delay);
    }
    this.events.lost("The connection was lost.");
  }
}

/** Whether a close code means: do not try again (W9). All of 44xx do, those to come as well. */
function isFinal(code: number): boolean {
  return FINAL_CLOSE_CODES.includes(code) || (code >= 4400 && code < 4500);
}
