/** What is each viewer's own, kept in this browser: looks for all projects, the layout for each. */

import type { OptionKeys } from "@termwall/react";

export type Theme = "system" | "dark" | "light";
export type Layout = "single" | "split" | "grid";

export interface Settings {
  theme: Theme;
  /** Pixels; 0 takes the largest that keeps 80 columns. */
  fontSize: number;
  screenReader: boolean;
  cursorBlink: boolean;
  copyOnSelect: boolean;
  /** What programs copy (OSC 52) goes to the clipboard. */
  programCopy: boolean;
  /** Only the palette's chord is the page's; all others go to the program. */
  paletteOnly: boolean;
  /** Which Option keys of a Mac are Alt for programs; the others type the layout's characters. */
  optionKeys: OptionKeys;
  /** Desktop notifications while no page of this browser is in front. */
  notify: boolean;
}

export interface View {
  layout: Layout;
  /** The part of the left column in a split or grid, and of the upper row in a grid. */
  column: number;
  row: number;
  /** Whether the shelf is folded away. */
  folded: boolean;
}

export const DEFAULT_SETTINGS: Settings = {
  theme: "system",
  fontSize: 0,
  screenReader: false,
  cursorBlink: false,
  copyOnSelect: false,
  programCopy: true,
  paletteOnly: false,
  optionKeys: "off",
  notify: false,
};
export const DEFAULT_VIEW: View = { layout: "grid", column: 0.5, row: 0.5, folded: false };
export const FONT_SIZES = [10, 11, 12, 13, 14, 15, 16, 18, 20, 24] as const;

export function load<T extends object>(key: string, fallback: T): T {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(`termwall.${key}`) ?? "{}");
    return { ...fallback, ...(found as Partial<T>) };
  } catch {
    return fallback;
  }
}

export function save(key: string, value: object): void {
  try {
    localStorage.setItem(`termwall.${key}`, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing still works; it starts from the defaults each time.
  }
}

/** Pixels beside the columns: the space before them and the scrollbar. */
const BESIDE = 18;

/** The largest of 14, 13 and 12 px that keeps 80 columns in a pane of this width, else 12. */
export function automaticFontSize(paneWidth: number): number {
  for (const size of [14, 13]) if ((paneWidth - BESIDE) / (size * 0.602) >= 80) return size;
  return 12;
}
