import { describe, expect, test } from "vitest";
import { ACK_BYTES, ACK_MILLISECONDS } from "../src/streams";
import {
  answerStreams,
  connected,
  frame,
  type Message,
  Screen,
  session,
  snapshot,
  stage,
  streaming,
  type Wire,
  welcome,
} from "./support/world";

const acks = (wire: Wire) => wire.messages("ack").map((ack) => ack.offset);
const exact = (offset: number) => ({ a: { epoch: "e1", offset, resume: "exact" } });

describe("W11: asking for streams", () => {
  test("all terminals that a page attaches in one go are one sync_request", () => {
    const { world, client } = connected([session("a"), session("b")]);
    client.attach("a", new Screen());
    client.attach("b", new Screen());
    expect(world.wire.messages("sync_request")).toEqual([]);
    world.pass(0);
    const nowhere = { epoch: "", offset: 0 };
    expect(world.wire.messages("sync_request")).toMatchObject([{ offsets: { a: nowhere, b: nowhere } }]);
  });

  test("a session that does not exist yet is asked for when it does", () => {
    const { world, client } = connected([]);
    client.attach("a", new Screen());
    world.pass(0);
    expect(world.wire.messages("sync_request")).toEqual([]);
    world.wire.deliver({ type: "session_update", sessionId: "a", session: session("a") });
    world.pass(0);
    expect(world.wire.messages("sync_request")).toHaveLength(1);
  });

  test("after a reconnect each goes on from where it was, at once", () => {
    const { world, client, screen } = streaming();
    world.wire.deliverBytes(frame("a", 5, "hello"));
    world.wire.end(1006);
    world.pass(100);
    world.wire.deliver(welcome([session("a", { offset: 9 })]));
    expect(world.wire.messages("sync_request")).toMatchObject([{ offsets: { a: { epoch: "e1", offset: 5 } } }]);
    answerStreams(world.wire, exact(5));
    world.wire.deliverBytes(frame("a", 9, "more"));
    expect(screen.log.slice(1)).toEqual(["hello", "more"]);
    expect(client.getState().notices).toMatchObject([
      { kind: "resumed", text: "Connected again. Nothing was missed." },
    ]);
  });

  test("what could not be resumed is reported: how much went by", () => {
    const { world, client } = streaming();
    world.wire.end(1006);
    world.pass(100);
    world.wire.deliver(welcome([session("a", { offset: 43_000_000 })]));
    answerStreams(world.wire, { a: { epoch: "e1", offset: 42_000_000, resume: "snapshot" } });
    const text = "Connected again. 41 MB of output went by; this is the current screen.";
    expect(client.getState().notices).toMatchObject([{ kind: "resumed", text }]);
  });

  test("a terminal that is gone after a reconnect is reported", () => {
    const { world, client } = connected([session("a"), session("b")]);
    world.wire.end(1006);
    world.pass(100);
    world.wire.deliver(welcome([session("a")]));
    expect(client.getState().notices).toMatchObject([{ text: "Connected again. 1 terminal is gone." }]);
  });

  test("a terminal whose node may only not be heard of is not called gone", () => {
    const on = (node: string) => ({ node });
    const { world, client } = connected(["a", "b", "c", "d"].map((id) => session(id, on(id < "c" ? "one" : "two"))));
    const nodes = (engine: string, ...names: string[]) => ({
      type: "nodes_update",
      engine,
      nodes: names.map((name) => ({ name, here: name === "one", role: "both", draining: false })),
    });
    const again = (...told: Message[]) => {
      const ended = world.wire;
      ended.end(1006);
      while (world.wire === ended) world.pass(100);
      for (const message of told) world.wire.deliver(message);
      return client.getState().notices.at(-1)?.text;
    };
    const all = client.getState().sessions;
    const away = again(welcome([], stage(2, ["a"])), nodes("up", "one"));
    expect(away).toBe("Connected again. 1 terminal is gone. 3 terminals are on a node that is not heard of.");
    again(welcome([...all.values()], stage(3, [])), nodes("up", "one", "two"));
    expect(again(welcome([], stage(3, [])), nodes("up", "one", "two"))).toBe("Connected again. 4 terminals are gone.");
    again(welcome([...all.values()], stage(3, [])), nodes("up", "one", "two"));
    expect(again(welcome([], stage(3, [])), nodes("down", "one"))).toBe(
      "Connected again. 4 terminals are on a node that is not heard of.",
    );
  });

  test("an epoch that is over is not resumed: the answer is a snapshot", () => {
    const { world } = streaming();
    world.wire.end(1012);
    world.pass(100);
    world.wire.deliver(welcome([session("a", { epoch: "e2" })]));
    expect(world.wire.messages("sync_request")).toMatchObject([{ offsets: { a: { epoch: "", offset: 0 } } }]);
  });

  test("what comes before the answer belongs to an older stream", () => {
    const { world, client } = connected();
    const screen = new Screen();
    client.attach("a", screen);
    world.pass(0);
    world.wire.deliverBytes(snapshot("a", 0));
    world.wire.deliverBytes(frame("a", 3, "old"));
    answerStreams(world.wire, { a: { epoch: "e1", offset: 0, resume: "snapshot" } });
    world.wire.deliverBytes(snapshot("a", 0, 3));
    world.wire.deliverBytes(frame("a", 3, "new"));
    expect(screen.log).toEqual(["snapshot@0 resume 80x24", "new"]);
  });

  test("a later terminal for the same session replaces the earlier one, whose end then ends nothing", () => {
    const { world, client } = connected();
    const [first, second] = [new Screen(), new Screen()];
    const endFirst = client.attach("a", first);
    client.attach("a", second);
    endFirst();
    world.pass(0);
    answerStreams(world.wire, { a: { epoch: "e1", offset: 0, resume: "snapshot" } });
    world.wire.deliverBytes(snapshot("a", 0));
    expect(first.log).toEqual([]);
    expect(second.log).toHaveLength(1);
    expect(acks(world.wire)).toEqual([0]);
  });
});

