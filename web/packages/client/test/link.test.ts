import { describe, expect, test } from "vitest";
import { backoff } from "../src/backoff";
import { FIRST_BEAT_MILLISECONDS } from "../src/link";
import { connected, session, setup, welcome } from "./support/world";

describe("connecting", () => {
  test("W1: the address names project, session, client and name, and asks to say first where the streams are", () => {
    const { world, client } = setup({ sessionId: "a", name: "Mia & Jo" });
    client.connect();
    expect(Object.fromEntries(world.wire.url.searchParams)).toEqual({
      projectId: "p",
      sessionId: "a",
      clientId: "c",
      name: "Mia & Jo",
      resume: "1",
    });
    expect(world.wire.protocols).toEqual(["termwall.v1"]);
    expect(world.wire.binaryType).toBe("arraybuffer");
  });

  test("W2: a client may ask for JSON only", () => {
    const { world, client } = setup({ protocol: "termwall.v1.json" });
    client.connect();
    expect(world.wire.protocols).toEqual(["termwall.v1.json"]);
  });

  test("W4: it is connected by the server's word, not by the socket", () => {
    const { world, client } = setup();
    expect(client.getState().connection.state).toBe("disconnected");
    client.connect();
    expect(client.getState().connection.state).toBe("connecting");
    world.wire.deliver(welcome([session("a")], { role: "type" }));
    const { connection, sessions, limits } = client.getState();
    expect(connection).toMatchObject({ state: "connected", role: "type", lostAt: null });
    expect([...sessions.keys()]).toEqual(["a"]);
    expect(limits?.window).toBe(65_536);
  });

  test("W5: while the server waits for a session, its retries are shown", () => {
    const { world, client } = setup({ sessionId: "a" });
    client.connect();
    world.wire.deliver({ type: "connection_status", status: "connecting", retryCount: 3 });
    expect(client.getState().connection).toMatchObject({ state: "connecting", retryCount: 3 });
  });

  test("connect twice dials once", () => {
    const { world, client } = setup();
    client.connect();
    client.connect();
    expect(world.wires).toHaveLength(1);
  });

  test("an address that is none is tried again like a lost connection", () => {
    const { world, client } = setup();
    world.refuses = true;
    client.connect();
    expect(client.getState().connection).toMatchObject({ state: "connecting", retryCount: 1 });
    world.refuses = false;
    world.pass(100);
    expect(world.wires).toHaveLength(1);
  });
});

describe("W10: connecting again", () => {
  test("full jitter over 100, 500, 1000, 2000, 4110 ms, then 4110", () => {
    expect([0, 1, 2, 3, 4, 5, 50].map((attempt) => backoff(attempt, 1))).toEqual([
      100, 500, 1000, 2000, 4110, 4110, 4110,
    ]);
    expect(backoff(3, 0.25)).toBe(500);
    expect(backoff(6, 0)).toBe(0);
  });

  test("each try waits for its time", () => {
    const { world, client } = connected();
    for (const [tries, delay] of [100, 500, 1000, 2000, 4110, 4110].entries()) {
      world.wire.end(1006);
      expect(client.getState().connection).toMatchObject({
        state: "connecting",
        retryCount: tries + 1,
        nextRetryAt: world.time + delay,
      });
      world.pass(delay - 1);
      expect(world.wires).toHaveLength(tries + 1);
      world.pass(1);
      expect(world.wires).toHaveLength(tries + 2);
    }
  });

  test("a stable connection begins with the shortest delay again, a flapping one does not", () => {
    const { world, client } = connected();
    world.wire.end(1006);
    world.pass(100);
    world.wire.deliver(welcome([]));
    world.pass(4_999);
    world.wire.end(1006);
    expect(client.getState().connection.nextRetryAt).toBe(world.time + 500);
    world.pass(500);
    world.wire.deliver(welcome([]));
    world.pass(5_000);
    world.wire.end(1006);
    expect(client.getState().connection.nextRetryAt).toBe(world.time + 100);
  });

  test("retryNow does not wait, and does not dial twice", () => {
    const { world, client } = connected();
    world.wire.end(1006);
    client.retryNow();
    client.retryNow();
    expect(world.wires).toHaveLength(2);
    expect(client.getState().connection.nextRetryAt).toBeNull();
    world.pass(100);
    expect(world.wires).toHaveLength(2);
  });

  test("a network that comes back, or a user who looks again, is reason to try at once", () => {
    const { world } = connected();
    world.wire.end(1006);
    world.wakeUp();
    expect(world.wires).toHaveLength(2);
  });

  test("without a network it says disconnected, and tries all the same", () => {
    const { world, client } = connected();
    world.isOnline = false;
    world.wire.end(1006);
    expect(client.getState().connection.state).toBe("disconnected");
    world.pass(100);
    expect(world.wires).toHaveLength(2);
  });

  test("close ends it all: no try, no timer, no listener", () => {
    const { world, client } = connected();
    const { wire } = world;
    client.close();
    expect(wire.hungUp).toBe(true);
    expect(client.getState().connection).toMatchObject({ state: "disconnected", nextRetryAt: null });
    world.wakeUp();
    world.pass(60_000);
    expect(world.wires).toHaveLength(1);
    expect(world.timersLeft).toBe(0);
    client.connect();
    expect(world.wires).toHaveLength(2);
  });

  test("what an old socket still says is not listened to", () => {
    const { world, client } = connected();
    const old = world.wire;
    const speak = old.onmessage;
    old.end(1006);
    world.pass(100);
    speak?.({ data: JSON.stringify(welcome([session("ghost")])) });
    expect(client.getState().connection.state).toBe("connecting");
    expect(client.getState().sessions.has("ghost")).toBe(false);
  });
});

