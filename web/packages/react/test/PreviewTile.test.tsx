// @vitest-environment happy-dom
import { GATHER_MILLISECONDS, type Preview, TermwallClient } from "@termwall/client";
import { act, type ReactNode } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { session, World, welcome } from "../../client/test/support/world";
import { DEFAULT_OPTIONS, PreviewTile, TermwallProvider } from "../src/index";
import { LIGHT } from "../src/themes";

/** The browser's observer, of which a test says what is in the window. */
class Window {
  static readonly all: Window[] = [];
  readonly elements = new Set<Element>();
  constructor(private readonly deliver: (entries: { target: Element; isIntersecting: boolean }[]) => void) {
    Window.all.push(this);
  }
  observe(element: Element): void {
    this.elements.add(element);
  }
  unobserve(element: Element): void {
    this.elements.delete(element);
  }
  disconnect(): void {
    this.elements.clear();
  }
  scroll(shown: (id: string) => boolean): void {
    const entries = [...this.elements].map((target) => ({
      target,
      isIntersecting: shown(target.getAttribute("aria-label") ?? ""),
    }));
    this.deliver(entries);
  }
}

let root: Root;
let page: HTMLElement;
let world: World;
let client: TermwallClient;
/** How often each canvas was drawn. */
let drawn: Map<string, number>;
let frames: (() => void)[];
let hidden: boolean;

beforeEach(() => {
  (globalThis as { IS_REACT_ACT_ENVIRONMENT?: boolean }).IS_REACT_ACT_ENVIRONMENT = true;
  Window.all.length = 0;
  drawn = new Map();
  frames = [];
  hidden = false;
  vi.stubGlobal("IntersectionObserver", Window);
  vi.stubGlobal("requestAnimationFrame", (frame: () => void) => frames.push(frame));
  vi.spyOn(document, "hidden", "get").mockImplementation(() => hidden);
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(function (this: HTMLCanvasElement) {
    const id = this.getAttribute("aria-label") ?? "";
    return {
      setTransform: () => drawn.set(id, (drawn.get(id) ?? 0) + 1),
      clearRect() {},
      fillRect() {},
      fillText() {},
      measureText: () => ({ width: 6 }),
    } as unknown as CanvasRenderingContext2D;
  } as unknown as HTMLCanvasElement["getContext"]);
  page = document.createElement("div");
  document.body.append(page);
  root = createRoot(page);
  world = new World();
  client = new TermwallClient({ url: "ws://test/ws", projectId: "p", clientId: "c", environment: world });
});

afterEach(async () => {
  await act(() => root.unmount());
  page.remove();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const show = (children: ReactNode, options = DEFAULT_OPTIONS) =>
  act(() =>
    root.render(
      <TermwallProvider client={client} options={options}>
        {children}
      </TermwallProvider>,
    ),
  );
const tiles = (ids: string[]) => ids.map((id) => <PreviewTile key={id} sessionId={id} label={id} />);
const scroll = (...ids: string[]) => Window.all.at(-1)?.scroll((id) => ids.includes(id));
const frame = () => {
  for (const one of frames.splice(0)) one();
};
const asked = () => {
  world.pass(GATHER_MILLISECONDS);
  return world.wire.messages("preview").at(-1)?.sessionIds;
};
function deliver(sessionId: string, text = "text"): void {
  const cursor = { x: 0, y: 0, visible: true };
  const where = { projectId: "p", timestamp: 0, epoch: "e1", offset: 1, cols: 80, rows: 24 };
  world.wire.deliver({
    type: "preview",
    sessionId,
    cursor,
    alternate: false,
    lines: [[{ text }]],
    ...where,
  } satisfies Preview);
}

async function wall(ids: string[]): Promise<void> {
  await show(tiles(ids));
  client.connect();
  world.wire.deliver(welcome(ids.map((id) => session(id))));
}

describe("S6: fifty tiles cost little", () => {
  const fifty = Array.from({ length: 50 }, (_, index) => `s${index}`);

  test("one observer watches all; only what can be seen is asked for, in one request", async () => {
    await wall(fifty);
    expect(Window.all).toHaveLength(1);
    expect(asked()).toBeUndefined();
    scroll("s3", "s4");
    expect(asked()).toEqual(["s3", "s4"]);
    scroll("s4", "s5");
    expect(asked()).toEqual(["s4", "s5"]);
    expect(world.wire.messages("preview")).toHaveLength(2);
  });

  test("each is drawn when its picture changed, all of a moment in one frame, and no other", async () => {
    await wall(fifty);
    scroll(...fifty.slice(0, 10));
    frame();
    for (let round = 0; round < 5; round++) {
      deliver("s1");
      deliver("s2");
    }
    expect(frames).toHaveLength(1);
    frame();
    expect([...drawn]).toEqual([
      ["s1", 1],
      ["s2", 1],
    ]);
    frame();
    deliver("s2");
    frame();
    expect(drawn.get("s2")).toBe(2);
  });

  test("a page that is not shown asks for none and draws none, until it is shown again", async () => {
    await wall(fifty);
    scroll("s1");
    expect(asked()).toEqual(["s1"]);
    hidden = true;
    document.dispatchEvent(new Event("visibilitychange"));
    frame();
    expect(asked()).toEqual([]);
    deliver("s1");
    expect(frames).toHaveLength(0);
    hidden = false;
    document.dispatchEvent(new Event("visibilitychange"));
    expect(asked()).toEqual(["s1"]);
    deliver("s1");
    frame();
    expect(drawn.get("s1")).toBe(1);
  });

  test("no picture makes the page render: a tile is the same element with another drawing", async () => {
    await wall(["a"]);
    scroll("a");
    const canvas = page.querySelector("canvas");
    const state = client.getState();
    deliver("a", "one");
    frame();
    expect(window.__previews?.get("a")?.()).toBe("one");
    deliver("a", "two");
    frame();
    expect(window.__previews?.get("a")?.()).toBe("two");
    expect(page.querySelector("canvas")).toBe(canvas);
    expect(client.getState()).toBe(state);
  });
});

test("a picture is named, and drawn anew in other colours", async () => {
  await wall(["a"]);
  expect(page.querySelector("canvas")?.getAttribute("role")).toBe("img");
  expect(page.querySelector("canvas")?.getAttribute("aria-label")).toBe("a");
  scroll("a");
  deliver("a");
  frame();
  await show(tiles(["a"]), { ...DEFAULT_OPTIONS, theme: LIGHT });
  frame();
  expect(drawn.get("a")).toBe(2);
  expect(asked()).toEqual(["a"]);
});

test("a tile that goes away is asked for no more, and leaves nothing behind", async () => {
  await wall(["a", "b"]);
  scroll("a", "b");
  expect(asked()).toEqual(["a", "b"]);
  await show(tiles(["b"]));
  expect(asked()).toEqual(["b"]);
  await show(null);
  expect(asked()).toEqual([]);
  expect(window.__previews?.size).toBe(0);
  expect(Window.all[0]?.elements.size).toBe(0);
});
