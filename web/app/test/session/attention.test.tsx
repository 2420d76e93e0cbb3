// @vitest-environment happy-dom
import type { Session } from "@termwall/client";
import { useWorkspace } from "@termwall/react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { attentionOf, evidenceOf, RecordingMark, screenNote } from "../../src/session/Attention";
import { Shelf } from "../../src/shelf/Shelf";
import { Pane, type PaneActions } from "../../src/stage/Pane";
import { spoken } from "../../src/time";
import { Page, session } from "../support/page";

const NOW = 1_000_000_000;
const attention = (state: Session["attention"]["state"], more: Partial<Session["attention"]> = {}) => ({
  attention: { state, reason: "", since: NOW, seen: false, ...more },
});

describe("S9: each state has a word and a look of its own", () => {
  const states: [string, Partial<Session>, string, string][] = [
    ["needs input", attention("needs input"), "needs input", "needs"],
    ["needs input, seen", attention("needs input", { seen: true }), "needs input", "needs"],
    ["done, unseen", attention("done"), "done, unseen", "done"],
    ["done and seen looks idle", attention("done", { seen: true }), "idle", "muted"],
    ["working", attention("working"), "working", "plain"],
    ["starting", { ...attention("working"), status: "starting" }, "starting", "muted"],
    ["idle", attention("idle"), "idle", "muted"],
    ["exited 0", { ...attention("exited"), exitCode: 0 }, "exited 0", "muted"],
    ["exited 3", { ...attention("exited"), exitCode: 3 }, "exited 3", "danger"],
    ["killed", { ...attention("exited"), signal: "SIGTERM" }, "killed (TERM)", "danger"],
    ["lost", { ...attention("lost"), status: "lost" }, "lost", "danger"],
  ];
  test.each(states)("%s", (_name, change, word, look) => {
    expect(attentionOf(session("a", change))).toMatchObject({ word, look });
  });

  test("and says why, with when, unless the reason lasts", () => {
    const why = (reason: string) => evidenceOf(session("a", attention("needs input", { reason })), NOW + 12_400);
    expect(why("bell")).toBe("bell 12 s ago");
    expect(why("OSC 9")).toBe("OSC 9 · 12 s ago");
    expect(why("quiet 30 s")).toBe("quiet 30 s");
    expect(why("output")).toBe("output");
    expect(why("quiet")).toBe("quiet");
    expect(evidenceOf(session("a", attention("idle", { reason: "quiet" })), NOW + 150_000)).toBe("quiet 2 min");
    expect(why("")).toBe("");
    expect(evidenceOf(session("a", attention("done", { reason: "hook" })), NOW + 1)).toBe("hook just now");
  });

  test("a screen that is not what the program drew says so", () => {
    expect(screenNote(session("a"))).toBeNull();
    expect(screenNote(session("a", { screen: "exact" }))).toBeNull();
    expect(screenNote(session("a", { screen: "rebuilding" }))).toBe("rebuilding the screen");
    expect(screenNote(session("a", { screen: "lost" }))).toBe(
      "Part of this screen could not be rebuilt; it is complete again when the program draws anew.",
    );
  });

  test("case command-line 8: a recording that ended by itself says why, until another one begins", () => {
    const mark = (change: Partial<Session>) => RecordingMark({ session: session("a", change) });
    const recordingError = "No space left on device.";
    expect(mark({})).toBeNull();
    expect(mark({ recordingError })?.props["aria-label"]).toBe(`The recording has ended: ${recordingError}`);
    expect(mark({ recording: "r", recordingError: null })?.props.title).toBe("It is being recorded");
  });

  test("times are said in words", () => {
    expect(["1 second", "42 seconds", "2 minutes", "1 hour"]).toEqual(
      [1, 42, 130, 3700].map((seconds) => spoken(NOW, NOW + seconds * 1000)),
    );
  });
});

let page: Page;

beforeEach(() => {
  vi.useFakeTimers({
    now: NOW,
    toFake: ["Date", "performance", "setInterval", "clearInterval", "setTimeout", "clearTimeout"],
  });
  page = new Page();
});

