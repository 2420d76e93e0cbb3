import { describe, expect, test } from "vitest";
import { connected, type Setup, session, stage, welcome } from "./support/world";

const change = (
  { world }: Setup,
  version: number,
  now: string[],
  before: string[],
  by: unknown,
  evicted: string[] = [],
) =>
  world.wire.deliver({
    type: "focus_update",
    ...stage(version, now),
    sessionId: null,
    focused: false,
    added: now.filter((id) => !before.includes(id)),
    removed: before.filter((id) => !now.includes(id)),
    evicted,
    by,
  });
const notices = ({ client }: Setup) => client.getState().notices.filter(({ kind }) => kind === "taken");
const MIA = { clientId: "mia", name: "Mia" };

describe("case page 32: somebody takes a session from the stage", () => {
  const two = () => {
    const both = connected([session("a"), session("b")]);
    change(both, 2, ["a", "b"], [], MIA);
    return both;
  };

  test("who typed into it keeps it, and is reported who did and how it was", () => {
    const both = two();
    both.client.input("a", "half a sen");
    change(both, 3, ["b"], ["a", "b"], MIA);
    expect(both.client.wasTaken("a")).toBe(true);
    expect(notices(both)).toMatchObject([
      { text: "a was taken from the stage by Mia. What you type still reaches it.", before: ["a", "b"] },
    ]);
    change(both, 4, ["b", "a"], ["b"], { clientId: "c", name: null });
    expect(both.client.wasTaken("a")).toBe(false);
    change(both, 5, ["b"], ["b", "a"], { clientId: "c", name: null });
    expect(both.client.wasTaken("a")).toBe(false);
    expect(notices(both)).toHaveLength(1);
  });

  test("it is known before the new stage is: what shows it never lets go", () => {
    const both = two();
    both.client.input("a", "x");
    const seen: boolean[] = [];
    both.client.subscribe(() => {
      if (!both.client.getState().focus?.focusedSessions.includes("a")) seen.push(both.client.wasTaken("a"));
    });
    change(both, 3, ["b"], ["a", "b"], MIA);
    expect(seen[0]).toBe(true);
    expect(seen).not.toContain(false);
  });

  test("who did not type is reported only, and what a terminal reports by itself is no typing", () => {
    const both = two();
    both.client.input("a", "\x1b[I");
    both.client.input("b", "x");
    both.world.pass(30_000);
    change(both, 3, [], ["a", "b"], { clientId: "http", name: null });
    expect([both.client.wasTaken("a"), both.client.wasTaken("b")]).toEqual([false, false]);
    expect(notices(both).map(({ text }) => text)).toEqual(["a, b were taken from the stage by a command."]);
  });

  test("a session that makes room is reported as before, one that is gone not at all", () => {
    const both = two();
    change(both, 3, ["b", "c"], ["a", "b"], MIA, ["a"]);
    change(both, 4, ["b"], ["b", "c"], null);
    expect(notices(both)).toEqual([]);
  });

  test("while the connection was away, nobody says who", () => {
    const both = two();
    both.client.input("a", "x");
    both.world.wire.end(1006);
    both.world.pass(100);
    both.world.wire.deliver(welcome([session("a"), session("b")], stage(7, ["b"])));
    expect(both.client.wasTaken("a")).toBe(true);
    expect(notices(both)[0]?.text).toBe("a was taken from the stage by somebody else. What you type still reaches it.");
  });
});
