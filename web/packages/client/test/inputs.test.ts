import { describe, expect, test } from "vitest";
import { TermwallClient } from "../src/index";
import { connected, type Setup, session, setup, welcome } from "./support/world";

const typed = ({ world }: Pick<Setup, "world">) => world.wire.inputs().map(({ seq, text }) => `${seq}:${text}`);
const ack = ({ world }: Pick<Setup, "world">, seq: number) =>
  world.wire.deliver({ type: "input_ack", sessionId: "a", seq });
const gap = ({ world }: Pick<Setup, "world">, expected: number) =>
  world.wire.deliver({ type: "error", code: "input_gap", data: "a gap", sessionId: "a", expected });
const reconnect = ({ world }: Pick<Setup, "world">, after = 100) => {
  world.chance = 0;
  world.wire.end(1006);
  world.isOnline = true;
  world.time += after;
  world.pass(0);
  world.wire.deliver(welcome([session("a")]));
};
const notices = ({ client }: Pick<Setup, "client">) => client.getState().notices.map((one) => one.text);
const dropped = (both: Pick<Setup, "client">) => notices(both).filter((text) => !text.startsWith("Connected again"));

describe("I1: numbered input", () => {
  test("S8: it goes out as binary frames, numbered from 1 for each session", () => {
    const both = connected([session("a"), session("b")]);
    both.client.input("a", "ls\r");
    both.client.input("b", "x");
    both.client.input("a", Uint8Array.of(0x80));
    const sent = both.world.wire.inputs().map(({ sessionId, seq }) => [sessionId, seq]);
    expect(sent).toEqual([
      ["a", 1],
      ["b", 1],
      ["a", 2],
    ]);
    expect(both.world.wire.sent.at(-1)).toEqual(Uint8Array.of(16, 1, 97, 0, 0, 0, 2, 0x80));
  });

  test("what is not acknowledged is sent again under its number after a reconnect; the rest is not", () => {
    const both = connected();
    for (const key of ["a", "b", "c"]) both.client.input("a", key);
    ack(both, 1);
    reconnect(both);
    expect(typed(both)).toEqual(["2:b", "3:c"]);
    ack(both, 3);
    both.client.input("a", "d");
    expect(typed(both)).toEqual(["2:b", "3:c", "4:d"]);
    reconnect(both);
    expect(typed(both)).toEqual(["4:d"]);
  });

  test("a server that forgot us expects 1: what it has not acknowledged is renumbered, once for many reports", () => {
    const both = connected();
    for (const key of ["a", "b"]) both.client.input("a", key);
    ack(both, 2);
    for (const key of ["c", "d", "e"]) both.client.input("a", key);
    for (let i = 0; i < 3; i++) gap(both, 1);
    expect(typed(both).slice(5)).toEqual(["1:c", "2:d", "3:e"]);
    ack(both, 1);
    both.client.input("a", "f");
    expect(typed(both).at(-1)).toBe("4:f");
    expect(notices(both)).toEqual([]);
  });

  test("a piece that the server did not handle leaves a gap, which sends it and what follows again", () => {
    const both = connected();
    for (const key of ["a", "b", "c"]) both.client.input("a", key);
    gap(both, 1);
    gap(both, 1);
    expect(typed(both).slice(3)).toEqual(["1:a", "2:b", "3:c"]);
  });

  test("X4: after rate_limited, which does not say what was dropped, everything goes again in a second", () => {
    const both = connected();
    for (const key of ["a", "b"]) both.client.input("a", key);
    both.world.wire.deliver({ type: "error", code: "rate_limited", data: "Slower." });
    gap(both, 1);
    both.world.wire.deliver({ type: "error", code: "rate_limited", data: "Slower." });
    both.world.pass(999);
    const before = typed(both).length;
    both.world.pass(1);
    expect(typed(both).slice(before)).toEqual(["1:a", "2:b"]);
  });

  test("input that was refused is not sent again, and what comes later gets through", () => {
    const both = connected();
    both.client.input("a", "x");
    both.world.wire.deliver({ type: "error", code: "session_ended", data: "`a` has ended.", sessionId: "a" });
    expect(notices(both)).toEqual(["`a` has ended."]);
    both.client.input("a", "y");
    gap(both, 1);
    expect(typed(both)).toEqual(["1:x", "2:y", "1:y"]);
    both.world.wire.deliver({ type: "error", code: "session_ended", data: "`a` has ended.", sessionId: "a" });
    both.client.input("a", "z");
    gap(both, 1);
    expect(typed(both).slice(3)).toEqual(["2:z", "1:z"]);
  });

  test("a large paste is cut into pieces; more than the server lets wait is refused as a whole", () => {
    const both = connected();
    both.client.input("a", "x".repeat(150_000));
    expect(both.world.wire.inputs().map((one) => one.text.length)).toEqual([65_536, 65_536, 18_928]);
    both.client.input("a", "y".repeat(1_000_000));
    expect(both.world.wire.inputs()).toHaveLength(3);
    expect(notices(both)).toEqual(["Not sent: the program does not read what was typed before."]);
  });

  test("a page that is reloaded goes on with its numbers, for the server drops those that it has had", () => {
    const both = connected();
    for (const key of ["a", "b"]) both.client.input("a", key);
    both.client.close();
    const options = { url: "ws://test/ws", projectId: "p", clientId: "c", environment: both.world };
    const reloaded = new TermwallClient(options);
    reloaded.connect();
    both.world.wire.deliver(welcome([session("a")]));
    reloaded.input("a", "c");
    expect(typed(both)).toEqual(["3:c"]);
    const other = new TermwallClient({ ...options, clientId: "d" });
    other.connect();
    both.world.wire.deliver(welcome([session("a")]));
    other.input("a", "x");
    expect(typed(both)).toEqual(["1:x"]);
  });

  test("an acknowledgement beyond what was ever sent is of an earlier client: ours goes again after it", () => {
    const both = connected();
    both.client.input("a", "x");
    ack(both, 50);
    expect(typed(both)).toEqual(["1:x", "51:x"]);
    ack(both, 51);
    both.client.input("a", "y");
    expect(typed(both).at(-1)).toBe("52:y");
  });

  test("X3: a link that may only watch sends nothing, and says why", () => {
    const both = setup();
    both.client.connect();
    both.world.wire.deliver(welcome([session("a")], { role: "view" }));
    both.client.input("a", "x");
    both.client.input("a", "y");
    both.client.resize("a", 90, 30);
    both.client.seen("a");
    expect(both.world.wire.inputs()).toEqual([]);
    expect(both.world.wire.messages()).toEqual([]);
    expect(notices(both)).toEqual(["Watching only. Ask the owner for a link that may type."]);
  });
});

