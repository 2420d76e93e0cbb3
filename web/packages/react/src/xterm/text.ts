/** Output as the server's terminal reads it: bytes that are no UTF-8 are U+FFFD, and C1 controls are nothing (S8). */

const C1 = /[\u0080-\u009f]+/g;

export class OutputText {
  private decoder = new TextDecoder("utf-8", { ignoreBOM: true });

  /** What follows begins anew: no character is under way. */
  reset(): void {
    this.decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  }

  read(data: Uint8Array | string): string {
    const text = typeof data === "string" ? data : this.decoder.decode(data, { stream: true });
    return text.replace(C1, "");
  }
}
