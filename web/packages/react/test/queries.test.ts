// @vitest-environment happy-dom
import { Terminal } from "@xterm/xterm";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { Engine, type EngineEvents } from "../src/engine";
import { answerNothing, isReport } from "../src/queries";

const ESC = "\x1b";
const ST = `${ESC}\\`;
/** Every query that this version of xterm.js answers, by name. */
const ANSWERED: Record<string, string> = {
  DA1: `${ESC}[c`,
  "DA1 with 0": `${ESC}[0c`,
  DA2: `${ESC}[>c`,
  "DSR status": `${ESC}[5n`,
  "CPR cursor": `${ESC}[6n`,
  "DECDSR cursor": `${ESC}[?6n`,
  "DECRQM ansi": `${ESC}[4$p`,
  "DECRQM private": `${ESC}[?2004$p`,
  "DECRQSS pen": `${ESC}P$qm${ST}`,
  "DECRQSS region": `${ESC}P$qr${ST}`,
  "DECRQSS cursor": `${ESC}P$q q${ST}`,
  "window size in cells": `${ESC}[18t`,
  "focus, when its reports are asked for": `${ESC}[?1004h`,
};
/** Those that it answers where it has something to measure or to paint with, or that a later version may answer. */
const OTHERS: Record<string, string> = {
  DA3: `${ESC}[=c`,
  XTVERSION: `${ESC}[>q`,
  DECREQTPARM: `${ESC}[x`,
  "kitty keyboard": `${ESC}[?u`,
  "colour scheme": `${ESC}[?996n`,
  "window size in pixels": `${ESC}[14t`,
  "cell size in pixels": `${ESC}[16t`,
  "screen size": `${ESC}[19t`,
  title: `${ESC}[21t`,
  XTGETTCAP: `${ESC}P+q544e${ST}`,
  "OSC 4": `${ESC}]4;1;?${ST}`,
  "OSC 4, several": `${ESC}]4;1;?;2;?\x07`,
  "OSC 10": `${ESC}]10;?\x07`,
  "OSC 10 to 12": `${ESC}]10;?;?;?\x07`,
  "OSC 11": `${ESC}]11;?\x07`,
  "OSC 12": `${ESC}]12;?\x07`,
};

let said: (string | Uint8Array)[];
let driving: boolean;
let keys: boolean[];
let host: HTMLElement;
let engine: Engine;

const print = (data: string) =>
  new Promise<void>((resolve) => engine.write({ data, offset: 0, snapshot: false, replay: false }, resolve));

beforeEach(() => {
  said = [];
  driving = true;
  keys = [];
  host = document.createElement("div");
  document.body.append(host);
  const events: EngineEvents = {
    data: (data) => said.push(data),
    drives: () => driving,
    keys: (has) => keys.push(has),
    points: () => driving,
    menu: () => false,
    key: () => false,
    paste: () => undefined,
  };
  engine = new Engine({ fontSize: 13, theme: {}, screenReaderMode: false, cursorBlink: false }, events);
  engine.mount(host);
});

afterEach(() => {
  engine.dispose();
  host.remove();
});

describe("S7: a page answers no query, not even the driver's", () => {
  test.each(Object.entries({ ...ANSWERED, ...OTHERS }))("%s", async (_name, query) => {
    await print(`${query}A`);
    expect(said).toEqual([]);
    expect(engine.text()).toBe("A");
  });

  test("nor all of them, in pieces, in a replay, and after a reset", async () => {
    const all = Object.values({ ...ANSWERED, ...OTHERS }).join("");
    for (const piece of `${all}${ESC}c${all}A`) await print(piece);
    engine.write({ data: all, offset: 0, snapshot: true, replay: true, cols: 90, rows: 30 }, () => undefined);
    await print("B");
    expect(said).toEqual([]);
    expect(engine.text()).toBe("AB");
  });

  test.each(Object.entries(ANSWERED))("xterm.js by itself would answer %s", async (_name, query) => {
    const terminal = new Terminal({ allowProposedApi: true, windowOptions: { getWinSizeChars: true } });
    terminal.onData((data) => said.push(data));
    await new Promise<void>((resolve) => terminal.write(query, resolve));
    expect(said).toHaveLength(1);
    terminal.dispose();
  });

  test("colours are still set, and modes too: only the questions are swallowed", async () => {
    const colours: string[] = [];
    const terminal = new Terminal({ allowProposedApi: true });
    for (const id of [4, 11]) terminal.parser.registerOscHandler(id, (data) => colours.push(data) > 0);
    answerNothing(terminal.parser);
    const set = `${ESC}]4;1;#ff0000\x07${ESC}]11;rgb:00/00/00\x07${ESC}]11;?\x07${ESC}[?2004h${ESC}[?1h`;
    await new Promise<void>((resolve) => terminal.write(set, resolve));
    expect(colours).toEqual(["1;#ff0000", "rgb:00/00/00"]);
    expect(terminal.modes.bracketedPasteMode).toBe(true);
    expect(terminal.modes.applicationCursorKeysMode).toBe(true);
    terminal.dispose();
  });
});

describe("S7: what the user causes still goes to the program", () => {
  const focus = (type: "focus" | "blur") => engine.element.querySelector("textarea")?.dispatchEvent(new Event(type));

  test("case agents 4: who has the keys is reported, and the terminal reports no focus by itself", async () => {
    focus("focus");
    await print(`${ESC}[?1004h`);
    focus("blur");
    focus("focus");
    expect(said).toEqual([]);
    expect(keys).toEqual([true, false, true]);
  });

  test("a bracketed paste", async () => {
    await print(`${ESC}[?2004h`);
    engine.paste("ls\n");
    expect(said).toEqual([`${ESC}[200~ls\r${ESC}[201~`]);
  });
});

describe("I4: reports that nobody typed make nobody drive", () => {
  test.each([`${ESC}[<35;10;5M`, `${ESC}[<39;10;5M`, `${ESC}[MC!!`])("%j is one", (data) => {
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
