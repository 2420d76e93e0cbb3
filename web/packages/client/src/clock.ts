/**
 * What the server's own clock shows, so that input can say until when it may be typed (I1).
 *
 * A message that has the clock was under way for an unknown time, so the server is at least as far as that. The latest
 * of the last measurements is the best: a deadline that is computed from it is never too late, and early by no more than
 * the shortest way from the server to here.
 */

/** Measurements that are kept: clocks drift, so an old one says little. */
const MEASUREMENTS = 10;

export class ServerClock {
  private offsets: number[] = [];
  /** Whether the server of this connection sends its clock at all; an older one does not. */
  given = false;

  /** A new connection, perhaps to another server. */
  begin(): void {
    this.given = false;
    this.offsets = [];
  }

  /** The server's clock showed `clock` before our own showed `now`. */
  heard(clock: number | null | undefined, now: number): void {
    if (clock == null) return;
    this.given = true;
    this.offsets = [...this.offsets.slice(1 - MEASUREMENTS), clock - now];
  }

  /** Our own clock leapt: what was measured against it says nothing. */
  leapt(): void {
    this.offsets = [];
  }

  /** What to add to our own clock; null while that is not known. */
  get offset(): number | null {
    return this.offsets.length === 0 ? null : Math.max(...this.offsets);
  }
}
