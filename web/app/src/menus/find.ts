/** What the palette finds. */

import type { Session } from "@termwall/client";

export interface Action {
  id: string;
  label: string;
  keys?: string;
  /** Where a terminal stands; its digit alone goes there. */
  position?: number;
  session?: Session;
  run: () => void;
}

/** The actions whose letters hold the query's in order, those that hold it as a word first. */
export function findActions(actions: readonly Action[], query: string): Action[] {
  const wanted = query.trim().toLowerCase();
  if (wanted === "") return [...actions];
  const rank = (action: Action) => {
    const text = action.label.toLowerCase();
    const place = text.indexOf(wanted);
    if (place === 0) return 0;
    if (place > 0) return text[place - 1] === " " ? 1 : 2;
    let at = 0;
    for (const letter of wanted) {
      at = text.indexOf(letter, at) + 1;
      if (at === 0) return 9;
    }
    return 3;
  };
  return actions
    .map((action, index) => ({ action, index, rank: rank(action) }))
    .filter((one) => one.rank < 9)
    .sort((a, b) => a.rank - b.rank || a.index - b.index)
    .map((one) => one.action);
}
