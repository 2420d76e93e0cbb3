/** A server, a line or a machine that stands still: it is said, and nothing is typed later than 5 s after it was typed. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { browserEnvironment } from "../src/browser";
import { FIRST_BEAT_MILLISECONDS, SILENCE_MILLISECONDS } from "../src/link";
import { type Setup, session, setup, welcome } from "./support/world";

const VISIBLE_MILLISECONDS = 2_500;
/** Of the server's clock ahead of ours. */
const AHEAD = 7_000_000;

/** A connected client in a window that is looked at, at a server that tells its clock. */
function watched(more = {}): Setup {
  const both = setup();
  Object.assign(both.world, { visible: () => true });
  both.client.connect();
  greet(both, more);
  return both;
}

function greet({ world }: Setup, more = {}, clock = world.time + AHEAD): void {
  const visibleHeartbeatInterval = VISIBLE_MILLISECONDS;
  world.wire.deliver(welcome([session("a", more)], { clock, visibleHeartbeatInterval }));
}

const answer = ({ world }: Setup, late = 0) =>
  world.wire.deliver({ type: "heartbeat", echo: world.time - late, clock: world.time + AHEAD });
const notices = ({ client }: Setup) => client.getState().notices.filter((one) => one.kind === "input-dropped");
const state = ({ client }: Setup) => client.getState().connection;
const refuse = ({ world }: Setup, expected: number) =>
  world.wire.deliver({ type: "error", code: "too_late", data: "Too late.", sessionId: "a", field: "until", expected });

/** Input frames of kind 17. */
function dated({ world }: Setup): { seq: number; text: string; until: number }[] {
  return world.wire.sent
    .filter((one) => typeof one !== "string")
    .map((frame) => {
      expect(frame[0]).toBe(17);
      const view = new DataView(frame.buffer, frame.byteOffset);
      const start = 2 + (frame[1] ?? 0);
      const text = new TextDecoder().decode(frame.subarray(start + 12));
      return { seq: view.getUint32(start), text, until: Number(view.getBigUint64(start + 4)) };
    });
}

describe("case page 29: a server that does not answer", () => {
  test("is shown within 5 s to whoever looks, though nothing is typed", () => {
    const both = watched();
    both.world.pass(FIRST_BEAT_MILLISECONDS);
    answer(both);
    for (let i = 0; i < 5; i++) {
      both.world.pass(VISIBLE_MILLISECONDS);
      answer(both);
    }
    expect(state(both).state).toBe("connected");
    both.world.pass(VISIBLE_MILLISECONDS + SILENCE_MILLISECONDS);
    expect(VISIBLE_MILLISECONDS + SILENCE_MILLISECONDS).toBeLessThan(5_000);
    expect(state(both)).toMatchObject({ state: "connecting", latency: null });
    expect(state(both).silentSince).toBe(both.world.time - SILENCE_MILLISECONDS);
    answer(both);
    expect(state(both)).toMatchObject({ state: "connected", silentSince: null, lostAt: null });
  });

  test("is shown 2 s after something was typed", () => {
    const both = watched();
    both.client.input("a", "x");
    both.world.pass(SILENCE_MILLISECONDS);
    expect(state(both).silentSince).not.toBeNull();
  });

  test("is left for another connection, with more patience each time, and tried again when the user says so", () => {
    const both = watched();
    for (const patience of [6_250, 12_500, 25_000, 25_000]) {
      both.world.pass(FIRST_BEAT_MILLISECONDS + patience - 1);
      expect(both.world.wire.hungUp).toBe(false);
      both.world.pass(1);
      expect(both.world.wire.hungUp).toBe(true);
      both.world.pass(5_000);
      greet(both);
    }
    both.world.pass(FIRST_BEAT_MILLISECONDS + SILENCE_MILLISECONDS);
    const { wire } = both.world;
    both.client.retryNow();
    expect(wire.hungUp).toBe(true);
    expect(both.world.wire).not.toBe(wire);
  });

  test("costs a window that nobody looks at no heartbeat but those that the server asks for", () => {
    const both = watched();
    Object.assign(both.world, { visible: () => false });
    both.world.pass(FIRST_BEAT_MILLISECONDS);
    answer(both);
    both.world.pass(29_999);
    expect(both.world.wire.messages("heartbeat")).toHaveLength(1);
  });

  test("is held what is typed from then on, and sent when it answers in time, with the deadline that it has", () => {
    const both = watched();
    both.client.input("a", "one ");
    both.world.pass(SILENCE_MILLISECONDS);
    const at = both.world.time;
    both.client.input("a", "two");
    expect(both.client.getState().held.get("a")?.text).toBe("two");
    both.world.pass(1_000);
    answer(both, 3_000);
    expect(both.client.getState().held.size).toBe(0);
    expect(dated(both).map(({ text, until }) => [text, until])).toEqual([
      ["one ", at - SILENCE_MILLISECONDS + 5_000 + AHEAD],
      ["two", at + 5_000 + AHEAD],
    ]);
  });
});

