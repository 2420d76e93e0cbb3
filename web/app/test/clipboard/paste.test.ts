import { describe, expect, it } from "vitest";
import { cleanPaste, pasteLines } from "../../src/clipboard/paste";

describe("pasting", () => {
  it("presses no keys: control characters are taken out, tabs and line ends stay", () => {
    expect(cleanPaste("a\tb\r\nc\rd")).toBe("a\tb\nc\nd");
    expect(cleanPaste("x\x1b[201~y\x03z\x7f\x9b")).toBe("x[201~yz");
  });

  it("asks where a line end would run a command", () => {
    expect(pasteLines("one", false)).toBe(0);
    expect(pasteLines("one\n", false)).toBe(1);
    expect(pasteLines("one\ntwo", false)).toBe(2);
    expect(pasteLines("one\ntwo\n", false)).toBe(2);
  });

  it("does not ask where the program takes a paste as one", () => {
    expect(pasteLines("one\ntwo\n", true)).toBe(0);
  });
});
