/**
 * Moves rows, the cursor and what is saved of it as the server's terminal does: which rows continue the one before,
 * what goes to the scrollback, what a saved cursor is, and what both screens share.
 */

import type { Terminal } from "@xterm/xterm";
import { type Handler, type Inside, insideOf, type Line, type Params, type Pen, type Screen } from "./inside";
import { splitWide } from "./printing";

interface Saved {
  x: number;
  y: number;
  pen: Pen;
  origin: boolean;
  glevel: number;
  charsets: (Record<string, string> | undefined)[];
}

export function rowsAlike(terminal: Terminal): void {
  const inside = insideOf(terminal);
  if (inside === null) return;
  const handler = inside._inputHandler;
  keepWraps(terminal, handler);
  scrollAlike(terminal, inside);
  moveAlike(terminal, inside);
  saveAlike(terminal, inside);
  narrowAlike(inside);
  const { buffers } = inside;
  // Both screens have the same margins and tab stops; xterm.js puts back those of the screen that is left.
  for (const name of ["activateNormalBuffer", "activateAltBuffer"] as const) {
    const activate = buffers[name].bind(buffers);
    buffers[name] = (fill) => {
      const { scrollTop, scrollBottom, tabs } = buffers.active;
      activate(fill);
      Object.assign(buffers.active, { scrollTop, scrollBottom, tabs });
    };
  }
}

function lineAt(screen: Screen, y: number): Line | undefined {
  return screen.lines.get(screen.ybase + y);
}

/** The row that follows the cursor's continues it no longer. */
function endsLine({ _activeBuffer: screen }: Handler): void {
  const next = lineAt(screen, screen.y + 1);
  if (next !== undefined) next.isWrapped = false;
}

/** Does something that must not change whether a row continues the one before: the cursor's, or so many further down. */
function keeping<Arguments extends unknown[]>(handler: Handler, act: (...given: Arguments) => boolean, ahead: number) {
  return (...given: Arguments) => {
    const screen = handler._activeBuffer;
    const line = lineAt(screen, screen.y + ahead);
    const wrapped = line?.isWrapped;
    act(...given);
    if (line !== undefined && wrapped !== undefined) line.isWrapped = wrapped;
    return true;
  };
}

/** Whether something is erased where the cursor is, which then does not hang over the row's end any more. */
function erases(params: Params): boolean {
  return (params.params[0] ?? 0) <= 2;
}

function keepWraps(terminal: Terminal, handler: Handler): void {
  const feed = handler.lineFeed.bind(handler);
  handler.lineFeed = () => {
    const screen = handler._activeBuffer;
    if (screen.y === screen.scrollBottom || screen.y + 1 >= terminal.rows) return feed();
    const next = lineAt(screen, screen.y + 1);
    const wrapped = next?.isWrapped;
    feed();
    if (next !== undefined && wrapped) next.isWrapped = true;
    return true;
  };
  const eraseInLine = keeping(handler, handler.eraseInLine.bind(handler), 0);
  handler.eraseInLine = (params, respectProtect) => {
    if (erases(params) && (params.params[0] !== 0 || respectProtect)) handler._restrictCursor();
    const hangs = handler._activeBuffer.x >= terminal.cols;
    eraseInLine(params, respectProtect);
    if (params.params[0] === 2 || (params.params[0] === 0 && !hangs)) endsLine(handler);
    return true;
  };
  const eraseInDisplay = handler.eraseInDisplay.bind(handler);
  const below = keeping(handler, eraseInDisplay, 0);
  const above = keeping(handler, below, 1);
  handler.eraseInDisplay = (params, respectProtect) => {
    if (erases(params)) handler._restrictCursor();
    const act = params.params[0] === 0 ? below : params.params[0] === 1 ? above : eraseInDisplay;
    return act(params, respectProtect);
  };
  const insert = handler.insertChars.bind(handler);
  handler.insertChars = (params) => {
    splitWide(handler);
    return insert(params);
  };
  for (const name of ["eraseChars", "deleteChars"] as const) {
    const act = handler[name].bind(handler);
    handler[name] = (params) => {
      act(params);
      endsLine(handler);
      return true;
    };
  }
}

/** Shifts rows; then none of them continues another. */
function shifting(handler: Handler, act: (params: Params) => boolean, top: (screen: Screen) => number) {
  return (params: Params) => {
    const screen = handler._activeBuffer;
    const first = top(screen);
    // Outside of the margins nothing happens, nor does a character that hangs behind the row lose its place.
    if (first < screen.scrollTop || first > screen.scrollBottom) return true;
    act(params);
    for (let y = first; y <= screen.scrollBottom; y++) {
      const line = lineAt(screen, y);
      if (line !== undefined) line.isWrapped = false;
    }
    return true;
  };
}

