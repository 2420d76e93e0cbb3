/** What ends, restarts or removes terminals: one, after a question where that would end a program, or all that ended. */

import type { Session } from "@termwall/client";
import { useTermwall } from "@termwall/react";
import { useCallback, useEffect, useMemo, useRef } from "react";
import { api } from "../api";
import type { Open } from "../dialogs/OpenPart";
import { isEnded } from "../session/order";

/** Calls for many terminals at a time. */
const AT_A_TIME = 4;

export type EndBy = "close" | "restart";

export interface Ending {
  close: (session: Session) => void;
  restart: (session: Session) => void;
  takeFromStage: (id: string) => void;
  /** Without a question. */
  endNow: (session: Session, by: EndBy) => void;
  /** Start every terminal again that was lost. */
  startAll: () => void;
  /** Ask whether to remove every terminal that ended. */
  askClear: () => void;
  clearEnded: () => void;
}

export function useEnding(parts: {
  focused: readonly string[];
  setOpen: (open: Open) => void;
  say: (sentence: string) => void;
  explain: (error: unknown) => void;
  giveKeysBack: () => void;
}): Ending {
  const { focused, setOpen, say, explain, giveKeysBack } = parts;
  const { client } = useTermwall();
  /** What this page's user takes from the stage: the keys go to another terminal then. */
  const leaving = useRef<string | null>(null);
  useEffect(() => {
    if (leaving.current === null || focused.includes(leaving.current)) return;
    leaving.current = null;
    giveKeysBack();
  }, [focused, giveKeysBack]);

  const takeFromStage = useCallback(
    (id: string) => {
      leaving.current = id;
      client.blur(id).catch(explain);
    },
    [client, explain],
  );
  const endNow = useCallback(
    (session: Session, by: EndBy) => {
      if (by === "close") leaving.current = session.id;
      (by === "close" ? api.close(session.id) : api.restart(session.id)).catch(explain);
    },
    [explain],
  );
  const endSession = useCallback(
    async (session: Session, by: EndBy) => {
      try {
        const now = await api.session(session.id);
        if (now.foreground) setOpen({ kind: by, session: now, program: now.foreground });
        else endNow(now, by);
      } catch (error) {
        explain(error);
      }
    },
    [endNow, explain, setOpen],
  );
  const close = useCallback((session: Session) => void endSession(session, "close"), [endSession]);
  const restart = useCallback((session: Session) => void endSession(session, "restart"), [endSession]);

  const ended = useCallback(
    () => [...client.getState().sessions.values()].filter((session) => isEnded(session) && !session.away),
    [client],
  );
  const startAll = useCallback(() => {
    const lost = ended().filter(({ status }) => status === "lost");
    void forAll(lost, ({ id }) => api.restart(id)).then(({ failed, why }) =>
      say(
        failed === 0
          ? `Started ${lost.length} terminals again.`
          : `${failed} of ${lost.length} could not be started: ${why}`,
      ),
    );
  }, [ended, say]);
  const askClear = useCallback(() => setOpen({ kind: "clear", count: ended().length }), [ended, setOpen]);
  const clearEnded = useCallback(() => {
    const all = ended();
    void forAll(all, ({ id }) => api.close(id)).then(({ failed, why }) =>
      say(
        failed === 0
          ? `Cleared ${all.length} ended terminals.`
          : `${failed} of ${all.length} could not be cleared: ${why}`,
      ),
    );
  }, [ended, say]);
  return useMemo(
    () => ({ close, restart, takeFromStage, endNow, startAll, askClear, clearEnded }),
    [close, restart, takeFromStage, endNow, startAll, askClear, clearEnded],
  );
}

async function forAll(
  sessions: readonly Session[],
  call: (session: Session) => Promise<unknown>,
): Promise<{ failed: number; why: string }> {
  const waiting = [...sessions];
  let failed = 0;
  let why = "";
  const work = async () => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      try {
        await call(next);
      } catch (error) {
        failed++;
        why ||= error instanceof Error ? error.message : String(error);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return { failed, why };
}
