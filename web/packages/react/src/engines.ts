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
    /** A hook for debugging and tests: what each terminal of the page shows, by session. Not part of the API. */
    __terms?: Map<string, Pick<Engine, "text" | "topLine" | "cols" | "rows" | "pictures">>;
  }
}

const NOBODY: EngineEvents = {
  data: () => {},
  drives: () => false,
  points: () => false,
  menu: () => false,
  key: () => false,
  paste: () => {},
};

export class Engines {
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly client: TermwallClient,
    private options: EngineOptions,
  ) {}

  /** Let go of the terminals of removed sessions, and in the end of all. Returns that end; may begin again after it. */
  start(): () => void {
    const unsubscribe = this.client.subscribe(() => this.forgetRemoved());
    return () => {
      unsubscribe();
      for (const id of [...this.entries.keys()]) this.drop(id);
    };
  }

  /** The session's terminal, for somebody who shows it until `release`. */
  acquire(sessionId: string, events: EngineEvents): Engine {
    let entry = this.entries.get(sessionId);
    if (entry === undefined) {
      const engine = new Engine(this.options, events);
      entry = { engine, users: 0, detach: this.client.attach(sessionId, engine) };
      window.__terms ??= new Map();
      window.__terms.set(sessionId, engine);
    }
    this.entries.delete(sessionId);
    this.entries.set(sessionId, entry); // The newest is last.
    entry.users++;
    entry.engine.listen(events);
    return entry.engine;
  }

  /** Nobody shows it in that place any more; the newest ones are kept, screen and all. */
  release(sessionId: string, engine: Engine): void {
    const entry = this.entries.get(sessionId);
    if (entry === undefined || entry.engine !== engine) return;
    entry.users--;
    const idle = [...this.entries].filter(([, one]) => one.users === 0);
    for (const [id] of idle.slice(0, Math.max(0, idle.length - KEPT_ENGINES))) this.drop(id);
  }

  get(sessionId: string): Engine | undefined {
    return this.entries.get(sessionId)?.engine;
  }

  /** Pixels, as they are shown now. */
  get fontSize(): number {
    return this.options.fontSize;
  }

  /** Looks of all terminals, those to come too. */
  set(options: Partial<EngineOptions>): void {
    this.options = { ...this.options, ...options };
    for (const { engine } of this.entries.values()) engine.set(options);
  }

  /** The size of a terminal that fills an element, in these looks and with this font. */
  sizeIn(host: HTMLElement, fontSize: number): { cols: number; rows: number } | null {
    const engine = new Engine({ ...this.options, fontSize }, NOBODY);
    // The boxes that a view of it has.
    const view = host.appendChild(document.createElement("div"));
    view.className = "termwall-view";
    const place = view.appendChild(document.createElement("div"));
    place.className = "termwall-host";
    engine.mount(place);
    const size = engine.proposal();
    engine.dispose();
    view.remove();
    return size;
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
    if (window.__terms?.get(id) === entry.engine) window.__terms.delete(id);
  }
}
