import { describe, expect, it } from "vitest";
import { BINDINGS, chordText, commandOf, type KeyLike } from "../src/keys";

const press = (key: string, held: string, code = "", altGraph = false): KeyLike => ({
  key,
  code,
  ctrlKey: held.includes("c"),
  altKey: held.includes("a"),
  shiftKey: held.includes("s"),
  metaKey: held.includes("m"),
  getModifierState: (name) => name === "AltGraph" && altGraph,
});

describe("the keyboard map", () => {
  it("knows the page's chords", () => {
    expect(commandOf(press("Enter", "cs"), false)).toBe("palette");
    expect(commandOf(press("Enter", "ca"), false)).toBe("next");
    expect(commandOf(press("F6", "c"), false)).toBe("regions");
    expect(commandOf(press("F", "cs"), false)).toBe("search");
    expect(commandOf(press("5", "ca", "Digit5"), false)).toBe("position-5");
    expect(commandOf(press("k", "m"), true)).toBe("palette");
  });

  it("leaves Ctrl+letter, Alt+letter, Escape and the F-keys to the program", () => {
    for (const letter of "abcdefghijklmnopqrstuvwxyz") {
      expect(commandOf(press(letter, "c"), false)).toBeNull();
      expect(commandOf(press(letter, "a"), false)).toBeNull();
      expect(commandOf(press(letter, "c"), true)).toBeNull();
    }
    for (const key of ["Escape", "F1", "F6", "Enter", "Tab", "ArrowUp"])
      expect(commandOf(press(key, ""), false)).toBeNull();
  });

  it("takes a chord that types a character in the user's layout for text: AltGr is Ctrl+Alt on Windows", () => {
    // A Polish layout: AltGr+Z types ż; a German one: AltGr+2 types ².
    expect(commandOf(press("ż", "ca", "KeyZ", true), false)).toBeNull();
    expect(commandOf(press("²", "ca", "Digit2", true), false)).toBeNull();
    expect(commandOf(press("²", "ca", "Digit2"), false)).toBeNull();
    expect(commandOf(press("z", "ca", "KeyZ", true), false)).toBeNull();
    // Enter and arrows type nothing anywhere.
    expect(commandOf(press("Enter", "ca", "Enter", true), false)).toBe("next");
  });

  it("goes by the place of the key on a Mac, where Option types other characters", () => {
    expect(commandOf(press("Ω", "ca", "KeyZ"), true)).toBe("zoom");
  });

  it("can leave all chords but the palette's and the way out to the programs", () => {
    const kept = BINDINGS.filter(({ other }) => {
      const held = `${other.ctrl ? "c" : ""}${other.alt ? "a" : ""}${other.shift ? "s" : ""}${other.meta ? "m" : ""}`;
      return commandOf(press(other.key, held), false, true) !== null;
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
