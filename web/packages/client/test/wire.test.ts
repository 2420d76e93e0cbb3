/** The client's side of the golden conversations (tests/wire/README.md): the server's part is played to a real client. */

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { TermwallClient } from "../src/index";
import { ACK_MILLISECONDS, type StreamChunk, type StreamSink } from "../src/streams";
import { type Message, World } from "./support/world";

const folder = new URL("../../../../tests/wire/", import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
/** Longest time that the client may take to say what is expected, in ms of the test's clock. */
const PATIENCE = 1_000;

class Paper implements StreamSink {
  text = "";
  private readonly decoder = new TextDecoder();

  write(chunk: StreamChunk, parsed: () => void): void {
    if (chunk.snapshot) this.text = "";
    else this.text += typeof chunk.data === "string" ? chunk.data : this.decoder.decode(chunk.data, { stream: true });
    parsed();
  }

  resize(cols: number, rows: number): void {
    this.text += `[${cols}x${rows}]`;
  }
}

function play(steps: Message[]): void {
  const world = new World();
  world.chance = 0;
  const papers = new Map<string, Paper>();
  let client: TermwallClient | null = null;
  let read = 0;

  const heard = (): string | Uint8Array => {
    for (let waited = 0; world.wire.sent.length <= read && waited < PATIENCE; waited++) world.pass(1);
    const next = world.wire.sent[read++];
    if (next === undefined) throw new Error("the client says nothing");
    return next;
  };

  const say = (method: string, args: unknown[]): void => {
    if (client === null) throw new Error("a conversation begins with `connect`");
    if (method === "attach") {
      const paper = new Paper();
      papers.set(args[0] as string, paper);
      client.attach(args[0] as string, paper);
      return;
    }
    const call = client[method as "focus"] as (...args: unknown[]) => unknown;
    const promise = call.apply(client, args);
    if (promise instanceof Promise) promise.catch(() => undefined);
  };

  for (const step of steps) {
    if (step.connect) {
      const { protocol, ...query } = step.connect;
      client ??= new TermwallClient({
        url: "ws://test/ws/terminal",
        projectId: "wall",
        sessionId: query.sessionId,
        clientId: query.clientId,
        environment: world,
        protocol,
      });
      client.connect();
      world.pass(0);
      read = 0;
      expect(Object.fromEntries(world.wire.url.searchParams)).toEqual({ projectId: "wall", ...query });
      expect(world.wire.protocols).toEqual([protocol]);
    } else if (step.from === "client" && step.text) {
      const said = heard();
      expect(typeof said === "string" ? JSON.parse(said) : said).toMatchObject(step.text);
    } else if (step.from === "client") {
      expect(Buffer.from(heard() as Uint8Array).toString("hex")).toBe(step.hex.replaceAll(" ", ""));
    } else if (step.from === "server" && step.text) {
      world.wire.deliver(step.text);
    } else if (step.from === "server") {
      world.wire.deliverBytes(Buffer.from(step.hex.replaceAll(" ", ""), "hex"));
    } else if (step.user) {
      say(step.user[0], step.user.slice(1));
    } else if (step.lost) {
      expect(world.wire.sent.slice(read)).toEqual([]);
      world.wire.end(step.lost);
    } else if (step.shows) {
      for (const [id, text] of Object.entries(step.shows)) expect(papers.get(id)?.text).toBe(text);
    } else if (!step.program) {
      throw new Error(`what is ${JSON.stringify(step)}?`);
    }
  }
  world.pass(ACK_MILLISECONDS);
  expect(world.wire.sent.slice(read)).toEqual([]);
}

describe("W7: the client keeps to the golden conversation", () => {
  test.each(files)("%s", (name) => {
    play(JSON.parse(readFileSync(new URL(name, folder), "utf8")).steps);
  });

  test("there are conversations", () => {
    expect(files.length).toBeGreaterThanOrEqual(6);
  });
});
