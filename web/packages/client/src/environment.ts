/** What the client needs of the world around it, so that it runs in a browser, in Node, and under a test's clock. */

/** As much of a WebSocket as the client uses. */
export interface SocketLike {
  binaryType: string;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export interface Environment {
  /** Opens a WebSocket; may throw where the address is not one. */
  socket(url: string, protocols: string[]): SocketLike;
  /**
   * Milliseconds since 1970 that never go back, whatever is done to the machine's clock; they go on, or leap when it
   * wakes up, while the machine sleeps.
   */
  now(): number;
  /** How often `now` has leapt ahead: what was measured against it before says nothing. Without it, never. */
  leaps?(): number;
  /** A number from 0 to below 1. */
  random(): number;
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Text as UTF-8. */
  encode(text: string): Uint8Array<ArrayBuffer>;
  /** Whether the machine has a network at all; without it, it is taken to have one. */
  online?(): boolean;
  /** Whether somebody looks at it: then a server that does not answer is noticed within 5 s (W6). */
  visible?(): boolean;
  /** Calls back when a try is worth it at once: the network is back, or the user looks again. Returns what ends it. */
  onWake?(callback: () => void): () => void;
  /**
   * Remembers input numbers for as long as the clientId lives. Needed only where a clientId outlives the client (a page
   * that is reloaded): the server drops a number that it has already had (I1).
   */
  storage?: { get(key: string): string | null; set(key: string, value: string): void };
}
