/** A session's preview drawn on a canvas: its last rows at a size that can be read, cropped on the right (S6). */

import type { Preview, Run } from "@termwall/client";
import type { ITheme } from "@xterm/xterm";
import { CONTRAST, colour, css, legible, parse, type Rgb } from "./colours";
import { FONT_FAMILY } from "./themes";
import { clusters } from "./xterm/clusters";

export interface Look {
  theme: ITheme;
  /** All in CSS pixels. */
  width: number;
  height: number;
  fontSize: number;
  lineHeight: number;
  /** Device pixels in a CSS pixel. */
  ratio: number;
}

const BLACK: Rgb = [0, 0, 0];
const WHITE: Rgb = [255, 255, 255];
/** Text that takes one cell a letter and is in every font, so that a run of it is drawn at once. */
const PLAIN = /^[ -~]*$/;

function isBlank(line: readonly Run[] | undefined): boolean {
  return line === undefined || line.every((run) => run.bg == null && !run.inverse && run.text.trim() === "");
}

/**
 * The first of `count` rows that a picture shows: the last ones with something in them, or those round the cursor where
 * a full-screen program works further up.
 */
export function firstRow(
  { lines, cursor, alternate }: Pick<Preview, "lines" | "cursor" | "alternate">,
  count: number,
): number {
  let last = lines.length - 1;
  while (last > 0 && isBlank(lines[last])) last--;
  const end = Math.max(0, last + 1 - count);
  if (!alternate || !cursor.visible || cursor.y >= end) return end;
  return Math.max(0, cursor.y - Math.floor(count / 2));
}

/** What a picture of so many rows says, as text. */
export function pictureText(preview: Preview, count = preview.lines.length): string {
  const first = firstRow(preview, count);
  const rows = preview.lines.slice(first, first + count);
  return rows.map((line) => line.map((run) => run.text).join("")).join("\n");
}

/** How many rows fit. */
export function rowCount(look: Pick<Look, "height" | "lineHeight">): number {
  return Math.max(1, Math.floor(look.height / look.lineHeight));
}

export function paint(context: CanvasRenderingContext2D, preview: Preview, look: Look): void {
  const { width, height, lineHeight, ratio } = look;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  context.textBaseline = "alphabetic";
  context.font = fontOf({ text: "" }, look);
  const cell = context.measureText("M").width || look.fontSize * 0.6;
  const count = rowCount(look);
  const first = firstRow(preview, count);
  preview.lines.slice(first, first + count).forEach((line, row) => {
    let column = 0;
    for (const run of line) {
      if (column * cell >= width) break;
      column += paintRun(context, run, column * cell, row * lineHeight, cell, look);
    }
  });
}

/** Draws a run and returns how many cells it takes. */
function paintRun(
  context: CanvasRenderingContext2D,
  run: Run,
  left: number,
  top: number,
  cell: number,
  look: Look,
): number {
  const plain = PLAIN.test(run.text);
  const parts = plain ? [] : clusters(run.text);
  const cells = plain ? run.text.length : parts.reduce((sum, part) => sum + part.width, 0);
  const { text, background, filled } = coloursOf(run, look.theme);
  if (filled) {
    // On whole device pixels: neighbours that are one colour must not show a seam.
    const edge = (column: number) => Math.round((left + column * cell) * look.ratio) / look.ratio;
    context.fillStyle = css(background);
    context.fillRect(edge(0), top, edge(cells) - edge(0), look.lineHeight);
  }
  if (run.text.trim() === "" && !run.underline && !run.strikethrough) return cells;
  context.fillStyle = css(text);
  context.globalAlpha = run.dim ? 0.6 : 1;
  context.font = fontOf(run, look);
  const baseline = top + Math.round((look.lineHeight + look.fontSize * 0.72) / 2);
  if (plain) context.fillText(run.text, left, baseline);
  else {
    let column = 0;
    for (const part of parts) {
      context.fillText(part.text, left + column * cell, baseline);
      column += part.width;
    }
  }
  if (run.underline) context.fillRect(left, baseline + 1, cells * cell, 1);
  if (run.strikethrough) context.fillRect(left, top + Math.round(look.lineHeight / 2), cells * cell, 1);
  context.globalAlpha = 1;
  return cells;
}

function fontOf(run: Run, { fontSize }: Pick<Look, "fontSize">): string {
  return `${run.italic ? "italic " : ""}${run.bold ? "700 " : "400 "}${fontSize}px ${FONT_FAMILY}`;
}

/** A run's colours as xterm.js would show them: bold ones of the eight are bright, and all are legible. */
export function coloursOf(run: Run, theme: ITheme): { text: Rgb; background: Rgb; filled: boolean } {
  const bright = run.bold && typeof run.fg === "number" && run.fg < 8 ? run.fg + 8 : run.fg;
  let text = (bright != null && colour(theme, bright)) || parse(theme.foreground) || WHITE;
  let background = (run.bg != null && colour(theme, run.bg)) || parse(theme.background) || BLACK;
  if (run.inverse) [text, background] = [background, text];
  const least = run.dim ? CONTRAST / 2 : CONTRAST;
  return { text: legible(text, background, least), background, filled: run.bg != null || !!run.inverse };
}
