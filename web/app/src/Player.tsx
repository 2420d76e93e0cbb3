/** Plays a recording in a terminal of its own, with a time line. */

import { DARK, Engine, LIGHT } from "@termwall/react";
import { useCallback, useEffect, useRef, useState } from "react";
import { textOf } from "./api";
import { between, type Cast, clock, parseCast, sizeOf } from "./cast";

const SPEEDS = [0.5, 1, 2, 4, 8];
const STEP = 5;
/** Longer pauses are shortened to this, in seconds, unless the user wants them. */
const IDLE = 2;

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
const done = () => {};

export function Player({ source, start = 0, label }: { source: string; start?: number; label: string }) {
  const host = useRef<HTMLDivElement>(null);
  const engine = useRef<Engine | null>(null);
  const [cast, setCast] = useState<Cast | null>(null);
  const [problem, setProblem] = useState("");
  const [at, setAt] = useState(start);
  const [playing, setPlaying] = useState(false);
  const [speed, setSpeed] = useState(1);
  const [skipIdle, setSkipIdle] = useState(true);
  const position = useRef<number | null>(null);

  const go = useCallback((to: number, of: Cast) => {
    const terminal = engine.current;
    if (terminal === null) return;
    const again = position.current === null || to < position.current;
    if (again) {
      terminal.write({ ...PIECE, data: "\x1bc", snapshot: true, cols: of.cols, rows: of.rows }, done);
    }
    for (const [, code, data] of between(of, again ? null : position.current, to)) {
      const size = code === "r" ? sizeOf(data) : null;
      if (size) terminal.resize(size.cols, size.rows);
      else if (code === "o") terminal.write({ ...PIECE, data }, done);
    }
    position.current = to;
    setAt(to);
  }, []);

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    const abort = new AbortController();
    textOf(source, abort.signal)
      .then((text) => {
        const found = parseCast(text);
        const light = document.documentElement.dataset.theme === "light";
        const fontSize = Math.min(14, Math.max(6, Math.floor(element.clientWidth / (found.cols * LETTER))));
        const options = { fontSize, theme: light ? LIGHT : DARK, screenReaderMode: false, cursorBlink: false };
        const terminal = new Engine(options, QUIET);
        terminal.mount(element);
        engine.current = terminal;
        position.current = null;
        setCast(found);
        go(Math.min(start, found.duration), found);
        setPlaying(start === 0);
      })
      .catch((error: unknown) => {
        if (!abort.signal.aborted) setProblem(error instanceof Error ? error.message : String(error));
      });
    return () => {
      abort.abort();
      engine.current?.dispose();
      engine.current = null;
    };
  }, [source, start, go]);

  useEffect(() => {
    if (!playing || cast === null) return;
    let frame = 0;
    let before = performance.now();
    const turn = (now: number) => {
      const here = position.current ?? 0;
      let next = here + ((now - before) / 1000) * speed;
      before = now;
      const coming = cast.events.find(([time]) => time > here)?.[0] ?? cast.duration;
      if (skipIdle && coming - here > IDLE && next < coming - IDLE) next = coming - IDLE;
      if (next >= cast.duration) {
        go(cast.duration, cast);
        setPlaying(false);
        return;
      }
      go(next, cast);
      frame = requestAnimationFrame(turn);
    };
    frame = requestAnimationFrame(turn);
    return () => cancelAnimationFrame(frame);
  }, [playing, cast, speed, skipIdle, go]);

  const toggle = () => {
    if (cast === null) return;
    if (!playing && at >= cast.duration) go(0, cast);
    setPlaying(!playing);
  };
  const jump = (to: number) => cast && go(Math.min(cast.duration, Math.max(0, to)), cast);
  const onKeyDown = (event: React.KeyboardEvent) => {
    const inList = event.target instanceof HTMLSelectElement;
    if (event.key === " " && !(event.target instanceof HTMLButtonElement)) toggle();
    else if (event.key === "ArrowLeft" && !inList) jump(at - STEP);
    else if (event.key === "ArrowRight" && !inList) jump(at + STEP);
    else if (event.key === "Home" && !inList) jump(0);
    else if (event.key === "End" && !inList) jump(cast?.duration ?? 0);
    else return;
    event.preventDefault();
  };
  const duration = cast?.duration ?? 0;
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys of the player work wherever the focus is in it.
    <div className="player" onKeyDown={onKeyDown}>
      {problem !== "" && (
        <p className="problem" role="alert">
          {problem}
        </p>
      )}
      {cast === null && problem === "" && <p className="muted">Loading…</p>}
      <section className="player-screen" ref={host} aria-label={label} />
      <div className="player-bar">
        <button type="button" className="primary" onClick={toggle} disabled={cast === null}>
          {playing ? "Pause" : "Play"}
        </button>
        <input
          type="range"
          aria-label="Time"
          aria-valuetext={`${clock(at)} of ${clock(duration)}`}
          min={0}
          max={duration}
          step={0.1}
          value={at}
          onChange={(event) => jump(Number(event.target.value))}
        />
        <output>
          {clock(at)} / {clock(duration)}
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
