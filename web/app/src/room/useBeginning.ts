/** What a room does by itself, once: it shows what the address names, and gives the keys to a terminal. */

import { useEffect, useRef } from "react";
import type { StageView } from "../stage/useStage";
import type { SessionActions } from "./useSessionActions";

export function useBeginning(wanted: string | null, stage: StageView, { bring, keys }: SessionActions): void {
  const { sessions, current, phone } = stage;
  const known = sessions.size > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the sessions are known; the address names where to start.
  useEffect(() => {
    if (wanted !== null && sessions.has(wanted)) void bring(wanted);
  }, [known]);

  // Keys go to a terminal from the start, unless the user is already elsewhere; on a phone that would open its keyboard.
  const started = useRef(false);
  useEffect(() => {
    if (started.current || current === null || phone) return;
    started.current = true;
    if (document.activeElement === document.body) keys(current);
  }, [current, phone, keys]);
}
