/** How far a turn of the wheel goes: as far as its event says, in the unit that the event has. */

/** Pixels of one notch of a usual wheel: a program that uses the mouse hears of each notch. */
const NOTCH_PIXELS = 100;
/** Most reports to a program for one event. */
const MOST_NOTCHES = 50;
/** With Alt held it goes faster. */
const FAST = 5;

export type Turn = Pick<WheelEvent, "deltaY" | "deltaMode" | "altKey">;

/** Adds up turns, so that small ones of a touchpad make whole lines in the end. */
export class Wheel {
  private rest = 0;

  /** Lines to go, down or up (negative); `cell` is a row's height in pixels. */
  lines({ deltaY, deltaMode, altKey }: Turn, cell: number, rows: number): number {
    const unit = deltaMode === 1 ? 1 : deltaMode === 2 ? rows : cell > 0 ? 1 / cell : 0;
    const wanted = deltaY * unit * (altKey ? FAST : 1);
    if (wanted * this.rest < 0) this.rest = 0; // The other way at once, not after what was left of this one.
    this.rest += wanted;
    const whole = Math.trunc(this.rest);
    this.rest -= whole;
    return whole;
  }
}

/** How many notches an event stands for. */
export function notches({ deltaY, deltaMode }: Turn): number {
  const count = deltaMode === 0 ? Math.abs(deltaY) / NOTCH_PIXELS : deltaMode === 1 ? Math.abs(deltaY) / 3 : 1;
  return Math.min(MOST_NOTCHES, Math.max(1, Math.round(count)));
}
