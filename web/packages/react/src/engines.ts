/** The terminals of a page, by session: made once, kept over layout changes, and let go when many others were shown. */

import type { TermwallClient } from "@termwall/client";
import { Engine, type EngineEvents, type EngineOptions } from "./engine";

/** Terminals that are kept though nothing shows them; each costs 2 to 6 MB. */
export const KEPT_ENGINES = 12;

interface Entry {
  engine: Engine;
  users: number;
  detach: () => void;
}

declare global {
  interface Window {
    /** For debugging and tests: what each terminal of the page shows. */
    __terms?: Map<string, Pick<Engine, "text" | "cols" | "rows">>;
  }
}

export class Engines {
  private readonly entries = new Map<string, Entry>();
  private readonly unsubscribe: () => void;
  private options: EngineOptions;

  constructor(
    private readonly client: TermwallClient,
    options: EngineOptions,
  ) {
    this.options = options;
    this.unsubscribe = client.subscribe(() => this.forgetRemoved());
    window.__terms ??= new Map();
  }

  /** The session's terminal, for somebody who shows it until `release`. */
  acquire(sessionId: string, events: EngineEvents): Engine {
    let entry = this.entries.get(sessionId);
    if (entry === undefined) {
      const engine = new Engine(this.options, events);
      entry = { engine, users: 0, detach: this.client.attach(sessionId, engine) };
      window.__terms?.set(sessionId, engine);
    }
    this.entries.delete(sessionId);
    this.entries.set(sessionId, entry); // The newest is last.
    entry.users++;
    entry.engine.listen(events);
    return entry.engine;
  }

  release(sessionId: string): void {
    const entry = this.entries.get(sessionId);
    if (entry === undefined) return;
    entry.users--;
    const idle = [...this.entries].filter(([, one]) => one.users === 0);
    for (const [id] of idle.slice(0, Math.max(0, idle.length - KEPT_ENGINES))) this.drop(id);
  }

  get(sessionId: string): Engine | undefined {
    return this.entries.get(sessionId)?.engine;
  }

  set(options: EngineOptions): void {
    this.options = options;
    for (const { engine } of this.entries.values()) engine.set(options);
  }

  dispose(): void {
    this.unsubscribe();
    for (const id of [...this.entries.keys()]) this.drop(id);
  }

  private forgetRemoved(): void {
    const { sessions, connection } = this.client.getState();
    if (connection.state !== "connected") return;
    for (const [id, entry] of [...this.entries]) if (entry.users === 0 && !sessions.has(id)) this.drop(id);
  }

  private drop(id: string): void {
    const entry = this.entries.get(id);
    if (entry === undefined) return;
    this.entries.delete(id);
    entry.detach();
    entry.engine.dispose();
    window.__terms?.delete(id);
  }
}
