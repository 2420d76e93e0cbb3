// @vitest-environment happy-dom
/** What programs put on the clipboard (case page 15). */
import { act } from "react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Notices } from "../../src/notices/Notices";
import { SAID_MILLISECONDS } from "../../src/notices/ProgramCopies";
import { Page, session } from "../support/page";

let page: Page;
let clipboard: string[];
let refused: boolean;

const copies = async (sessionId: string, data: string) => {
  await act(async () => page.wire.deliver({ type: "clipboard", sessionId, data }));
};
const text = () => page.element.textContent;
const button = () => [...page.element.querySelectorAll("button")].find((one) => one.textContent === "Copy it");

beforeEach(() => {
  vi.useFakeTimers();
  clipboard = [];
  refused = false;
  vi.stubGlobal("isSecureContext", true);
  const writeText = async (data: string) => {
    if (refused) throw new Error("NotAllowedError");
    clipboard.push(data);
  };
  vi.stubGlobal("navigator", { clipboard: { writeText } });
  document.execCommand = () => false;
  page = new Page();
});

afterEach(async () => {
  await page.end();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

test("in front it is copied, and said for a moment", async () => {
  await page.show(<Notices programCopy={true} />);
  await page.connect([session("a", { name: "editor" })]);
  await copies("a", "日本 text");
  expect(clipboard).toEqual(["日本 text"]);
  expect(text()).toContain("editor copied 7 characters.");
  expect(button()).toBeUndefined();
  await page.pass(SAID_MILLISECONDS);
  expect(text()).toBe("");
});

test.each(["nobody sits before the page", "the browser refuses"])("where %s it waits for a click", async (why) => {
  await page.show(<Notices programCopy={true} />);
  await page.connect([session("a", { name: "editor" }), session("b", { name: "other" })]);
  if (why.startsWith("nobody")) await page.look(false);
  else refused = true;
  await copies("a", "old");
  await copies("a", "x");
  await copies("b", "of b");
  await page.pass(60_000);
  expect(clipboard).toEqual([]);
  expect(text()).toContain("editor copied 1 character.");
  expect(page.element.querySelectorAll(".notice")).toHaveLength(2);
  refused = false;
  await page.look(true);
  await act(async () => button()?.click());
  expect(clipboard).toEqual(["x"]);
  expect(page.element.querySelectorAll(".notice")).toHaveLength(1);
});

test("switched off, nothing is copied and nothing is said", async () => {
  await page.show(<Notices programCopy={false} />);
  await page.connect([session("a")]);
  await copies("a", "text");
  expect(clipboard).toEqual([]);
  expect(text()).toBe("");
});
