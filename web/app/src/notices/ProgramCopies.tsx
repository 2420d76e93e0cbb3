/**
 * What programs put on the clipboard (OSC 52), said quietly. Where the browser lets no page copy by itself, because nobody
 * sits before it or it wants a click, the text waits for one: for as long as its session copies nothing else.
 */

import { useTermwall } from "@termwall/react";
import { useEffect, useState } from "react";
import { copyText } from "../clipboard/copy";
import { inFront } from "../stage/useSeen";

export const SAID_MILLISECONDS = 4_000;
/** Sessions whose copies are shown; of one more, the oldest is dropped. */
const MOST = 4;

interface Copy {
  id: number;
  sessionId: string;
  sentence: string;
  /** The text, where it waits for a click. */
  waiting: string | null;
}

let ids = 0;

export function ProgramCopies({ on }: { on: boolean }) {
  const { client } = useTermwall();
  const [copies, setCopies] = useState<readonly Copy[]>([]);
  useEffect(() => {
    setCopies([]);
    if (!on) return;
    return client.onCopied((sessionId, text) => {
      const name = client.getState().sessions.get(sessionId)?.name ?? sessionId;
      const count = [...text].length;
      const sentence = `${name} copied ${count} ${count === 1 ? "character" : "characters"}.`;
      const id = ++ids;
      void (async () => {
        const done = inFront() && (await copyText(text));
        const copy = { id, sessionId, sentence, waiting: done ? null : text };
        setCopies((before) => {
          // A newer one was quicker.
          if (before.some((one) => one.sessionId === sessionId && one.id > id)) return before;
          return [...before.filter((one) => one.sessionId !== sessionId), copy].slice(-MOST);
        });
      })();
    });
  }, [client, on]);
  const drop = (id: number) => setCopies((before) => before.filter((one) => one.id !== id));
  return copies.map((copy) => <Line key={copy.id} copy={copy} drop={() => drop(copy.id)} />);
}

function Line({ copy, drop }: { copy: Copy; drop: () => void }) {
  const { sentence, waiting } = copy;
  // biome-ignore lint/correctness/useExhaustiveDependencies: the time runs from when it is shown.
  useEffect(() => {
    if (waiting !== null) return;
    const timer = setTimeout(drop, SAID_MILLISECONDS);
    return () => clearTimeout(timer);
  }, [waiting]);
  return (
    <p className="notice" data-kind="copied">
      <span>{sentence}</span>
      {waiting !== null && (
        <button type="button" onClick={() => void copyText(waiting).then((done) => done && drop())}>
          Copy it
        </button>
      )}
      <button type="button" className="icon-button" aria-label="Dismiss" onClick={drop}>
        ×
      </button>
    </p>
  );
}
