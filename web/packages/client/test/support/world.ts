/** A world for the client in which time stands still until a test lets it pass, with a server that a test plays. */

import type { Environment, SocketLike } from "../../src/environment";
import { type ClientOptions, TermwallClient } from "../../src/index";
import type { Session } from "../../src/messages";
import type { StreamChunk, StreamSink } from "../../src/streams";

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of a message is up to the test.
export type Message = Record<string, any>;

interface Timer {
  at: number;
  callback: () => void;
}

/** One WebSocket as the server sees it. */
export class Wire implements SocketLike {
  binaryType = "blob";
  onmessage: ((event: { data: unknown }) => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  readonly sent: (string | Uint8Array)[] = [];
  hungUp = false;

  constructor(
    readonly url: URL,
    readonly protocols: string[],
  ) {}

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.sent.push(typeof data === "string" ? data : data.slice());
  }

  close(): void {
    this.hungUp = true;
  }

  /** The server says something. */
  deliver(message: Message): void {
    this.onmessage?.({ data: JSON.stringify({ timestamp: 0, projectId: "p", ...message }) });
  }

  deliverBytes(frame: Uint8Array): void {
    this.onmessage?.({ data: new Uint8Array(frame).buffer });
  }

  /** The connection ends from the server's side. */
  end(code = 1006, reason = ""): void {
    this.onclose?.({ code, reason });
  }

  /** The JSON messages that were sent, of one type or of all. */
  messages(type?: string): Message[] {
    const all = this.sent.filter((one) => typeof one === "string").map((one) => JSON.parse(one) as Message);
    return type === undefined ? all : all.filter((one) => one.type === type);
  }

  /** The input frames that were sent. */
  inputs(): { sessionId: string; seq: number; text: string }[] {
    return this.sent
      .filter((one) => typeof one !== "string")
      .map((frame) => {
        const start = 2 + (frame[1] ?? 0);
        const view = new DataView(frame.buffer, frame.byteOffset);
        const text = new TextDecoder().decode(frame.subarray(start + 4));
        return { sessionId: new TextDecoder().decode(frame.subarray(2, start)), seq: view.getUint32(start), text };
      });
  }
}

export class World implements Environment {
  time = 1_000_000;
  chance = 1;
  isOnline = true;
  refuses = false;
  readonly wires: Wire[] = [];
  readonly kept = new Map<string, string>();
  private readonly timers = new Set<Timer>();
  private wake: (() => void) | null = null;

  readonly storage = {
    get: (key: string) => this.kept.get(key) ?? null,
    set: (key: string, value: string) => {
      this.kept.set(key, value);
    },
  };

  socket(url: string, protocols: string[]): SocketLike {
    if (this.refuses) throw new SyntaxError("not an address");
    const wire = new Wire(new URL(url), protocols);
    this.wires.push(wire);
    return wire;
  }

  now(): number {
    return this.time;
  }

  random(): number {
    return this.chance;
  }

  setTimeout(callback: () => void, milliseconds: number): unknown {
    const timer = { at: this.time + milliseconds, callback };
    this.timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.timers.delete(timer as Timer);
  }

  encode(text: string): Uint8Array<ArrayBuffer> {
    return new TextEncoder().encode(text);
  }

  online(): boolean {
    return this.isOnline;
  }

  onWake(callback: () => void): () => void {
    this.wake = callback;
    return () => {
      this.wake = null;
    };
  }

  /** The network is back, or the user looks again. */
  wakeUp(): void {
    this.wake?.();
  }

