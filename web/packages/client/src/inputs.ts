/**
 * What was typed and is not known to have arrived (I1), and what was typed while there was no connection (I2).
 *
 * Input is numbered when it is sent and kept until the server acknowledges it. After a reconnect what is younger than 5 s
 * is sent again under its number: the server drops what it already wrote. What is older is dropped; the server then
 * reports a gap, and what follows is renumbered from the number it expects.
 */

import type { Environment } from "./environment";
import { encodeInput } from "./frames";
import type { HeldInput, NoticeKind } from "./state";

/** How long input waits for a connection (I2), ms. */
export const HOLD_MILLISECONDS = 5_000;
/** How much input of a session waits for a connection (I2). */
export const HOLD_BYTES = 4_096;
/** Largest piece of input in one message. */
export const PIECE_BYTES = 64 * 1024;
/** Most unacknowledged input of a session: as much as the server lets wait for a program (I3). More is refused. */
export const UNACKED_BYTES = 1024 * 1024;
/** After `rate_limited`: when what was not handled is sent again. The server counts by the second. */
const RATE_MILLISECONDS = 1_000;

interface Piece {
  seq: number;
  data: Uint8Array;
  at: number;
}

/** One session's input that was sent. */
class InputLine {
  private unacked: Piece[] = [];
  /** The gap that was answered by sending again; its pieces each report it, and only the first report counts. */
  private gapAt: number | null = null;

  constructor(
    private next: number,
    private readonly keep: (next: number) => void,
  ) {}

  get waiting(): number {
    return this.unacked.reduce((sum, piece) => sum + piece.data.length, 0);
  }

  /** Numbers input for sending. */
  take(data: Uint8Array, now: number): Piece[] {
    if (this.unacked.length === 0) this.gapAt = null;
    const pieces: Piece[] = [];
    for (let start = 0; start < data.length; start += PIECE_BYTES) {
      pieces.push({ seq: this.next++, data: data.subarray(start, start + PIECE_BYTES), at: now });
    }
    this.unacked.push(...pieces);
    this.keep(this.next);
    return pieces;
  }

  /**
   * The server has everything up to `seq`. If that is more than was ever numbered here, the numbers of an earlier client
   * of the same id came in between: what to send again, under new ones.
   */
  acknowledge(seq: number): readonly Piece[] {
    this.gapAt = null;
    if (seq >= this.next) return this.renumber(seq + 1);
    this.unacked = this.unacked.filter((piece) => piece.seq > seq);
    return [];
  }

  /** The server expects another number: what to send again. Empty if that was done already. */
  gap(expected: number): readonly Piece[] {
    if (expected === this.gapAt) return [];
    this.gapAt = expected;
    return this.renumber(expected);
  }

  /** Everything unacknowledged, to send again as it is. */
  again(): readonly Piece[] {
    this.gapAt = null;
    return this.unacked;
  }

  /** Forget what is too old to be typed now: how many bytes that was. */
  expire(now: number): number {
    const before = this.waiting;
    this.unacked = this.unacked.filter((piece) => now - piece.at <= HOLD_MILLISECONDS);
    return before - this.waiting;
  }

  /** The server refused what is unacknowledged: it was not written and is not sent again. */
  forget(): void {
    this.unacked = [];
    this.gapAt = null;
  }

  private renumber(from: number): readonly Piece[] {
    this.next = from;
    for (const piece of this.unacked) piece.seq = this.next++;
    this.keep(this.next);
    return this.unacked;
  }
}

/** One session's input that waits for a connection. */
interface Hold {
  parts: { text: string; bytes: Uint8Array }[];
  since: number;
}

export interface InputEvents {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** What is held is another now. */
  held(held: ReadonlyMap<string, HeldInput>): void;
  notice(kind: NoticeKind, text: string, sessionId: string): void;
}

export class Inputs {
  private readonly lines = new Map<string, InputLine>();
  private readonly holds = new Map<string, Hold>();
  private holdTimer: unknown = null;
  private rateTimer: unknown = null;

  constructor(
    private readonly env: Environment,
    private readonly clientId: string,
    private readonly events: InputEvents,
  ) {}

  /** Send input now. */
  type(sessionId: string, data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? this.env.encode(data) : data;
    if (bytes.length === 0) return;
    const line = this.line(sessionId);
    if (line.waiting + bytes.length > UNACKED_BYTES) {
      this.events.notice("input-dropped", "Not sent: the program does not read what was typed before.", sessionId);
      return;
    }
    this.send(sessionId, line.take(bytes, this.env.now()));
  }

