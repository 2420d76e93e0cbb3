/** Why there is no connection although the page is there: a WebSocket gives a browser no reason, so HTTP is asked (W9). */

import type { Reach } from "@termwall/client";
import { useWorkspace } from "@termwall/react";
import { useEffect, useState } from "react";
import { ApiError, api } from "../api";

/** Tries in a row that fail until it is asked: one alone may be a restart. */
const TRIES = 2;

/** A sentence of what is wrong and what to do; null while that is not known, and where the server is just not there. */
export function useReach(): string | null {
  const { state, retryCount, clientId, reason, everConnected } = useWorkspace(({ connection }) => connection);
  const [why, setWhy] = useState<string | null>(null);
  const failing = state !== "connected" && state !== "error" && retryCount >= TRIES;
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked once for each try that failed.
  useEffect(() => {
    if (!failing) {
      setWhy(null);
      return;
    }
    const asking = new AbortController();
    api.reach(clientId, asking.signal).then(
      (reach) => setWhy(explain(reach)),
      (error) => asking.signal.aborted || setWhy(error instanceof ApiError ? whatAnswered(error) : null),
    );
    return () => asking.abort();
  }, [failing, retryCount, clientId]);
  return failing ? (why ?? (everConnected ? null : reason)) : null;
}

function explain({ refused, originAllowed, host }: Reach): string {
  if (refused != null) return `The server refuses the WebSocket: ${refused}`;
  if (!originAllowed)
    return `The server takes this page (${location.origin}) for another site's, because requests reach it with the Host ${host}. The proxy in between must pass on the Host unchanged.`;
  return "The page reaches the server, but its WebSocket does not: the proxy in between must let WebSockets through.";
}

function whatAnswered({ status, message }: ApiError): string | null {
  if (status === 0) return null;
  if (status === 401) return "This page is no longer signed in. Reload it.";
  if (status === 403) return message;
  return status >= 500 ? `A proxy answers with ${status}: the server behind it does not answer.` : null;
}
