/** Search in all terminals of a project and their recordings, with a jump to the place. */

import type { Match, SearchAnswer } from "@termwall/client";
import { useEffect, useId, useRef, useState } from "react";
import { api } from "../api";
import { useGivesKeysBack } from "../keys/keptKeys";
import { missingSentence } from "./missing";
import { clock } from "./playback";
import "../menus/Palette.css";
import "./Everywhere.css";

/** Milliseconds after the last letter until the server is asked, and until a search is said to take its time. */
const PAUSE = 150;
const SLOW = 200;

export function Everywhere(props: {
  projectId: string;
  onPick: (match: Match, text: string) => void;
  onClose: () => void;
}) {
  const { projectId, onPick, onClose } = props;
  const element = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const [answer, setAnswer] = useState<SearchAnswer | null>(null);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const [chosen, setChosen] = useState(0);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  useGivesKeysBack();
  useEffect(() => {
    setProblem("");
    if (text === "") {
      setAnswer(null);
      return;
    }
    const abort = new AbortController();
    let slow: ReturnType<typeof setTimeout> | undefined;
    const timer = setTimeout(() => {
      slow = setTimeout(() => setBusy(true), SLOW);
      api
        .search(projectId, text, abort.signal)
        .then((found) => {
          setAnswer(found);
          setChosen(0);
        })
        .catch((error: unknown) => {
          if (!abort.signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
        })
        .finally(() => {
          clearTimeout(slow);
          if (!abort.signal.aborted) setBusy(false);
        });
    }, PAUSE);
    return () => {
      abort.abort();
      clearTimeout(timer);
      clearTimeout(slow);
      setBusy(false);
    };
  }, [projectId, text]);
  const matches = answer?.matches ?? [];
  const current = Math.min(chosen, matches.length - 1);
  useEffect(() => {
    document.getElementById(`${id}-${current}`)?.scrollIntoView({ block: "nearest" });
  }, [current, id]);
  const pick = (match: Match | undefined) => {
    if (match === undefined) return;
    onClose();
    // After the dialog gave the focus back, so that the jump may move it.
    setTimeout(() => onPick(match, text));
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === "ArrowDown") setChosen(Math.min(current + 1, matches.length - 1));
    else if (event.key === "ArrowUp") setChosen(Math.max(current - 1, 0));
    else if (event.key === "Enter") pick(matches[current]);
    else return;
    event.preventDefault();
  };
  const said = problem || (busy ? "Searching…" : summary(text, answer));
  return (
    <dialog
      ref={element}
      className="palette everywhere"
      aria-label="Search all terminals"
      onClose={onClose}
      onClick={(event) => event.target === element.current && onClose()}
      onKeyDown={onKeyDown}
    >
      <input
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={matches.length > 0 ? `${id}-${current}` : undefined}
        aria-label="Search all terminals"
        placeholder="Search all terminals and recordings"
        value={text}
        maxLength={256}
        spellCheck={false}
        onChange={(event) => setText(event.target.value)}
      />
      <div role="listbox" id={`${id}-list`} aria-label="Results">
        {matches.map((match, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the combobox keeps the focus and names the active option.
          // biome-ignore lint/a11y/useKeyWithClickEvents: its keys are the combobox's.
          <div
            // biome-ignore lint/suspicious/noArrayIndexKey: a new answer is a new list.
            key={index}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            className="row"
            onMouseMove={() => setChosen(index)}
            onClick={() => pick(match)}
          >
            <span className="where">
              {match.sessionName}
              {match.recordingId != null && <span className="muted"> recording, {clock(match.time ?? 0)}</span>}
              {match.node && <span className="muted"> on {match.node}</span>}
            </span>
            <code className="grow">
              <Marked match={match} />
            </code>
          </div>
        ))}
      </div>
      <p className={problem ? "problem" : "muted"} role="status">
        {said}
      </p>
    </dialog>
  );
}

/** A line with its match. Places in it count whole characters; an emoji is one. */
function Marked({ match: { text, start, end } }: { match: Match }) {
  const letters = [...text];
  return (
    <>
      {letters.slice(0, start).join("")}
      <mark>{letters.slice(start, end).join("")}</mark>
      {letters.slice(end).join("")}
    </>
  );
}

function summary(text: string, answer: SearchAnswer | null): string {
  if (text === "" || answer === null) return "Small letters find both cases.";
  const { matches, truncated, skipped } = answer;
  const count = matches.length === 0 ? "Nothing was found." : `${matches.length}${truncated ? " and more" : ""} found.`;
  const undrawn = skipped.length > 0 ? `${skipped.length} could not be searched: no screen can be drawn now.` : "";
  return [count, undrawn, missingSentence(answer.missing ?? [], "searched")].filter((part) => part !== "").join(" ");
}
