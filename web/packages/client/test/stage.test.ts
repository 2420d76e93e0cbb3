import { describe, expect, test } from "vitest";
import { TermwallError } from "../src/index";
import { connected, session, stage, welcome } from "./support/world";

const three = [session("a"), session("b"), session("c")];

describe("F9: the newest state of the current epoch", () => {
  test("a higher version is taken, an older one ignored", () => {
    const { world, client } = connected(three);
    const tell = (version: number, focused: string[], epoch?: string) =>
      world.wire.deliver({ type: "sync_complete", ...stage(version, focused, epoch) });
    tell(5, ["a"]);
    tell(4, ["b"]);
    tell(5, ["c"]);
    expect(client.getState().focus).toMatchObject({ version: 5, focusedSessions: ["a"] });
    tell(6, ["b"]);
    expect(client.getState().focus).toMatchObject({ version: 6, focusedSessions: ["b"] });
  });

  test("F7: an epoch not seen before is taken, however low its version", () => {
    const { world, client } = connected(three);
    world.wire.deliver({ type: "sync_complete", ...stage(90, ["a"]) });
    world.wire.deliver({ type: "sync_complete", ...stage(1, ["b"], "another") });
    expect(client.getState().focus).toMatchObject({ version: 1, epoch: "another", focusedSessions: ["b"] });
  });

  test("the sessions say whether they are on the stage", () => {
    const { world, client } = connected(three);
    world.wire.deliver({ type: "sync_complete", ...stage(2, ["c", "a"]) });
    const focused = [...client.getState().sessions.values()].filter((one) => one.focused).map((one) => one.id);
    expect(focused).toEqual(["a", "c"]);
  });

  test("F8: a new connection starts from the state in its status", () => {
    const { world, client } = connected(three);
    world.wire.end(1006);
    world.pass(100);
    world.wire.deliver(welcome(three, stage(7, ["b"])));
    expect(client.getState().focus).toMatchObject({ version: 7, focusedSessions: ["b"] });
  });
});

describe("focus commands", () => {
  test("W7: the promise settles with the answer that repeats its requestId", async () => {
    const { world, client } = connected(three);
    const first = client.focus("a");
    const second = client.blur(["b"]);
    const [one, two] = [world.wire.messages("focus")[0], world.wire.messages("blur")[0]];
    expect(one).toMatchObject({ sessionId: "a" });
    expect(two).toMatchObject({ sessionIds: ["b"] });
    world.wire.deliver({ type: "sync_complete", ...stage(1, []), requestId: two?.requestId });
    const update = { sessionId: "a", focused: true, added: ["a"], removed: [], evicted: [] };
    world.wire.deliver({ type: "focus_update", ...stage(2, ["a"]), ...update, requestId: one?.requestId });
    expect(await second).toMatchObject({ version: 1 });
    expect(await first).toMatchObject({ version: 2, focusedSessions: ["a"] });
  });

  test("F5: a batch is one message", () => {
    const { world, client } = connected(three);
    client.focus(["a", "b", "c"]).catch(() => undefined);
    expect(world.wire.messages("focus")).toMatchObject([{ sessionIds: ["a", "b", "c"] }]);
  });

  test("F4: `current` expects the version that is shown; a conflict rejects with the stage as it is", async () => {
    const { world, client } = connected(three);
    world.wire.deliver({ type: "sync_complete", ...stage(5, ["a"]) });
    const refused = client.focus("b", { expectedVersion: "current" });
    const sent = world.wire.messages("focus")[0];
    expect(sent?.expectedVersion).toBe(5);
    const data = "The stage is at version 6.";
    const conflict = { type: "error", code: "version_conflict", data, requestId: sent?.requestId };
    world.wire.deliver({ ...conflict, ...stage(6, ["c"]) });
    const error = await refused.catch((problem: unknown) => problem);
    expect(error).toBeInstanceOf(TermwallError);
    expect(error).toMatchObject({ code: "version_conflict", focus: { version: 6, focusedSessions: ["c"] } });
    expect(client.getState().focus?.version).toBe(6);
    expect(client.getState().notices).toEqual([]);
  });

  test("a promise is never left open: lost, closed and absent connections reject", async () => {
    const { world, client } = connected(three);
    const lost = client.focus("a");
    world.wire.end(1006);
    await expect(lost).rejects.toMatchObject({ code: "disconnected" });
    await expect(client.focus("a")).rejects.toMatchObject({ code: "disconnected" });
    world.pass(100);
    world.wire.deliver(welcome(three));
    const closed = client.blur("a");
    client.close();
    await expect(closed).rejects.toMatchObject({ code: "disconnected" });
  });

  test("F3: who had to make room is reported, with what was there before", () => {
    const { world, client } = connected(three);
    world.wire.deliver({ type: "sync_complete", ...stage(2, ["a", "b"]) });
    const update = { sessionId: "c", focused: true, added: ["c"], removed: ["a"], evicted: ["a"] };
    world.wire.deliver({ type: "focus_update", ...stage(3, ["b", "c"]), ...update });
    expect(client.getState().notices).toMatchObject([
      { kind: "evicted", text: "a left the stage for c.", before: ["a", "b"] },
    ]);
  });

  test("F3: a batch that leaves some out evicts nobody by surprise, so it tells nothing", () => {
    const { world, client } = connected(three);
    world.wire.deliver({ type: "sync_complete", ...stage(2, ["a", "b"]) });
    const update = { sessionId: null, focused: true, added: ["c"], removed: ["a"], evicted: ["a"] };
    world.wire.deliver({ type: "focus_update", ...stage(3, ["b", "c"]), ...update });
    expect(client.getState().notices).toEqual([]);
  });
});

