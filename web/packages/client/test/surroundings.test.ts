/** Who has the keys, the page's colours, and what programs copy (S7). */

import { beforeEach, describe, expect, test } from "vitest";
import { TermwallClient } from "../src/client";
import type { Colours } from "../src/messages";
import { session, World, welcome } from "./support/world";

const COLOURS: Colours = {
  scheme: "light",
  foreground: "#000000",
  background: "#ffffff",
  cursor: "#000000",
  palette: Array.from({ length: 16 }, () => "#123456"),
};
let world: World;
let client: TermwallClient;
const sent = () => [...world.wire.messages("theme"), ...world.wire.messages("keys")];

beforeEach(() => {
  world = new World();
  client = new TermwallClient({ url: "ws://test/ws", projectId: "p", clientId: "c", environment: world });
  client.connect();
});

describe("case agents 4: who has the keys", () => {
  test("is reported on each change, and again on a new connection", () => {
    world.wire.deliver(welcome([session("a"), session("b")]));
    client.keys("a", true);
    client.keys("b", true);
    client.keys("a", false); // Late: the keys are elsewhere by now.
    expect(sent()).toMatchObject([
      { type: "keys", sessionId: "a", has: true },
      { type: "keys", sessionId: "b", has: true },
    ]);
    world.wire.end(1006);
    world.pass(100);
    world.wire.deliver(welcome([session("a"), session("b")]));
    expect(sent()).toMatchObject([{ type: "keys", sessionId: "b", has: true }]);
    client.keys("b", false);
    expect(sent().at(-1)).toMatchObject({ type: "keys", sessionId: "b", has: false });
  });

  test("is reported again when the session's node is back, and not by who may only watch", () => {
    world.wire.deliver(welcome([session("a")]));
    client.keys("a", true);
    world.wire.deliver({ type: "session_update", sessionId: "a", away: "its node is away" });
    world.wire.deliver({ type: "session_update", sessionId: "a", away: null });
    expect(sent()).toHaveLength(2);
    world.wire.end(1006);
    world.pass(100);
    world.wire.deliver(welcome([session("a")], { role: "view" }));
    client.keys("a", true);
    client.theme(COLOURS);
    expect(sent()).toEqual([]);
  });
});

test("case agents 10: the colours are reported once they are known, and on each connection first", () => {
  client.theme(COLOURS);
  world.wire.deliver(welcome([]));
  expect(sent()).toMatchObject([{ type: "theme", data: COLOURS }]);
  client.theme({ ...COLOURS, scheme: "dark" });
  expect(sent().at(-1)).toMatchObject({ type: "theme", data: { ...COLOURS, scheme: "dark" } });
});

test("case page 15: what a program copied is given on, until nobody listens", () => {
  world.wire.deliver(welcome([session("a")]));
  const copied: string[][] = [];
  const end = client.onCopied((id, text) => copied.push([id, text]));
  world.wire.deliver({ type: "clipboard", sessionId: "a", data: "text" });
  end();
  world.wire.deliver({ type: "clipboard", sessionId: "a", data: "more" });
  expect(copied).toEqual([["a", "text"]]);
});
