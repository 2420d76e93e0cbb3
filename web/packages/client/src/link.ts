/**
 * The socket that heals itself: dials, tries again (W10), keeps the connection warm and notices when it is dead (W6).
 * It knows no message but the heartbeat.
 */

import { backoff } from "./backoff";
import type { Environment, SocketLike } from "./environment";
import { type ClientMessage, FINAL_CLOSE_CODES } from "./messages";
import type { Store } from "./state";

/** The server's own default, until it has told (W4). */
const HEARTBEAT_MILLISECONDS = 30_000;
/** Heartbeats are sent at least this often, so that the shown round trip is fresh and a dead link is soon noticed. */
export const PROBE_MILLISECONDS = 10_000;
/** Heartbeats without any word from the server until it is taken for dead (W6). */
export const SILENT_INTERVALS = 2.5;
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
  /** When the oldest heartbeat was sent that nothing has been heard since; null if all is well. */
  private unanswered: number | null = null;
  private retryTimer: unknown = null;
  private beatTimer: unknown = null;
  private stableTimer: unknown = null;
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
    this.store.connection({ state: "disconnected", nextRetryAt: null, latency: null });
    this.events.lost("The connection was closed.");
  }

  /** Try at once instead of when the next try is due; also after an error that is not retried by itself. */
  retryNow(): void {
    if (this.socket !== null) return;
    this.want();
    this.dial();
  }

  /** Sends a message; false if there is nobody to send it to. */
  send(message: ClientMessage): boolean {
    if (!this.open || this.socket === null) return false;
    this.socket.send(JSON.stringify({ ...message, timestamp: this.env.now() }));
    return true;
  }

  sendBytes(frame: Uint8Array<ArrayBuffer>): void {
    if (this.open) this.socket?.send(frame);
  }

  /** The server said `connected`. */
  welcome(heartbeatInterval: number | null | undefined): void {
    this.open = true;
    this.heartbeat = heartbeatInterval ?? HEARTBEAT_MILLISECONDS;
    this.unanswered = null;
    this.store.forgetLatency();
    this.stableTimer = this.env.setTimeout(() => {
      this.attempt = 0;
    }, STABLE_MILLISECONDS);
    this.env.clearTimeout(this.beatTimer);
    this.beatTimer = this.env.setTimeout(() => this.beat(), Math.min(FIRST_BEAT_MILLISECONDS, this.interval));
  }

  private get interval(): number {
    return Math.min(this.heartbeat, this.options.probe ?? PROBE_MILLISECONDS);
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
      this.unanswered = null;
      if (!this.open) this.watchSilence(HANDSHAKE_MILLISECONDS);
      this.events.received(event.data);
    };
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.code, event.reason);
    };
    this.watchSilence(HANDSHAKE_MILLISECONDS);
  }

  private watchSilence(milliseconds: number): void {
    this.env.clearTimeout(this.beatTimer);
    this.beatTimer = this.env.setTimeout(() => this.lost(1006, "The server does not answer"), milliseconds);
  }

  /** A heartbeat now and each interval. Silence counts from a heartbeat on, so a page that slept is not misjudged. */
  private beat(): void {
    const now = this.env.now();
    const patience = SILENT_INTERVALS * this.interval;
    if (this.unanswered !== null && now - this.unanswered >= patience) {
      this.lost(1006, "The server has been silent for too long");
      return;
    }
    this.unanswered ??= now;
    const left = this.unanswered + patience - now;
    this.send({ type: "heartbeat" });
    this.env.clearTimeout(this.beatTimer);
    this.beatTimer = this.env.setTimeout(() => this.beat(), Math.min(this.interval, left));
  }

  private hangUp(): void {
    const socket = this.socket;
    this.socket = null;
    this.open = false;
    this.unanswered = null;
    this.env.clearTimeout(this.beatTimer);
    this.env.clearTimeout(this.stableTimer);
    if (socket !== null) {
      socket.onmessage = null;
      socket.onclose = null;
      socket.close();
    }
  }

  private lost(code: number, reason: string): void {
    const now = this.env.now();
    const { connection } = this.store.get();
    const lostAt = this.open ? now : (connection.lostAt ?? now);
    this.hangUp();
    const why = { closeCode: code, reason: reason || null, lostAt, latency: null };
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
