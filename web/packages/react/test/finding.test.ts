import { Terminal } from "@xterm/headless";
import { expect, test } from "vitest";
import { anyForm, rowsWith } from "../src/finding";

const shown = async (text: string, cols: number) => {
  const terminal = new Terminal({ cols, rows: 10, allowProposedApi: true });
  await new Promise<void>((done) => terminal.write(text, done));
  return terminal.buffer.active;
};

test("case terminal 5: text that wraps is found in the row in which it begins", async () => {
  const buffer = await shown(`one\r\n${"x".repeat(70)}NEEDLE-ACROSS-THE-WRAP\r\nneedle\r\nlast`, 80);
  expect(rowsWith(buffer, "needle-across-the-wrap")).toEqual([1]);
  expect(rowsWith(buffer, "THE-WRAP")).toEqual([2]);
  expect(rowsWith(buffer, "needle")).toEqual([1, 3]);
  expect(rowsWith(buffer, "wrapneedle")).toEqual([]);
  expect(rowsWith(buffer, "")).toEqual([]);
});

test("case terminal 5: also where a wide character found no place at the end of a row", async () => {
  const buffer = await shown(`${"日本語".repeat(20)} end`, 81);
  expect(rowsWith(buffer, "日本語日本語")).toContain(0);
  expect(rowsWith(buffer, `${"日本語".repeat(20)} end`)).toEqual([0]);
});

test("case terminal 5: both forms of a text find each other", async () => {
  const composed = "un café noir, 한글";
  const apart = composed.normalize("NFD");
  for (const printed of [composed, apart])
    for (const sought of ["café noir", "CAFÉ".normalize("NFD"), "한글", "한글".normalize("NFD")])
      expect(rowsWith(await shown(printed, 80), sought)).toEqual([0]);
  for (const sought of [composed, apart])
    for (const text of [composed, apart]) expect(new RegExp(anyForm(sought) ?? "nothing").test(text)).toBe(true);
  expect(anyForm("plain (text)")).toBeNull();
  expect(new RegExp(anyForm("é (a+b)") ?? "").test("e\u0301 (a+b)")).toBe(true);
});
