import type { Frame, Timeline } from "@termwall/client";
import { expect, test } from "vitest";
import { clock, Playback, type Screen, type Source } from "../../src/recordings/playback";

/** Parts of numbered lines, one each tenth of a second, with a key frame each hundred of them. */
function recording(parts: number, lines: number, text = "") {
  const files: string[] = [];
  const frames: Frame[] = [];
  const timeline: Timeline["parts"][number][] = [];
  for (let part = 1; part <= parts; part++) {
    const start = ((part - 1) * lines) / 10;
    const cols = 80 + part;
    let file = `${JSON.stringify({ version: 2, width: cols, height: 24 })}\n`;
    file += `${JSON.stringify([0, "o", part === 1 ? "" : "as it was"])}\n`;
    for (let line = 0; line < lines; line++) {
      const number = (part - 1) * lines + line;
      if (number % 100 === 0)
        frames.push({ part, time: number / 10, at: file.length, cols, rows: 24, data: `${number} lines ` });
      file += `${JSON.stringify([line / 10 + 0.05, "o", `${number}${text} `])}\n`;
    }
    files.push(file);
    timeline.push({ part, start, bytes: file.length, cols, rows: 24, continues: part > 1 });
  }
  return { files, frames, timeline: { parts: timeline, seconds: (parts * lines) / 10 } };
}

/** A terminal that takes what it gets a moment later, and counts what it has not taken. */
class Paper implements Screen {
  text = "";
  size = "";
  waiting = 0;
  most = 0;
  resets = 0;
  private later: Promise<void> = Promise.resolve();

  private soon(work: () => void): void {
    this.later = this.later.then(work);
  }
  reset({ cols, rows, data }: { cols: number; rows: number; data: string }, taken: () => void): void {
    this.resets++;
    this.soon(() => {
      this.text = data;
      this.size = `${cols}x${rows}`;
      taken();
    });
  }
  write(data: string, taken: () => void): void {
    this.waiting += data.length;
    this.most = Math.max(this.most, this.waiting);
    this.soon(() => {
      this.text += data;
      this.waiting -= data.length;
      taken();
    });
  }
  resize(cols: number, rows: number): void {
    this.soon(() => {
      this.size = `${cols}x${rows}`;
    });
  }
}

function player({ files, frames, timeline }: ReturnType<typeof recording>) {
  const reads: string[] = [];
  const source: Source = {
    frame: async (seconds) => frames.filter((one) => one.time <= seconds).at(-1) as Frame,
    bytes: async (part, from, to) => {
      reads.push(`${part}:${from}`);
      await Promise.resolve();
      return new TextEncoder().encode(files[part - 1]).slice(from, to);
    },
  };
  const paper = new Paper();
  return { reads, paper, playback: new Playback(source, paper, timeline) };
}

/** What the paper shows at a moment: the last frame's count, and the numbers since. */
function shown(seconds: number): string {
  const printed = Math.floor(seconds * 10 + 0.5);
  const counted = Math.floor(seconds / 10) * 100;
  const since = Array.from({ length: printed - counted }, (_, index) => `${counted + index} `).join("");
  return `${counted} lines ${since}`;
}

test("case command-line 12: a seek shows the moment, from the nearest key frame", async () => {
  const { playback, paper, reads } = player(recording(3, 1000));
  for (const moment of [0, 0.06, 299.99, 150.07, 100.02, 99.97, 250.01, 5.06]) {
    expect(await playback.seek(moment)).toBe(true);
    expect(paper.text).toBe(shown(moment));
    expect(paper.size).toBe(`${81 + Math.floor(moment / 100)}x24`);
    expect(playback.at).toBe(moment);
  }
  expect(reads.length).toBeLessThan(20);
});

test("case command-line 12: whoever presses Left twenty times is there, and nothing is shown twice", async () => {
  const { playback, paper } = player(recording(2, 3000));
  await playback.seek(600);
  const answers: Promise<boolean>[] = [];
  for (let back = 1; back <= 20; back++) {
    answers.push(playback.seek(600 - 5 * back + 0.06));
    if (back % 3 === 0) await Promise.resolve();
    if (back % 7 === 0) await answers.at(-1);
  }
  expect((await Promise.all(answers)).at(-1)).toBe(true);
  expect(paper.text).toBe(shown(500.06));
});

test("case command-line 12: it plays over all parts, each line once, and seeks ahead only where that is shorter", async () => {
  const { playback, paper } = player(recording(3, 50));
  await playback.seek(0);
  for (let moment = 0.3; moment < 15; moment += 0.7) expect(await playback.advance(moment)).toBe(true);
  await playback.advance(99);
  expect(paper.text).toBe(`0 lines ${Array.from({ length: 150 }, (_, index) => `${index} `).join("")}`);
  expect([paper.size, playback.at, paper.resets]).toEqual(["83x24", 15, 1]);
  expect(playback.coming).toBe(15);
});

test("case command-line 12: the terminal is waited for, however much there is", async () => {
  const { playback, paper } = player(recording(1, 99, "x".repeat(20_000)));
  await playback.seek(0);
  await playback.advance(9.9);
  expect(paper.text.length).toBeGreaterThan(1_900_000);
  expect(paper.most).toBeLessThan(100_000);
});

test("case command-line 12: half a last line, nonsense and lines of other kinds are left out", async () => {
  const one = recording(1, 10);
  one.files[0] += 'nonsense\n[0.97,"m","a marker"]\n[0.97,"r","wide"]\n[0.98,"o","é日"]\n[0.99,"o","hal';
  const [part] = one.timeline.parts;
  if (part) part.bytes = new TextEncoder().encode(one.files[0]).length;
  const { playback, paper } = player(one);
  await playback.seek(1);
  expect(paper.text).toBe(`${shown(0.96)}é日`);
});

test("case command-line 12: a place that cannot be read is reported, and the next one can be asked for", async () => {
  const { playback, paper } = player(recording(1, 300));
  const { frame } = (playback as unknown as { source: Source }).source;
  (playback as unknown as { source: Source }).source.frame = () => Promise.reject(new Error("gone"));
  await expect(playback.seek(5)).rejects.toThrow("gone");
  (playback as unknown as { source: Source }).source.frame = frame;
  await playback.seek(5.06);
  expect(paper.text).toBe(shown(5.06));
});

test("a place on the time line is reported in minutes and seconds", () => {
  expect([clock(0), clock(65.9), clock(3601)]).toEqual(["0:00", "1:05", "1:00:01"]);
});
