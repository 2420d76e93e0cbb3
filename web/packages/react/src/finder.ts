/** Search in a terminal's screen and scrollback, and the line of it that is kept in view. */

import { SearchAddon } from "@xterm/addon-search";
import type { Terminal } from "@xterm/xterm";
import { anyForm, rowsWith } from "./finding";

export interface SearchState {
  index: number;
  count: number;
}

const SEARCH_COLOURS = {
  matchBackground: "#5c5300",
  matchOverviewRuler: "#e2c25a",
  activeMatchBackground: "#8a6a00",
  activeMatchColorOverviewRuler: "#e2c25a",
};

export interface FindOptions {
  back?: boolean;
  regex?: boolean;
  caseSensitive?: boolean;
  typing?: boolean;
}

export class Finder {
  private readonly search = new SearchAddon();
  private lastWay = "";
  private revealed: { text: string; linesFromEnd: number } | null = null;

  constructor(
    private readonly terminal: Terminal,
    private readonly found: (state: SearchState) => void,
  ) {
    terminal.loadAddon(this.search);
    this.search.onDidChangeResults(({ resultIndex, resultCount }) => found({ index: resultIndex, count: resultCount }));
  }

  /** The count comes by `found`. */
  find(text: string, { back, regex, caseSensitive, typing }: FindOptions): void {
    this.revealed = null;
    if (text === "") {
      this.search.clearDecorations();
      this.found({ index: -1, count: 0 });
      return;
    }
    // The add-on counts anew only for another text, so another way to look begins from nothing.
    const way = `${regex} ${caseSensitive}`;
    if (way !== this.lastWay) this.search.clearDecorations();
    this.lastWay = way;
    const forms = regex ? null : anyForm(text);
    const sought = forms ?? text;
    const how = {
      regex: regex || forms !== null,
      caseSensitive,
      incremental: typing && !back,
      decorations: SEARCH_COLOURS,
    };
    try {
      if (back) this.search.findPrevious(sought, how);
      else this.search.findNext(sought, how);
    } catch {
      this.found({ index: -1, count: 0 }); // A regular expression that is not finished yet.
    }
  }

  /**
   * Show the line that has a text, the one nearest to so many lines above the last; also after another picture of the screen,
   * as comes with a size, until somebody scrolls, types or looks for something else.
   */
  reveal(text: string, linesFromEnd: number): void {
    this.revealed = { text, linesFromEnd };
    this.terminal.write("", () => this.show());
  }

  /** Somebody scrolls or types. */
  letGo(): void {
    this.revealed = null;
  }

  /** Show the line that is kept in view; false where there is none. */
  show(): boolean {
    if (this.revealed === null) return false;
    const { text, linesFromEnd } = this.revealed;
    const buffer = this.terminal.buffer.active;
    const wanted = buffer.baseY + this.terminal.rows - 1 - linesFromEnd;
    const away = (row: number) => Math.abs(row - wanted);
    const rows = rowsWith(buffer, text);
    const found = rows.length === 0 ? wanted : rows.reduce((best, row) => (away(row) < away(best) ? row : best));
    this.terminal.scrollToLine(Math.max(0, found - Math.floor(this.terminal.rows / 2)));
    return true;
  }

  end(): void {
    this.revealed = null;
    this.search.clearDecorations();
    this.terminal.clearSelection();
  }
}
