/**
 * Which keys a program asked for: the kitty keyboard protocol's stacks of flags, one of each screen, and xterm's
 * modifyOtherKeys. Read from the output, as the server's terminal reads it; a snapshot says it the same way (S4).
 */

type Params = (number | number[])[];

export interface ModeParser {
  registerCsiHandler(
    id: { prefix?: string; intermediates?: string; final: string },
    callback: (params: Params) => boolean,
  ): unknown;
  registerEscHandler(id: { intermediates?: string; final: string }, callback: () => boolean): unknown;
}

/** Sets of flags that a screen keeps; one more than that takes the place of the oldest. As the server's terminal has it. */
export const STACK = 8;
const FLAGS = 31;
const OTHER_KEYS = 4;

/** One screen's flags: the current ones are last. */
class Stack {
  private readonly kept: number[] = [0];

  get current(): number {
    return this.kept[this.kept.length - 1] ?? 0;
  }

  set(flags: number, how: number): void {
    if (flags > FLAGS || how < 1 || how > 3) return;
    const old = this.current;
    this.kept[this.kept.length - 1] = how === 1 ? flags : how === 2 ? old | flags : old & ~flags;
  }

  push(flags: number): void {
    if (flags > FLAGS) return;
    this.kept.push(flags);
    if (this.kept.length > STACK) this.kept.shift();
  }

  pop(count: number): void {
    this.kept.splice(Math.max(0, this.kept.length - count));
    if (this.kept.length === 0) this.kept.push(0);
  }
}

export class KeyModes {
  private main = new Stack();
  /** The alternate screen's. */
  private second = new Stack();
  modifyOtherKeys = 0;
  formatOtherKeys = 0;

  /** @param alternate whether the alternate screen is the shown one. */
  constructor(
    parser: ModeParser,
    private readonly alternate: () => boolean,
  ) {
    const first = (params: Params, otherwise: number) => {
      const value = params[0];
      return typeof value === "number" && value > 0 ? value : otherwise;
    };
    // Without any number all of xterm's kinds of keys are meant.
    const concerns = (params: Params) => params[0] === OTHER_KEYS || (params[0] === 0 && params.length === 1);
    const on = (prefix: string, final: string, act: (params: Params) => void) =>
      parser.registerCsiHandler({ prefix, final }, (params) => {
        act(params);
        return true;
      });
    on(">", "u", (params) => this.shown.push(first(params, 0)));
    on("<", "u", (params) => this.shown.pop(first(params, 1)));
    on("=", "u", (params) => this.shown.set(first(params, 0), first(params.slice(1), 1)));
    on(">", "m", (params) => {
      if (concerns(params)) this.modifyOtherKeys = Math.min(2, first(params.slice(1), 0));
    });
    on(">", "n", (params) => {
      if (first(params, 0) === OTHER_KEYS) this.modifyOtherKeys = 0;
    });
    on(">", "f", (params) => {
      if (concerns(params)) this.formatOtherKeys = Math.min(1, first(params.slice(1), 0));
    });
    parser.registerEscHandler({ final: "c" }, () => {
      this.main = new Stack();
      this.second = new Stack();
      return this.reset();
    });
    parser.registerCsiHandler({ intermediates: "!", final: "p" }, () => {
      this.shown.pop(STACK);
      return this.reset();
    });
  }

  /** The flags of the screen that is shown. */
  get kitty(): number {
    return this.shown.current;
  }

  private get shown(): Stack {
    return this.alternate() ? this.second : this.main;
  }

  private reset(): false {
    this.modifyOtherKeys = this.formatOtherKeys = 0;
    return false; // What else a reset means is the terminal's.
  }
}
