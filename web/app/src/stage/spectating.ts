/** What a page says of a terminal whose size is another viewer's (I4). */

import type { Session } from "@termwall/client";
import { useWorkspace } from "@termwall/react";

/** Pixels that the spectator's line takes. */
const SPECTATOR_LINE = 24;

export interface Spectating {
  /** Whether the words have a line of their own, below the picture; else the header has them. */
  line: boolean;
  /** The part of its size at which the terminal is shown; 1 where all of it fits. */
  scale: number;
  scaleWords: string;
  /** What typing would do here. */
  terms: string;
}

/** `below`: pixels that the picture leaves under it. The line takes none from the terminal. */
export function spectatingOf({ scale, below }: { scale: number; below: number }, canType: boolean): Spectating {
  return {
    line: below >= SPECTATOR_LINE,
    scale,
    scaleWords: scale < 1 ? `shown at ${Math.round(scale * 100)} % to fit` : "their size",
    terms: canType ? "If you type here you take over, and it gets your size." : "Watching only: your link cannot type.",
  };
}

/** Who drives, as this page sees it. */
export function useDriver({ driver }: Session): { mine: boolean; foreign: boolean; driver: string } {
  const clientId = useWorkspace(({ connection }) => connection.clientId);
  const mine = driver?.clientId === clientId;
  return { mine, foreign: driver != null && !mine, driver: driver?.name || "somebody else" };
}
