/**
 * Plays a recording of any length into a terminal: it reads a piece at a time, waits until the terminal has taken each,
 * and seeks by the server's key frames. It knows neither the page nor the network.
 */

import type { Frame, Timeline, TimelinePart } from "@termwall/client";

export interface Source {
  /** The last frame that shows nothing later. */
  frame(seconds: number, signal: AbortSignal): Promise<Frame>;
  /** Bytes of a part, from one to before another; fewer at its end. */
  bytes(part: number, from: number, to: number, signal: AbortSignal): Promise<Uint8Array>;
}

export interface Screen {
  /** Begin anew with a size and a picture. */
  reset(frame: { cols: number; rows: number; data: string }, taken: () => void): void;
  write(data: string, taken: () => void): void;
  resize(cols: number, rows: number): void;
}

interface CastEvent {
  time: number;
  code: string;
  data: string;
}

/** Bytes read at once, and characters given to the terminal before it is waited for. */
const READ_BYTES = 512 << 10;
const WRITE_LENGTH = 64 << 10;
const NOTHING = new Uint8Array();
const LINE_FEED = 10;

export class Playback {
  /** Seconds; everything up to here is shown. */
  at = 0;
  private reader: Reader | null = null;
  private abort = new AbortController();

  constructor(
    private readonly source: Source,
    private readonly screen: Screen,
    readonly timeline: Timeline,
  ) {}

  /** Show the screen of a moment. Whatever went on before is given up. False: this was given up in turn. */
  async seek(seconds: number): Promise<boolean> {
    const to = Math.min(this.timeline.seconds, Math.max(0, seconds));
    const signal = this.begin();
    return this.unlessGivenUp(signal, async () => {
      const frame = await this.source.frame(to, signal);
      if (signal.aborted) return;
      if (this.reader === null || to < this.at || frame.time > this.at) {
        this.reader = new Reader(this.source, this.timeline, frame);
        this.at = frame.time;
        await new Promise<void>((taken) => this.screen.reset(frame, taken));
      }
      await this.read(to, signal);
    });
  }

  /** Go on to a later moment. */
  advance(seconds: number): Promise<boolean> {
    const signal = this.begin();
    return this.unlessGivenUp(signal, () => this.read(Math.min(this.timeline.seconds, seconds), signal));
  }

  /** When the next event is, as far as it is known. */
  get coming(): number {
    return this.reader?.head?.time ?? this.timeline.seconds;
  }

  stop(): void {
    this.abort.abort();
  }

  private begin(): AbortSignal {
    this.abort.abort();
    this.abort = new AbortController();
    return this.abort.signal;
  }

  private async unlessGivenUp(signal: AbortSignal, work: () => Promise<void>): Promise<boolean> {
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return !signal.aborted;
  }

  private async read(to: number, signal: AbortSignal): Promise<void> {
    const { reader, screen } = this;
    if (reader === null) return;
    let text = "";
    try {
      while (!signal.aborted) {
        const event = reader.head ?? (await reader.fill(signal));
        if (event === null || event.time > to) break;
        reader.take();
        this.at = Math.max(this.at, event.time);
        const size = event.code === "r" ? sizeOf(event.data) : null;
        if (event.code === "o") text += event.data;
        if (size === null && text.length < WRITE_LENGTH) continue;
        const written = text;
        text = "";
        const taken = written === "" ? null : new Promise<void>((done) => screen.write(written, done));
        if (size !== null) screen.resize(size.cols, size.rows);
        await taken;
      }
    } finally {
      if (text !== "") {
        const last = text;
        const taken = new Promise<void>((done) => screen.write(last, done));
        if (!signal.aborted) await taken;
      }
    }
    if (!signal.aborted) this.at = Math.max(this.at, to);
  }
}

/** The events of a recording from a frame on, over all parts that follow. */
class Reader {
  private events: CastEvent[] = [];
  private next = 0;
  /** Bytes of a line whose end was not read yet. */
  private rest = NOTHING;
  private position: number;
  private index: number;
  private now: number;
  private skips = false;

  constructor(
    private readonly source: Source,
    private readonly timeline: Timeline,
    frame: Frame,
  ) {
    this.index = timeline.parts.findIndex(({ part }) => part === frame.part);
    this.position = frame.at;
    this.now = frame.time;
  }

  get head(): CastEvent | null {
    return this.events[this.next] ?? null;
  }

  take(): void {
    this.next++;
  }

  /** The next event, read where it has to be; null at the end. */
  async fill(signal: AbortSignal): Promise<CastEvent | null> {
    while (this.head === null) {
      const part = this.timeline.parts[this.index];
      if (part === undefined) return null;
      const { position, rest } = this;
      if (position >= part.bytes) {
        this.enter(this.index + 1);
        continue;
      }
      const to = Math.min(part.bytes, position + READ_BYTES);
      const bytes = await this.source.bytes(part.part, position, to, signal);
      signal.throwIfAborted();
      // The file may have become shorter; what is not there is passed over.
      this.position = bytes.length === 0 ? part.bytes : position + bytes.length;
      const whole = joined(rest, bytes);
      const end = whole.lastIndexOf(LINE_FEED) + 1;
      this.rest = whole.subarray(end);
      this.events = this.parsed(new TextDecoder().decode(whole.subarray(0, end)), part);
      this.next = 0;
    }
    return this.head;
  }

  private enter(index: number): void {
    const part = this.timeline.parts[index];
    this.index = index;
    this.position = 0;
    this.rest = NOTHING;
    this.next = 0;
    this.events = [];
    if (part === undefined) return;
    this.skips = part.continues;
    this.now = Math.max(this.now, part.start);
    this.events = [{ time: this.now, code: "r", data: `${part.cols}x${part.rows}` }];
  }

  private parsed(text: string, part: TimelinePart): CastEvent[] {
    const found: CastEvent[] = [];
    for (const line of text.split("\n")) {
      const value = read(line);
      if (!Array.isArray(value) || typeof value[0] !== "number" || typeof value[2] !== "string") continue;
      if (this.skips) {
        this.skips = false;
        continue;
      }
      this.now = Math.max(this.now, part.start + value[0]);
      found.push({ time: this.now, code: String(value[1]), data: value[2] });
    }
    return found;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(first.length + second.length);
  whole.set(first);
  whole.set(second, first.length);
  return whole;
}

/** The new size that an `r` event has. */
export function sizeOf(data: string): { cols: number; rows: number } | null {
  const found = /^(\d+)x(\d+)$/.exec(data);
  return found ? { cols: Number(found[1]), rows: Number(found[2]) } : null;
}

/** A place on a time line: minutes and seconds, and hours where there are any. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(whole % 60).padStart(2, "0")}`;
  return hours ? `${hours}:${rest}` : rest;
}

function read(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