describe("W9: close codes", () => {
  test.each([1002, 1008, 4401, 4403, 4404, 4499])("%i is final: error, and no try", (code) => {
    const { world, client } = connected();
    world.wire.end(code, "because");
    expect(client.getState().connection).toMatchObject({ state: "error", closeCode: code, reason: "because" });
    world.pass(60_000);
    expect(world.wires).toHaveLength(1);
    client.retryNow();
    expect(world.wires).toHaveLength(2);
  });

  test.each([1000, 1001, 1006, 1009, 1011, 1012, 1013])("%i is tried again", (code) => {
    const { world, client } = connected();
    world.wire.end(code);
    expect(client.getState().connection.state).toBe("connecting");
    world.pass(100);
    expect(world.wires).toHaveLength(2);
  });
});

describe("W6: heartbeats", () => {
  const beats = (wire: { messages(type: string): unknown[] }) => wire.messages("heartbeat").length;

  test("the first when the page has settled, then one each interval that the server asks for", () => {
    const { world, client } = setup();
    client.connect();
    world.wire.deliver(welcome([], { heartbeatInterval: 2_000 }));
    expect(beats(world.wire)).toBe(0);
    world.pass(FIRST_BEAT_MILLISECONDS);
    expect(beats(world.wire)).toBe(1);
    for (let i = 2; i < 8; i++) {
      world.wire.deliver({ type: "heartbeat" });
      world.pass(2_000);
      expect(beats(world.wire)).toBe(i);
    }
  });

  test("the round trip is the median of the last ten echoes", () => {
    const { world, client } = connected();
    for (const delay of [5, 7, 900, 6, 8]) world.wire.deliver({ type: "heartbeat", echo: world.time - delay });
    expect(client.getState().connection.latency).toBe(7);
    for (let i = 0; i < 10; i++) world.wire.deliver({ type: "heartbeat", echo: world.time - 40 });
    expect(client.getState().connection.latency).toBe(40);
  });

  test("2.5 intervals without a word: the connection is dead", () => {
    const { world, client } = setup();
    client.connect();
    world.wire.deliver(welcome([], { heartbeatInterval: 2_000 }));
    const { wire } = world;
    world.pass(FIRST_BEAT_MILLISECONDS);
    world.pass(4_999);
    expect(wire.hungUp).toBe(false);
    world.pass(1);
    expect(wire.hungUp).toBe(true);
    expect(client.getState().connection).toMatchObject({ state: "connecting", latency: null });
  });

  test("any word is a sign of life", () => {
    const { world: alive, client } = setup();
    client.connect();
    alive.wire.deliver(welcome([], { heartbeatInterval: 2_000 }));
    for (let i = 0; i < 10; i++) {
      alive.pass(4_000);
      alive.wire.deliver({ type: "input_ack", sessionId: "a", seq: 1 });
    }
    expect(alive.wire.hungUp).toBe(false);
  });

  test("a page whose timers slept is not misjudged: silence counts from a heartbeat on", () => {
    const { world, client } = connected();
    world.wire.deliver({ type: "heartbeat" });
    world.time += 600_000; // No timer ran, as in a hidden page.
    world.pass(1);
    expect(world.wires).toHaveLength(1);
    world.wire.deliver({ type: "heartbeat" });
    expect(client.getState().connection.state).toBe("connected");
  });

  test("a server that takes the socket and says nothing is given up after 10 s", () => {
    const { world, client } = setup();
    client.connect();
    world.pass(9_999);
    expect(client.getState().connection.nextRetryAt).toBeNull();
    world.pass(1);
    expect(client.getState().connection.nextRetryAt).not.toBeNull();
  });
});
