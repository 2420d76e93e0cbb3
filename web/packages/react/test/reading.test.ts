import { Terminal } from "@xterm/headless";
import type { IBuffer } from "@xterm/xterm";
import { expect, it } from "vitest";
import { readingPlace, rowOfPlace } from "../src/reading";

const print = (terminal: Terminal, text: string) => new Promise<void>((done) => terminal.write(text, done));
const made = (cols: number, rows: number) => new Terminal({ cols, rows, scrollback: 2000, allowProposedApi: true });
const bufferOf = (terminal: Terminal) => terminal.buffer.active as unknown as IBuffer;
const textAt = (terminal: Terminal, row: number) => terminal.buffer.active.getLine(row)?.translateToString(true);
const NOWHERE = { lines: [], fromCursor: 0, into: 0 };
const numbered = (count: number, of = (index: number) => `row-${index}`) =>
  Array.from({ length: count }, (_, index) => of(index + 1)).join("\r\n");

it("test_case_page_17_the_same_line_is_found_in_a_picture_of_any_size", async () => {
  const text = numbered(400, (index) => `row-${index} ${index % 3 === 0 ? "long ".repeat(40) : ""}`);
  for (const [cols, rows] of [
    [80, 24],
    [60, 45],
    [140, 10],
    [33, 7],
  ] as const) {
    const before = made(100, 30);
    await print(before, text);
    before.scrollToLine(101);
    const place = readingPlace(bufferOf(before));
    const after = made(cols, rows);
    await print(after, text);
    const first = place?.lines[0] ?? "none";
    const row = rowOfPlace(bufferOf(after), place ?? NOWHERE) ?? -1;
    expect(first).toContain(textAt(after, row)?.slice(0, 6));
  }
});

it("test_case_page_17_within_a_long_line_its_part_stays_on_top", async () => {
  const words = Array.from({ length: 300 }, (_, index) => `w${1000 + index}`).join(" ");
  const text = `${numbered(50)}\r\n${words}\r\n${numbered(60)}`;
  const before = made(80, 20);
  await print(before, text);
  before.scrollToLine(56); // Six rows into the long line, which begins in row 50.
  const top = textAt(before, 56)?.slice(0, 10) ?? "";
  const place = readingPlace(bufferOf(before));
  expect(place?.into).toBe(480);
  const after = made(50, 20);
  await print(after, text);
  const row = rowOfPlace(bufferOf(after), place ?? NOWHERE) ?? -1;
  const shown = `${textAt(after, row)}${textAt(after, row + 1)}`;
  expect(shown).toContain(top);
});

it("test_case_page_17_what_is_printed_meanwhile_does_not_move_it", async () => {
  const before = made(80, 24);
  await print(before, numbered(400));
  before.scrollToLine(280);
  const place = readingPlace(bufferOf(before));
  const after = made(80, 18);
  await print(after, `${numbered(400)}\r\n${numbered(37, (index) => `later-${index}`)}`);
  expect(textAt(after, rowOfPlace(bufferOf(after), place ?? NOWHERE) ?? -1)).toBe("row-281");
});

it("test_case_page_17_of_lines_that_are_alike_the_one_at_its_place", async () => {
  const text = numbered(300, () => "the same");
  const before = made(80, 24);
  await print(before, text);
  before.scrollToLine(120);
  const place = readingPlace(bufferOf(before));
  const after = made(40, 10);
  await print(after, text);
  expect(rowOfPlace(bufferOf(after), place ?? NOWHERE)).toBe(120);
});

it("test_case_page_17_at_the_end_and_on_the_alternate_screen_nothing_is_kept", async () => {
  const terminal = made(80, 24);
  await print(terminal, numbered(100));
  expect(readingPlace(bufferOf(terminal))).toBeNull();
  terminal.scrollToLine(10);
  expect(readingPlace(bufferOf(terminal))).not.toBeNull();
  await print(terminal, "\x1b[?1049h");
  expect(readingPlace(bufferOf(terminal))).toBeNull();
});

it("test_case_page_17_wide_characters_at_the_margin_make_no_other_text", async () => {
  const text = numbered(200, (index) => `${index} ${"漢字".repeat(30)} ${index}`);
  const before = made(80, 24);
  await print(before, text);
  before.scrollToLine(150);
  const place = readingPlace(bufferOf(before));
  for (const cols of [33, 47, 81, 120]) {
    const after = made(cols, 20);
    await print(after, text);
    const row = rowOfPlace(bufferOf(after), place ?? NOWHERE) ?? -1;
    expect(place?.lines[0]?.split(" ")[0], `${cols}`).toBe("76");
    let start = row;
    while (after.buffer.active.getLine(start)?.isWrapped) start--;
    expect(textAt(after, start)?.split(" ")[0], `${cols}`).toBe("76");
  }
});

it("test_case_page_17_another_text_is_shown_from_its_end_and_a_shorter_one_from_its_oldest_line", async () => {
  const before = made(80, 24);
  await print(before, numbered(400));
  before.scrollToLine(280);
  const place = readingPlace(bufferOf(before));
  const other = made(80, 24);
  await print(
    other,
    numbered(300, (index) => `other-${index}`),
  );
  expect(rowOfPlace(bufferOf(other), place ?? NOWHERE)).toBeNull();
  const rest = made(80, 24);
  await print(
    rest,
    numbered(100, (index) => `row-${index + 300}`),
  );
  expect(rowOfPlace(bufferOf(rest), place ?? NOWHERE)).toBe(0);
});
