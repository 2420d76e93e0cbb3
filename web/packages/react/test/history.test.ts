import { Terminal } from "@xterm/headless";
import { expect, it } from "vitest";
import { putBack, takeHistory } from "../src/xterm/history";

const SCROLLBACK = 2000;
const print = (terminal: Terminal, text: string) => new Promise<void>((done) => terminal.write(text, done));
const made = (cols = 80, rows = 24) => new Terminal({ cols, rows, scrollback: SCROLLBACK, allowProposedApi: true });
const lines = (from: number, to: number, of = (index: number) => `row-${index}`) =>
  Array.from({ length: to - from + 1 }, (_, index) => of(from + index)).join("\r\n");

function all(terminal: Terminal): string[] {
  const { normal } = terminal.buffer;
  return Array.from({ length: normal.length }, (_, row) => normal.getLine(row)?.translateToString(true) ?? "");
}

/** A snapshot of the last lines of a text comes for a size. */
async function snapshot(terminal: Terminal, text: string): Promise<void> {
  const history = takeHistory(terminal);
  await print(terminal, `\x1bc${text}`);
  if (history !== null) putBack(terminal, history);
}

it("test_case_page_17_what_stands_above_a_snapshot_stays", async () => {
  const terminal = made();
  await print(terminal, lines(1, 1500));
  const before = all(terminal);
  terminal.scrollToLine(700);
  await snapshot(terminal, lines(1000, 1500));
  expect(all(terminal)).toEqual(before);
  const { baseY, cursorY } = terminal.buffer.active;
  expect(baseY + cursorY).toBe(1499);
  await print(terminal, "\x1b7\r\nmore\r\nand more\x1b8!");
  expect(all(terminal).slice(1497)).toEqual(["row-1498", "row-1499", "row-1500!", "more", "and more"]);
});

it("test_case_page_17_after_another_width_and_within_a_long_line", async () => {
  const long = (index: number) => `row-${index} ${"word ".repeat(30)}end`;
  const terminal = made();
  await print(terminal, `${lines(1, 300, long)}\r\n`);
  terminal.resize(50, 24);
  const before = all(terminal);
  const rest = lines(100, 300, long).slice(50); // It begins within a line, as the server's may.
  await snapshot(terminal, `${rest}\r\n`);
  expect(all(terminal)).toEqual(before);
  const row = before.findIndex((text) => text.startsWith("row-100"));
  expect([0, 1, 2].map((next) => terminal.buffer.active.getLine(row + next)?.isWrapped)).toEqual([false, true, true]);
});

it("test_case_page_17_lines_that_are_alike_are_put_back_once", async () => {
  const terminal = made();
  await print(
    terminal,
    lines(1, 900, () => "yes"),
  );
  const count = all(terminal).length;
  await snapshot(
    terminal,
    lines(1, 400, () => "yes"),
  );
  expect(all(terminal).length).toBe(count);
});

it("test_case_page_17_what_is_not_in_the_snapshot_comes_back_from_nowhere", async () => {
  const terminal = made();
  await print(terminal, lines(1, 500));
  await snapshot(
    terminal,
    lines(1, 100, (index) => `other-${index}`),
  );
  expect(all(terminal)[0]).toBe("other-1");
  await snapshot(terminal, "short");
  expect(all(terminal)[0]).toBe("short");
  expect(terminal.buffer.active.baseY).toBe(0);
});

it("test_case_page_17_it_is_never_more_than_the_terminal_keeps", async () => {
  const terminal = made();
  await print(terminal, lines(1, 5000));
  await snapshot(terminal, lines(4500, 5000));
  expect(all(terminal).length).toBe(SCROLLBACK + 24);
  expect(all(terminal).at(-1)).toBe("row-5000");
  expect(all(terminal)[0]).toBe(`row-${5000 - SCROLLBACK - 24 + 1}`);
});

it("test_case_page_17_under_a_full_screen_too", async () => {
  const terminal = made();
  await print(terminal, `${lines(1, 600)}\x1b[?1049hfull screen`);
  await snapshot(terminal, `${lines(300, 600)}\x1b[?1049hfull screen`);
  expect(all(terminal)[0]).toBe("row-1");
  await print(terminal, "\x1b[?1049l\r\nafter");
  expect(all(terminal).slice(599)).toEqual(["row-600", "after"]);
});
