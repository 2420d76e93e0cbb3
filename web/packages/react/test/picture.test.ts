// @vitest-environment happy-dom
import type { Preview, Run } from "@termwall/client";
import { Terminal } from "@xterm/xterm";
import { describe, expect, test } from "vitest";
import { CONTRAST, colour, contrast, legible, type Rgb } from "../src/colours";
import { coloursOf, firstRow, type Look, paint, pictureText } from "../src/picture";
import { DARK, LIGHT } from "../src/themes";
import { makeAlike } from "../src/xterm/alike";
import { clusters } from "../src/xterm/clusters";

const CELL = 6;

function preview(lines: Run[][], cursor = { x: 0, y: 0, visible: false }, rows = 24): Preview {
  const where = { sessionId: "a", projectId: "p", timestamp: 0, epoch: "e", offset: 0, cols: 80 };
  return { type: "preview", rows, cursor, alternate: true, lines, ...where };
}

const text = (...lines: string[]): Run[][] => lines.map((line) => (line === "" ? [] : [{ text: line }]));
const numbered = (count: number) => text(...Array.from({ length: count }, (_, index) => `row ${index}`));

/** A canvas's context as the browser has it, which writes down what is drawn; each letter is 6 px wide. */
class Recorder {
  readonly drawn: (string | number)[][] = [];
  fillStyle = "";
  font = "";
  globalAlpha = 1;
  textBaseline = "";
  setTransform(...numbers: number[]): void {
    this.drawn.push(["transform", ...numbers]);
  }
  clearRect(...numbers: number[]): void {
    this.drawn.push(["clear", ...numbers]);
  }
  fillRect(...numbers: number[]): void {
    this.drawn.push(["fill", this.fillStyle, ...numbers]);
  }
  fillText(what: string, left: number, baseline: number): void {
    this.drawn.push([what, left, baseline, this.fillStyle, this.font.replace(/ .*/, ""), this.globalAlpha]);
  }
  measureText(what: string): { width: number } {
    return { width: what.length * CELL };
  }
  /** What was written, with where. */
  get texts(): (string | number)[][] {
    return this.drawn.filter((one) => !["transform", "clear", "fill"].includes(String(one[0])));
  }
  get fills(): (string | number)[][] {
    return this.drawn.filter((one) => one[0] === "fill");
  }
}

const LOOK: Look = { theme: DARK, width: 224, height: 52, fontSize: 10, lineHeight: 13, ratio: 2 };

function painted(lines: Run[][], look: Partial<Look> = {}): Recorder {
  const recorder = new Recorder();
  paint(recorder as unknown as CanvasRenderingContext2D, preview(lines), { ...LOOK, ...look });
  return recorder;
}

const rgb = (hex: string | undefined): string => {
  const number = Number.parseInt((hex ?? "").slice(1), 16);
  return `rgb(${number >> 16} ${(number >> 8) & 255} ${number & 255})`;
};

describe("S6: which rows a picture shows", () => {
  test("the last ones that have something in them, not the empty rest of the screen", () => {
    const lines = [...numbered(7), ...text("", "  ", "")];
    expect(firstRow(preview(lines), 4)).toBe(3);
    expect(pictureText(preview(lines), 4)).toBe("row 3\nrow 4\nrow 5\nrow 6");
    expect(firstRow(preview(numbered(2)), 4)).toBe(0);
    expect(firstRow(preview([]), 4)).toBe(0);
  });

  test("a coloured bar without letters is something", () => {
    expect(firstRow(preview([...numbered(6), [{ text: "    ", bg: 4 }]]), 4)).toBe(3);
    expect(firstRow(preview([...numbered(6), [{ text: "    ", inverse: true }]]), 4)).toBe(3);
  });

  test("those round the cursor, where a program fills the screen", () => {
    const at = (y: number, visible = true) => firstRow(preview(numbered(24), { x: 0, y, visible }), 4);
    expect(at(10)).toBe(8);
    expect(at(0)).toBe(0);
    expect(at(23)).toBe(20);
    expect(at(21)).toBe(20);
    expect(at(10, false)).toBe(20);
  });

  test("the last ones, where a program works further up among its output", () => {
    const shown = { ...preview(numbered(24), { x: 0, y: 10, visible: true }), alternate: false };
    expect(firstRow(shown, 4)).toBe(20);
  });

  test("a shell's cursor on the empty row below its output changes nothing", () => {
    expect(firstRow(preview(numbered(8), { x: 0, y: 8, visible: true }), 4)).toBe(4);
  });
});