describe("case page 29: what was typed has 5 s", () => {
  test("on the server's clock, as far as that is known: late by its shortest way at most, never ahead", () => {
    const both = watched();
    for (const way of [900, 40, 300]) {
      both.world.wire.deliver({ type: "heartbeat", clock: both.world.time + AHEAD - way });
    }
    both.client.input("a", "x");
    expect(dated(both)[0]?.until).toBe(both.world.time + 5_000 + AHEAD);
    const other = setup();
    other.client.connect();
    greet(other, {}, other.world.time + AHEAD - 200);
    for (const way of [900, 40, 300]) {
      other.world.wire.deliver({ type: "heartbeat", clock: other.world.time + AHEAD - way });
    }
    other.client.input("a", "x");
    expect(dated(other)[0]?.until).toBe(other.world.time + 5_000 + AHEAD - 40);
  });

  test("what the server refuses as too late is reported with what followed it, and what comes then has its number", () => {
    const both = watched();
    for (const key of ["r", "m", " ", "x"]) both.client.input("a", key);
    both.world.wire.deliver({ type: "input_ack", sessionId: "a", seq: 1 });
    refuse(both, 2);
    for (let i = 0; i < 2; i++) {
      both.world.wire.deliver({ type: "error", code: "input_gap", data: "A gap.", sessionId: "a", expected: 2 });
    }
    expect(notices(both)).toMatchObject([
      {
        text: "Not typed: 3 characters. The server could not take them within 5 s. Type them again if you still want them.",
        typed: "m x",
      },
    ]);
    const before = dated(both).length;
    both.client.input("a", "ls\r");
    expect(
      dated(both)
        .slice(before)
        .map(({ seq, text }) => [seq, text]),
    ).toEqual([[2, "ls\r"]]);
    both.world.wire.deliver({ type: "input_ack", sessionId: "a", seq: 2 });
    both.client.input("a", "y");
    expect(dated(both).at(-1)?.seq).toBe(3);
    expect(notices(both)).toHaveLength(1);
  });

  test("after a reconnect the server says what became of what it did not acknowledge, however old", () => {
    const both = watched();
    both.client.input("a", "typed");
    both.client.input("a", "not typed");
    both.world.wire.end(1006);
    both.world.time += 30_000;
    both.world.pass(100);
    greet(both);
    expect(dated(both).map(({ seq, text, until }) => [seq, text, until < both.world.time + AHEAD])).toEqual([
      [1, "typed", true],
      [2, "not typed", true],
    ]);
    both.world.wire.deliver({ type: "input_ack", sessionId: "a", seq: 1 });
    refuse(both, 2);
    expect(notices(both)).toMatchObject([{ typed: "not typed" }]);
  });

  test("what was held follows what was refused: half a command is worse than none", () => {
    const both = watched();
    both.client.input("a", "echo ");
    both.world.pass(SILENCE_MILLISECONDS);
    both.client.input("a", "rm *\r");
    refuse(both, 1);
    expect(notices(both)).toMatchObject([{ typed: "echo rm *\r" }]);
    expect(dated(both)).toHaveLength(1);
    expect(both.client.getState().held.size).toBe(0);
  });

  test("what a terminal reports by itself is nobody's loss", () => {
    const both = watched();
    both.client.input("a", "\x1b[I");
    refuse(both, 1);
    expect(notices(both)).toEqual([]);
    expect(both.client.getState().notices).toEqual([]);
  });

  test("N4: what another node could not be brought is reported with its words, and what it was", () => {
    const both = watched();
    both.client.input("a", "x");
    const why = "Nothing was typed: node b does not answer.";
    both.world.wire.deliver({ type: "error", code: "engine_away", data: why, sessionId: "a" });
    expect(notices(both)).toMatchObject([
      { text: `Not typed: 1 character. ${why} Type it again if you still want it.` },
    ]);
  });

  test("after a leap of our clock, as a sleep is, nothing is sent before the server's is known again", () => {
    const both = watched();
    let leaps = 0;
    Object.assign(both.world, { leaps: () => leaps });
    leaps = 1;
    both.client.input("a", "x");
    expect(dated(both)).toEqual([]);
    expect(both.client.getState().held.get("a")?.text).toBe("x");
    both.world.pass(20);
    answer(both, 20);
    expect(dated(both).map(({ text }) => text)).toEqual(["x"]);
  });
});

