/** Tells the server that somebody had a session before their eyes: for 2 s, live, in a window in front (S9). */

import type { Session } from "@termwall/client";
import { useTermwall, useWorkspace } from "@termwall/react";
import { useEffect, useRef } from "react";

export const SEEN_MILLISECONDS = 2000;

/** Whether somebody sits before this page. */
export function inFront(): boolean {
  return document.visibilityState === "visible" && document.hasFocus();
}

/** Calls back whenever `inFront` may have become another; returns what ends it. */
export function onFront(callback: () => void): () => void {
  addEventListener("focus", callback);
  addEventListener("blur", callback);
  document.addEventListener("visibilitychange", callback);
  return () => {
    removeEventListener("focus", callback);
    removeEventListener("blur", callback);
    document.removeEventListener("visibilitychange", callback);
  };
}

export function useSeen({ id, attention }: Session, visible: boolean): void {
  const { client } = useTermwall();
  const counts = useWorkspace(({ connection }) => connection.state === "connected" && connection.role !== "view");
  const connectedAt = useWorkspace(({ connection }) => connection.since);
  const { state, since, seen } = attention;
  const reported = useRef("");
  // What was reported over a connection that then broke may not have arrived.
  const what = `${state} ${since} ${connectedAt}`;
  useEffect(() => {
    if (!visible || !counts || seen || reported.current === what) return;
    let timer: ReturnType<typeof setTimeout> | null = null;
    const look = () => {
      if (!inFront()) {
        if (timer !== null) clearTimeout(timer);
        timer = null;
      } else
        timer ??= setTimeout(() => {
          reported.current = what;
          end();
          client.seen(id);
        }, SEEN_MILLISECONDS);
    };
    const endLooking = onFront(look);
    const end = () => {
      endLooking();
      if (timer !== null) clearTimeout(timer);
    };
    look();
    return end;
  }, [client, id, visible, counts, seen, what]);
}
