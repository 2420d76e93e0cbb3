/** What the client needs of the world around it, so that it runs in a browser, in Node, and under a test's clock. */

export interface SocketLike {
  binaryType: string;
  onopen: (() => void) | null;
  onmessage: ((event: { data: unknown }) => void) | null;
  onclose: ((event: { code: number; reason: string }) => void) | null;
  onerror: (() => void) | null;
  send(data: string | Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
}

export interface Environment {
  /** Opens a WebSocket. */
  socket(url: string, protocols: string[]): SocketLike;
  /** Milliseconds since 1970. */
  now(): number;
  /** A number from 0 to below 1. */
  random(): number;
  setTimeout(callback: () => void, milliseconds: number): unknown;
  clearTimeout(timer: unknown): void;
  /** UTF-8, both ways. */
  encode(text: string): Uint8Array<ArrayBuffer>;
}