  /** Lets time pass, and what is due happen in its order. */
  pass(milliseconds: number): void {
    const end = this.time + milliseconds;
    for (;;) {
      const due = [...this.timers].filter((timer) => timer.at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.timers.delete(due);
      this.time = Math.max(this.time, due.at);
      due.callback();
    }
    this.time = end;
  }

  get timersLeft(): number {
    return this.timers.size;
  }

  /** The newest connection. */
  get wire(): Wire {
    const wire = this.wires.at(-1);
    if (wire === undefined) throw new Error("the client has not connected");
    return wire;
  }
}

export function session(id: string, more: Partial<Session> = {}): Session {
  return {
    id,
    projectId: "p",
    name: id,
    title: "",
    type: "system",
    command: ["sh"],
    cwd: "/",
    status: "running",
    exitCode: null,
    signal: null,
    cols: 80,
    rows: 24,
    focused: false,
    attention: { state: "idle", reason: "no output", since: 0 },
    driver: null,
    createdAt: 0,
    lastActivity: 0,
    epoch: "e1",
    offset: 0,
    ...more,
  };
}

export const LIMITS = {
  window: 65_536,
  ring: 2_097_152,
  messageBytes: 1_048_576,
  messagesPerSecond: 1_000,
  inputBytes: 1_048_576,
  nameLength: 256,
  sessions: 256,
};

export function stage(version: number, focusedSessions: string[], epoch = "stage-1"): Message {
  return {
    projectId: "p",
    focusedSessions,
    totalFocused: focusedSessions.length,
    maxFocused: 4,
    version,
    epoch,
    timestamp: 0,
  };
}

/** The first word of a connection (W4). */
export function welcome(sessions: Session[], more: Message = {}): Message {
  return {
    type: "connection_status",
    status: "connected",
    clientId: "c",
    role: "own",
    sessions,
    heartbeatInterval: 30_000,
    limits: LIMITS,
    ...stage(1, []),
    ...more,
  };
}

/** A binary frame of output (S8). */
export function frame(sessionId: string, offset: number, text: string | Uint8Array): Uint8Array {
  const data = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const bytes = new Uint8Array(10 + sessionId.length + data.length);
  bytes.set([1, sessionId.length, ...new TextEncoder().encode(sessionId)]);
  new DataView(bytes.buffer).setBigUint64(2 + sessionId.length, BigInt(offset));
  bytes.set(data, 10 + sessionId.length);
  return bytes;
}

/** A binary snapshot (S8). `reason`: 1 attach, 2 focus, 3 resume, 4 lagged, 5 restart, 6 resize. */
export function snapshot(sessionId: string, offset: number, reason = 1, cols = 80, rows = 24): Uint8Array {
  const head = frame(sessionId, offset, "");
  const bytes = new Uint8Array(head.length + 7);
  bytes.set(head);
  bytes[0] = 2;
  const view = new DataView(bytes.buffer);
  view.setUint16(head.length, cols);
  view.setUint16(head.length + 2, rows);
  bytes[head.length + 4] = reason;
  bytes.set([0x1b, 0x63], head.length + 5);
  return bytes;
}

/** A terminal that parses when it is told to. */
export class Screen implements StreamSink {
  readonly log: string[] = [];
  readonly chunks: StreamChunk[] = [];
  private waiting: (() => void)[] = [];

  constructor(private readonly atOnce = true) {}

  write(chunk: StreamChunk, parsed: () => void): void {
    this.chunks.push(chunk);
    const text = typeof chunk.data === "string" ? chunk.data : new TextDecoder().decode(chunk.data);
    this.log.push(chunk.snapshot ? `snapshot@${chunk.offset} ${chunk.reason} ${chunk.cols}x${chunk.rows}` : text);
    if (this.atOnce) parsed();
    else this.waiting.push(parsed);
  }

  resize(cols: number, rows: number): void {
    this.log.push(`size ${cols}x${rows}`);
  }

  /** Works in the oldest chunks that wait. */
  parse(count = this.waiting.length): void {
    for (const parsed of this.waiting.splice(0, count)) parsed();
  }
}

export interface Setup {
  world: World;
  client: TermwallClient;
}

export function setup(options: Partial<ClientOptions> = {}): Setup {
  const world = new World();
  const client = new TermwallClient({
    url: "ws://test/ws/terminal",
    projectId: "p",
    clientId: "c",
    environment: world,
    ...options,
  });
  return { world, client };
}

/** A client that is connected, with these sessions. */
export function connected(sessions: Session[] = [session("a")], options: Partial<ClientOptions> = {}): Setup {
  const both = setup(options);
  both.client.connect();
  both.world.wire.deliver(welcome(sessions));
  return both;
}

/** A connected client whose session `a` goes to a screen, and has had its first snapshot at offset 0. */
export function streaming(atOnce = true): Setup & { screen: Screen } {
  const both = connected();
  const screen = new Screen(atOnce);
  both.client.attach("a", screen);
  both.world.pass(0);
  answerStreams(both.world.wire, { a: { epoch: "e1", offset: 0, resume: "snapshot" } });
  both.world.wire.deliver({ type: "session_update", sessionId: "a", epoch: "e1", offset: 0 });
  both.world.wire.deliverBytes(snapshot("a", 0));
  return { ...both, screen };
}

/** The server's answer to a `sync_request` (W11). */
export function answerStreams(wire: Wire, streams: Message, version = 1): void {
  wire.deliver({ type: "sync_complete", ...stage(version, []), streams });
}
