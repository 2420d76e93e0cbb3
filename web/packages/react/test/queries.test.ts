import { Terminal } from "@xterm/headless";
import { describe, expect, test } from "vitest";
import { isReport, type QueryParser, queryHandlers } from "../src/queries";

const ESC = "\x1b";
const DCS_END = `${ESC}\\`;
/** Every query that xterm.js answers, by name. */
const ANSWERED: Record<string, string> = {
  DA1: `${ESC}[c`,
  DA2: `${ESC}[>c`,
  "DSR status": `${ESC}[5n`,
  "CPR cursor": `${ESC}[6n`,
  "DECDSR cursor": `${ESC}[?6n`,
  "DECRQM ansi": `${ESC}[4$p`,
  "DECRQM private": `${ESC}[?2004$p`,
  "DECRQSS pen": `${ESC}P$qm${DCS_END}`,
  "DECRQSS region": `${ESC}P$qr${DCS_END}`,
};
/** Queries that this version of xterm.js does not answer, or only in a page; a later one may. */
const OTHERS = [
  `${ESC}[=c`,
  `${ESC}[>q`,
  `${ESC}[?u`,
  `${ESC}[18t`,
  `${ESC}[14t`,
  `${ESC}P+q544e${DCS_END}`,
  ...[`4;1;?`, "10;?", "11;?", "12;?"].map((query) => `${ESC}]${query}\x07`),
];

async function answers(silent: boolean, input: string): Promise<string> {
  const terminal = new Terminal({ allowProposedApi: true, cols: 80, rows: 24 });
  queryHandlers(terminal.parser as unknown as QueryParser, () => silent);
  let said = "";
  terminal.onData((data) => {
    said += data;
  });
  await new Promise<void>((resolve) => terminal.write(`${input}A`, resolve));
  expect(terminal.buffer.active.getLine(0)?.translateToString(true)).toBe("A");
  terminal.dispose();
  return said;
}

describe("S7: one that does not drive answers no query", () => {
  test.each(Object.entries(ANSWERED))("%s", async (_name, query) => {
    expect(await answers(false, query)).not.toBe("");
    expect(await answers(true, query)).toBe("");
  });

  test("nor any other, now or later: they never reach the terminal", () => {
    const seen = new Set<string>();
    const parser: QueryParser = {
      registerCsiHandler: (id, callback) => {
        if (callback([])) seen.add(`CSI ${id.prefix ?? ""}${id.intermediates ?? ""}${id.final}`);
      },
      registerDcsHandler: (id, callback) => {
        if (callback("", [])) seen.add(`DCS ${id.intermediates ?? ""}${id.final}`);
      },
      registerOscHandler: (id, callback) => {
        if (callback("?") && !callback("#ffffff")) seen.add(`OSC ${id}`);
      },
    };
    queryHandlers(parser, () => true);
    for (const name of ["CSI =c", "CSI >q", "CSI ?u", "CSI t", "DCS +q", "OSC 4", "OSC 10", "OSC 11", "OSC 12"]) {
      expect(seen).toContain(name);
    }
  });

  test("all of them at once leave the screen as it was", async () => {
    expect(await answers(true, [...Object.values(ANSWERED), ...OTHERS].join(""))).toBe("");
  });

  test("colours are still set, and modes too: only the questions are swallowed", async () => {
    const terminal = new Terminal({ allowProposedApi: true });
    queryHandlers(terminal.parser as unknown as QueryParser, () => true);
    await new Promise<void>((resolve) => terminal.write(`${ESC}[?2004h${ESC}[?1h`, resolve));
    expect(terminal.modes.bracketedPasteMode).toBe(true);
    expect(terminal.modes.applicationCursorKeysMode).toBe(true);
    terminal.dispose();
  });
});

describe("I4: reports that nobody typed make nobody drive", () => {
  test.each([`${ESC}[I`, `${ESC}[O`, `${ESC}[<35;10;5M`, `${ESC}[<39;10;5M`, `${ESC}[MC!!`])("%j is one", (data) => {
    expect(isReport(data)).toBe(true);
  });

  test.each([
    "I",
    "ls\r",
    `${ESC}[A`,
    `${ESC}[<0;10;5M`,
    `${ESC}[<0;10;5m`,
    `${ESC}[<32;10;5M`,
    `${ESC}[<64;1;1M`,
    `${ESC}[M !!`,
  ])("%j is not", (data) => {
    expect(isReport(data)).toBe(false);
  });
});