  /** Keep input, visibly, because there is no connection (I2). It gets no number before it is sent. */
  hold(sessionId: string, data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? this.env.encode(data) : data;
    if (bytes.length === 0) return;
    const text = typeof data === "string" ? data : "?".repeat(data.length);
    const hold = this.holds.get(sessionId) ?? { parts: [], since: this.env.now() };
    hold.parts.push({ text, bytes });
    this.holds.set(sessionId, hold);
    if (size(hold) > HOLD_BYTES) this.discard(sessionId, hold, "more than 4 KiB");
    this.show();
  }

  /** Drop what is held for a session, because the user said so. */
  drop(sessionId: string): void {
    if (this.holds.delete(sessionId)) this.show();
  }

  /** There is a connection again: send what may still be typed, tell what may not. `has`: whether a session lives. */
  connected(has: (sessionId: string) => boolean): void {
    const now = this.env.now();
    for (const [sessionId, line] of [...this.lines]) {
      if (!has(sessionId)) {
        this.remove(sessionId);
        continue;
      }
      const dropped = line.expire(now);
      if (dropped > 0) {
        const text = `Perhaps not sent: ${count(dropped)} typed just before the connection was lost.`;
        this.events.notice("input-dropped", text, sessionId);
      }
      this.send(sessionId, line.again());
    }
    for (const [sessionId, hold] of [...this.holds]) {
      this.holds.delete(sessionId);
      if (!has(sessionId)) this.discard(sessionId, hold, "for a terminal that is not there");
      else if (now - hold.since > HOLD_MILLISECONDS) this.discard(sessionId, hold, "older than 5 s");
      else for (const { bytes } of hold.parts) this.type(sessionId, bytes);
    }
    this.show();
  }

  acknowledged(sessionId: string, seq: number): void {
    const line = this.lines.get(sessionId);
    if (line !== undefined) this.send(sessionId, line.acknowledge(seq));
  }

  gap(sessionId: string, expected: number): void {
    const line = this.lines.get(sessionId);
    if (line !== undefined) this.send(sessionId, line.gap(expected));
  }

  refused(sessionId: string): void {
    this.lines.get(sessionId)?.forget();
  }

  /** The server did not handle some message, and does not say which: send what is unacknowledged again, in a moment. */
  rateLimited(): void {
    this.rateTimer ??= this.env.setTimeout(() => {
      this.rateTimer = null;
      for (const [sessionId, line] of this.lines) this.send(sessionId, line.again());
    }, RATE_MILLISECONDS);
  }

  /** A session is gone for good. */
  remove(sessionId: string): void {
    if (this.lines.delete(sessionId)) this.env.storage?.set(this.key(sessionId), "");
  }

  private line(sessionId: string): InputLine {
    let line = this.lines.get(sessionId);
    if (line === undefined) {
      const key = this.key(sessionId);
      const next = Number(this.env.storage?.get(key)) || 1;
      line = new InputLine(next, (number) => this.env.storage?.set(key, String(number)));
      this.lines.set(sessionId, line);
    }
    return line;
  }

  private key(sessionId: string): string {
    return `termwall.seq.${this.clientId}.${sessionId}`;
  }

  private send(sessionId: string, pieces: readonly Piece[]): void {
    for (const piece of pieces) this.events.send(encodeInput(sessionId, piece.seq, piece.data));
  }

  private discard(sessionId: string, hold: Hold, why: string): void {
    this.holds.delete(sessionId);
    const characters = hold.parts.reduce((sum, part) => sum + [...part.text].length, 0);
    const [was, them] = characters === 1 ? ["It was", "it"] : ["They were", "them"];
    const text = `Not sent: ${count(characters)}. ${was} ${why}. Type ${them} again if you still want ${them}.`;
    this.events.notice("input-dropped", text, sessionId);
  }

  private show(): void {
    const held = new Map<string, HeldInput>();
    for (const [sessionId, hold] of this.holds) {
      const text = hold.parts.map((part) => part.text).join("");
      held.set(sessionId, { sessionId, text, bytes: size(hold), expiresAt: hold.since + HOLD_MILLISECONDS });
    }
    this.events.held(held);
    this.env.clearTimeout(this.holdTimer);
    if (held.size === 0) return;
    const due = Math.min(...[...held.values()].map((one) => one.expiresAt)) - this.env.now();
    this.holdTimer = this.env.setTimeout(() => this.expire(), Math.max(0, due));
  }

  private expire(): void {
    const now = this.env.now();
    for (const [sessionId, hold] of [...this.holds]) {
      if (now - hold.since >= HOLD_MILLISECONDS) this.discard(sessionId, hold, "older than 5 s");
    }
    this.show();
  }
}

function size(hold: Hold): number {
  return hold.parts.reduce((sum, part) => sum + part.bytes.length, 0);
}

function count(characters: number): string {
  return characters === 1 ? "1 character" : `${characters} characters`;
}
