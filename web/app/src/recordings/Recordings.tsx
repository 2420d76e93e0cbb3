/** The recordings of a project: list, play, download, delete. */

import type { RecordingList } from "@termwall/client";
import { useCallback, useEffect, useState } from "react";
import { api, castUrl } from "../api";
import { Dialog } from "../dialogs/Dialog";
import { useServerNow } from "../time";
import { missingSentence } from "./missing";
import { type Moment, Player } from "./Player";
import { clock } from "./playback";
import "./Recordings.css";

export interface Playing {
  id: string;
  /** Where to begin; from the beginning, and at once, where nothing is said. */
  start: Moment | null;
}

export function Recordings(props: { projectId: string; play?: Playing; canType: boolean; onClose: () => void }) {
  const { projectId, canType, onClose } = props;
  const [found, setFound] = useState<RecordingList | null>(null);
  const [playing, setPlaying] = useState<Playing | null>(props.play ?? null);
  const [asked, setAsked] = useState<string | null>(null);
  const [problem, setProblem] = useState("");
  const now = useServerNow(1000);
  const explain = useCallback(
    (error: unknown) => setProblem(error instanceof Error ? error.message : String(error)),
    [],
  );
  const load = useCallback(() => api.recordings(projectId).then(setFound, explain), [projectId, explain]);
  useEffect(() => void load(), [load]);
  const list = found?.recordings ?? null;
  const missing = missingSentence(found?.missing ?? [], "listed");
  const current = list?.find((one) => one.id === playing?.id);
  const remove = async (id: string) => {
    try {
      await api.deleteRecording(id);
      setAsked(null);
      await load();
    } catch (error) {
      explain(error);
    }
  };
  return (
    <Dialog title={current ? `Recording of ${current.sessionName}` : "Recordings"} onClose={onClose} wide>
      {problem && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {playing !== null ? (
        <Player
          key={playing.id}
          id={playing.id}
          start={playing.start}
          label={`Recording of ${current?.sessionName ?? "a terminal"}`}
        />
      ) : list === null ? (
        <p className="muted">Loading…</p>
      ) : list.length === 0 && missing === "" ? (
        <p>Nothing was recorded yet. Choose “Record” in a terminal's menu.</p>
      ) : (
        <ul className="rows recordings">
          {list.map((one) => (
            <li key={one.id}>
              <span className="what grow">
                <b>{one.sessionName}</b>{" "}
                <span className="muted">
                  {new Date(one.startedAt).toLocaleString()} ·{" "}
                  {clock(one.endedAt === null ? (now - one.startedAt) / 1000 : (one.seconds ?? 0))} ·{" "}
                  {megabytes(one.bytes)}
                  {one.node && ` · on ${one.node}`}
                  {one.endedAt === null && " · records"}
                </span>
                {one.error && <span className="problem">{one.error}</span>}
              </span>
              <button
                type="button"
                onClick={() => setPlaying({ id: one.id, start: null })}
                aria-label={`Play the recording of ${one.sessionName}`}
              >
                Play
              </button>
              <a href={castUrl(one.id)} download aria-label={`Download the recording of ${one.sessionName}`}>
                Download
              </a>
              {canType &&
                one.endedAt !== null &&
                (asked === one.id ? (
                  <button type="button" className="primary" onClick={() => void remove(one.id)}>
                    Really delete
                  </button>
                ) : (
                  <button
                    type="button"
                    onClick={() => setAsked(one.id)}
                    aria-label={`Delete the recording of ${one.sessionName}`}
                  >
                    Delete
                  </button>
                ))}
            </li>
          ))}
        </ul>
      )}
      {playing === null && missing !== "" && <p role="status">{missing}</p>}
      <div className="buttons">
        {playing !== null && (
          <button type="button" onClick={() => setPlaying(null)}>
            All recordings
          </button>
        )}
        <button type="button" onClick={onClose}>
          Close
        </button>
      </div>
    </Dialog>
  );
}

function megabytes(bytes: number): string {
  return bytes < 100_000 ? `${Math.ceil(bytes / 1000)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
