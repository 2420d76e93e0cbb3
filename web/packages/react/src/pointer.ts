/** What the wheel and the right button of the mouse do in a terminal: the program's, the page's, or nobody's. */

import type { Terminal } from "@xterm/xterm";
import { notches, Wheel } from "./wheel";

export interface PointerEvents {
  data(data: string): void;
  /** Whether the mouse is the program's: it is nobody's who only watches while somebody drives (I4). */
  points(): boolean;
  /** The user asks for the terminal's menu, at a place of the page; false where there is none. */
  menu(at: { x: number; y: number }): boolean;
}

export function listenToPointer(element: HTMLElement, terminal: Terminal, events: () => PointerEvents): void {
  const pointer = new Pointer(element, terminal, events);
  element.addEventListener("wheel", (event) => pointer.wheeled(event), { capture: true, passive: false });
  element.addEventListener("contextmenu", (event) => pointer.menuAsked(event), { capture: true });
}

class Pointer {
  private readonly mac = /Mac|iPhone|iPad/.test(navigator.platform);
  private readonly wheel = new Wheel();
  /** A wheel event is being passed on to the program in its notches. */
  private passing = false;

  constructor(
    private readonly element: HTMLElement,
    private readonly terminal: Terminal,
    private readonly events: () => PointerEvents,
  ) {}

  /** As far as the event says (its unit may be pixels, lines or pages), and never to a program that another drives. */
  wheeled(event: WheelEvent): void {
    if (this.passing || event.ctrlKey || event.metaKey || event.shiftKey || event.deltaY === 0) return;
    const { mouseTrackingMode } = this.terminal.modes;
    const reports = mouseTrackingMode !== "none" && mouseTrackingMode !== "x10";
    const scrolls = this.terminal.buffer.active.type === "normal" && !reports;
    const points = this.events().points();
    if (reports && points && notches(event) === 1) return;
    event.preventDefault();
    event.stopPropagation();
    if (scrolls) this.scroll(event);
    else if (points && reports) this.passOn(event);
    else if (points) this.arrows(event);
  }

  /** While a program uses the mouse a right click is its own; with Shift (Option on a Mac) it is the terminal's menu. */
  menuAsked(event: MouseEvent): void {
    if (this.terminal.modes.mouseTrackingMode === "none") return;
    const ours = (this.mac ? event.altKey : event.shiftKey) || !this.events().points();
    if (ours && !this.events().menu({ x: event.clientX, y: event.clientY })) return;
    event.preventDefault();
    event.stopPropagation();
  }

  private lines(event: WheelEvent): number {
    const { height } = this.element.querySelector(".xterm-screen")?.getBoundingClientRect() ?? { height: 0 };
    return this.wheel.lines(event, height / this.terminal.rows, this.terminal.rows);
  }

  private scroll(event: WheelEvent): void {
    const lines = this.lines(event);
    if (lines !== 0) this.terminal.scrollLines(lines);
  }

  /** A program that has the whole screen and no use for the mouse scrolls by arrow keys: at most a page for one event. */
  private arrows(event: WheelEvent): void {
    const lines = this.lines(event);
    const arrow = `\x1b${this.terminal.modes.applicationCursorKeysMode ? "O" : "["}${lines < 0 ? "A" : "B"}`;
    if (lines !== 0) this.events().data(arrow.repeat(Math.min(Math.abs(lines), this.terminal.rows)));
  }

  /** One report a notch, as terminals make them. */
  private passOn(event: WheelEvent): void {
    const count = notches(event);
    const { clientX, clientY, deltaMode, altKey } = event;
    const one = { clientX, clientY, deltaMode, altKey, deltaY: event.deltaY / count, bubbles: true, cancelable: true };
    this.passing = true;
    for (let i = 0; i < count; i++) event.target?.dispatchEvent(new WheelEvent("wheel", one));
    this.passing = false;
  }
}
