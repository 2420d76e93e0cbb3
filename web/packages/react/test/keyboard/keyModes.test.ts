import { Terminal } from "@xterm/headless";
import { describe, expect, it } from "vitest";
import { KeyModes, STACK } from "../../src/keyboard/keyModes";

async function after(...output: string[]): Promise<KeyModes> {
  const terminal = new Terminal({ allowProposedApi: true });
  const modes = new KeyModes(terminal.parser, () => terminal.buffer.active.type === "alternate");
  for (const part of output) await new Promise<void>((done) => terminal.write(part, done));
  return modes;
}

const CSI = "\x1b[";

describe("what keys a program asked for", () => {
  it.each([
    ["", 0],
    [`${CSI}>1u`, 1],
    [`${CSI}>u`, 0],
    [`${CSI}>1u${CSI}>5u`, 5],
    [`${CSI}>1u${CSI}>5u${CSI}<u`, 1],
    [`${CSI}>1u${CSI}>5u${CSI}<9u`, 0],
    [`${CSI}=5u`, 5],
    [`${CSI}=5;1u${CSI}=2;2u`, 7],
    [`${CSI}=7u${CSI}=1;3u`, 6],
    [`${CSI}=3u${CSI}<u`, 0],
    [`${CSI}>5u${CSI}>99u`, 5],
    [`${CSI}>5u\x1bc`, 0],
    [`${CSI}>5u${CSI}!p`, 0],
    [`${CSI}>5u${CSI}?1049h`, 0],
    [`${CSI}>5u${CSI}?1049h${CSI}>3u`, 3],
    [`${CSI}>5u${CSI}?1049h${CSI}>3u${CSI}?1049l`, 5],
    [`${CSI}>5u${CSI}?1049h${CSI}>3u${CSI}?1049l${CSI}?1049h`, 3],
    [Array.from({ length: STACK + 2 }, (_, n) => `${CSI}>${n + 1}u`).join(""), STACK + 2],
    [`${Array.from({ length: STACK + 2 }, (_, n) => `${CSI}>${n + 1}u`).join("")}${CSI}<${STACK - 1}u`, 3],
    [`${Array.from({ length: STACK + 2 }, (_, n) => `${CSI}>${n + 1}u`).join("")}${CSI}<${STACK}u`, 0],
  ])("%j leaves kitty's flags at %i", async (output, flags) => {
    expect((await after(output)).kitty).toBe(flags);
  });

  it.each([
    [`${CSI}>4;1m`, 1, 0],
    [`${CSI}>4;2m`, 2, 0],
    [`${CSI}>4;2m${CSI}>4m`, 0, 0],
    [`${CSI}>4;2m${CSI}>m`, 0, 0],
    [`${CSI}>4;2m${CSI}>4n`, 0, 0],
    [`${CSI}>4;2m${CSI}>1;2m`, 2, 0],
    [`${CSI}>4;2m${CSI}>4;1f`, 2, 1],
    [`${CSI}>4;2m${CSI}>4;1f\x1bc`, 0, 0],
    [`${CSI}>4;3m`, 2, 0],
    [`${CSI}>0;1m`, 0, 0],
  ])("%j leaves modifyOtherKeys at %i, its form at %i", async (output, level, form) => {
    const modes = await after(output);
    expect([modes.modifyOtherKeys, modes.formatOtherKeys]).toEqual([level, form]);
  });

  it("is the same however the output is cut", async () => {
    const modes = await after("\x1b", "[>", "5", "u\x1b[>4", ";", "2m");
    expect([modes.kitty, modes.modifyOtherKeys]).toEqual([5, 2]);
  });
});
