/** Plays a recording in a terminal of its own, with a time line over all of its parts. */

import { DARK, Engine, LIGHT } from "@termwall/react";
import { useCallback, useEffect, useRef, useState } from "react";
import { api, castBytes } from "../api";
import { clock, Playback, type Screen } from "./playback";
import "./Player.css";

const SPEEDS = [0.5, 1, 2, 4, 8];
const STEP = 5;
/** Longer pauses are shortened to this, in seconds, unless the user wants them. */
const IDLE = 2;
/** Milliseconds that one turn of the clock takes at most: where the terminal cannot follow, the clock waits for it. */
const TURN = 250;

const PIECE = { offset: 0, snapshot: false, replay: true };
const QUIET = {
  data: () => {},
  drives: () => false,
  points: () => false,
  menu: () => false,
  key: () => false,
  paste: () => {},
};
/** How wide a letter is, in parts of its size. */
const LETTER = 0.61;

/** A place in a recording, as a search finds it: seconds from the beginning of a part. */
export interface Moment {
  part: number;
  time: number;
}

export function Player({ id, start, label }: { id: string; start: Moment | null; label: string }) {
  const host = useRef<HTMLDivElement>(null);
  const playback = useRef<Playback | null>(null);
  const wanted = useRef(0);
  const [duration, setDuration] = useState<number | null>(null);
  const [problem, setProblem] = useState("");
  const [at, setAt] = useState(0);
  const [playing, setPlaying] = useState(false);
  const [seeking, setSeeking] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [skipIdle, setSkipIdle] = useState(true);

  const explain = useCallback((error: unknown) => {
    setPlaying(false);
    setSeeking(false);
    setProblem(error instanceof Error ? error.message : String(error));
  }, []);

  /** Show a moment. The last one that was asked for counts. */
  const jump = useCallback(
    (to: number) => {
      const player = playback.current;
      if (player === null) return;
      wanted.current = Math.min(player.timeline.seconds, Math.max(0, to));
      setAt(wanted.current);
      setSeeking(true);
      setProblem("");
      player.seek(wanted.current).then((done) => done && setSeeking(false), explain);
    },
    [explain],
  );

  const [part, time] = [start?.part ?? null, start?.time ?? 0];
  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const abort = new AbortController();
    let terminal: Engine | null = null;
    api
      .timeline(id, abort.signal)
      .then((timeline) => {
        const light = document.documentElement.dataset.theme === "light";
        const widest = Math.max(...timeline.parts.map((one) => one.cols), 1);
        const fontSize = Math.min(14, Math.max(6, Math.floor(element.clientWidth / (widest * LETTER))));
        const options = { fontSize, theme: light ? LIGHT : DARK, screenReaderMode: false, cursorBlink: false };
        terminal = new Engine(options, QUIET);
        terminal.mount(element);
        playback.current = new Playback(sourceOf(id), screenOf(terminal), timeline);
        setDuration(timeline.seconds);
        const begins = timeline.parts.find((one) => one.part === part)?.start ?? 0;
        jump(begins + time);
        setPlaying(part === null);
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) explain(error);
      });
    return () => {
      abort.abort();
      playback.current?.stop();
      playback.current = null;
      terminal?.dispose();
    };
  }, [id, part, time, jump, explain]);

  useEffect(() => {
    const player = playback.current;
    if (!playing || seeking || player === null) return;
    let frame = 0;
    let before = performance.now();
    let busy = false;
    const turn = (now: number) => {
      frame = requestAnimationFrame(turn);
      if (busy) return;
      let next = wanted.current + (Math.min(TURN, now - before) / 1000) * speed;
      before = now;
      const { coming } = player;
      if (skipIdle && coming - wanted.current > IDLE && next < coming - IDLE) next = coming - IDLE;
      busy = true;
      player.advance(next).then((done) => {
        busy = false;
        if (!done) return;
        wanted.current = Math.min(next, player.timeline.seconds);
        setAt(wanted.current);
        if (next >= player.timeline.seconds) setPlaying(false);
      }, explain);
    };
    frame = requestAnimationFrame(turn);
    return () => cancelAnimationFrame(frame);
  }, [playing, seeking, speed, skipIdle, explain]);

  const end = duration ?? 0;
  const toggle = () => {
    if (duration === null) return;
    if (!playing && at >= end) jump(0);
    setPlaying(!playing);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const inList = event.target instanceof HTMLSelectElement;
    if (event.key === " " && !(event.target instanceof HTMLButtonElement)) toggle();
    else if (event.key === "ArrowLeft" && !inList) jump(wanted.current - STEP);
    else if (event.key === "ArrowRight" && !inList) jump(wanted.current + STEP);
    else if (event.key === "Home" && !inList) jump(0);
    else if (event.key === "End" && !inList) jump(end);
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys of the player work wherever the focus is in it.
    <div className="player" onKeyDown={onKeyDown}>
      {problem !== "" && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {duration === null && problem === "" && <p className="muted">Loading…</p>}
      <section className="player-screen" ref={host} aria-label={label} aria-busy={seeking} />
      <div className="player-bar">
        <button type="button" className="primary" onClick={toggle} disabled={duration === null}>
          {playing ? "Pause" : "Play"}
        </button>
        <input
          type="range"
          aria-label="Time"
          aria-valuetext={`${clock(at)} of ${clock(end)}`}
          min={0}
          max={end}
          step={0.1}
          value={at}
          onChange={(event) => jump(Number(event.target.value))}
        />
        <output>
          {clock(at)} / {clock(end)}
        </output>
        <label>
          Speed
          <select value={speed} onChange={(event) => setSpeed(Number(event.target.value))}>
            {SPEEDS.map((one) => (
              <option key={one} value={one}>
                {one}×
              </option>
            ))}
          </select>
        </label>
        <label>
          <input type="checkbox" checked={skipIdle} onChange={() => setSkipIdle(!skipIdle)} /> Shorten pauses
        </label>
        <button type="button" onClick={() => void host.current?.parentElement?.requestFullscreen?.()}>
          Full screen
        </button>
      </div>
    </div>
  );
}

const sourceOf = (id: string) => ({
  frame: (seconds: number, signal: AbortSignal) => api.frame(id, seconds, signal),
  bytes: (part: number, from: number, to: number, signal: AbortSignal) => castBytes(id, part, from, to, signal),
});

function screenOf(terminal: Engine): Screen {
  return {
    reset: ({ cols, rows, data }, taken) =>
      terminal.write({ ...PIECE, data: `\x1bc${data}`, snapshot: true, cols, rows }, taken),
    write: (data, taken) => terminal.write({ ...PIECE, data }, taken),
    resize: (cols, rows) => terminal.resize(cols, rows),
  };
}