describe("S3: never a byte twice, never one missing", () => {
  test("bytes that overlap are cut, bytes that were all there are dropped", () => {
    const { world, screen } = streaming();
    world.wire.deliverBytes(frame("a", 5, "hello"));
    world.wire.deliverBytes(frame("a", 5, "lo"));
    world.wire.deliverBytes(frame("a", 8, "lo!!!"));
    expect(screen.log.slice(1)).toEqual(["hello", "!!!"]);
  });

  test("a gap asks for the stream again, once, from where the terminal is", () => {
    const { world, screen } = streaming();
    world.wire.deliverBytes(frame("a", 5, "hello"));
    world.wire.deliverBytes(frame("a", 12, "late"));
    world.wire.deliverBytes(frame("a", 16, "last"));
    world.pass(0);
    world.wire.deliverBytes(frame("a", 20, "more"));
    const asked = world.wire.messages("sync_request").slice(1);
    expect(asked).toMatchObject([{ offsets: { a: { epoch: "e1", offset: 5 } } }]);
    answerStreams(world.wire, exact(5));
    world.wire.deliverBytes(frame("a", 12, " my lot"));
    expect(screen.log.slice(1)).toEqual(["hello", " my lot"]);
  });

  test("S1: a restart begins a new epoch at 0; bytes of the old one are over", () => {
    const { world, screen, client } = streaming();
    world.wire.deliverBytes(frame("a", 5, "hello"));
    const again = session("a", { epoch: "e2" });
    world.wire.deliver({ type: "session_update", sessionId: "a", session: again, epoch: "e2", offset: 0 });
    world.wire.deliverBytes(frame("a", 9, "rest"));
    world.wire.deliver({ type: "session_update", sessionId: "a", epoch: "e2", offset: 0 });
    world.wire.deliverBytes(snapshot("a", 0, 5));
    world.wire.deliverBytes(frame("a", 4, "anew"));
    expect(screen.log.slice(1)).toEqual(["hello", "snapshot@0 restart 80x24", "anew"]);
    expect(client.getState().sessions.get("a")?.epoch).toBe("e2");
  });

  test("a size change comes in its place between the bytes, and one without a place changes no screen", () => {
    const { world, screen } = streaming();
    world.wire.deliverBytes(frame("a", 3, "one"));
    world.wire.deliver({ type: "session_update", sessionId: "a", cols: 100, rows: 30, epoch: "e1", offset: 3 });
    world.wire.deliverBytes(frame("a", 6, "two"));
    world.wire.deliver({ type: "session_update", sessionId: "a", cols: 120, rows: 40, driver: null });
    expect(screen.log.slice(1)).toEqual(["one", "size 100x30", "two"]);
  });

  test("a jump is reported", () => {
    const { world, client } = streaming();
    world.wire.deliverBytes(snapshot("a", 900_000, 4, 100, 30));
    expect(client.getState().notices).toMatchObject([{ kind: "jump", sessionId: "a" }]);
  });
});

describe("S7: what was printed before we came is replay", () => {
  test("up to where the log ended, also in the middle of a frame", () => {
    const { world, client } = connected();
    const screen = new Screen();
    client.attach("a", screen);
    world.pass(0);
    answerStreams(world.wire, { a: { epoch: "e1", offset: 0, resume: "snapshot" } });
    world.wire.deliver({ type: "session_update", sessionId: "a", epoch: "e1", offset: 6 });
    world.wire.deliverBytes(snapshot("a", 0));
    world.wire.deliverBytes(frame("a", 4, "back"));
    world.wire.deliverBytes(frame("a", 10, "ontime"));
    const told = screen.chunks
      .slice(1)
      .map((chunk) => [new TextDecoder().decode(chunk.data as Uint8Array), chunk.replay]);
    expect(told).toEqual([
      ["back", true],
      ["on", true],
      ["time", false],
    ]);
  });
});

