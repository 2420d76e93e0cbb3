/** Which sessions somebody wants to see cheaply, and the newest picture of each (S6). */

import type { Environment } from "./environment";
import type { ClientMessage, Preview } from "./messages";

/** How long wishes are gathered into one request: a shelf that scrolls changes them with each tile. */
export const GATHER_MILLISECONDS = 50;

export class Previews {
  /** How many ask for each session. */
  private readonly wishes = new Map<string, number>();
  private readonly newest = new Map<string, Preview>();
  private readonly listeners = new Map<string, Set<() => void>>();
  /** What the server was asked for last on this connection; null if nothing counts. */
  private asked: string | null = null;
  private requests = 0;
  private timer: unknown = null;

  constructor(
    private readonly env: Environment,
    private readonly send: (message: ClientMessage) => boolean,
    private readonly known: (sessionId: string) => boolean,
  ) {}

  want(sessionIds: readonly string[]): () => void {
    const ids = [...new Set(sessionIds)];
    for (const id of ids) this.wishes.set(id, (this.wishes.get(id) ?? 0) + 1);
    this.gather();
    let wanted = true;
    return () => {
      if (!wanted) return;
      wanted = false;
      for (const id of ids) this.unwant(id);
      this.gather();
    };
  }

  get(sessionId: string): Preview | undefined {
    return this.newest.get(sessionId);
  }

  listen(sessionId: string, listener: () => void): () => void {
    const all = this.listeners.get(sessionId) ?? new Set();
    this.listeners.set(sessionId, all.add(listener));
    return () => {
      all.delete(listener);
      if (all.size === 0 && this.listeners.get(sessionId) === all) this.listeners.delete(sessionId);
    };
  }

  take(preview: Preview): void {
    if (!this.wishes.has(preview.sessionId)) return;
    this.newest.set(preview.sessionId, preview);
    for (const listener of [...(this.listeners.get(preview.sessionId) ?? [])]) listener();
  }

  /** A new connection knows nothing of what the one before was asked. */
  connected(): void {
    this.asked = null;
    this.ask();
  }

  /** The session is gone; it is not asked for again, whoever still wants it. */
  remove(sessionId: string): void {
    this.newest.delete(sessionId);
    this.gather();
  }

  /** Whether a refused request was one of these. Then the next change asks again, however little it changes. */
  refused(requestId: string | null | undefined): boolean {
    if (requestId == null || !requestId.startsWith(PREFIX)) return false;
    this.asked = null;
    return true;
  }

  /** Asks soon, if there is something that the server does not know yet. */
  gather(): void {
    this.timer ??= this.env.setTimeout(() => this.ask(), GATHER_MILLISECONDS);
  }

  private ask(): void {
    this.env.clearTimeout(this.timer);
    this.timer = null;
    // Not before: who ends a wish and has it again in the same moment would have no picture until the next change.
    for (const id of this.newest.keys()) if (!this.wishes.has(id)) this.newest.delete(id);
    const sessionIds = [...this.wishes.keys()].filter(this.known).sort();
    const key = JSON.stringify(sessionIds);
    if (key === this.asked || (this.asked === null && sessionIds.length === 0)) return;
    const requestId = `${PREFIX}${++this.requests}`;
    if (this.send({ type: "preview", sessionIds, requestId })) this.asked = key;
  }

  private unwant(id: string): void {
    const left = (this.wishes.get(id) ?? 0) - 1;
    if (left > 0) this.wishes.set(id, left);
    else this.wishes.delete(id);
  }
}

const PREFIX = "preview-";
