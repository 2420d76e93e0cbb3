/**
 * xterm.js behind what termwall needs of a terminal. The element may be moved between places of the page; the screen
 * stays. The size is never chosen here: it comes in its place in the stream (S3), from whoever drives (I4).
 */

import type { StreamChunk, StreamSink } from "@termwall/client";
import { FitAddon } from "@xterm/addon-fit";
import { type ITheme, Terminal } from "@xterm/xterm";
import { Finder, type FindOptions, type SearchState } from "./finder";
import { modifierKey } from "./keyboard/functional";
import { Keyboard, type OptionKeys } from "./keyboard/keyboard";
import { KeyModes } from "./keyboard/keyModes";
import { askedOf, openTarget, type ScreenLink, saysWhere } from "./linkTarget";
import { listenToPointer, type PointerEvents } from "./pointer";
import { answerNothing, isFocusReport, isPointing, isReport } from "./queries";
import { type ReadingPlace, readingPlace, rowOfPlace } from "./reading";
import { ScreenLinks } from "./screenLinks";
import { type Selected, selectAgain, selectedIn } from "./selected";
import { FONT_FAMILY } from "./themes";
import { makeAlike, OutputText } from "./xterm/alike";
import { finishComposition } from "./xterm/composition";
import { type History, putBack, takeHistory } from "./xterm/history";

export const SCROLLBACK_LINES = 5_000;

export interface EngineOptions {
  fontSize: number;
  theme: ITheme;
  screenReaderMode: boolean;
  cursorBlink: boolean;
  /** Which Option keys of a Mac are Alt for programs. */
  optionKeys?: OptionKeys;
}

export interface EngineEvents extends PointerEvents {
  /** The user typed, pasted, or used the mouse. */
  data(data: string | Uint8Array): void;
  /** The next key goes to this terminal, or no more. */
  keys?(has: boolean): void;
  /** Whether this page drives the session: only then do its hover reports count (I4). */
  drives(): boolean;
  /** A key the page may want; true if the page took it. */
  key(event: KeyboardEvent): boolean;
  /** Something is to be pasted. */
  paste(text: string): void;
  /** A link was clicked that leads elsewhere than its text says: it is to be asked about. Without it the browser asks. */
  link?(link: ScreenLink): void;
}

export class Engine implements StreamSink {
  readonly element = document.createElement("div");
  private readonly terminal: Terminal;
  private readonly fit = new FitAddon();
  private readonly finder: Finder;
  private readonly output = new OutputText();
  private readonly screenLinks: ScreenLinks;
  private opened = false;
  private disposed = false;
  private readonly keyboard: Keyboard;
  /** Whether what the terminal sends now is ready as it is: no text of an input method. */
  private ready = false;
  /** How many pictures that followed another size it has drawn (S3). */
  pictures = 0;
  onSearch: ((state: SearchState) => void) | null = null;
  onSize: (() => void) | null = null;
  /** The font changed, so that another size fits the same place. */
  onCell: (() => void) | null = null;

  constructor(
    { optionKeys, ...options }: EngineOptions,
    private events: EngineEvents,
  ) {
    this.element.className = "termwall-engine";
    this.terminal = new Terminal({
      ...options,
      allowProposedApi: true,
      scrollback: SCROLLBACK_LINES,
      fontFamily: FONT_FAMILY,
      minimumContrastRatio: 4.5,
      cursorInactiveStyle: "outline",
      // Shift does it elsewhere.
      macOptionClickForcesSelection: true,
      rightClickSelectsWord: false,
    });
    const terminal = this.terminal;
    this.screenLinks = new ScreenLinks(terminal, this.element, (event, link) => this.follow(event, link));
    terminal.options.linkHandler = this.screenLinks.handler;
    terminal.loadAddon(this.fit);
    this.finder = new Finder(terminal, (state) => this.onSearch?.(state));
    terminal.registerLinkProvider(this.screenLinks.addresses);
    makeAlike(terminal);
    answerNothing(terminal.parser);
    const isAlternate = () => terminal.buffer.active.type === "alternate";
    this.keyboard = new Keyboard(new KeyModes(terminal.parser, isAlternate), () => ({
      applicationCursor: terminal.modes.applicationCursorKeysMode,
      alternate: isAlternate(),
    }));
    this.keyboard.option = optionKeys ?? "off";
    terminal.onData((data) => {
      if (isFocusReport(data) || (isReport(data) && !this.events.drives())) return;
      if (isPointing(data) && !this.events.points()) return;
      this.events.data(this.ready ? data : this.keyboard.text(data));
    });
    terminal.onBinary((data) => {
      if (isReport(data) ? !this.events.drives() : !this.events.points()) return;
      this.events.data(Uint8Array.from(data, (character) => character.charCodeAt(0)));
    });
    terminal.attachCustomKeyEventHandler((event) => this.key(event));
    terminal.onResize(() => this.onSize?.());
    for (const what of ["wheel", "keydown", "pointerdown"])
      this.element.addEventListener(what, () => this.finder.letGo(), { capture: true, passive: true });
    this.element.addEventListener("paste", (event) => this.pasted(event), { capture: true });
    listenToPointer(this.element, terminal, () => this.events);
  }

