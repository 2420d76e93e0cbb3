/**
 * The sessions' output on its way to their terminals (S3, S5): where each is in its log, and what it has acknowledged.
 *
 * A track is `wanted` until the server is asked for its stream, `asked` until the server says from where it goes on
 * (W11), then `live`. Frames that come before that answer belong to an older stream and are dropped.
 */

import type { Environment } from "./environment";
import type { OutputFrame, Reason } from "./frames";
import type { ClientMessage, StreamPosition, StreamResume } from "./messages";

/** Parsed bytes that are acknowledged at once; the server allows 64 KiB on the way. */
export const ACK_BYTES = 16 * 1024;
/** How long fewer bytes wait for more, in ms. */
export const ACK_MILLISECONDS = 40;
/** The place of a terminal that has nothing yet: no session has this epoch, so the answer is a snapshot. */
const NOWHERE: StreamPosition = { epoch: "", offset: 0 };

export interface StreamChunk {
  data: Uint8Array | string;
  /** Where the data ends in the log. */
  offset: number;
  /** The data begins by resetting the terminal, in band. */
  snapshot: boolean;
  reason?: Reason;
  /** Printed before this viewer came. */
  replay: boolean;
  /** With a snapshot: the size that what follows is meant for. */
  cols?: number;
  rows?: number;
}

/** A terminal that shows a session. */
export interface StreamSink {
  /** Takes output; calls `parsed` when the terminal has worked it in. */
  write(chunk: StreamChunk, parsed: () => void): void;
  /** The size changes here, between what was written before and what comes after. */
  resize(cols: number, rows: number): void;
}

/** Output as it comes: bytes of a binary frame, or text of a JSON message. */
export type Output = Omit<OutputFrame, "data"> & { data: Uint8Array | string };

/** How the streams went on after a reconnect. */
export interface Resumed {
  /** Bytes that no terminal of this page will show. */
  missed: number;
}

export class Track {
  state: "wanted" | "asked" | "live" = "wanted";
  /** What the terminal was given, up to here; null until the first snapshot, and when the epoch is another one. */
  place: StreamPosition | null = null;
  private epoch = "";
  private replayUntil = 0;
  /** Up to where the terminal has worked it in, and up to where we said so; -1 while that is unknown. */
  private parsed = -1;
  private acked = -1;
  /** Callbacks of an older one speak of another screen. */
  private generation = 0;
  private timer: unknown = null;

  constructor(
    readonly sink: StreamSink,
    private readonly env: Environment,
    private readonly ack: (offset: number) => void,
  ) {}

  /** The session's epoch, as it is reported with its other facts (S1). */
  newEpoch(epoch: string): void {
    if (epoch === this.epoch) return;
    this.epoch = epoch;
    this.place = null;
    this.replayUntil = 0;
    this.begin();
  }

  /** What the log held when a snapshot for us was made: up to there it is replay. */
  replayTo(epoch: string, offset: number): void {
    this.newEpoch(epoch);
    this.replayUntil = offset;
  }

  /** The server says from where the stream goes on (W11). */
  seek({ epoch, offset }: StreamPosition): void {
    this.newEpoch(epoch);
    this.place = { epoch, offset };
    this.state = "live";
    // The server of a new connection knows of no ack: send what is parsed once more.
    this.acked = -1;
    if (this.parsed >= 0) this.later();
  }

  /** Takes output. False if bytes are missing before it: the stream must be asked for again. */
  take(output: Output): boolean {
    if (this.state !== "live") return true;
    const { offset, snapshot, data } = output;
    if (snapshot) {
      this.place = { epoch: this.epoch, offset };
      this.begin();
      this.write({ data, offset, snapshot: true, replay: true, ...snapshot });
      return true;
    }
    if (this.place === null) return true; // Of an epoch that is over; its successor begins with a snapshot.
    const from = this.place.offset;
    const start = offset - length(data, offset - from, this.env);
    if (start > from) return false;
    if (offset <= from) return true;
    this.place = { epoch: this.epoch, offset };
    const fresh = start < from ? split(data, from - start, this.env)[1] : data;
    if (from < this.replayUntil && offset > this.replayUntil) {
      const [before, after] = split(fresh, this.replayUntil - from, this.env);
      this.write({ data: before, offset: this.replayUntil, snapshot: false, replay: true });
      this.write({ data: after, offset, snapshot: false, replay: false });
    } else {
      this.write({ data: fresh, offset, snapshot: false, replay: from < this.replayUntil });
    }
    return true;
  }

  private begin(): void {
    this.generation++;
    this.parsed = this.acked = -1;
  }

  private write(chunk: StreamChunk): void {
    const generation = this.generation;
    this.sink.write(chunk, () => {
      if (generation !== this.generation) return;
      this.parsed = chunk.offset;
      if (this.parsed - Math.max(0, this.acked) >= ACK_BYTES || chunk.snapshot) this.acknowledge();
      else this.later();
    });
  }

