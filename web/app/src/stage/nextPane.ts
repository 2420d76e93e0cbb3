/**
 * The size that the next terminal will have here, so that its program begins with it: measured in a copy of the page's
 * own boxes, as they will be when it is on the stage.
 */

import type { Engines } from "@termwall/react";
import { automaticFontSize, type View } from "../settings";
import { areaOf, arrange, gridOf, layoutFor, narrowestPane } from "./arrangement";

export interface NextPane {
  engines: Engines;
  view: View;
  zoomed: boolean;
  /** Pixels; 0 chooses it. */
  fontSize: number;
  phone: boolean;
  /** How many are on the stage now, how many may be, and how many there are in all. */
  focused: number;
  maxFocused: number;
  all: number;
}

/** Columns and rows; null where nothing can be measured. */
export function nextPaneSize(root: HTMLElement, parts: NextPane): { cols: number; rows: number } | null {
  const { engines, view, zoomed, fontSize, phone, focused, maxFocused, all } = parts;
  const layout = layoutFor(view.layout, innerWidth, zoomed);
  const onStage = Math.min(focused + 1, maxFocused);
  const panes = layout === "single" ? 1 : layout === "split" ? Math.min(2, onStage) : onStage;
  const { columns, rows } = arrange(layout, panes, innerWidth);

  const page = box("workspace");
  page.dataset.phone = String(phone);
  page.style.cssText = "position: absolute; inset: 0; visibility: hidden; pointer-events: none";
  page.inert = true;
  const stage = box("stage");
  Object.assign(stage.style, gridOf(view, columns, rows));
  page.append(box("bar"), stage);
  if (phone) page.append(keyBar());
  else if (!view.folded) page.append(shelf(root, all + 1 - onStage));
  const pane = box("pane");
  pane.style.gridArea = areaOf(panes - 1, panes, columns);
  const screen = box("screen");
  pane.append(box("pane-header"), screen);
  stage.append(pane);
  root.append(page);
  try {
    const font = fontSize || automaticFontSize(narrowestPane(stage.clientWidth, columns, view.column));
    return engines.sizeIn(screen, font);
  } finally {
    page.remove();
  }
}

function box(name: string): HTMLElement {
  const element = document.createElement("div");
  element.className = name;
  return element;
}

function keyBar(): HTMLElement {
  const bar = box("keybar");
  bar.append(document.createElement("div"), document.createElement("div"), document.createElement("div"));
  return bar;
}

/** The shelf as it will be: as the one that is there, where it has as many tiles as matter for its height. */
function shelf(root: HTMLElement, tiles: number): HTMLElement {
  const now = root.querySelector(".shelf");
  const next = now?.cloneNode(true);
  if (next instanceof HTMLElement && tiles > 0 === (next.querySelector(".tile") !== null)) return next;
  const empty = box("shelf");
  const list = document.createElement("ul");
  empty.append(document.createElement("header"), list);
  if (tiles > 0) {
    const item = document.createElement("li");
    item.style.height = "100px";
    list.append(item);
  }
  return empty;
}
