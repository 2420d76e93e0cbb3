import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { encodeKey, type KeyState } from "../../src/keyboard/encodeKey";
import type { KeyPress } from "../../src/keyboard/layout";

const PLAIN = new Map([
  ["Digit1", "1"],
  ["KeyY", "z"],
  ["Semicolon", "ö"],
]);
const STATE: KeyState = {
  kitty: 0,
  modifyOtherKeys: 0,
  formatOtherKeys: 0,
  applicationCursor: false,
  alternate: true,
  platform: "other",
  optionIsAlt: false,
  plain: new Map(),
};

interface More {
  location?: number;
  keyCode?: number;
  locks?: string[];
  type?: string;
  repeat?: boolean;
}

/** An event; held: s(hift) a(lt) c(trl) m(eta) g (AltGr). */
function press(key: string, code: string, held = "", more: More = {}): KeyPress {
  const { location = 0, keyCode = 0, locks = [], type = "keydown", repeat = false } = more;
  return {
    type,
    key,
    code,
    keyCode,
    location,
    repeat,
    isComposing: false,
    shiftKey: held.includes("s"),
    altKey: held.includes("a"),
    ctrlKey: held.includes("c"),
    metaKey: held.includes("m"),
    getModifierState: (name) => (name === "AltGraph" ? held.includes("g") : locks.includes(name)),
  };
}

const heldOf = (bits: number) => `${bits & 1 ? "s" : ""}${bits & 2 ? "a" : ""}${bits & 4 ? "c" : ""}`;

function table(name: string): string[][] {
  const text = readFileSync(new URL(`./${name}.tsv`, import.meta.url), "utf8");
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => line.split("\t"));
}

