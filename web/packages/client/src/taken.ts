/** Sessions that somebody else took from the stage while this client typed into them. */

import type { Environment } from "./environment";
import { isReport } from "./inputs";

/** Who typed so recently is in the middle of something. */
const TYPING_MILLISECONDS = 30_000;

export class Taken {
  private readonly typedAt = new Map<string, number>();
  private readonly taken = new Set<string>();

  constructor(private readonly env: Environment) {}

  /** Something was typed; what a terminal reports by itself does not count. */
  typed(sessionId: string, data: string | Uint8Array): void {
    if (typeof data !== "string" || !isReport(data)) this.typedAt.set(sessionId, this.env.now());
  }

  typing(sessionId: string): boolean {
    const at = this.typedAt.get(sessionId);
    return at !== undefined && this.env.now() - at < TYPING_MILLISECONDS;
  }

  /** Somebody else took these. Whether this client was typing into one of them. */
  left(ids: readonly string[]): boolean {
    const typing = ids.filter((id) => this.typing(id));
    for (const id of typing) this.taken.add(id);
    return typing.length > 0;
  }

  /** These are on the stage. */
  back(ids: readonly string[]): void {
    for (const id of ids) this.taken.delete(id);
  }

  has(sessionId: string): boolean {
    return this.taken.has(sessionId);
  }

  forget(sessionId: string): void {
    this.typedAt.delete(sessionId);
    this.taken.delete(sessionId);
  }
}