  /** Another page part shows this terminal now. */
  listen(events: EngineEvents): void {
    this.events = events;
  }

  /** Show it in a part of the page that is in the document. */
  mount(host: HTMLElement): void {
    host.append(this.element);
    if (!this.opened) {
      this.opened = true;
      this.terminal.open(this.element);
      this.terminal.textarea?.addEventListener("blur", () => this.keyboard.blur());
      for (const type of ["focus", "blur"] as const)
        this.terminal.textarea?.addEventListener(type, () => this.events.keys?.(type === "focus"));
    }
  }

  /** A key: false where xterm.js has nothing more to do with it. */
  private key(event: KeyboardEvent): boolean {
    if (this.events.key(event)) return false;
    if (event.type === "keypress") return true;
    const sent = this.keyboard.encode(event);
    if (sent === null) return true;
    const modifier = modifierKey(event.key, event.location) !== undefined;
    const up = event.type === "keyup";
    if (!modifier) event.preventDefault();
    if (!up && event.keyCode !== 229) finishComposition(this.terminal, event);
    // Who only watches does not take over by holding a modifier, as for one of the page's chords (I4).
    if (!modifier || this.events.drives()) this.send(sent, !modifier && !up);
    return up; // xterm.js keeps track of what is held.
  }

  private send(keys: string, typed: boolean): void {
    const { textarea } = this.terminal;
    if (textarea && (keys === "\r" || keys === "\x03")) textarea.value = "";
    this.asIs(() => this.terminal.input(keys, typed));
  }

  private asIs(act: () => void): void {
    this.ready = true;
    act();
    this.ready = false;
  }

  /** What a key sends that a button of the page stands for: `Escape`, `ArrowUp`, or a character. */
  keys(key: string, held?: { ctrl?: boolean; shift?: boolean }): string {
    return this.keyboard.named(key, held);
  }

  write(chunk: StreamChunk, parsed: () => void): void {
    if (this.disposed) return;
    if (chunk.snapshot && chunk.cols && chunk.rows) this.resize(chunk.cols, chunk.rows);
    let place: ReadingPlace | null = null;
    let history: History | null = null;
    let selected: Selected | null = null;
    if (chunk.snapshot) {
      this.output.reset();
      this.terminal.write("", () => {
        place = this.place();
        if (!this.disposed) selected = selectedIn(this.terminal);
        if (chunk.reason === "resize" && !this.disposed) history = takeHistory(this.terminal);
      });
    }
    this.terminal.write(this.output.read(chunk.data), parsed);
    if (chunk.snapshot)
      this.terminal.write("", () => {
        if (history !== null && !this.disposed) putBack(this.terminal, history);
        if (selected !== null && !this.disposed) selectAgain(this.terminal, selected);
        this.read(place);
        if (chunk.reason === "resize") this.pictures++;
      });
  }

  /** In its place: after all that was written before. */
  resize(cols: number, rows: number): void {
    this.terminal.write("", () => {
      if (this.disposed) return;
      if (cols === this.terminal.cols && rows === this.terminal.rows) {
        this.finder.show();
        return;
      }
      const place = this.place();
      this.terminal.resize(cols, rows);
      this.read(place);
    });
  }

  /** The text of the line at the top of what is seen. */
  topLine(): string {
    const buffer = this.terminal.buffer.active;
    return buffer.getLine(buffer.viewportY)?.translateToString(true) ?? "";
  }

  private place(): ReadingPlace | null {
    return this.disposed ? null : readingPlace(this.terminal.buffer.active);
  }