const bytesOf = (shown: string) =>
  shown
    .replaceAll("ESC ", "\x1b")
    .replaceAll("DEL", "\x7f")
    .replaceAll("\\r", "\r")
    .replaceAll("\\t", "\t")
    .replaceAll("\\b", "\b")
    .replaceAll(/\\x(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

describe("the bytes of a key", () => {
  it("are kitty's where a program asked for its protocol", () => {
    const wrong = [];
    for (const [flags, action, bits, key = "", code = "", location, wanted = ""] of table("kitty")) {
      const type = action === "3" ? "keyup" : "keydown";
      const event = press(key, code, heldOf(Number(bits)), {
        location: Number(location),
        type,
        repeat: action === "2",
      });
      const sent = encodeKey(event, { ...STATE, kitty: Number(flags), plain: PLAIN });
      if ((sent ?? "") !== bytesOf(wanted)) wrong.push([flags, action, bits, key, wanted, sent]);
    }
    expect(wrong).toEqual([]);
  });

  it("are xterm's where none did", () => {
    const wrong = [];
    for (const [level, bits, key = "", code = "", wanted = ""] of table("xterm")) {
      const event = press(key, code, heldOf(Number(bits)));
      const sent = encodeKey(event, { ...STATE, modifyOtherKeys: Number(level) });
      if (sent !== bytesOf(wanted)) wrong.push([level, bits, key, wanted, sent]);
    }
    expect(wrong).toEqual([]);
  });

  const mac: KeyState = { ...STATE, platform: "mac" };
  const windows: KeyState = { ...STATE, platform: "windows" };
  const optionIsAlt: KeyState = { ...mac, optionIsAlt: true };
  const other: KeyState = { ...STATE, modifyOtherKeys: 2 };
  const flags = (kitty: number, more: Partial<KeyState> = {}): KeyState => ({ ...STATE, kitty, ...more });
  const cases: [string, KeyPress, KeyState, string | null][] = [
    // Page case 1: a modifier that composes is no Alt.
    ["Mac, German: Option+L", press("@", "KeyL", "a", { keyCode: 76 }), mac, "@"],
    ["Mac, German: Option+5", press("[", "Digit5", "a"), mac, "["],
    ["Mac, German: Option+7", press("|", "Digit7", "a"), mac, "|"],
    ["Mac, German: Option+Shift+7", press("\\", "Digit7", "as"), mac, "\\"],
    ["Mac, German: Option+8", press("{", "Digit8", "a"), mac, "{"],
    ["Mac, French: Option+Shift+L", press("|", "KeyL", "as"), mac, "|"],
    ["Mac: Option+N begins a ~", press("Dead", "KeyN", "a", { keyCode: 229 }), mac, null],
    ["Mac: Option+Left", press("ArrowLeft", "ArrowLeft", "a"), mac, "\x1b[1;3D"],
    ["Mac: Option+Enter", press("Enter", "Enter", "a"), mac, "\x1b\r"],
    ["Mac: Option+Backspace", press("Backspace", "Backspace", "a"), mac, "\x1b\x7f"],
    ["Mac, Option is Alt: Option+B", press("∫", "KeyB", "a", { keyCode: 66 }), optionIsAlt, "\x1bb"],
    ["Mac, Option is Alt: Option+Shift+B", press("ı", "KeyB", "as", { keyCode: 66 }), optionIsAlt, "\x1bB"],
    ["Mac, Option is Alt: Option+N", press("Dead", "KeyN", "a", { keyCode: 229 }), optionIsAlt, "\x1bn"],
    ["Mac, Option is Alt: Option+5", press("[", "Digit5", "a", { keyCode: 53 }), optionIsAlt, "\x1b5"],
    [
      "Mac, Option is Alt, kitty: Option+L",
      press("@", "KeyL", "a", { keyCode: 76 }),
      { ...optionIsAlt, kitty: 1 },
      "\x1b[108;3u",
    ],
    ["Mac: Ctrl+C", press("c", "KeyC", "c"), mac, "\x03"],
    ["Mac: Command+C", press("c", "KeyC", "m"), mac, null],
    ["Mac, kitty: Command+C", press("c", "KeyC", "m"), { ...mac, kitty: 31 }, null],
    ["Mac: Ctrl+Option+B", press("∫", "KeyB", "ca", { keyCode: 66 }), mac, "\x1b\x02"],
    ["German: AltGr+Q", press("@", "KeyQ", "g"), STATE, "@"],
    ["German, Windows: AltGr+Q as Ctrl and Alt", press("@", "KeyQ", "cag"), windows, "@"],
    ["German, Windows: Ctrl+Alt+Q", press("@", "KeyQ", "ca"), windows, "@"],
    ["German, Windows: Ctrl+Alt+ß", press("\\", "Minus", "ca"), windows, "\\"],
    ["Polish, Windows: Ctrl+Alt+Z", press("ż", "KeyZ", "ca"), windows, "ż"],
    ["German, kitty: AltGr+Q", press("@", "KeyQ", "g"), flags(1), "@"],
    ["German, all kitty: AltGr+Q", press("@", "KeyQ", "g"), flags(25), "\x1b[113;;64u"],
    ["German: AltGr+Ctrl+ß", press("\\", "Minus", "cg"), STATE, "\x1c"],
    ["a dead key", press("Dead", "BracketLeft"), STATE, null],
    ["a dead key, all kitty", press("Dead", "BracketLeft"), flags(31), null],
    ["an input method", press("a", "KeyA", "", { keyCode: 229 }), flags(31), null],
    // Page case 2: other scripts.
    ["Russian: Ctrl+C", press("с", "KeyC", "c"), STATE, "\x03"],
    ["Russian: Alt+B", press("и", "KeyB", "a"), STATE, "\x1bb"],
    ["Russian: Alt+Shift+B", press("И", "KeyB", "as"), STATE, "\x1bB"],
    ["Russian: a letter", press("с", "KeyC"), STATE, null],
    ["Greek: Ctrl+D", press("δ", "KeyD", "c"), STATE, "\x04"],
    ["Russian, kitty: Ctrl+C", press("с", "KeyC", "c"), flags(1), "\x1b[99;5u"],
    ["Russian, kitty with alternates: Ctrl+C", press("с", "KeyC", "c"), flags(5), "\x1b[1089::99;5u"],
    ["Russian, kitty with alternates: Ctrl+Shift+C", press("С", "KeyC", "cs"), flags(5), "\x1b[1089:1057:99;6u"],
    ["Russian, all kitty: a letter", press("с", "KeyC"), flags(31), "\x1b[1089::99;;1089u"],
    ["Russian, modifyOtherKeys: Ctrl+Shift+Z", press("Я", "KeyZ", "cs"), other, "\x1b[27;6;90~"],
    ["Turkish: Ctrl+ı, named I by the browser", press("ı", "KeyI", "c", { keyCode: 73 }), STATE, "\t"],
    ["Turkish: Alt+ş", press("ş", "Semicolon", "a", { keyCode: 186 }), STATE, "\x1bş"],
    ["left Shift held on, all kitty", press("Shift", "ShiftLeft", "s", { location: 1, repeat: true }), flags(11), null],
    ["Turkish: Ctrl+ı", press("ı", "KeyI", "c"), STATE, null],
    ["French: Ctrl+é at the 2", press("é", "Digit2", "c"), STATE, "\0"],
    ["French: Ctrl+_ at the 8", press("_", "Digit8", "c"), STATE, "\x1f"],
    ["French: Alt+é", press("é", "Digit2", "a"), STATE, "\x1bé"],
    ["French: Ctrl+A at the Q", press("a", "KeyQ", "c"), STATE, "\x01"],
    ["German: Ctrl+Shift+7", press("/", "Digit7", "cs"), STATE, "\x1f"],
    // Page case 3: what xterm.js merges or swallows.
    ["Enter", press("Enter", "Enter"), STATE, "\r"],
    ["Shift+Enter", press("Enter", "Enter", "s"), STATE, "\x1b\r"],
    ["Ctrl+Enter", press("Enter", "Enter", "c"), STATE, "\x1b\r"],
    ["Shift+Enter, kitty", press("Enter", "Enter", "s"), flags(1), "\x1b[13;2u"],
    ["Shift+Enter, kitty, Num Lock", press("Enter", "Enter", "s", { locks: ["NumLock"] }), flags(1), "\x1b[13;2u"],
    [
      "Shift+Enter, all kitty, Num Lock",
      press("Enter", "Enter", "s", { locks: ["NumLock"] }),
      flags(8),
      "\x1b[13;130u",
    ],
    ["Shift+Enter, modifyOtherKeys", press("Enter", "Enter", "s"), other, "\x1b[27;2;13~"],
    ["Shift+Enter, as CSI u", press("Enter", "Enter", "s"), { ...other, formatOtherKeys: 1 }, "\x1b[13;2u"],
    ["kitty goes before modifyOtherKeys", press("Enter", "Enter", "s"), { ...other, kitty: 1 }, "\x1b[13;2u"],
    ["Enter of the number pad", press("Enter", "NumpadEnter", "", { location: 3 }), STATE, "\r"],
    ["Ctrl+/", press("/", "Slash", "c"), STATE, "\x1f"],
    ["Ctrl+2", press("2", "Digit2", "c"), STATE, "\0"],
    ["Ctrl+Space", press(" ", "Space", "c"), STATE, "\0"],
    ["Ctrl+Alt+/", press("/", "Slash", "ca"), STATE, "\x1b\x1f"],
    ["Ctrl+8", press("8", "Digit8", "c"), STATE, "\x7f"],
    ["Up in application mode", press("ArrowUp", "ArrowUp"), { ...STATE, applicationCursor: true }, "\x1bOA"],
    ["Up in application mode, kitty", press("ArrowUp", "ArrowUp"), flags(1, { applicationCursor: true }), "\x1b[A"],
    [
      "Ctrl+Up in application mode",
      press("ArrowUp", "ArrowUp", "c"),
      { ...STATE, applicationCursor: true },
      "\x1b[1;5A",
    ],
    ["Home of the number pad", press("Home", "Numpad7", "", { location: 3 }), STATE, "\x1b[H"],
    ["5 of the number pad", press("5", "Numpad5", "", { location: 3 }), STATE, null],
    ["5 of the number pad, all kitty", press("5", "Numpad5", "", { location: 3 }), flags(8), "\x1b[57404u"],
    ["5 of the number pad without Num Lock", press("Clear", "Numpad5", "", { location: 3 }), STATE, "\x1b[E"],
    ["F3, kitty", press("F3", "F3"), flags(1), "\x1b[13~"],
    ["F21", press("F21", "F21"), STATE, "\x1b[42~"],
    ["left Shift, all kitty", press("Shift", "ShiftLeft", "s", { location: 1 }), flags(9), "\x1b[57441;2u"],
    [
      "right Alt released, all kitty",
      press("Alt", "AltRight", "", { location: 2, type: "keyup" }),
      flags(11),
      "\x1b[57449;1:3u",
    ],
    ["Enter released, kitty", press("Enter", "Enter", "", { type: "keyup" }), flags(3), null],
    ["a released, kitty without events", press("a", "KeyA", "", { type: "keyup" }), flags(1), null],
    ["the Windows key with E", press("e", "KeyE", "m"), STATE, null],
    ["the Windows key with E, kitty", press("e", "KeyE", "m"), flags(1), "\x1b[101;9u"],
    // The browser's.
    ["Ctrl+Shift+V pastes", press("V", "KeyV", "cs"), flags(31), null],
    ["Ctrl+Shift+V pastes, Russian", press("М", "KeyV", "cs"), flags(31), null],
    ["Shift+Insert pastes", press("Insert", "Insert", "s"), flags(31), null],
    ["Ctrl+- zooms", press("-", "Minus", "c"), flags(31), null],
    ["Ctrl+Shift+A", press("A", "KeyA", "cs"), STATE, null],
    ["Shift+Page Up scrolls", press("PageUp", "PageUp", "s"), { ...STATE, alternate: false }, null],
    ["Shift+Page Up where nothing scrolls", press("PageUp", "PageUp", "s"), STATE, "\x1b[5;2~"],
  ];
  it.each(cases)("%s", (_, event, state, wanted) => {
    expect(encodeKey(event, state)).toBe(wanted);
  });
});
