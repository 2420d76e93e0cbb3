// @vitest-environment happy-dom

import type { Recording, SearchAnswer } from "@termwall/client";
import { act } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { Everywhere } from "../../src/recordings/Everywhere";
import { Player } from "../../src/recordings/Player";
import { Recordings } from "../../src/recordings/Recordings";
import { Page } from "../support/page";

const recording = (id: string, node: string | null): Recording => ({
  id,
  projectId: "p",
  sessionId: "a",
  sessionName: `agent of ${id}`,
  startedAt: 1000,
  endedAt: 2000,
  seconds: 1,
  bytes: 10,
  firstPart: 1,
  parts: 1,
  error: null,
  command: ["agent"],
  cols: 80,
  rows: 24,
  node,
});
const answers = new Map<string, { status?: number; body: unknown }>();
const asked: string[] = [];
let page: Page;

beforeEach(() => {
  page = new Page();
  answers.clear();
  asked.length = 0;
  vi.stubGlobal("fetch", async (place: URL, { method = "GET" }: RequestInit) => {
    const path = place.pathname.replace(/^.*\/api\//, "");
    asked.push(`${method} ${path}${place.search}`);
    const found = answers.get(path);
    if (found === undefined) return new Response(null, { status: 204 });
    return new Response(JSON.stringify(found.body), { status: found.status ?? 200 });
  });
});
afterEach(async () => {
  await page.end();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const text = () => page.element.textContent ?? "";
const press = (label: string) =>
  act(async () => {
    const found = [...page.element.querySelectorAll("button")].find(
      (button) => (button.getAttribute("aria-label") ?? button.textContent) === label,
    );
    expect(found, label).toBeDefined();
    found?.click();
  });
const nothing = () => {};

describe("N8 recordings of several nodes", () => {
  const show = () => page.show(<Recordings projectId="p" canType onClose={nothing} />);

  test("each says where it is, and what is missing is named", async () => {
    const recordings = [recording("r2", "two"), recording("r1", "one")];
    answers.set("projects/p/recordings", { body: { recordings, missing: ["three", "four"] } });
    await show();
    expect(text()).toContain("on two");
    expect(text()).toContain("on one");
    expect(text()).toContain("Nodes three, four could not be asked: what is there was not listed.");
  });

  test("an empty list with a missing node does not say that nothing was recorded", async () => {
    answers.set("projects/p/recordings", { body: { recordings: [], missing: ["two"] } });
    await show();
    expect(text()).toContain("Node two could not be asked: what is there was not listed.");
    expect(text()).not.toContain("Nothing was recorded yet");
  });

  test("a server that is alone names no node and misses none", async () => {
    answers.set("projects/p/recordings", { body: { recordings: [recording("r1", null)], missing: [] } });
    await show();
    expect(text()).not.toContain(" on ");
    expect(text()).not.toContain("could not be asked");
  });

  test("those of another node are deleted and downloaded at the same address", async () => {
    answers.set("projects/p/recordings", { body: { recordings: [recording("r2", "two")], missing: [] } });
    await show();
    expect(page.element.querySelector("a")?.getAttribute("href")).toBe("api/recordings/r2/cast");
    await press("Delete the recording of agent of r2");
    await press("Really delete");
    expect(asked).toContain("DELETE recordings/r2");
  });

  test("the player shows the server's sentence where the node is away", async () => {
    const body = { success: false, code: "engine_away", error: "Node two cannot be reached at the moment." };
    answers.set("recordings/r2/timeline", { status: 503, body });
    await page.show(<Player id="r2" start={null} label="Recording" />);
    expect(page.element.querySelector("[role=alert]")?.textContent).toBe(body.error);
  });
});

describe("N8 a search of several nodes", () => {
  const search = async (answer: SearchAnswer) => {
    vi.useFakeTimers();
    answers.set("projects/p/search", { body: answer });
    await page.show(<Everywhere projectId="p" onPick={nothing} onClose={nothing} />);
    const input = page.element.querySelector("input") as HTMLInputElement;
    await act(() => {
      Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, "needle");
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    await page.pass(1000);
  };
  const match = { sessionId: "b", sessionName: "agent", recordingId: null, part: null, time: null, text: "a needle" };

  test("a line says where it is, and what is missing is named", async () => {
    const matches = [{ ...match, start: 2, end: 8, linesFromEnd: 0, node: "two" }];
    await search({ matches, limit: 100, truncated: false, skipped: [], missing: ["three"] });
    expect(page.element.querySelector("[role=option]")?.textContent).toBe("agent on twoa needle");
    expect(page.element.querySelector("[role=status]")?.textContent).toBe(
      "1 found. Node three could not be asked: what is there was not searched.",
    );
  });

  test("nothing found says that not all were asked", async () => {
    await search({ matches: [], limit: 100, truncated: false, skipped: [], missing: ["two"] });
    expect(page.element.querySelector("[role=status]")?.textContent).toBe(
      "Nothing was found. Node two could not be asked: what is there was not searched.",
    );
  });
});