afterEach(async () => {
  await page.end();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const tile = (id: string) => page.element.querySelector(`.tile[data-session="${id}"]`);
const words = (element: Element | null | undefined) => element?.textContent?.replace(/\s+/g, " ").trim();

function Wall({ picked = [] }: { picked?: string[] }) {
  const sessions = useWorkspace((state) => state.sessions);
  return (
    <Shelf
      sessions={[...sessions.values()]}
      first={5}
      canType
      onPick={pick(picked)}
      onNew={() => undefined}
      onMenu={menu}
      onBusy={() => undefined}
    />
  );
}
const pickers = new Map<string[], (session: Session) => void>();
const pick = (picked: string[]) => {
  const known = pickers.get(picked) ?? (({ id }: Session) => picked.push(id));
  pickers.set(picked, known as (session: Session) => void);
  return known as (session: Session) => void;
};
const menu = () => undefined;

describe("a tile", () => {
  test("says position, name, what it wants and for how long, why, and how it is connected", async () => {
    await page.show(<Wall />);
    await page.connect([session("review", attention("needs input", { reason: "bell", since: NOW - 130_000 }))]);
    expect(words(tile("review"))).toBe("5reviewneeds input2:10bell 2 min agoconnected");
    const canvas = tile("review")?.querySelector("canvas");
    expect(canvas?.getAttribute("aria-label")).toBe("review, needs input for 2 minutes, connected, position 5");
    expect(canvas?.getAttribute("role")).toBe("img");
    expect(tile("review")?.getAttribute("data-look")).toBe("needs");
    await page.pass(5000);
    expect(words(tile("review"))).toContain("2:15");
  });

  test("renders alone: what one session tells leaves the others as they are", async () => {
    const picked: string[] = [];
    await page.show(<Wall picked={picked} />);
    await page.connect([session("a"), session("b")]);
    let changed = 0;
    const observer = new MutationObserver((changes) => {
      changed += changes.length;
    });
    const other = tile("b");
    if (other !== null)
      observer.observe(other, { subtree: true, childList: true, attributes: true, characterData: true });
    await page.update("a", attention("working"));
    expect(words(tile("a"))).toContain("working");
    expect(changed + observer.takeRecords().length).toBe(0);
    (tile("a") as HTMLElement).click();
    expect(picked).toEqual(["a"]);
  });

  test("shows progress while there is some, and a note where the screen is not whole", async () => {
    await page.show(<Wall />);
    await page.connect([session("a", { screen: "lost" })]);
    expect(words(tile("a")?.querySelector(".note"))).toContain("could not be rebuilt");
    const bar = () => tile("a")?.querySelector("[role=progressbar]");
    expect(bar()).toBeNull();
    await page.update("a", { progress: { state: "normal", percent: 40 } });
    expect(bar()?.getAttribute("aria-valuenow")).toBe("40");
    expect(bar()?.firstElementChild?.getAttribute("style")).toContain("40%");
    await page.update("a", { progress: { state: "indeterminate" } });
    expect(bar()?.hasAttribute("aria-valuenow")).toBe(false);
    expect(bar()?.getAttribute("data-state")).toBe("indeterminate");
    await page.update("a", { progress: { state: "error", percent: 140 } });
    expect(bar()?.getAttribute("aria-valuenow")).toBe("100");
    await page.update("a", { progress: null, screen: "exact" });
    expect(bar()).toBeNull();
    expect(tile("a")?.querySelector(".note")).toBeNull();
  });
});

const ACTIONS = {
  makeCurrent() {},
  keys() {},
  zoom() {},
  menu() {},
  paste() {},
  link() {},
  restart() {},
  close() {},
} as PaneActions;

function OnePane({ visible = true }: { visible?: boolean }) {
  const one = useWorkspace((state) => state.sessions.get("a"));
  if (one === undefined) return null;
  return (
    <Pane
      session={one}
      position={1}
      visible={visible}
      current
      zoomed={false}
      framed
      canType
      searching={null}
      onSearchEnd={() => undefined}
      actions={ACTIONS}
    />
  );
}

describe("a pane's header", () => {
  test("says what its session wants and why, how far it is, and where it works", async () => {
    await page.show(<OnePane />);
    await page.connect([
      session("a", {
        ...attention("needs input", { reason: "hook", since: NOW - 42_000 }),
        progress: { state: "paused", percent: 10 },
        cwd: "/home/me/atlas/src",
      }),
    ]);
    const header = page.element.querySelector(".pane-header");
    expect(words(header)).toContain("needs input0:42hook 42 s ago…/atlas/src");
    expect(header?.querySelector(".directory")?.getAttribute("title")).toBe("/home/me/atlas/src");
    expect(header?.querySelector("[role=progressbar]")?.getAttribute("data-state")).toBe("paused");
    await page.update("a", { screen: "rebuilding" });
    expect(words(header)).toContain("rebuilding the screen");
  });
});

describe("S9: a session is seen", () => {
  const seen = () => page.wire.messages("seen").map((message) => message.sessionId);

  test("after two seconds in a window in front, once for each state", async () => {
    await page.show(<OnePane />);
    await page.connect([session("a", attention("done"))]);
    await page.pass(1900);
    expect(seen()).toEqual([]);
    await page.pass(200);
    expect(seen()).toEqual(["a"]);
    await page.pass(10_000);
    await page.look(false);
    await page.look(true);
    await page.pass(10_000);
    expect(seen()).toEqual(["a"]);
    await page.update("a", attention("done", { seen: true }));
    await page.update("a", attention("needs input", { since: NOW + 9 }));
    await page.pass(2100);
    expect(seen()).toEqual(["a", "a"]);
  });

  test("not while somebody looks elsewhere: two seconds count from when they come back", async () => {
    page.front = false;
    await page.show(<OnePane />);
    await page.connect([session("a", attention("done"))]);
    await page.pass(5000);
    await page.look(true);
    await page.pass(1500);
    await page.look(false);
    await page.pass(5000);
    await page.look(true);
    await page.pass(1500);
    expect(seen()).toEqual([]);
    await page.pass(600);
    expect(seen()).toEqual(["a"]);
  });

  test("not while its pane is hidden, nor what was seen already, nor by one who may only watch", async () => {
    await page.show(<OnePane visible={false} />);
    await page.connect([session("a", attention("done"))]);
    await page.pass(5000);
    await page.show(<OnePane />);
    await page.update("a", attention("done", { seen: true }));
    await page.pass(5000);
    expect(seen()).toEqual([]);
    await page.end();
    page = new Page();
    await page.show(<OnePane />);
    await page.connect([session("a", attention("done"))], { role: "view" });
    await page.pass(5000);
    expect(seen()).toEqual([]);
  });

  test("only live: not while the connection is down, and again on the next one", async () => {
    await page.show(<OnePane />);
    await page.connect([session("a", attention("done"))]);
    await page.pass(2100);
    await page.reconnect([session("a", attention("done"))]);
    expect(seen()).toEqual([]);
    await page.pass(2100);
    expect(seen()).toEqual(["a"]);
  });
});
