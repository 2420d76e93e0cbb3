// @vitest-environment happy-dom
import { TermwallClient } from "@termwall/client";
import { act, type ReactNode, StrictMode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { answerStreams, frame, session, snapshot, stage, World, welcome } from "../../client/test/support/world";
import { Engines, KEPT_ENGINES, TerminalView, TermwallProvider } from "../src/index";

let root: Root;
let page: HTMLElement;
let world: World;
let client: TermwallClient;

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  page = document.createElement("div");
  document.body.append(page);
  root = createRoot(page);
  world = new World();
  client = new TermwallClient({ url: "ws://test/ws", projectId: "p", clientId: "c", environment: world });
});

afterEach(async () => {
  await act(() => root.unmount());
  page.remove();
});

const show = (children: ReactNode) =>
  act(() => root.render(<TermwallProvider client={client}>{children}</TermwallProvider>));

async function connect(ids: string[]): Promise<void> {
  await act(() => {
    client.connect();
    world.wire.deliver(welcome(ids.map((id) => session(id))));
  });
  await act(() => world.pass(0));
}

/** Gives a session's terminal its first screen, and waits until it is parsed. */
async function print(id: string, text: string): Promise<void> {
  await act(async () => {
    answerStreams(world.wire, { [id]: { epoch: "e1", offset: 0, resume: "snapshot" } });
    world.wire.deliverBytes(snapshot(id, 0));
    world.wire.deliverBytes(frame(id, text.length, text));
    await vi.waitFor(() => expect(window.__terms?.get(id)?.text()).toBe(text));
  });
}

const view = (id: string) => <TerminalView key={id} sessionId={id} projectId="p" />;
const label = () => page.querySelector(".termwall-connection")?.textContent;

describe("W10: the connection is shown", () => {
  test("as a word beside the dot, and the terminal is reported apart while it is not connected", async () => {
    await show(view("a"));
    expect(label()).toBe("disconnected");
    await connect(["a"]);
    expect(label()).toBe("connected");
    await act(() => world.wire.end(1006));
    expect(label()).toBe("connecting");
    expect(page.querySelector(".termwall-view")?.getAttribute("data-connection")).toBe("connecting");
    await act(() => {
      world.pass(100);
      world.wire.end(4403);
    });
    expect(label()).toBe("error");
  });
});

describe("the terminal", () => {
  test("shows what the session prints, and keeps its screen when it is shown elsewhere", async () => {
    await show(view("a"));
    await connect(["a"]);
    await print("a", "hello");
    const requests = () => world.wire.messages("sync_request").length;
    expect(requests()).toBe(1);
    const element = page.querySelector(".termwall-engine");
    await show(<p>Nothing here.</p>);
    expect(page.querySelectorAll(".termwall-engine")).toHaveLength(0);
    await show(<section>{view("a")}</section>);
    expect(page.querySelector("section .termwall-engine") === element).toBe(true);
    expect(window.__terms?.get("a")?.text()).toBe("hello");
    world.pass(0);
    expect(requests()).toBe(1);
  });

  test("lives through React's strict mode", async () => {
    await show(<StrictMode>{view("a")}</StrictMode>);
    await connect(["a"]);
    await print("a", "hello");
    expect(page.querySelectorAll(".termwall-engine")).toHaveLength(1);
  });

  test("is let go when its session is removed, and when the page lets go of all", async () => {
    await show([view("a"), view("b")]);
    await connect(["a", "b"]);
    expect([...(window.__terms?.keys() ?? [])]).toEqual(["a", "b"]);
    await act(() => world.wire.deliver({ type: "session_update", sessionId: "a", removed: true }));
    await act(() => world.wire.deliver({ type: "session_update", sessionId: "b", title: "t" }));
    expect([...(window.__terms?.keys() ?? [])]).toEqual(["b"]);
    await act(() => root.unmount());
    expect(window.__terms?.size).toBe(0);
    root = createRoot(page);
  });

  test("W4: tells the stage as the seed's component does", async () => {
    const told: unknown[] = [];
    const tell = (focused: readonly string[], version: number) => told.push([focused, version]);
    await show(<TerminalView sessionId="a" projectId="p" onFocusUpdate={tell} />);
    await connect(["a"]);
    await act(() => world.wire.deliver({ type: "sync_complete", ...stage(3, ["a"]) }));
    expect(told).toEqual([
      [[], 1],
      [["a"], 3],
    ]);
    expect(page.querySelector(".termwall-view")?.getAttribute("data-focused")).toBe("true");
  });
});

test("most terminals that nothing shows are kept, the ones shown longest ago are not", async () => {
  const engines = new Engines(client, { fontSize: 13, theme: {}, screenReaderMode: false, cursorBlink: false });
  const end = engines.start();
  const events = {
    data() {},
    drives: () => false,
    points: () => false,
    menu: () => false,
    key: () => false,
    paste() {},
  };
  const ids = Array.from({ length: KEPT_ENGINES + 2 }, (_, index) => `s${index}`);
  for (const id of ids) engines.release(id, engines.acquire(id, events));
  expect(ids.filter((id) => engines.get(id) !== undefined)).toEqual(ids.slice(2));
  end();
  expect(ids.filter((id) => engines.get(id) !== undefined)).toEqual([]);
});
