// @vitest-environment happy-dom
import type { Nodes, Profile } from "@termwall/client";
import { connectionOf } from "@termwall/react";
import { act } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { stage } from "../../../packages/client/test/support/world";
import { NodesStatus } from "../../src/bar/NodesStatus";
import { NotHeard } from "../../src/bar/NotHeard";
import { aboutNode, awayMeaning, hostLabel, hostsOf, usualHost } from "../../src/bar/nodes";
import { NewTerminal } from "../../src/dialogs/NewTerminal";
import { Page, session } from "../support/page";

type WallNode = Nodes["all"][number];

const node = (name: string, more: Partial<WallNode> = {}): WallNode => ({
  name,
  here: false,
  role: "both",
  draining: false,
  ...more,
});
const here = node("one", { here: true });
const gateway = node("gate", { here: true, role: "gateway" });

describe("where a program starts unless somebody chooses", () => {
  const usual = (...all: WallNode[]) => usualHost(hostsOf({ up: true, all }))?.name;

  test("this page's node first, then the others by name; a gateway runs nothing", () => {
    const all = [node("b"), node("gate", { role: "gateway" }), node("a", { role: "host" }), here];
    expect(hostsOf({ up: true, all }).map(({ name }) => name)).toEqual(["one", "a", "b"]);
    expect(usual(...all)).toBe("one");
  });

  test("from a gateway the first other one; none that is drained while another is not", () => {
    expect(usual(gateway, node("b"), node("a"))).toBe("a");
    expect(usual(gateway, node("b"), node("a", { draining: true }))).toBe("b");
    expect(usual({ ...here, draining: true }, node("b"))).toBe("b");
    expect(usual({ ...here, draining: true })).toBe("one");
    expect(usual(gateway)).toBeUndefined();
  });
});

test("what is said of a node", () => {
  expect(hostLabel(here)).toBe("one, this page's");
  expect(hostLabel(node("two", { draining: true }))).toBe("two, draining");
  expect(aboutNode(here)).toBe("runs programs; this page is connected to it");
  expect(aboutNode(node("two", { role: "host", draining: true }))).toBe(
    "runs programs only; draining: it sends its pages to other nodes",
  );
  expect(aboutNode(gateway)).toBe("runs no programs; this page is connected to it");
  expect(awayMeaning({ up: false, all: [here] })).toMatch(/^Terminals of node one go on\. The stage cannot/);
  expect(awayMeaning({ up: false, all: [gateway] })).toMatch(/^The stage cannot/);
});

const PROFILES: Profile[] = [{ type: "system", label: "Shell", command: ["sh"], icon: "shell" }];

let page: Page;
let posted: { path: string; body: Record<string, unknown> }[];
let made: string[];

beforeEach(() => {
  posted = [];
  made = [];
  page = new Page();
  vi.stubGlobal("fetch", async (url: URL, { body }: { body: string }) => {
    posted.push({ path: url.pathname, body: JSON.parse(body) as Record<string, unknown> });
    return new Response(JSON.stringify(session("new")), { status: 201 });
  });
});

afterEach(async () => {
  await page.end();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

const report = (engine: "up" | "down", ...nodes: WallNode[]) =>
  act(() => page.wire.deliver({ type: "nodes_update", engine, nodes }));
const text = () => page.element.querySelector("[role=status]")?.textContent;

test("N7: what is stale is said while it lasts, in an element that was there before", async () => {
  await page.show(<NodesStatus unseen={false} />);
  await page.connect([session("a")]);
  await report("up", here, node("two"));
  const status = page.element.querySelector("[role=status]");
  expect(text()).toBe("");
  await report("down", here);
  expect(page.element.querySelector("[role=status]")).toBe(status);
  expect(text()).toBe(
    "The other nodes cannot be reached. Terminals of node one go on. The stage cannot be changed until they can be; " +
      "terminals of other nodes show what was last seen.",
  );
  expect(status?.className).toBe("away");
  await report("up", here);
  expect(text()).toBe("");
});

test("N5: what is on the stage and was never heard of is counted, and can be taken off", async () => {
  const taken: (readonly string[])[] = [];
  await page.show(<NotHeard onBlur={(ids) => taken.push(ids)} />);
  await page.connect([session("a")], stage(3, ["a", "x", "y"]));
  const button = page.element.querySelector("button");
  expect(button?.firstChild?.textContent).toBe("2 on the stage not heard of");
  await act(() => button?.click());
  expect(taken).toEqual([["x", "y"]]);
  await page.update("x", { session: session("x") });
  expect(page.element.querySelector("button")?.firstChild?.textContent).toBe("1 on the stage not heard of");
  await page.update("y", { session: session("y") });
  expect(page.element.querySelector("button")).toBeNull();
});

describe("N7: the question what to start asks where, too", () => {
  beforeEach(async () => {
    await page.show(
      <NewTerminal
        projectId="p"
        profiles={PROFILES}
        sizeOfNext={() => null}
        onClose={() => {}}
        onMade={({ id }) => made.push(id)}
      />,
    );
    await page.connect([session("a")]);
  });

  const choice = () => page.element.querySelector("select");
  const options = () => [...(choice()?.options ?? [])].map((one) => one.textContent);
  const choose = (name: string) =>
    act(() => {
      const select = choice();
      if (select !== null) select.value = name;
      select?.dispatchEvent(new Event("change", { bubbles: true }));
    });
  const start = () =>
    act(async () => {
      page.element.querySelector("form")?.dispatchEvent(new Event("submit", { bubbles: true, cancelable: true }));
    });

  test("not where the server is alone, nor where one node runs programs", async () => {
    expect(choice()).toBeNull();
    await start();
    expect(posted.map(({ body }) => body)).toEqual([{ type: "system" }]);
    await report("up", here, node("gate", { role: "gateway" }));
    expect(choice()).toBeNull();
    await report("up", gateway, node("only"));
    await start();
    expect(posted[1]).toEqual({ path: "/api/projects/p/sessions", body: { type: "system", node: "only" } });
    expect(made).toEqual(["new", "new"]);
  });

  test("this page's node unless another is chosen; one that is drained is marked", async () => {
    await report("up", node("two"), here, node("three", { draining: true }));
    expect(options()).toEqual(["one, this page's", "three, draining", "two"]);
    expect(choice()?.value).toBe("one");
    await choose("two");
    await start();
    expect(posted[0]?.body.node).toBe("two");
  });

  test("a node that goes after it was chosen stays chosen, and says so", async () => {
    await report("up", here, node("two"));
    await choose("two");
    await report("down", here);
    expect(options()).toEqual(["one, this page's", "two, cannot be reached"]);
    expect(choice()?.value).toBe("two");
    await report("up", here, node("two"));
    expect(options()).toEqual(["one, this page's", "two"]);
    expect(choice()?.value).toBe("two");
  });

  test("where no node can run it, nothing is offered", async () => {
    const button = () => page.element.querySelector<HTMLButtonElement>("button[type=submit]");
    await report("down", gateway);
    expect(button()?.disabled).toBe(true);
    expect(page.element.textContent).toContain("No node that runs programs can be reached at the moment.");
    await report("up", gateway, node("two"));
    expect(button()?.disabled).toBe(false);
  });
});

test("W10 a terminal whose node is away is not connected, however well the page is", () => {
  const there = session("there", { away: "node two is away" });
  expect(connectionOf(there, { state: "connected" })).toBe("disconnected");
  expect(connectionOf(there, { state: "connecting" })).toBe("connecting");
  expect(connectionOf(session("here"), { state: "connected" })).toBe("connected");
  expect(connectionOf(undefined, { state: "error" })).toBe("error");
});