describe("I2: input without a connection", () => {
  const offline = () => {
    const both = connected();
    both.world.refuses = true;
    both.world.wire.end(1006);
    return both;
  };
  const back = (both: Setup) => {
    both.world.refuses = false;
    both.client.retryNow();
    both.world.wire.deliver(welcome([session("a")]));
  };

  test("it is held where it can be seen, and typed when the connection is back in time", () => {
    const both = offline();
    both.client.input("a", "git ");
    both.world.pass(2_000);
    both.client.input("a", "push");
    expect(both.client.getState().held.get("a")).toEqual({
      sessionId: "a",
      text: "git push",
      bytes: 8,
      expiresAt: both.world.time + 3_000,
    });
    both.world.pass(2_999);
    back(both);
    expect(typed(both)).toEqual(["1:git ", "2:push"]);
    expect(both.client.getState().held.size).toBe(0);
    expect(dropped(both)).toEqual([]);
  });

  test("after 5 s it is discarded with a notice, and never typed; no number is lost with it", () => {
    const both = offline();
    both.client.input("a", "git push");
    both.world.pass(5_000);
    expect(both.client.getState().held.size).toBe(0);
    const sentence = "Not sent: 8 characters. They were older than 5 s. Type them again if you still want them.";
    expect(notices(both)).toEqual([sentence]);
    back(both);
    expect(typed(both)).toEqual([]);
    both.client.input("a", "x");
    expect(typed(both)).toEqual(["1:x"]);
  });

  test("more than 4 KiB is discarded as a whole: half a command is worse than none", () => {
    const both = offline();
    both.client.input("a", "x".repeat(4_096));
    expect(both.client.getState().held.get("a")?.bytes).toBe(4_096);
    both.client.input("a", "y");
    expect(both.client.getState().held.size).toBe(0);
    expect(notices(both)[0]).toMatch(/^Not sent: 4097 characters. They were more than 4 KiB/);
  });

  test("a page whose timers slept through the 5 s does not type it either", () => {
    const both = offline();
    both.client.input("a", "rm");
    both.world.time += 60_000;
    back(both);
    expect(typed(both)).toEqual([]);
    expect(dropped(both)).toHaveLength(1);
  });

  test("the user may drop it before", () => {
    const both = offline();
    both.client.input("a", "x");
    both.client.dropHeld("a");
    expect(both.client.getState().held.size).toBe(0);
    both.world.pass(5_000);
    back(both);
    expect(typed(both)).toEqual([]);
    expect(dropped(both)).toEqual([]);
  });

  test("for a terminal that is not there it is discarded, and told", () => {
    const both = offline();
    both.client.input("gone", "x");
    back(both);
    const sentence =
      "Not sent: 1 character. It was for a terminal that is not there. Type it again if you still want it.";
    expect(dropped(both)).toEqual([sentence]);
  });

  test("what was sent just before the loss and is older than 5 s is not typed late; its number is found again", () => {
    const both = connected();
    both.client.input("a", "old");
    both.world.pass(3_000);
    both.client.input("a", "young");
    reconnect(both, 2_500);
    expect(typed(both)).toEqual(["2:young"]);
    expect(dropped(both)).toEqual(["Perhaps not sent: 3 characters typed just before the connection was lost."]);
    gap(both, 1);
    expect(typed(both)).toEqual(["2:young", "1:young"]);
  });
});

test("seats, names and sight: resize, drive, rename and seen say what W7 says", () => {
  const { world, client } = connected();
  client.resize("a", 100, 30);
  client.drive("a");
  client.drive("a", { cols: 90, rows: 20 });
  client.rename("a", "other");
  client.seen("a");
  expect(world.wire.messages()).toMatchObject([
    { type: "resize", sessionId: "a", data: { cols: 100, rows: 30 } },
    { type: "drive", sessionId: "a" },
    { type: "drive", sessionId: "a", data: { cols: 90, rows: 20 } },
    { type: "rename", sessionId: "a", name: "other" },
    { type: "seen", sessionId: "a" },
  ]);
});