describe("case page 33: what may be a password", () => {
  const held = (both: Setup) => both.client.getState().held.get("a");
  const offline = (both: Setup) => {
    both.world.refuses = true;
    both.world.wire.end(1006);
  };

  test.each([
    ["on", "hunter2"],
    ["off", "•••••••"],
    ["unsure", "•••••••"],
  ])("echo %s: while disconnected %s is shown", (echo, shown) => {
    const both = watched({ echo });
    offline(both);
    both.client.input("a", "hunter2");
    expect(held(both)).toMatchObject({ text: shown, bytes: 7 });
    both.world.pass(5_000);
    expect(notices(both)[0]?.typed).toBe(echo === "on" ? "hunter2" : undefined);
  });

  test("after a line's end nobody knows, until something was printed", () => {
    const both = watched({ echo: "on" });
    both.client.input("a", "sudo ls\r");
    both.world.wire.deliver({ type: "stream", sessionId: "a", offset: 10, data: "\x1b[?2004l\r\n" });
    offline(both);
    both.client.input("a", "hunter2");
    expect(held(both)?.text).toBe("•••••••");
    const answered = watched({ echo: "on" });
    answered.client.input("a", "ls\r");
    answered.world.wire.deliver({ type: "stream", sessionId: "a", offset: 10, data: "ls\r\nfile\r\n" });
    offline(answered);
    answered.client.input("a", "cat\r");
    answered.client.input("a", "hunter2");
    expect(held(answered)?.text).toBe("cat\r•••••••");
  });

  test("in one paste as well", () => {
    const both = watched({ echo: "on" });
    offline(both);
    both.client.input("a", "sudo ls\rhunter2");
    expect(held(both)).toMatchObject({ text: "sudo ls\r•••••••", secret: true });
  });

  test("the hint is what the server told last", () => {
    const both = watched({ echo: "on" });
    both.world.wire.deliver({ type: "session_update", sessionId: "a", echo: "off" });
    both.client.input("a", "hunter2");
    refuse(both, 1);
    expect(notices(both)[0]?.typed).toBeUndefined();
    expect(JSON.stringify(both.client.getState().notices)).not.toContain("hunter2");
  });
});

describe("case page 30: a page's durations", () => {
  afterEach(() => vi.restoreAllMocks());

  test("do not feel that the machine's clock is set back, and take one that is ahead for a sleep", () => {
    let [date, steady] = [5_000_000, 1_000];
    vi.spyOn(Date, "now").mockImplementation(() => date);
    vi.spyOn(performance, "now").mockImplementation(() => steady);
    const env = browserEnvironment();
    const first = env.now();
    const leaps = env.leaps?.() ?? 0;
    date -= 3_600_000;
    steady += 10;
    expect(env.now() - first).toBe(10);
    expect(env.leaps?.()).toBe(leaps);
    date += 20_010;
    steady += 10;
    expect(env.now() - first).toBe(20_020);
    expect(env.leaps?.()).toBe(leaps + 1);
  });

  test("count the server's dates on the server's clock, however wrong this machine's is", () => {
    const both = setup();
    expect(both.client.serverDate(both.world.time)).toBeNull();
    both.client.connect();
    both.world.wire.deliver(welcome([], { timestamp: both.world.time - 3_600_000 }));
    both.world.pass(500);
    expect(both.client.serverDate(both.world.time)).toBe(both.world.time - 3_600_000);
  });
});