describe("S5: acknowledging what was parsed", () => {
  test("nothing before it is parsed; then each 16 KiB, and the rest soon after", () => {
    const { world, screen } = streaming(false);
    expect(acks(world.wire)).toEqual([]);
    screen.parse();
    expect(acks(world.wire)).toEqual([0]);
    for (let end = 8_192; end <= 40_960; end += 8_192) {
      world.wire.deliverBytes(frame("a", end, new Uint8Array(8_192)));
    }
    world.pass(1_000);
    expect(acks(world.wire)).toEqual([0]);
    screen.parse();
    expect(acks(world.wire)).toEqual([0, ACK_BYTES, 2 * ACK_BYTES]);
    world.pass(ACK_MILLISECONDS);
    expect(acks(world.wire)).toEqual([0, ACK_BYTES, 2 * ACK_BYTES, 40_960]);
    world.pass(1_000);
    expect(acks(world.wire)).toHaveLength(4);
  });

  test("credit never stalls: whatever the frames, in the end everything is acknowledged", () => {
    const { world, screen } = streaming(false);
    let end = 0;
    for (let i = 1; i < 200; i++) {
      end += (i * 7_919) % 30_000;
      world.wire.deliverBytes(frame("a", end, new Uint8Array((i * 7_919) % 30_000)));
      if (i % 3 === 0) screen.parse(2);
      if (i % 5 === 0) world.pass(i % 50);
    }
    screen.parse();
    world.pass(ACK_MILLISECONDS);
    expect(acks(world.wire).at(-1)).toBe(end);
    const sorted = [...acks(world.wire)].sort((a, b) => a - b);
    expect(acks(world.wire)).toEqual(sorted);
  });

  test("what an older screen parses late gives no credit for the new one", () => {
    const { world, screen } = streaming(false);
    screen.parse();
    world.wire.deliverBytes(frame("a", 50_000, new Uint8Array(50_000)));
    world.wire.deliverBytes(snapshot("a", 10, 6));
    screen.parse(1);
    world.pass(ACK_MILLISECONDS);
    expect(acks(world.wire)).toEqual([0]);
    screen.parse();
    expect(acks(world.wire)).toEqual([0, 10]);
    world.wire.deliverBytes(frame("a", 13, "abc"));
    screen.parse();
    world.pass(ACK_MILLISECONDS);
    expect(acks(world.wire)).toEqual([0, 10, 13]);
  });

  test("a new connection is reported what is parsed, so that the window counts there as well", () => {
    const { world } = streaming();
    world.wire.deliverBytes(frame("a", 5, "hello"));
    world.wire.end(1006);
    world.pass(100);
    world.wire.deliver(welcome([session("a")]));
    answerStreams(world.wire, exact(5));
    world.pass(ACK_MILLISECONDS);
    expect(acks(world.wire)).toEqual([5]);
  });

  test("a stream that nobody shows is acknowledged once, so that the server pauses it at its window", () => {
    const { world } = connected();
    world.wire.deliverBytes(snapshot("a", 7));
    world.wire.deliverBytes(frame("a", 60_000, new Uint8Array(59_993)));
    world.pass(1_000);
    expect(acks(world.wire)).toEqual([7]);
  });
});

describe("S8: JSON streams", () => {
  const json = { protocol: "termwall.v1.json" } as const;
  const start = () => {
    const { world, client } = connected([session("a")], json);
    const screen = new Screen();
    client.attach("a", screen);
    world.pass(0);
    answerStreams(world.wire, { a: { epoch: "e1", offset: 0, resume: "snapshot" } });
    const say = (data: string, offset: number, more = {}) =>
      world.wire.deliver({ type: "stream", sessionId: "a", epoch: "e1", data, offset, ...more });
    return { world, screen, say };
  };

  test("offsets count UTF-8 bytes, and what overlaps is cut between characters", () => {
    const { screen, say } = start();
    say("\x1bc", 0, { snapshot: true, reason: "focus", cols: 90, rows: 20 });
    say("größe", 7);
    say("ße!", 8);
    expect(screen.log).toEqual(["snapshot@0 focus 90x20", "größe", "!"]);
  });

  test("bytes that are no text came as U+FFFD of another length: the order is trusted", () => {
    const { screen, say, world } = start();
    say("\x1bc", 0, { snapshot: true, reason: "attach", cols: 80, rows: 24 });
    say("a\ufffdb", 3);
    say("c", 4);
    world.pass(0);
    expect(screen.log.slice(1)).toEqual(["a\ufffdb", "c"]);
    expect(world.wire.messages("sync_request")).toHaveLength(1);
  });

  test("a gap is noticed here too", () => {
    const { say, world } = start();
    say("\x1bc", 0, { snapshot: true, reason: "attach", cols: 80, rows: 24 });
    say("late", 40);
    world.pass(0);
    expect(world.wire.messages("sync_request")).toHaveLength(2);
  });

  test("replay ends in the middle of a text", () => {
    const { screen, say, world } = start();
    world.wire.deliver({ type: "session_update", sessionId: "a", epoch: "e1", offset: 2 });
    say("\x1bc", 0, { snapshot: true, reason: "attach", cols: 80, rows: 24 });
    say("üneu", 5);
    expect(screen.chunks.slice(1).map(({ data, replay }) => [data, replay])).toEqual([
      ["ü", true],
      ["neu", false],
    ]);
  });
});
