/** An order that holds still while somebody is about to click in it. */

import type { Session } from "@termwall/client";
import { useMemo, useRef } from "react";
import { inKeptOrder } from "../session/order";

/** `sorted` itself; while `still`, what was shown keeps its order and what is new comes after it. */
export function useKeptOrder(sorted: readonly Session[], still: boolean): readonly Session[] {
  const before = useRef<readonly string[]>([]);
  const shown = useMemo(() => (still ? inKeptOrder(sorted, before.current) : sorted), [sorted, still]);
  before.current = shown.map(({ id }) => id);
  return shown;
}
