/**
 * The stage as this page shows it: also the session that somebody took from it while this page's user typed into it, in
 * its place, until the user goes elsewhere. So a sentence that was begun can be ended.
 */

import { useTermwall } from "@termwall/react";
import { useMemo, useState } from "react";

interface Shown {
  /** What there is to show, in its order. */
  panes: readonly string[];
  /** The one that has the keys. */
  current: string | null;
}

interface Place {
  id: string | null;
  at: number;
}

/** `focused`: what is on the stage; `chosen`: what the user wants to see. */
export function usePanes(focused: readonly string[], chosen: string | null): Shown {
  const { client } = useTermwall();
  const [kept, setKept] = useState<Place | null>(null);
  const [before, setBefore] = useState<Place>({ id: null, at: 0 });
  const elsewhere = (id: string) => chosen !== null && chosen !== id && focused.includes(chosen);
  const taken = (id: string | null): id is string => id !== null && client.wasTaken(id) && !elsewhere(id);
  const stays = taken(kept?.id ?? null) ? kept : null;
  const panes = useMemo(
    () => (stays?.id ? [...focused.slice(0, stays.at), stays.id, ...focused.slice(stays.at)] : focused),
    [focused, stays],
  );
  const wanted = stays?.id ?? chosen;
  const current = wanted !== null && panes.includes(wanted) ? wanted : (panes[0] ?? null);
  const at = current === null ? 0 : panes.indexOf(current);
  // In the same turn, before it is drawn: a pane that goes and comes back would lose the keys.
  if (stays === null && before.id !== current && taken(before.id)) setKept(before);
  else if (before.id !== current || before.at !== at) setBefore({ id: current, at });
  else if (kept !== null && stays === null) setKept(null);
  return { panes, current };
}
