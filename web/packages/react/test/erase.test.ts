import { Terminal } from "@xterm/xterm";
import { describe, expect, test } from "vitest";
import { guardErase } from "../src/xterm/erase";

const rows = (terminal: Terminal): string[] =>
  Array.from({ length: terminal.rows }, (_, row) => terminal.buffer.active.getLine(row)?.translateToString(true) ?? "");

const write = (terminal: Terminal, data: string): Promise<void> =>
  new Promise((resolve) => terminal.write(data, resolve));

describe("S4: erasing above the last cell", () => {
  test("erases all of the screen, and what comes next is shown", async () => {
    const terminal = new Terminal({ cols: 8, rows: 3, allowProposedApi: true });
    guardErase(terminal);
    await write(terminal, "one\r\ntwo\r\n12345678\x1b[1J");
    expect(rows(terminal)).toEqual(["", "", ""]);
    await write(terminal, "\x1b[Hnext");
    expect(rows(terminal)[0]).toBe("next");
  });

  test("elsewhere it erases as ever", async () => {
    const terminal = new Terminal({ cols: 8, rows: 3, allowProposedApi: true });
    guardErase(terminal);
    await write(terminal, "one\r\ntwo\r\n12345678\x1b[2;2H\x1b[1J");
    expect(rows(terminal)).toEqual(["", "  o", "12345678"]);
    await write(terminal, "\x1b[3;4H\x1b[J");
    expect(rows(terminal)).toEqual(["", "  o", "123"]);
  });
});
