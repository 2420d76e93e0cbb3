/** asciicast v2 recordings as the player needs them: https://docs.asciinema.org/manual/asciicast/v2/ */

export type CastEvent = readonly [time: number, code: string, data: string];

export interface Cast {
  cols: number;
  rows: number;
  title: string;
  events: readonly CastEvent[];
  /** Seconds. */
  duration: number;
}

/** A whole file. A last line that is not whole yet, of a recording that still runs, is left out. */
export function parseCast(text: string): Cast {
  const lines = text.split("\n");
  const header = read(lines[0] ?? "") as { version?: number; width?: number; height?: number; title?: string } | null;
  if (header?.version !== 2 || !header.width || !header.height) throw new Error("This is no asciicast v2 recording.");
  const events: CastEvent[] = [];
  for (const line of lines.slice(1)) {
    const value = read(line);
    if (Array.isArray(value) && typeof value[0] === "number" && typeof value[2] === "string")
      events.push([value[0], String(value[1]), value[2]]);
  }
  const duration = events.at(-1)?.[0] ?? 0;
  return { cols: header.width, rows: header.height, title: header.title ?? "", events, duration };
}

/** What has to be fed to a terminal to come from one time to another: all of it again when going back. */
export function between(cast: Cast, from: number | null, to: number): readonly CastEvent[] {
  return cast.events.filter(([time]) => (from === null || time > from) && time <= to);
}

/** The new size that an `r` event tells. */
export function sizeOf(data: string): { cols: number; rows: number } | null {
  const found = /^(\d+)x(\d+)$/.exec(data);
  return found ? { cols: Number(found[1]), rows: Number(found[2]) } : null;
}

/** Minutes and seconds. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = `${String(minutes).padStart(hours ? 2 : 1, "0")}:${String(whole % 60).padStart(2, "0")}`;
  return hours ? `${hours}:${rest}` : rest;
}

function read(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