  /** Acknowledge soon, so that the end of a burst does not keep its credit. */
  private later(): void {
    this.timer ??= this.env.setTimeout(() => {
      this.timer = null;
      this.acknowledge();
    }, ACK_MILLISECONDS);
  }

  private acknowledge(): void {
    if (this.parsed <= this.acked) return;
    this.acked = this.parsed;
    this.ack(this.acked);
  }
}

export class Streams {
  private readonly tracks = new Map<string, Track>();
  private timer: unknown = null;

  constructor(
    private readonly env: Environment,
    /** Sends a message; false if there is no connection. */
    private readonly send: (message: ClientMessage) => boolean,
    /** Whether the server has such a session; asking for another one is in vain. */
    private readonly known: (sessionId: string) => boolean,
  ) {}

  /** Give a session's output to a terminal; replaces the one before. Returns what ends that. */
  attach(sessionId: string, epoch: string | undefined, sink: StreamSink): () => void {
    const track = new Track(sink, this.env, (offset) => this.send({ type: "ack", sessionId, offset }));
    if (epoch !== undefined) track.newEpoch(epoch);
    this.tracks.set(sessionId, track);
    this.askSoon();
    return () => {
      if (this.tracks.get(sessionId) === track) this.tracks.delete(sessionId);
    };
  }

  /** A new connection: ask for every stream, from where each is. */
  connected(epochs: ReadonlyMap<string, { epoch: string }>): void {
    for (const [id, track] of this.tracks) {
      const session = epochs.get(id);
      if (session !== undefined) track.newEpoch(session.epoch);
      track.state = "wanted";
    }
    this.ask();
  }

  /** A session came into being, or lost its place: ask for its stream. */
  want(sessionId: string): void {
    const track = this.tracks.get(sessionId);
    if (track === undefined) return;
    track.state = "wanted";
    this.askSoon();
  }

  /** The server's answer. `ends`: where each session's log ended when the connection was made. */
  resumed(streams: Record<string, StreamResume>, ends: ReadonlyMap<string, { offset: number }>): Resumed {
    let missed = 0;
    for (const [id, stream] of Object.entries(streams)) {
      const track = this.tracks.get(id);
      if (track === undefined) continue;
      if (stream.resume === "snapshot" && track.place !== null) {
        missed += Math.max(0, (ends.get(id)?.offset ?? 0) - track.place.offset);
      }
      track.seek(stream);
    }
    return { missed };
  }

  take(output: Output): void {
    const track = this.tracks.get(output.sessionId);
    if (track !== undefined) {
      if (!track.take(output)) this.want(output.sessionId);
    } else if (output.snapshot) {
      // Nobody shows it: with one ack its window counts, so that the server pauses it instead of sending on and on.
      this.send({ type: "ack", sessionId: output.sessionId, offset: output.offset });
    }
  }

  /** Whether the server still owes an answer to where some stream goes on. */
  get asking(): boolean {
    return [...this.tracks.values()].some((track) => track.state === "asked");
  }

  get(sessionId: string): Track | undefined {
    return this.tracks.get(sessionId);
  }

  remove(sessionId: string): void {
    this.tracks.delete(sessionId);
  }

  /** One message for all terminals that a page attaches in one go. */
  private askSoon(): void {
    this.timer ??= this.env.setTimeout(() => {
      this.timer = null;
      this.ask();
    }, 0);
  }

  private ask(): void {
    const wanted = [...this.tracks].filter(([id, track]) => track.state === "wanted" && this.known(id));
    if (wanted.length === 0) return;
    const offsets = Object.fromEntries(wanted.map(([id, track]) => [id, track.place ?? NOWHERE]));
    if (this.send({ type: "sync_request", offsets })) for (const [, track] of wanted) track.state = "asked";
  }
}

/**
 * How many bytes of the log an output is. Text with U+FFFD does not say, because that stands for bytes of any number; it
 * is then taken to go on where the last one ended, as it does on a socket that keeps the order.
 */
function length(data: Uint8Array | string, expected: number, env: Environment): number {
  if (typeof data !== "string") return data.length;
  return data.includes("\ufffd") ? expected : env.encode(data).length;
}

/** Cuts output after so many bytes; text between two characters, at the end of the one that the cut falls into. */
function split(data: Uint8Array | string, bytes: number, env: Environment): [Uint8Array | string, Uint8Array | string] {
  if (typeof data !== "string") return [data.subarray(0, bytes), data.subarray(bytes)];
  let end = 0;
  let count = 0;
  for (const character of data) {
    if (count >= bytes) break;
    count += env.encode(character).length;
    end += character.length;
  }
  return [data.slice(0, end), data.slice(end)];
}
