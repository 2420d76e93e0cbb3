// @vitest-environment happy-dom
import type { Session } from "@termwall/client";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { useTitle } from "../../src/bar/useTitle";
import { newsOf } from "../../src/notices/news";
import { CLAIM_MILLISECONDS, mayNotify, useDesktopNews } from "../../src/notices/useDesktopNews";
import { Page, session } from "../support/page";

const attention = (state: Session["attention"]["state"], since: number, more: Partial<Session["attention"]> = {}) => ({
  attention: { state, reason: "bell", since, seen: false, ...more },
});
const world = (...sessions: Session[]) => new Map(sessions.map((one) => [one.id, one]));

describe("what is news", () => {
  const quiet = world(session("a"), session("b"));

  test("a session that turned to needs input or done, with its reason or the program's own words", () => {
    const now = world(
      session("a", attention("needs input", 5000)),
      session("b", { ...attention("done", 5000), notification: { title: "tests", body: "3 failed", timestamp: 4900 } }),
    );
    expect(newsOf(quiet, now)).toEqual([
      { sessionId: "a", title: "a needs input", text: "bell", tag: "a needs input 5000" },
      { sessionId: "b", title: "b is done", text: "tests: 3 failed", tag: "b done 5000" },
    ]);
  });

  test("old words of the program are not the reason", () => {
    const notification = { title: "", body: "long ago", timestamp: 1000 };
    const now = world(session("a", { ...attention("needs input", 90_000), notification }));
    expect(newsOf(quiet, now)).toMatchObject([{ text: "bell" }]);
  });

  test("nothing of the first state, nothing seen, nothing told before, nothing else", () => {
    const asks = world(session("a", attention("needs input", 5000)));
    expect(newsOf(null, asks)).toEqual([]);
    expect(newsOf(asks, asks)).toEqual([]);
    expect(newsOf(asks, world(session("a", { ...attention("needs input", 5000), title: "x" })))).toEqual([]);
    expect(newsOf(quiet, world(session("a", attention("done", 9, { seen: true }))))).toEqual([]);
    expect(newsOf(quiet, world(session("a", attention("working", 9))))).toEqual([]);
    expect(newsOf(asks, world(session("a", attention("needs input", 6000))))).toHaveLength(1);
  });
});

/** The desktop, as the browser gives it to a page. */
class Desktop {
  static permission = "granted";
  static readonly shown: Desktop[] = [];
  static asked = 0;
  onclick: (() => void) | null = null;
  closed = false;
  constructor(
    readonly title: string,
    readonly options: { body: string; tag: string },
  ) {
    Desktop.shown.push(this);
  }
  static async requestPermission(): Promise<string> {
    Desktop.asked++;
    return Desktop.permission === "default" ? "denied" : Desktop.permission;
  }
  close(): void {
    this.closed = true;
  }
}

/** One browser's channel between its pages. */
class Channel {
  static readonly all = new Set<Channel>();
  onmessage: ((event: { data: unknown }) => void) | null = null;
  constructor() {
    Channel.all.add(this);
  }
  postMessage(data: unknown): void {
    for (const other of Channel.all) if (other !== this) other.onmessage?.({ data });
  }
  close(): void {
    Channel.all.delete(this);
  }
}

let page: Page;
let opened: string[];

function Teller({ on = true }: { on?: boolean }) {
  useDesktopNews(on, (id) => opened.push(id));
  return null;
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  Desktop.shown.length = 0;
  Desktop.permission = "granted";
  Desktop.asked = 0;
  vi.stubGlobal("Notification", Desktop);
  vi.stubGlobal("BroadcastChannel", Channel);
  opened = [];
  page = new Page();
  page.front = false;
});

afterEach(async () => {
  await page.end();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const asks = (since = 5000) => attention("needs input", since);

describe("desktop notifications", () => {
  test("while nobody looks: the session's name and its reason; a click leads to it", async () => {
    await page.show(<Teller />);
    await page.connect([session("a")]);
    await page.update("a", asks());
    await page.pass(CLAIM_MILLISECONDS);
    expect(Desktop.shown).toMatchObject([
      { title: "a needs input", options: { body: "bell", tag: "a needs input 5000" } },
    ]);
    Desktop.shown[0]?.onclick?.();
    expect(opened).toEqual(["a"]);
    expect(Desktop.shown[0]?.closed).toBe(true);
  });

  test("none of what was so when the page came, and one of what happened while it was cut off", async () => {
    await page.show(<Teller />);
    await page.connect([session("a", asks()), session("b")]);
    await page.pass(CLAIM_MILLISECONDS);
    expect(Desktop.shown).toEqual([]);
    await page.reconnect([session("a", asks()), session("b", asks(6000))]);
    await page.pass(CLAIM_MILLISECONDS);
    expect(Desktop.shown.map(({ title }) => title)).toEqual(["b needs input"]);
  });

  test("none while this page is in front, and none where another one of the browser is", async () => {
    page.front = true;
    const other = new Channel();
    const told: unknown[] = [];
    other.onmessage = ({ data }) => told.push(data);
    await page.show(<Teller />);
    await page.connect([session("a")]);
    await page.update("a", asks());
    await page.pass(CLAIM_MILLISECONDS);
    expect(told).toEqual(["a needs input 5000"]);
    page.front = false;
    await page.update("a", asks(7000));
    other.postMessage("a needs input 7000");
    await page.pass(CLAIM_MILLISECONDS);
    expect(Desktop.shown).toEqual([]);
    other.close();
  });

  test("none unless they were switched on and are allowed", async () => {
    await page.show(<Teller on={false} />);
    await page.connect([session("a")]);
    await page.update("a", asks());
    await page.show(<Teller />);
    Desktop.permission = "denied";
    await page.update("a", asks(6000));
    await page.pass(CLAIM_MILLISECONDS);
    expect(Desktop.shown).toEqual([]);
  });

  test("switching them on asks the browser, unless it has said yes already", async () => {
    expect(await mayNotify()).toBe(true);
    expect(Desktop.asked).toBe(0);
    Desktop.permission = "default";
    expect(await mayNotify()).toBe(false);
    expect(Desktop.asked).toBe(1);
  });
});

function Titled({ needing }: { needing: number }) {
  useTitle("atlas", needing);
  return null;
}

test("the tab says how many need somebody, and its icon that there are some", async () => {
  document.head.innerHTML = '<link rel="icon" href="icon.svg">';
  const icon = () => document.querySelector<HTMLLinkElement>("link[rel=icon]")?.href;
  await page.show(<Titled needing={0} />);
  expect(document.title).toBe("atlas · termwall");
  const plain = icon();
  await page.show(<Titled needing={2} />);
  expect(document.title).toBe("(2) atlas · termwall");
  expect(icon()).not.toBe(plain);
  await page.show(<Titled needing={0} />);
  expect(icon()).toBe(plain);
});