describe("S6: how a picture is drawn", () => {
  test("crisp: in device pixels, the old picture wiped away first", () => {
    expect(painted(text("x")).drawn.slice(0, 2)).toEqual([
      ["transform", 2, 0, 0, 2, 0, 0],
      ["clear", 0, 0, 224, 52],
    ]);
  });

  test("each run where its cells are, row below row, in the theme's colours", () => {
    const foreground = rgb(DARK.foreground);
    const recorder = painted([[{ text: "ok " }, { text: "PASS", fg: 2, bold: true }], [{ text: "next" }]]);
    expect(recorder.texts).toEqual([
      ["ok ", 0, 10, foreground, "400", 1],
      ["PASS", 3 * CELL, 10, rgb(DARK.brightGreen), "700", 1],
      ["next", 0, 23, foreground, "400", 1],
    ]);
  });

  test("italic, dim, underlined, struck through, inverse", () => {
    const recorder = painted([
      [
        { text: "i", italic: true },
        { text: "d", dim: true },
        { text: "u", underline: true },
        { text: "s", strikethrough: true },
        { text: "v", inverse: true },
      ],
    ]);
    expect(recorder.texts.map(([what, , , colours, font, alpha]) => [what, colours, font, alpha])).toEqual([
      ["i", rgb(DARK.foreground), "italic", 1],
      ["d", rgb(DARK.foreground), "400", 0.6],
      ["u", rgb(DARK.foreground), "400", 1],
      ["s", rgb(DARK.foreground), "400", 1],
      ["v", rgb(DARK.background), "400", 1],
    ]);
    expect(recorder.fills).toEqual([
      ["fill", rgb(DARK.foreground), 2 * CELL, 11, CELL, 1],
      ["fill", rgb(DARK.foreground), 3 * CELL, 7, CELL, 1],
      ["fill", rgb(DARK.foreground), 4 * CELL, 0, CELL, 13],
    ]);
  });

  test("wide characters take two cells, and what follows stands after both", () => {
    const recorder = painted([[{ text: "日本 ok", fg: 1 }, { text: "👩‍🚀" }, { text: "end" }]]);
    expect(recorder.texts.map(([what, left]) => [what, Number(left) / CELL])).toEqual([
      ["日", 0],
      ["本", 2],
      [" ", 4],
      ["o", 5],
      ["k", 6],
      ["👩‍🚀", 7],
      ["end", 9],
    ]);
  });

  test("what is beyond the right edge is left out", () => {
    const recorder = painted([[{ text: "a".repeat(40) }, { text: "beyond" }]]);
    expect(recorder.texts.map(([what]) => what)).toEqual(["a".repeat(40)]);
  });
});

describe("the width of characters", () => {
  const samples = [
    "plain",
    "日本語",
    "e\u0301te\u0301",
    "👩‍🚀👍🏽",
    "🇩🇪🇫🇷",
    "☺️☺",
    "→●│█",
    "ｱｶﾞ",
    "กำ",
    "한국어",
    "a\u200db",
    "‼️©",
  ];
  test.each(samples)("is that of the terminals: %s", async (sample) => {
    const terminal = new Terminal({ allowProposedApi: true, cols: 80 });
    makeAlike(terminal);
    await new Promise<void>((resolve) => terminal.write(sample, resolve));
    const line = terminal.buffer.active.getLine(0);
    const cells = Array.from({ length: 80 }, (_, column) => line?.getCell(column));
    const there = cells.flatMap((cell) =>
      cell?.getChars() && cell.getWidth() > 0 ? [{ text: cell.getChars(), width: cell.getWidth() }] : [],
    );
    expect(clusters(sample)).toEqual(there);
    terminal.dispose();
  });
});

describe("the colours of a picture", () => {
  test("are the theme's sixteen, the cube, the greys, or their own", () => {
    expect(colour(DARK, 1)).toEqual([0xff, 0x7b, 0x72]);
    expect(colour(DARK, 15)).toEqual([0xf4, 0xf5, 0xf6]);
    expect(colour(DARK, 16)).toEqual([0, 0, 0]);
    expect(colour(DARK, 196)).toEqual([255, 0, 0]);
    expect(colour(DARK, 67)).toEqual([95, 135, 175]);
    expect(colour(DARK, 231)).toEqual([255, 255, 255]);
    expect(colour(DARK, 232)).toEqual([8, 8, 8]);
    expect(colour(DARK, 255)).toEqual([238, 238, 238]);
    expect(colour(DARK, "#0a0B0c")).toEqual([10, 11, 12]);
    expect(colour(DARK, 256)).toBeNull();
    expect(colour(DARK, -1)).toBeNull();
    expect(colour(DARK, "red")).toBeNull();
  });

  test("can be read on what is behind them, in both themes", () => {
    for (const theme of [DARK, LIGHT]) {
      for (let fg = 0; fg < 256; fg += 5) {
        for (const bg of [null, 0, 4, 15, 46, 240, "#777777"] as const) {
          for (const inverse of [false, true]) {
            const { text: front, background } = coloursOf({ text: "x", fg, bg, inverse }, theme);
            expect(contrast(front, background)).toBeGreaterThanOrEqual(CONTRAST - 0.05);
          }
        }
      }
    }
  });

  test("stay as they are where they can be read", () => {
    const red: Rgb = [0xff, 0x7b, 0x72];
    expect(legible(red, [13, 14, 16])).toBe(red);
    expect(legible([20, 20, 20], [13, 14, 16])).not.toEqual([20, 20, 20]);
  });
});
