/**
 * What was typed and is not known to have arrived (I1), and what was typed while there was no connection (I2).
 *
 * Input is numbered when it is sent, says until when it may be typed, and is kept until the server acknowledges it. After
 * a reconnect it is sent again under its number: the server drops what it already wrote, and refuses what is too late by
 * now. What was typed behind something that was refused is not typed either, because half a command is worse than none;
 * its user is notified. An older server knows no deadlines: to that nothing older than 5 s is sent again; it then reports a
 * gap, and what follows is renumbered from the number it expects.
 */

import type { Environment } from "./environment";
import { encodeInput } from "./frames";
import { lineEnd } from "./secrecy";
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
/** Most characters of what was not typed that its notice shows. */
const SHOWN_CHARACTERS = 200;

/** What was typed, as its user sees it. */
interface Typed {
  text: string;
  /** Whether it may be a password. */
  secret: boolean;
}

interface Piece {
  seq: number;
  data: Uint8Array;
  /** When it was typed. */
  at: number;
  /** Of what was cut into pieces the first one has it all. */
  typed: Typed | null;
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
  take(data: Uint8Array, at: number, typed: Typed): Piece[] {
    if (this.unacked.length === 0) this.gapAt = null;
    const pieces: Piece[] = [];
    for (let start = 0; start < data.length; start += PIECE_BYTES) {
      const piece = data.subarray(start, start + PIECE_BYTES);
      pieces.push({ seq: this.next++, data: piece, at, typed: start === 0 ? typed : null });
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

  /** The server refused what is unacknowledged: it was not written and is not sent again. What it was. */
  forget(): readonly Piece[] {
    const before = this.unacked;
    this.unacked = [];
    this.gapAt = null;
    return before;
  }

  /** As `forget`; the server goes on with that number, and reports a gap for all that was sent before it said so. */
  late(expected: number): readonly Piece[] {
    const before = this.forget();
    this.renumber(expected);
    this.gapAt = expected;
    return before;
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
  parts: { typed: Typed; bytes: Uint8Array }[];
  since: number;
}

export interface InputEvents {
  send(frame: Uint8Array<ArrayBuffer>): void;
  /** What to add to our clock to have the server's; null where it sends none. */
  offset(): number | null;
  /** Whether what is typed into a session now may be a password. */
  hides(sessionId: string): boolean;
  /** What is held is another now. */
  held(held: ReadonlyMap<string, HeldInput>): void;
  notice(kind: NoticeKind, text: string, sessionId: string, typed?: string): void;
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
    const typed = { text: textOf(data, bytes), secret: this.events.hides(sessionId) };
    this.put(sessionId, bytes, this.env.now(), typed);
  }

  private put(sessionId: string, bytes: Uint8Array, at: number, typed: Typed): void {
    if (bytes.length === 0) return;
    const line = this.line(sessionId);
    if (line.waiting + bytes.length > UNACKED_BYTES) {
      this.events.notice("input-dropped", "Not sent: the program does not read what was typed before.", sessionId);
      return;
    }
    this.send(sessionId, line.take(bytes, at, typed));
  }

  /** Keep input, visibly, because there is no connection (I2). It gets no number before it is sent. */
  hold(sessionId: string, data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? this.env.encode(data) : data;
    if (bytes.length === 0) return;
    const hold = this.holds.get(sessionId) ?? { parts: [], since: this.env.now() };
    // After a line's end, what follows may be the password that it asks for.
    const ended = hold.parts.some(({ typed }) => lineEnd(typed.text) >= 0);
    const secret = ended || this.events.hides(sessionId);
    hold.parts.push({ typed: { text: textOf(data, bytes), secret }, bytes });
    this.holds.set(sessionId, hold);
    if (size(hold) > HOLD_BYTES) this.discard(sessionId, hold, "more than 4 KiB");
    this.show();
  }

  /** Drop what is held for a session, because the user said so. */
  drop(sessionId: string): void {
    if (this.holds.delete(sessionId)) this.show();
  }

  /** There is a connection again: send what may still be typed, report what may not. `has`: whether a session lives. */
  connected(has: (sessionId: string) => boolean): void {
    const now = this.env.now();
    const dated = this.events.offset() !== null;
    for (const [sessionId, line] of [...this.lines]) {
      if (!has(sessionId)) {
        this.remove(sessionId);
        continue;
      }
      const dropped = dated ? 0 : line.expire(now);
      if (dropped > 0) {
        const text = `Perhaps not sent: ${count(dropped)} typed just before the connection was lost.`;
        this.events.notice("input-dropped", text, sessionId);
      }
      this.send(sessionId, line.again());
    }
    this.release(has);
  }

  /** Send what is held and may still be typed, report what may not. `has`: whether a session lives. */
  release(has: (sessionId: string) => boolean): void {
    const now = this.env.now();
    for (const [sessionId, hold] of [...this.holds]) {
      this.holds.delete(sessionId);
      if (!has(sessionId)) this.discard(sessionId, hold, "for a terminal that is not there");
      else if (now - hold.since > HOLD_MILLISECONDS) this.discard(sessionId, hold, "older than 5 s");
      // All of it is as old as its beginning: it is typed as a whole, or not at all.
      else for (const { bytes, typed } of hold.parts) this.put(sessionId, bytes, hold.since, typed);
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

  /**
   * The server refused input because it came too late, or could not be brought to its program, and says why. What was
   * typed behind it is not typed either. False if nothing is known of that input.
   */
  notTyped(sessionId: string, why: string, expected: number | null): boolean {
    const line = this.lines.get(sessionId);
    const pieces = (expected === null ? line?.forget() : line?.late(expected)) ?? [];
    if (pieces.length === 0) return false;
    const held = this.holds.get(sessionId)?.parts ?? [];
    if (this.holds.delete(sessionId)) this.show();
    const typed = [...pieces, ...held].flatMap((one) => one.typed ?? []);
    this.notify(sessionId, typed, (them) => `Not typed: ${them}. ${why}`);
    return true;
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
    const offset = this.events.offset();
    for (const { seq, data, at } of pieces) {
      const until = offset === null ? null : at + HOLD_MILLISECONDS + offset;
      this.events.send(encodeInput(sessionId, seq, data, until));
    }
  }

  private discard(sessionId: string, hold: Hold, why: string): void {
    this.holds.delete(sessionId);
    const typed = hold.parts.map((part) => part.typed);
    this.notify(sessionId, typed, (them, one) => `Not sent: ${them}. ${one ? "It was" : "They were"} ${why}.`);
  }

  /** Says what was not typed, and shows it if it is no secret. What terminals report by themselves is nobody's loss. */
  private notify(sessionId: string, all: readonly Typed[], say: (them: string, one: boolean) => string): void {
    const typed = all.filter(({ text }) => !isReport(text));
    const characters = typed.reduce((sum, { text }) => sum + [...text].length, 0);
    if (characters === 0) return;
    const one = characters === 1;
    const them = one ? "it" : "them";
    const text = `${say(count(characters), one)} Type ${them} again if you still want ${them}.`;
    const shown = typed.some(({ secret }) => secret)
      ? undefined
      : typed
          .map((part) => part.text)
          .join("")
          .slice(0, SHOWN_CHARACTERS);
    this.events.notice("input-dropped", text, sessionId, shown);
  }

  private show(): void {
    const held = new Map<string, HeldInput>();
    for (const [sessionId, hold] of this.holds) {
      const text = hold.parts.map((part) => shownOf(part.typed)).join("");
      const one: HeldInput = { sessionId, text, bytes: size(hold), expiresAt: hold.since + HOLD_MILLISECONDS };
      held.set(sessionId, text === hold.parts.map(({ typed }) => typed.text).join("") ? one : { ...one, secret: true });
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

// biome-ignore lint/suspicious/noControlCharactersInRegex: focus gained or lost, and the mouse moved without a button.
const REPORTS = /^(?:\x1b\[[IO]|\x1b\[<3[5-9];[0-9]+;[0-9]+[Mm])+$/;

/** Whether input is only what a terminal reports by itself. */
export const isReport = (text: string): boolean => REPORTS.test(text);

function textOf(data: string | Uint8Array, bytes: Uint8Array): string {
  return typeof data === "string" ? data : "?".repeat(bytes.length);
}

/** Of a secret, and of what follows the end of a line, a dot for each character. */
function shownOf({ text, secret }: Typed): string {
  const clear = secret ? 0 : lineEnd(text);
  if (clear < 0) return text;
  return text.slice(0, clear) + "•".repeat([...text.slice(clear)].length);
}

function size(hold: Hold): number {
  return hold.parts.reduce((sum, part) => sum + part.bytes.length, 0);
}

function count(characters: number): string {
  return characters === 1 ? "1 character" : `${characters} characters`;
}
