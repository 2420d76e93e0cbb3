import { describe, expect, test } from "vitest";
import { GATHER_MILLISECONDS, type Preview } from "../src/index";
import { connected, session, setup, type Wire, welcome } from "./support/world";

const three = [session("a"), session("b"), session("c")];

function picture(sessionId: string, text: string): Preview {
  const cursor = { x: 0, y: 0, visible: true };
  const where = { epoch: "e1", offset: text.length, cols: 80, rows: 24, projectId: "p", timestamp: 0 };
  return { type: "preview", sessionId, cursor, alternate: false, lines: [[{ text }]], ...where };
}

const asked = (wire: Wire) => wire.messages("preview").map((message) => message.sessionIds);

describe("S6: previews are asked for", () => {
  test("what several want in one moment is one request, each session once", () => {
    const { world, client } = connected(three);
    client.preview(["b", "a"]);
    client.preview(["a", "c"]);
    expect(asked(world.wire)).toEqual([]);
    world.pass(GATHER_MILLISECONDS);
    expect(asked(world.wire)).toEqual([["a", "b", "c"]]);
  });

  test("only when the set changed, and until nobody wants a session any more", () => {
    const { world, client } = connected(three);
    const end = client.preview(["a", "b"]);
    const other = client.preview(["a"]);
    world.pass(GATHER_MILLISECONDS);
    client.preview(["b"])();
    world.pass(GATHER_MILLISECONDS);
    expect(asked(world.wire)).toHaveLength(1);
    end();
    end();
    world.pass(GATHER_MILLISECONDS);
    other();
    world.pass(GATHER_MILLISECONDS);
    expect(asked(world.wire)).toEqual([["a", "b"], ["a"], []]);
  });

  test("again on each new connection, and not at all where nobody wants one", () => {
    const { world, client } = setup();
    client.preview(["a"]);
    world.pass(GATHER_MILLISECONDS);
    client.connect();
    world.wire.deliver(welcome(three));
    expect(asked(world.wire)).toEqual([["a"]]);
    world.wire.end(1006);
    world.pass(100);
    world.wire.deliver(welcome(three));
    expect(asked(world.wire)).toEqual([["a"]]);
    expect(world.wires).toHaveLength(2);
    expect(asked(connected(three).world.wire)).toEqual([]);
  });

  test("no engine is no news: the next change asks again", () => {
    const { world, client } = connected(three);
    client.preview(["a"]);
    world.pass(GATHER_MILLISECONDS);
    const refuse = () => {
      const { requestId } = world.wire.messages("preview").at(-1) ?? {};
      world.wire.deliver({ type: "error", code: "engine_away", data: "Not now.", requestId });
    };
    refuse();
    world.pass(5_000);
    expect(client.getState().notices).toEqual([]);
    expect(asked(world.wire)).toHaveLength(1);
    client.preview(["b"])();
    world.pass(GATHER_MILLISECONDS);
    expect(asked(world.wire)).toEqual([["a"], ["a"]]);
    refuse();
    world.wire.deliver({ type: "session_update", sessionId: "b", screen: "exact" });
    world.pass(GATHER_MILLISECONDS);
    expect(asked(world.wire)).toHaveLength(3);
  });
});

describe("S6: previews of sessions that come and go", () => {
  test("none is asked for that the server does not have, and each once it is there", () => {
    const { world, client } = connected([session("a")]);
    client.preview(["a", "late"]);
    world.pass(GATHER_MILLISECONDS);
    world.wire.deliver({ type: "session_update", sessionId: "late", session: session("late") });
    world.pass(GATHER_MILLISECONDS);
    world.wire.deliver({ type: "session_update", sessionId: "a", removed: true });
    world.pass(GATHER_MILLISECONDS);
    expect(asked(world.wire)).toEqual([["a"], ["a", "late"], ["late"]]);
  });

  test("one that went while it was asked for is no news: the others are asked for again", () => {
    const { world, client } = connected(three);
    client.preview(["a", "b"]);
    world.pass(GATHER_MILLISECONDS);
    const { requestId } = world.wire.messages("preview")[0] ?? {};
    world.wire.deliver({ type: "error", code: "unknown_session", data: "There is no a.", requestId });
    world.wire.deliver({ type: "session_update", sessionId: "a", removed: true });
    world.pass(GATHER_MILLISECONDS);
    expect(asked(world.wire)).toEqual([["a", "b"], ["b"]]);
    expect(client.getState().notices).toEqual([]);
  });
});

describe("S6: previews are kept", () => {
  test("the newest of each wanted session; only its own listeners hear of it", () => {
    const { world, client } = connected(three);
    client.preview(["a", "b"]);
    let told = 0;
    let state = 0;
    const end = client.onPreview("a", () => told++);
    client.onPreview("b", () => expect.unreachable());
    client.subscribe(() => state++);
    world.wire.deliver(picture("a", "one"));
    world.wire.deliver(picture("a", "two"));
    expect(client.previewOf("a")).toEqual(picture("a", "two"));
    expect([told, state]).toEqual([2, 0]);
    end();
    world.wire.deliver(picture("a", "three"));
    expect(told).toBe(2);
  });

  test("none of a session that nobody wants, that was removed, or that the next connection does not know", () => {
    const { world, client } = connected(three);
    const end = client.preview(["a"]);
    client.preview(["b", "c"]);
    for (const id of ["a", "b", "c"]) world.wire.deliver(picture(id, "text"));
    end();
    world.wire.deliver(picture("a", "late"));
    world.wire.deliver({ type: "session_update", sessionId: "b", removed: true });
    world.wire.end(1006);
    expect(client.previewOf("c")).toBeDefined();
    world.pass(100);
    world.wire.deliver(welcome([session("a"), session("b")]));
    expect(["a", "b", "c"].map((id) => client.previewOf(id))).toEqual([undefined, undefined, undefined]);
  });
});

describe("S9: what a session reports of itself", () => {
  test("each field is taken as it changes; progress ends with null", () => {
    const { world, client } = connected(three);
    const tell = (change: object) => world.wire.deliver({ type: "session_update", sessionId: "a", ...change });
    const mark = { kind: "finished", exitCode: 1, timestamp: 5 };
    const notification = { title: "claude", body: "may I?", timestamp: 6 };
    tell({ cwd: "/src", bell: 4, mark, notification, screen: "rebuilding" });
    tell({ progress: { state: "normal", percent: 40 }, attention: { state: "needs input", reason: "bell", since: 4 } });
    const told = { cwd: "/src", bell: 4, mark, notification, screen: "rebuilding" };
    expect(client.getState().sessions.get("a")).toMatchObject({ ...told, progress: { percent: 40 } });
    tell({ progress: null });
    expect(client.getState().sessions.get("a")).toMatchObject({ ...told, progress: null });
  });

  test("somebody saw it: told by those who may type, and by nobody who may only watch", () => {
    const { world, client } = connected(three);
    client.seen("a");
    expect(world.wire.messages("seen")).toMatchObject([{ sessionId: "a" }]);
    const watching = setup();
    watching.client.connect();
    watching.world.wire.deliver(welcome(three, { role: "view" }));
    watching.client.seen("a");
    expect(watching.world.wire.messages("seen")).toEqual([]);
  });
});
