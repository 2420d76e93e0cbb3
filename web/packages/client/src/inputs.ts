/**
 * What was typed and is not known to have arrived (I1), and what was typed while there was no connection (I2).
 *
 * Input is numbered once and kept until the server acknowledges it. After a reconnect what is younger than 5 s is sent
 * again under its number: the server drops what it already wrote. What is older is dropped, and its number never used
 * again: the server then reports a gap, and what follows is renumbered from the number it expects.
 */

export const HOLD_MILLISECONDS = 5_000;
export const HOLD_BYTES = 4_096;
/** Largest piece of input in one message. */
export const PIECE_BYTES = 64 * 1024;
/** Most unacknowledged input of a session; as much as the server lets wait for a program. */
export const UNACKED_BYTES = 1024 * 1024;

export interface Piece {
  seq: number;
  data: Uint8Array;
  at: number;
}

export class InputLine {
  private next = 1;
  private unacked: Piece[] = [];
  private waiting = 0;
  /** Bytes typed without a connection, and when the first of them was. */
  held: Uint8Array[] = [];
  heldSince = 0;

  get heldBytes(): number {
    return this.held.reduce((sum, data) => sum + data.length, 0);
  }

  /** Numbers input for sending; null if too much is unacknowledged already. */
  take(data: Uint8Array, now: number): Piece[] | null {
    if (this.waiting + data.length > UNACKED_BYTES) return null;
    const pieces: Piece[] = [];
    for (let start = 0; start < data.length; start += PIECE_BYTES) {
      pieces.push({ seq: this.next++, data: data.subarray(start, start + PIECE_BYTES), at: now });
    }
    this.unacked.push(...pieces);
    this.waiting += data.length;
    return pieces;
  }

  /** The server has everything up to `seq`. */
  acknowledge(seq: number): void {
    this.drop((piece) => piece.seq <= seq);
  }

  /** The server expects another number: what to send again, renumbered. Empty if that was done already. */
  renumber(expected: number): Piece[] {
    if (this.unacked[0]?.seq === expected) return [];
    this.next = expected;
    for (const piece of this.unacked) piece.seq = this.next++;
    return this.unacked;
  }

  /** After a reconnect: (what to send again, how many bytes were too old and are dropped). */
  resend(now: number): { pieces: readonly Piece[]; dropped: number } {
    const before = this.waiting;
    this.drop((piece) => now - piece.at > HOLD_MILLISECONDS);
    return { pieces: this.unacked, dropped: before - this.waiting };
  }

  /** The server refused what is unacknowledged: it was not written and is not sent again. */
  forget(): void {
    this.drop(() => true);
  }

  private drop(where: (piece: Piece) => boolean): void {
    this.unacked = this.unacked.filter((piece) => !where(piece));
    this.waiting = this.unacked.reduce((sum, piece) => sum + piece.data.length, 0);
  }
}
