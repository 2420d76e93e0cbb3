import type { Session } from "@termwall/client";
import { describe, expect, it } from "vitest";
import { gridSessions, needingCount, nextNeeding, shelfOrder, wallOrder } from "../../src/session/order";

type Change = Partial<Omit<Session, "attention">> & { attention?: Partial<Session["attention"]> };

let made = 0;
function session(id: string, change: Change = {}): Session {
  const { attention, ...rest } = change;
  return {
    id,
    name: id,
    status: "running",
    focused: false,
    createdAt: made++,
    exitCode: null,
    signal: null,
    ...rest,
    attention: { state: "idle", since: 0, seen: false, reason: "", ...attention },
  } as Session;
}

const ids = (sessions: readonly Session[]) => sessions.map(({ id }) => id);

const all = [
  session("ended", { status: "exited", exitCode: 0, attention: { state: "exited" } }),
  session("quiet"),
  session("busy", { attention: { state: "working" } }),
  session("gone", { status: "lost", attention: { state: "lost" } }),
  session("failed", { status: "exited", exitCode: 1, attention: { state: "exited" } }),
  session("killed", { status: "exited", signal: "SIGTERM", attention: { state: "exited" } }),
  session("finished", { attention: { state: "done", since: 1 } }),
  session("looked at", { attention: { state: "done", since: 1, seen: true } }),
  session("asks since 9", { attention: { state: "needs input", since: 9 } }),
  session("asks since 5", { attention: { state: "needs input", since: 5 } }),
  session("on stage", { focused: true, attention: { state: "needs input", since: 1 } }),
];

describe("the shelf", () => {
  it("shows what needs somebody first, then done, failed, working, idle and ended, each as they were made", () => {
    expect(ids(shelfOrder(all))).toEqual([
      "asks since 5",
      "asks since 9",
      "finished",
      "gone",
      "failed",
      "killed",
      "busy",
      "quiet",
      "looked at",
      "ended",
    ]);
  });

  it("is the whole wall on a phone, in the same order", () => {
    expect(ids(wallOrder(all)).slice(0, 4)).toEqual(["on stage", "asks since 5", "asks since 9", "finished"]);
    expect(wallOrder(all)).toHaveLength(all.length);
  });

  it("does not depend on the order in which sessions are reported", () => {
    expect(ids(shelfOrder([...all].reverse()))).toEqual(ids(shelfOrder(all)));
  });
});

describe("what needs the user", () => {
  it("is counted over stage and shelf", () => {
    expect(needingCount(all)).toBe(3);
    expect(needingCount([])).toBe(0);
  });

  it("comes longest waiting first, then what is done and unseen", () => {
    expect(nextNeeding(all)?.id).toBe("on stage");
    expect(nextNeeding(all.filter(({ attention }) => attention.state !== "needs input"))?.id).toBe("finished");
    expect(nextNeeding([session("quiet")])).toBeNull();
  });

  it("comes one after the other, round and round, from wherever the keys are", () => {
    const walk = ["on stage", "asks since 5", "asks since 9", "finished", "on stage"];
    for (const [index, id] of walk.slice(1).entries()) expect(nextNeeding(all, walk[index])?.id).toBe(id);
    expect(nextNeeding(all, "quiet")?.id).toBe("on stage");
    expect(nextNeeding([all[6] as Session], "finished")?.id).toBe("finished");
  });
});

describe("the grid's batch (F5)", () => {
  const shelf = [session("a"), session("b", { status: "exited" }), session("c"), session("d"), session("e")];

  it("keeps the stage in its order and fills it up with what runs", () => {
    expect(gridSessions(["x"], shelf, 4)).toEqual(["x", "a", "c", "d"]);
  });

  it("never asks for more than the stage holds, and takes nothing from it", () => {
    expect(gridSessions(["x"], shelf, 2)).toEqual(["x", "a"]);
    expect(gridSessions(["u", "v", "w", "x", "y"], shelf, 8)).toEqual(["u", "v", "w", "x", "y"]);
  });
});