describe("sessions", () => {
  test("updates change what they name and nothing else; null is a value", () => {
    const { world, client } = connected([session("a", { title: "old", driver: { clientId: "x" } })]);
    world.wire.deliver({ type: "session_update", sessionId: "a", title: "new", driver: null });
    expect(client.getState().sessions.get("a")).toEqual(session("a", { title: "new", driver: null }));
  });

  test("I4: this client drives what names it", () => {
    const { world, client } = connected();
    expect(client.drives("a")).toBe(false);
    world.wire.deliver({ type: "session_update", sessionId: "a", driver: { clientId: "c" } });
    expect(client.drives("a")).toBe(true);
  });

  test("new and removed ones come and go; one that is not known is ignored", () => {
    const { world, client } = connected([]);
    world.wire.deliver({ type: "session_update", sessionId: "b", title: "of whom?" });
    expect(client.getState().sessions.size).toBe(0);
    world.wire.deliver({ type: "session_update", sessionId: "b", session: session("b") });
    expect(client.getState().sessions.has("b")).toBe(true);
    world.wire.deliver({ type: "session_update", sessionId: "b", removed: true });
    expect(client.getState().sessions.size).toBe(0);
  });

  test("S3: the place of a size change is not the end of the log", () => {
    const { world, client } = connected([session("a", { offset: 500 })]);
    world.wire.deliver({ type: "session_update", sessionId: "a", cols: 90, rows: 30, epoch: "e1", offset: 20 });
    expect(client.getState().sessions.get("a")).toMatchObject({ cols: 90, rows: 30, offset: 500 });
  });
});

test("W8: types, fields and frames that are not known, and what is no message at all, are ignored", () => {
  const { world, client } = connected(three);
  const before = client.getState();
  world.wire.deliver({ type: "from_the_future", sessionId: "a" });
  world.wire.deliverBytes(Uint8Array.of(9, 1, 97, 0));
  world.wire.deliverBytes(Uint8Array.of(1, 200));
  world.wire.deliverBytes(Uint8Array.of());
  world.wire.onmessage?.({ data: "{nonsense" });
  world.wire.onmessage?.({ data: "null" });
  world.wire.onmessage?.({ data: "7" });
  expect(client.getState()).toBe(before);
  world.wire.deliver({ type: "session_update", sessionId: "a", title: "t", mood: "new" });
  expect(client.getState().sessions.get("a")?.title).toBe("t");
});

describe("N7: the nodes", () => {
  const one = { name: "one", here: true, role: "both", draining: false };
  const two = { name: "two", here: false, role: "host", draining: true };

  test("what is reported is the state; an alone server tells nothing", () => {
    const { world, client } = connected(three);
    expect(client.getState().nodes).toBeNull();
    world.wire.deliver({ type: "nodes_update", engine: "up", nodes: [one, two] });
    expect(client.getState().nodes).toEqual({ up: true, all: [one, two] });
    world.wire.deliver({ type: "nodes_update", engine: "down", nodes: [one] });
    expect(client.getState().nodes).toEqual({ up: false, all: [one] });
  });

  test("it is kept while the connection is lost, and belongs to one connection", () => {
    const { world, client } = connected(three);
    world.wire.deliver({ type: "nodes_update", engine: "up", nodes: [one, two] });
    world.wire.end(1006);
    expect(client.getState().nodes?.all).toHaveLength(2);
    world.pass(100);
    world.wire.deliver(welcome(three));
    expect(client.getState().nodes).toBeNull();
  });
});

test("state is a new object after a change and the same one until then", () => {
  const { world, client } = connected(three);
  let calls = 0;
  const end = client.subscribe(() => calls++);
  const before = client.getState();
  expect(client.getState()).toBe(before);
  world.wire.deliver({ type: "session_update", sessionId: "a", title: "t" });
  expect(client.getState()).not.toBe(before);
  expect(before.sessions.get("a")?.title).toBe("");
  expect(calls).toBe(1);
  end();
  world.wire.deliver({ type: "session_update", sessionId: "a", title: "u" });
  expect(calls).toBe(1);
});

test("notices: the same sentence twice is reported once, at most 20 are kept, each can be dismissed", () => {
  const { world, client } = connected();
  const fail = (data: string) => world.wire.deliver({ type: "error", code: "internal", data });
  fail("one");
  fail("one");
  expect(client.getState().notices).toHaveLength(1);
  for (let i = 0; i < 30; i++) fail(`number ${i}`);
  expect(client.getState().notices).toHaveLength(20);
  const last = client.getState().notices.at(-1);
  expect(last?.text).toBe("number 29");
  client.dismissNotice(last?.id ?? 0);
  expect(client.getState().notices.at(-1)?.text).toBe("number 28");
});