  /** Keep at the top what was there: whatever another size or picture did to where it is. */
  private read(place: ReadingPlace | null): void {
    if (this.disposed) return;
    if (!this.finder.show() && place !== null) {
      const row = rowOfPlace(this.terminal.buffer.active, place);
      if (row !== null) this.scrollTo(row);
    }
  }

  private scrollTo(row: number): void {
    const there = () => this.terminal.buffer.active.viewportY === row;
    const go = () => {
      // The scrollbar may be at another place than the text: it goes by differences, so a second time puts it right.
      for (let tries = 0; tries < 3 && !there(); tries++) this.terminal.scrollToLine(row);
    };
    go();
    if (there()) return;
    // It knows how much there is to scroll once that was drawn.
    const drawn = this.terminal.onRender(() => {
      drawn.dispose();
      if (!this.disposed) go();
    });
  }

  /** The size that would fill the element's parent; null while it is hidden. */
  proposal(): { cols: number; rows: number } | null {
    // Of what is not shown the style says 100 %, which would be read as 100 pixels.
    const shown = this.opened && this.element.getClientRects().length > 0;
    const size = shown ? this.fit.proposeDimensions() : undefined;
    if (!size || !Number.isFinite(size.cols) || !Number.isFinite(size.rows)) return null;
    return { cols: Math.min(1000, Math.max(2, size.cols)), rows: Math.min(1000, Math.max(2, size.rows)) };
  }

  /** What the screen measures in pixels at its own size. */
  pixels(): { width: number; height: number } {
    const screen = this.element.querySelector<HTMLElement>(".xterm-screen");
    return { width: screen?.offsetWidth ?? 0, height: screen?.offsetHeight ?? 0 };
  }

  get cols(): number {
    return this.terminal.cols;
  }

  get rows(): number {
    return this.terminal.rows;
  }

  set({ optionKeys, ...options }: Partial<EngineOptions>): void {
    if (optionKeys !== undefined) this.keyboard.option = optionKeys;
    const before = this.terminal.options.fontSize;
    const place = this.place();
    Object.assign(this.terminal.options, options);
    if (this.terminal.options.fontSize === before) return;
    this.read(place);
    this.onCell?.();
  }

  focus(): void {
    this.terminal.focus();
  }

  blur(): void {
    this.terminal.blur();
  }

  /** Type text as a paste: bracketed where the program asked for it. */
  paste(text: string): void {
    this.asIs(() => this.terminal.paste(text));
  }

  get bracketedPaste(): boolean {
    return this.terminal.modes.bracketedPasteMode;
  }

  selection(): string {
    return this.terminal.getSelection();
  }

  selectAll(): void {
    this.terminal.selectAll();
  }

  clearSelection(): void {
    this.terminal.clearSelection();
  }

  /** Find in screen and scrollback; the count comes by `onSearch`. */
  find(text: string, options: FindOptions): void {
    this.finder.find(text, options);
  }

  /** Show the line that has a text, the one nearest to so many lines above the last, until somebody scrolls or types. */
  reveal(text: string, linesFromEnd: number): void {
    this.finder.reveal(text, linesFromEnd);
  }

  endFind(): void {
    this.finder.end();
  }

  /** Everything on the screen and above it, as text. */
  text(): string {
    const buffer = this.terminal.buffer.active;
    const lines: string[] = [];
    for (let i = 0; i < buffer.length; i++) lines.push(buffer.getLine(i)?.translateToString(true) ?? "");
    return lines.join("\n").trimEnd();
  }

  /** The links on the part of the screen that is seen. */
  links(): ScreenLink[] {
    return this.screenLinks.list();
  }

  /** Opens a link in another tab, with Ctrl or Command held: a plain click belongs to the program. */
  private follow(event: MouseEvent, link: ScreenLink): void {
    if (!(event.ctrlKey || event.metaKey)) return;
    if (saysWhere(link.text, link.target)) openTarget(link.target);
    else (this.events.link ?? askedOf)(link);
  }

  dispose(): void {
    this.disposed = true;
    this.terminal.dispose();
    this.element.remove();
  }

  private pasted(event: ClipboardEvent): void {
    const text = event.clipboardData?.getData("text/plain");
    if (!text) return;
    event.preventDefault();
    event.stopPropagation();
    this.events.paste(text);
  }
}