function scrollAlike(terminal: Terminal, inside: Inside): void {
  const handler = inside._inputHandler;
  handler.insertLines = shifting(handler, handler.insertLines.bind(handler), (screen) => screen.y);
  handler.deleteLines = shifting(handler, handler.deleteLines.bind(handler), (screen) => screen.y);
  const up = shifting(handler, handler.scrollUp.bind(handler), (screen) => screen.scrollTop);
  handler.scrollUp = (params) => {
    const screen = handler._activeBuffer;
    const whole = screen.scrollBottom === terminal.rows - 1;
    if (screen.scrollTop !== 0 || (screen === inside.buffers.alt && !whole)) return up(params);
    const count = Math.min(Math.max(1, params.params[0] ?? 1), screen.scrollBottom + 1);
    for (let at = 0; at < count; at++) inside._bufferService.scroll(handler._eraseAttrData());
    return true;
  };
  const down = shifting(handler, handler.scrollDown.bind(handler), (screen) => screen.scrollTop);
  handler.scrollDown = (params) => {
    const screen = handler._activeBuffer;
    const count = Math.max(1, params.params[0] ?? 1);
    down(params);
    for (let y = screen.scrollTop; y <= Math.min(screen.scrollBottom, screen.scrollTop + count - 1); y++) {
      screen.lines.set(screen.ybase + y, screen.getBlankLine(handler._eraseAttrData()));
    }
    return true;
  };
  const index = handler.reverseIndex.bind(handler);
  handler.reverseIndex = () => {
    const screen = handler._activeBuffer;
    const shifts = screen.y === screen.scrollTop;
    index();
    if (shifts && screen.scrollBottom > screen.scrollTop)
      for (let y = screen.scrollTop; y <= screen.scrollBottom; y++) {
        const line = lineAt(screen, y);
        if (line !== undefined) line.isWrapped = false;
      }
    return true;
  };
}

function moveAlike(terminal: Terminal, inside: Inside): void {
  const handler = inside._inputHandler;
  // xterm.js adds the top margin again to each of these in origin mode.
  handler._moveCursor = (x, y) => {
    const screen = handler._activeBuffer;
    handler._restrictCursor();
    screen.x += x;
    screen.y += y;
    handler._restrictCursor();
  };
  handler.charPosAbsolute = handler.cursorCharAbsolute = (params) => {
    handler._activeBuffer.x = (params.params[0] || 1) - 1;
    handler._restrictCursor();
    return true;
  };
  // Behind a full row the cursor is in the last column.
  const within = () => {
    const screen = handler._activeBuffer;
    screen.x = Math.min(screen.x, terminal.cols - 1);
  };
  const back = handler.cursorBackwardTab.bind(handler);
  handler.cursorBackwardTab = (params) => {
    within();
    return back(params);
  };
  const set = handler.tabSet.bind(handler);
  handler.tabSet = () => {
    const { x } = handler._activeBuffer;
    within();
    set();
    handler._activeBuffer.x = x;
    return true;
  };
  const clear = handler.tabClear.bind(handler);
  handler.tabClear = (params) => {
    const { x } = handler._activeBuffer;
    within();
    clear(params);
    handler._activeBuffer.x = x;
    return true;
  };
}

function saveAlike(terminal: Terminal, inside: Inside): void {
  const handler = inside._inputHandler;
  const charset = inside._charsetService;
  const modes = inside.coreService.decPrivateModes;
  let saved = new WeakMap<Screen, Saved>();
  handler.saveCursor = () => {
    const screen = handler._activeBuffer;
    const pen = handler._curAttrData.clone();
    saved.set(screen, {
      x: screen.x,
      y: screen.y,
      pen,
      origin: modes.origin,
      glevel: charset.glevel,
      charsets: [...charset._charsets],
    });
    return true;
  };
  handler.restoreCursor = () => {
    const screen = handler._activeBuffer;
    const one = saved.get(screen);
    const pen = handler._curAttrData;
    const link = pen.extended.urlId;
    pen.fg = one?.pen.fg ?? 0;
    pen.bg = one?.pen.bg ?? 0;
    if (one) pen.extended = one.pen.extended.clone();
    else pen.extended = Object.assign(pen.extended.clone(), { underlineStyle: 0, underlineColor: 0 });
    pen.extended.urlId = link;
    pen.updateExtended();
    charset._charsets = one ? [...one.charsets] : [];
    charset.setgLevel(one?.glevel ?? 0);
    modes.origin = one?.origin ?? false;
    screen.x = Math.min(one?.x ?? 0, one && one.x >= terminal.cols ? terminal.cols : terminal.cols - 1);
    screen.y = Math.min(one?.y ?? 0, terminal.rows - 1);
    return true;
  };
  const soft = handler.softReset.bind(handler);
  handler.softReset = (params) => {
    soft(params);
    saved.delete(handler._activeBuffer);
    return true;
  };
  terminal.parser.registerEscHandler({ final: "c" }, () => {
    saved = new WeakMap();
    handler.setTitle("");
    return false;
  });
}

/** What a narrower alternate screen cuts off is gone: xterm.js keeps it, and shows it again when the screen gets wider. */
function narrowAlike({ buffers: { alt } }: Inside): void {
  const resize = alt.resize.bind(alt);
  alt.resize = (cols, rows) => {
    const blank = alt.getNullCell();
    for (let row = 0; row < alt.lines.length; row++) {
      const line = alt.lines.get(row);
      if (line === undefined || line.length <= cols) continue;
      if (line.getWidth(cols - 1) === 2) line.setCell(cols - 1, blank);
      line.resize(cols, blank);
    }
    resize(cols, rows);
  };
}
