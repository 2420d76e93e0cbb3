/** What happened and is worth a sentence, for some seconds, with its one action. */

import type { Notice } from "@termwall/client";
import { useTermwall, useWorkspace } from "@termwall/react";
import { useEffect } from "react";
import { visible } from "../session/Held";
import { ProgramCopies } from "./ProgramCopies";
import "./Notices.css";

/** Most characters of what was not typed. */
const SHOWN_CHARACTERS = 60;

const SHOWN_MILLISECONDS: Record<Notice["kind"], number> = {
  evicted: 8_000,
  taken: 12_000,
  resumed: 4_000,
  jump: 5_000,
  conflict: 8_000,
  "input-dropped": 12_000,
  error: 12_000,
};

/** `programCopy`: whether what programs copy goes to the clipboard. */
export function Notices({ programCopy }: { programCopy: boolean }) {
  const notices = useWorkspace((state) => state.notices);
  return (
    <div className="notices" role="log" aria-label="Notices">
      {notices.slice(-3).map((notice) => (
        <Line key={notice.id} notice={notice} />
      ))}
      <ProgramCopies on={programCopy} />
    </div>
  );
}

function Line({ notice }: { notice: Notice }) {
  const { client } = useTermwall();
  const { id, kind, before } = notice;
  useEffect(() => {
    const timer = setTimeout(() => client.dismissNotice(id), SHOWN_MILLISECONDS[kind]);
    return () => clearTimeout(timer);
  }, [client, id, kind]);
  return (
    <p className="notice" data-kind={kind}>
      <span>
        {notice.text}
        {notice.typed && <code>{visible(notice.typed).slice(0, SHOWN_CHARACTERS)}</code>}
      </span>
      {before && (
        <button
          type="button"
          onClick={() => {
            client.dismissNotice(id);
            void client.focus(before, { expectedVersion: "current" }).catch(() => undefined);
          }}
        >
          Undo
        </button>
      )}
      <button type="button" className="icon-button" aria-label="Dismiss" onClick={() => client.dismissNotice(id)}>
        ×
      </button>
    </p>
  );
}
