/** A theme's colours by their number, and how they are kept legible: as xterm.js does it in the panes. */

import type { Colours } from "@termwall/client";
import type { ITheme } from "@xterm/xterm";

export type Rgb = readonly [number, number, number];

/** What text has against its background at least, as in the terminals (WCAG 2.x). */
export const CONTRAST = 4.5;
const NAMES = ["black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"] as const;
const BRIGHT = [
  "brightBlack",
  "brightRed",
  "brightGreen",
  "brightYellow",
  "brightBlue",
  "brightMagenta",
  "brightCyan",
  "brightWhite",
] as const;
const CUBE = [0, 95, 135, 175, 215, 255] as const;

/** `#rrggbb` as numbers; null for what is none. */
export function parse(hex: string | undefined): Rgb | null {
  if (hex === undefined || !/^#[0-9a-f]{6}$/i.test(hex)) return null;
  const number = Number.parseInt(hex.slice(1), 16);
  return [number >> 16, (number >> 8) & 255, number & 255];
}

/** A theme as it is reported to programs that ask (S7); null where a colour is no `#rrggbb`. */
export function themeColours(theme: ITheme): Colours | null {
  const { foreground, background, cursor } = theme;
  const palette = [...NAMES, ...BRIGHT].map((name) => theme[name]);
  const page = parse(background);
  const all = [foreground, background, cursor, ...palette];
  if (page === null || !all.every((one): one is string => parse(one) !== null)) return null;
  const scheme = luminance(page) < 0.18 ? "dark" : "light";
  const [text = "", paper = "", caret = "", ...sixteen] = all;
  return { scheme, foreground: text, background: paper, cursor: caret, palette: sixteen };
}

export function css([red, green, blue]: Rgb): string {
  return `rgb(${red} ${green} ${blue})`;
}

/** A colour of a run: an index of the palette, or `#rrggbb`. Null for one that there is not. */
export function colour(theme: ITheme, value: number | string): Rgb | null {
  if (typeof value === "string") return parse(value);
  const named = [...NAMES, ...BRIGHT][value];
  if (named !== undefined) return parse(theme[named]);
  if (value >= 232 && value <= 255) {
    const grey = 8 + (value - 232) * 10;
    return [grey, grey, grey];
  }
  if (value < 16 || value > 255) return null;
  const place = value - 16;
  const step = (index: number) => CUBE[index] ?? 0;
  return [step(Math.floor(place / 36)), step(Math.floor(place / 6) % 6), step(place % 6)];
}

function luminance(rgb: Rgb): number {
  const part = (value: number) => {
    const share = value / 255;
    return share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(rgb[0]) + 0.7152 * part(rgb[1]) + 0.0722 * part(rgb[2]);
}

export function contrast(one: Rgb, other: Rgb): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** The colour itself, or as far towards white or black as it takes to read it on the background. */
export function legible(text: Rgb, background: Rgb, least = CONTRAST): Rgb {
  if (contrast(text, background) >= least) return text;
  const end: Rgb =
    contrast([255, 255, 255], background) >= contrast([0, 0, 0], background) ? [255, 255, 255] : [0, 0, 0];
  const mix = (share: number): Rgb => {
    const part = (index: 0 | 1 | 2) => Math.round(text[index] + (end[index] - text[index]) * share);
    return [part(0), part(1), part(2)];
  };
  for (let share = 0.1; share < 1; share += 0.1) {
    const next = mix(share);
    if (contrast(next, background) >= least) return next;
  }
  return end;
}
