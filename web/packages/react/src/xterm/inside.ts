/** What is used of the inside of xterm.js 6.0.0, where its API does not reach. */

import type { Terminal } from "@xterm/xterm";

export interface Pen {
  fg: number;
  bg: number;
  extended: { urlId: number; underlineColor: number; clone(): Pen["extended"] };
  clone(): Pen;
  updateExtended(): void;
}

export type Cell = { readonly content: number };

export interface Line {
  isWrapped: boolean;
  length: number;
  translateToString(trimRight: boolean): string;
  resize(cols: number, fill: Cell): boolean;
  setCell(x: number, cell: Cell): void;
  getWidth(x: number): number;
  getString(x: number): string;
  hasContent(x: number): number;
  setCellFromCodepoint(x: number, code: number, width: number, pen: Pen): void;
  addCodepointToCell(x: number, code: number, width: number): void;
  copyCellsFrom(from: Line, start: number, to: number, length: number, backwards: boolean): void;
}

export interface Screen {
  x: number;
  y: number;
  ybase: number;
  scrollTop: number;
  scrollBottom: number;
  tabs: Record<number, boolean>;
  ydisp: number;
  savedY: number;
  lines: {
    length: number;
    maxLength: number;
    get(index: number): Line | undefined;
    set(index: number, line: Line): void;
    splice(start: number, deleted: number, ...lines: Line[]): void;
  };
  getBlankLine(pen: Pen): Line;
  getNullCell(): Cell;
  resize(cols: number, rows: number): void;
}

export interface Params {
  length: number;
  params: ArrayLike<number>;
  hasSubParams(index: number): boolean;
  toArray(): (number | number[])[];
}

export interface ParamsType {
  fromArray(values: (number | number[])[]): Params;
}

/** xterm.js's side of the sequences: its methods may be replaced. */
export interface Handler {
  _parser?: { _transitions?: { add(code: number, state: number, action: number, next: number): void } };
  _activeBuffer: Screen;
  _curAttrData: Pen;
  _eraseAttrData(): Pen;
  _restrictCursor(most?: number): void;
  _moveCursor(x: number, y: number): void;
  print(data: Uint32Array, start: number, end: number): void;
  repeatPrecedingCharacter(params: Params): boolean;
  charAttributes(params: Params): boolean;
  eraseInDisplay(params: Params, respectProtect?: boolean): boolean;
  eraseInLine(params: Params, respectProtect?: boolean): boolean;
  eraseChars(params: Params): boolean;
  deleteChars(params: Params): boolean;
  insertChars(params: Params): boolean;
  insertLines(params: Params): boolean;
  deleteLines(params: Params): boolean;
  scrollUp(params: Params): boolean;
  scrollDown(params: Params): boolean;
  lineFeed(): boolean;
  reverseIndex(): boolean;
  saveCursor(): boolean;
  restoreCursor(): boolean;
  softReset(params: Params): boolean;
  tabSet(): boolean;
  tabClear(params: Params): boolean;
  cursorBackwardTab(params: Params): boolean;
  cursorCharAbsolute(params: Params): boolean;
  charPosAbsolute(params: Params): boolean;
  setModePrivate(params: Params): boolean;
  resetModePrivate(params: Params): boolean;
  setTitle(title: string): boolean;
  setHyperlink(link: string): boolean;
}

export interface MouseReport {
  /** From 1. */
  col: number;
  row: number;
  /** Pixels of the page, from 0. */
  x: number;
  y: number;
}

export interface Inside {
  _inputHandler: Handler;
  _bufferService: { scroll(pen: Pen, isWrapped?: boolean): void; _onScroll: { fire(row: number): void } };
  _charsetService: {
    glevel: number;
    charset: Record<string, string> | undefined;
    _charsets: (Record<string, string> | undefined)[];
    setgLevel(level: number): void;
  };
  buffers: {
    normal: Screen;
    alt: Screen;
    active: Screen;
    activateNormalBuffer(fill?: Pen): void;
    activateAltBuffer(fill?: Pen): void;
  };
  rows: number;
  coreMouseService: {
    _encodings: Record<string, (event: MouseReport) => string>;
    addEncoding(name: string, encode: (event: MouseReport) => string): void;
  };
  _renderService?: { dimensions: { css: { cell: { width: number; height: number } } } };
  coreService: { decPrivateModes: { origin: boolean; wraparound: boolean }; modes: { insertMode: boolean } };
}

/** The inside of a terminal; null where it is another one than is known here. */
export function insideOf(terminal: Pick<Terminal, "cols">): Inside | null {
  const core = (terminal as unknown as { _core?: Partial<Inside> })._core;
  return core?._inputHandler?._activeBuffer?.lines && core.buffers && core._charsetService ? (core as Inside) : null;
}
