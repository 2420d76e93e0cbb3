import type { KeyPress } from "@termwall/react";
import { describe, expect, it } from "vitest";
import { BINDINGS, chordText, commandOf } from "../../src/keys/keys";

const press = (key: string, held: string, code = "", altGraph = false, keyCode = 0): KeyPress => ({
  type: "keydown",
  key,
  code,
  keyCode,
  location: 0,
  repeat: false,
  isComposing: false,
  ctrlKey: held.includes("c"),
  altKey: held.includes("a"),
  shiftKey: held.includes("s"),
  metaKey: held.includes("m"),
  getModifierState: (name) => name === "AltGraph" && altGraph,
});

describe("the keyboard map", () => {
  it("knows the page's chords", () => {
    expect(commandOf(press("Enter", "cs"), "other")).toBe("palette");
    expect(commandOf(press("Enter", "ca"), "other")).toBe("next");
    expect(commandOf(press("F6", "c"), "other")).toBe("regions");
    expect(commandOf(press("F", "cs"), "other")).toBe("search");
    expect(commandOf(press("5", "ca", "Digit5"), "other")).toBe("position-5");
    expect(commandOf(press("k", "m"), "mac")).toBe("palette");
  });

  it("leaves Ctrl+letter, Alt+letter, Escape and the F-keys to the program", () => {
    for (const letter of "abcdefghijklmnopqrstuvwxyz") {
      expect(commandOf(press(letter, "c"), "other")).toBeNull();
      expect(commandOf(press(letter, "a"), "other")).toBeNull();
      expect(commandOf(press(letter, "c"), "mac")).toBeNull();
    }
    for (const key of ["Escape", "F1", "F6", "Enter", "Tab", "ArrowUp"])
      expect(commandOf(press(key, ""), "other")).toBeNull();
  });

  it("takes a chord that types a character in the user's layout for text: AltGr is Ctrl+Alt on Windows", () => {
    // A Polish layout: AltGr+Z types ż; a German one: AltGr+2 types ².
    expect(commandOf(press("ż", "ca", "KeyZ", true), "other")).toBeNull();
    expect(commandOf(press("²", "ca", "Digit2", true), "other")).toBeNull();
    expect(commandOf(press("²", "ca", "Digit2"), "other")).toBeNull();
    expect(commandOf(press("z", "ca", "KeyZ", true), "other")).toBeNull();
    // Enter and arrows type nothing anywhere.
    expect(commandOf(press("Enter", "ca", "Enter", true), "other")).toBe("next");
  });

  it("goes by the place of the key on a Mac, where Option types other characters", () => {
    expect(commandOf(press("Ω", "ca", "KeyZ"), "mac")).toBe("zoom");
  });

  it("case page 2: matches the character, and the place of the key where the layout gives no Latin letter", () => {
    expect(commandOf(press("С", "cs", "KeyC"), "other")).toBe("copy"); // Russian
    expect(commandOf(press("т", "ca", "KeyN"), "other")).toBe("new");
    expect(commandOf(press("ν", "ca", "KeyN"), "other")).toBe("new"); // Greek
    expect(commandOf(press("ה", "ca", "KeyV"), "other")).toBeNull();
    expect(commandOf(press("z", "ca", "KeyY"), "other")).toBe("zoom"); // German
    expect(commandOf(press("y", "ca", "KeyZ"), "other")).toBeNull();
    expect(commandOf(press("z", "ca", "KeyW"), "other")).toBe("zoom"); // French
    expect(commandOf(press("&", "ca", "Digit1"), "other")).toBe("position-1");
    expect(commandOf(press("ç", "ca", "Digit9"), "other")).toBe("position-9");
    expect(commandOf(press("b", "ca", "KeyN"), "other")).toBeNull(); // Dvorak
    expect(commandOf(press("ü", "ca", "KeyG"), "windows")).toBeNull(); // Turkish F
    expect(commandOf(press("†", "ca", "KeyZ", false, 89), "mac")).toBeNull(); // Mac, German: y is there.
    expect(commandOf(press("Ω", "ca", "KeyY", false, 90), "mac")).toBe("zoom");
    expect(commandOf(press("Dead", "ca", "KeyN"), "mac")).toBe("new");
  });

  it("can leave all chords but the palette's and the way out to the programs", () => {
    const kept = BINDINGS.filter(({ other }) => {
      const held = `${other.ctrl ? "c" : ""}${other.alt ? "a" : ""}${other.shift ? "s" : ""}${other.meta ? "m" : ""}`;
      return commandOf(press(other.key, held), "other", true) !== null;
    });
    expect(kept.map(({ command }) => command)).toEqual(["palette", "regions"]);
  });

  it("gives each chord to one command only", () => {
    for (const mac of [false, true]) {
      const chords = BINDINGS.map(({ command }) => chordText(command, mac));
      expect(new Set(chords).size).toBe(chords.length);
    }
  });

  it("shows chords as they are pressed", () => {
    expect(chordText("palette", false)).toBe("Ctrl+Shift+Enter");
    expect(chordText("left", false)).toBe("Ctrl+Alt+←");
    expect(chordText("zoom", true)).toBe("Ctrl+Option+Z");
  });
});
