/**
 * One session's output on its way to a terminal (S3, S5): where we are in its log, and what we have acknowledged.
 *
 * Every chunk goes to the sink in order; what the sink has parsed is acknowledged each 16 KiB, and soon after the last.
 */

import type { OutputFrame, Reason } from "./frames";

export const ACK_BYTES = 16 * 1024;
export const ACK_MILLISECONDS = 40;

export interface StreamChunk {
  data: Uint8Array | string;
  /** Where the data ends in the log. */
  offset: number;
  /** The data begins by resetting the terminal, in band. */
  snapshot: boolean;
  reason?: Reason;
  /** Printed before this viewer came: a terminal must not answer the queries in it (S7). */
  replay: boolean;
  /** With a snapshot: the size that what follows is meant for. */
  cols?: number;
  rows?: number;
}

export interface StreamSink {
  /** Takes output; calls `parsed` when the terminal has worked it in. */
  write(chunk: StreamChunk, parsed: () => void): void;
  /** The size changes here, between what was written before and what comes after. */
  resize(cols: number, rows: number): void;
}

export interface Place {
  epoch: string;
  offset: number;
}

export class Track {
  /** Null until the first snapshot, and after it was lost. */
  place: Place | null = null;
  private epoch = "";
  private replayUntil = 0;
  private parsed = 0;
  private acked = 0;
  private generation = 0;

  constructor(
    readonly sink: StreamSink,
    private readonly ack: (offset: number) => void,
    private readonly later: (callback: () => void) => void,
  ) {}

  /** The session's epoch, as it is told with its other facts. */
  newEpoch(epoch: string): void {
    if (epoch !== this.epoch) {
      this.epoch = epoch;
      this.place = null;
    }
  }

  /** What the log held when a snapshot for us was made: up to there it is replay. */
  replayTo(epoch: string, offset: number): void {
    this.newEpoch(epoch);
    this.replayUntil = offset;
  }

  /** The server says from where it goes on (W11). */
  seek(place: Place): void {
    this.newEpoch(place.epoch);
    this.place = { ...place };
  }

  resize(cols: number, rows: number): void {
    this.sink.resize(cols, rows);
  }

  /** Takes a frame. False if bytes are missing before it: the stream must be asked for again. */
  take(frame: Omit<OutputFrame, "data"> & { data: Uint8Array | string; bytes: number }): boolean {
    const { offset, snapshot } = frame;
    if (snapshot) {
      this.place = { epoch: this.epoch, offset };
      this.generation++;
      this.parsed = this.acked = offset;
      this.write({ data: frame.data, offset, snapshot: true, replay: true, ...snapshot });
      return true;
    }
    if (this.place === null) return true; // Left over from before a resume; a snapshot is on its way.
    let start = offset - frame.bytes;
    let data = frame.data;
    if (start > this.place.offset) return false;
    if (start < this.place.offset) {
      if (typeof data === "string" || offset <= this.place.offset) return true;
      data = data.subarray(this.place.offset - start);
      start = this.place.offset;
    }
    this.place.offset = offset;
    if (typeof data !== "string" && start < this.replayUntil && offset > this.replayUntil) {
      const cut = this.replayUntil - start;
      this.write({ data: data.subarray(0, cut), offset: this.replayUntil, snapshot: false, replay: true });
      this.write({ data: data.subarray(cut), offset, snapshot: false, replay: false });
    } else {
      this.write({ data, offset, snapshot: false, replay: start < this.replayUntil });
    }
    return true;
  }

  private write(chunk: StreamChunk): void {
    const generation = this.generation;
    this.sink.write(chunk, () => {
      if (generation !== this.generation) return;
      this.parsed = chunk.offset;
      if (this.parsed - this.acked >= ACK_BYTES) this.acknowledge();
      else if (this.parsed > this.acked) this.later(() => generation === this.generation && this.acknowledge());
      else if (chunk.snapshot) this.ack(chunk.offset);
    });
  }

  private acknowledge(): void {
    if (this.parsed > this.acked) {
      this.acked = this.parsed;
      this.ack(this.acked);
    }
  }
}
