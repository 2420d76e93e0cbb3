/** How many columns and rows the panes get: by the layout, how many there are, and how wide the window is. */

import type { Layout } from "../settings";

/** Below: one terminal at a time, with a key bar, or the wall of all. */
export const PHONE_WIDTH = 600;
/** Below: two panes at most, one above the other. */
export const NARROW_WIDTH = 1040;
/** From here on four panes stand side by side, each with 80 columns. */
export const ULTRAWIDE_WIDTH = 2960;

export interface Arrangement {
  columns: number;
  rows: number;
}

/** The layout that fits: a narrow window shows two panes where a grid was asked for, a phone one. */
export function layoutFor(layout: Layout, width: number, zoomed: boolean): Layout {
  if (zoomed || width < PHONE_WIDTH) return "single";
  return layout === "grid" && width < NARROW_WIDTH ? "split" : layout;
}

export function arrange(layout: Layout, panes: number, width: number): Arrangement {
  let columns = Math.max(1, Math.ceil(Math.sqrt(panes)));
  if (layout === "split") columns = width < NARROW_WIDTH ? 1 : Math.min(2, Math.max(1, panes));
  else if (width >= ULTRAWIDE_WIDTH) columns = Math.min(4, Math.max(1, panes));
  return { columns, rows: Math.max(1, Math.ceil(panes / columns)) };
}

/** The stage's grid, as CSS has it; `parts`: of the left column and of the upper row, where there are two. */
export function gridOf(parts: { column: number; row: number }, columns: number, rows: number) {
  const tracks = (count: number, first: number) =>
    count === 2 ? `${first}fr ${1 - first}fr` : `repeat(${count}, 1fr)`;
  return { gridTemplateColumns: tracks(columns, parts.column), gridTemplateRows: tracks(rows, parts.row) };
}

/** Where a pane is in it. The last one takes what is left of its row. */
export function areaOf(index: number, panes: number, columns: number): string {
  const start = (index % columns) + 1;
  const end = index === panes - 1 ? columns + 1 : start + 1;
  return `${Math.floor(index / columns) + 1} / ${start} / auto / ${end}`;
}

/** The width of the narrowest pane of a stage of this width; `left` is the part of the left one of two columns. */
export function narrowestPane(width: number, columns: number, left: number): number {
  return columns === 2 ? width * Math.min(left, 1 - left) : width / columns;
}

/** The pane beside, above or below another one, by index; null at the edge. */
export function neighbour(
  index: number,
  way: "left" | "right" | "up" | "down",
  panes: number,
  { columns }: Arrangement,
): number | null {
  const column = index % columns;
  if (way === "left") return column > 0 ? index - 1 : null;
  if (way === "right") return column < columns - 1 && index + 1 < panes ? index + 1 : null;
  if (way === "up") return index >= columns ? index - columns : null;
  // The last pane takes what is left of its row, so what is above its empty places leads to it too.
  const last = Math.floor((panes - 1) / columns);
  return Math.floor(index / columns) < last ? Math.min(index + columns, panes - 1) : null;
}
