/**
 * Whether what is typed may be shown while it waits (I2). The server says how a program takes what is typed; after the
 * end of a line that may be another way by now, until something was printed.
 */

import type { Session } from "./messages";

// biome-ignore lint/suspicious/noControlCharactersInRegex: Enter, and what ends a program or a line: Ctrl+C, Ctrl+D, Ctrl+Z.
const LINE_ENDS = /[\r\n\x03\x04\x1a]/;

/** Where in a text a line ends, after its last character; -1 if none does. */
export function lineEnd(text: string): number {
  const found = LINE_ENDS.exec(text);
  return found === null ? -1 : found.index + 1;
}

export class Secrecy {
  /** Sessions in which a line was ended, and nothing printed since. */
  private readonly unanswered = new Set<string>();

  typed(sessionId: string, data: string | Uint8Array): void {
    const text = typeof data === "string" ? data : String.fromCharCode(...data.subarray(0, 4096));
    if (lineEnd(text) >= 0) this.unanswered.add(sessionId);
  }

  printed(sessionId: string, data: string | Uint8Array): void {
    if (this.unanswered.has(sessionId) && isVisible(data)) this.unanswered.delete(sessionId);
  }

  forget(sessionId: string): void {
    this.unanswered.delete(sessionId);
  }

  /** Whether what is typed now may be a password. An older server does not say. */
  hides(session: Session | undefined): boolean {
    if (session === undefined) return false;
    return this.unanswered.has(session.id) || (session.echo != null && session.echo !== "on");
  }
}

/** Whether output shows anything: control sequences, such as a shell's at the end of a line, do not. */
function isVisible(data: string | Uint8Array): boolean {
  let state: "text" | "escape" | "sequence" | "string" = "text";
  for (let index = 0; index < data.length; index++) {
    const code = typeof data === "string" ? data.charCodeAt(index) : (data[index] as number);
    if (code === 0x1b) state = "escape";
    else if (state === "escape")
      state = code === 0x5b ? "sequence" : code === 0x5d || code === 0x50 ? "string" : "text";
    else if (state === "sequence") state = code >= 0x40 && code <= 0x7e ? "text" : state;
    else if (state === "string") state = code === 0x07 ? "text" : state;
    else if (code > 0x20 && code !== 0x7f) return true;
  }
  return false;
}
