/**
 * What a key sends to the program: xterm's sequences, those of its modifyOtherKeys, or those of the kitty keyboard
 * protocol, as the program asked for (docs/reference/keyboard.md). Pure: a browser's event and the state in, text out.
 */

import { type FunctionalKey, functionalKey, modifierKey, padCharacter } from "./functional";
import { composes, isCharacter, type KeyPress, type Layout, latinOf, plainOf, usKey } from "./layout";

export const DISAMBIGUATE = 1;
export const EVENT_TYPES = 2;
export const ALTERNATE_KEYS = 4;
export const ALL_KEYS = 8;
export const TEXT = 16;

export interface KeyState extends Layout {
  /** Kitty's flags of the screen that is shown. */
  kitty: number;
  /** 0, 1 or 2 of xterm's. */
  modifyOtherKeys: number;
  /** 1 sends them as `CSI code ; modifiers u`. */
  formatOtherKeys: number;
  applicationCursor: boolean;
  /** Whether the alternate screen is shown, which has nothing to scroll. */
  alternate: boolean;
}

interface Held {
  shift: boolean;
  alt: boolean;
  ctrl: boolean;
  /** Of the four: 1 Shift, 2 Alt, 4 Ctrl, 8 the Windows or Command key; where all keys are reported, 64 and 128 the locks. */
  bits: number;
}

const ESC = "\x1b";
const CSI = "\x1b[";
const ENTER = 13;
/** From here on kitty's numbers are its own. */
const PRIVATE = 57344;
const CONTROL: Readonly<Record<string, string>> = {
  " ": "\0",
  "@": "\0",
  "`": "\0",
  "2": "\0",
  "3": ESC,
  "[": ESC,
  "{": ESC,
  "4": "\x1c",
  "\\": "\x1c",
  "|": "\x1c",
  "5": "\x1d",
  "]": "\x1d",
  "}": "\x1d",
  "6": "\x1e",
  "^": "\x1e",
  "~": "\x1e",
  "7": "\x1f",
  "/": "\x1f",
  _: "\x1f",
  "8": "\x7f",
  "?": "\x7f",
};

/** What a key sends; null where it is none of the program's, or text that the browser itself brings. */
export function encodeKey(event: KeyPress, state: KeyState): string | null {
  if (isInput(event, state) || isBrowsers(event, state)) return null;
  const release = event.type === "keyup";
  if (release && !(state.kitty & EVENT_TYPES)) return null;
  const held = modifiers(event, state);
  const modifier = modifierKey(event.key, event.location);
  if (modifier !== undefined) {
    return state.kitty & ALL_KEYS && !event.repeat ? sequence(event, state, String(modifier), held.bits, "u") : null;
  }
  if (/^(?:Caps|Num|Scroll)Lock$/.test(event.key) && !(state.kitty & ALL_KEYS)) return null;
  const functional = functionalKey(event.key, event.code, event.location);
  if (functional !== undefined) return functionalSequence(event, state, functional, held);
  if (isCharacter(event.key) || (event.key === "Dead" && event.altKey)) return characterSequence(event, state, held);
  return null;
}

/** Whether an input method or a dead key is at work: what comes of it comes as text. */
function isInput(event: KeyPress, state: KeyState): boolean {
  if (event.isComposing) return true;
  if (event.key === "Dead") return state.platform !== "mac" || !event.altKey || !(state.optionIsAlt || event.ctrlKey);
  return event.keyCode === 229 || event.key === "Process" || event.key === "Unidentified" || event.key === "Compose";
}

/** The keys that stay the browser's, whatever a program asked for. */
function isBrowsers(event: KeyPress, state: KeyState): boolean {
  const { key, shiftKey, ctrlKey, altKey, metaKey } = event;
  const modifier = modifierKey(key, event.location) !== undefined;
  // Command is the system's; so is the Windows key, where no program asked for it.
  if (metaKey && !modifier && (state.platform === "mac" || !state.kitty)) return true;
  if (altKey || metaKey) return false;
  if (key === "Insert") return shiftKey !== ctrlKey; // Paste and copy.
  if (key === "PageUp" || key === "PageDown") return shiftKey && !ctrlKey && !state.alternate; // Scrolls here.
  if (state.platform === "mac" || !ctrlKey) return false;
  if (shiftKey) return latinOf(event, state.platform) === "v"; // Paste.
  return "+-=0".includes(key); // Zoom.
}

function modifiers(event: KeyPress, state: KeyState): Held {
  const text = composes(event, state);
  const shift = event.shiftKey;
  const alt = event.altKey && !text;
  const ctrl = event.ctrlKey && !text;
  let bits = (shift ? 1 : 0) | (alt ? 2 : 0) | (ctrl ? 4 : 0) | (event.metaKey ? 8 : 0);
  if (state.kitty & ALL_KEYS) {
    if (event.getModifierState?.("CapsLock")) bits |= 64;
    if (event.getModifierState?.("NumLock")) bits |= 128;
  }
  return { shift, alt, ctrl, bits };
}

/** `CSI code ; modifiers : event ; text final`, without what is empty. */
function sequence(event: KeyPress, state: KeyState, code: string, bits: number, final: string, text = ""): string {
  const kind = state.kitty & EVENT_TYPES ? (event.type === "keyup" ? ":3" : event.repeat ? ":2" : "") : "";
  const middle = bits || kind ? `${bits + 1}${kind}` : "";
  const end = text ? `;${middle};${text}` : middle ? `;${middle}` : "";
  return `${CSI}${code === "1" && !end ? "" : code}${end}${final}`;
}

function functionalSequence(event: KeyPress, state: KeyState, key: FunctionalKey, held: Held): string | null {
  const { kitty } = state;
  if (!kitty) return olderFunctional(event, state, key, held);
  const plain = { Enter: "\r", Tab: "\t", Backspace: "\x7f" }[event.key];
  const exact = kitty & (DISAMBIGUATE | ALL_KEYS);
  const own = exact ? key : (functionalKey(event.key, "", 0) ?? key); // Else the number pad's are as the others.
  if (plain !== undefined && own.number < PRIVATE && !(kitty & ALL_KEYS)) {
    // So that a shell can be used after a program that died without taking its flags back.
    if (event.type === "keyup") return null;
    if (held.bits === 0) return plain;
    const known = held.bits === 2 || held.bits === (event.key === "Tab" ? 1 : event.key === "Backspace" ? 4 : 0);
    if (!exact && known) return olderFunctional(event, state, own, held);
  }
  if (!exact && event.key === "Escape" && held.bits === 0 && event.type === "keydown") return ESC;
  if (!exact && !(kitty & EVENT_TYPES) && own.ss3 !== undefined) return olderFunctional(event, state, own, held);
  return sequence(event, state, String(own.number), held.bits, own.final);
}

/** What xterm sends. */
function olderFunctional(event: KeyPress, state: KeyState, key: FunctionalKey, held: Held): string | null {
  const { letter, tilde, ss3 } = key;
  const bits = held.bits & 7;
  if (letter !== undefined) {
    if (bits) return `${CSI}1;${bits + 1}${letter}`;
    return (ss3 === "always" || (ss3 === "cursor" && state.applicationCursor) ? `${ESC}O` : CSI) + letter;
  }
  if (tilde !== undefined) return `${CSI}${tilde}${bits ? `;${bits + 1}` : ""}~`;
  const { shift, ctrl, alt } = held;
  const prefix = alt ? ESC : "";
  const all = state.modifyOtherKeys === 2;
  const some = state.modifyOtherKeys === 1 && !alt;
  switch (event.key) {
    case "Enter":
      if ((all && bits) || (some && bits)) return otherKey(state, ENTER, bits);
      // Shift or Ctrl: a new line in programs that read lines, which take it for Alt+Enter.
      return bits ? `${ESC}\r` : "\r";
    case "Tab":
      if ((all && bits & ~1) || (some && ctrl && !shift)) return otherKey(state, 9, bits);
      return shift ? `${CSI}Z` : `${prefix}\t`;
    case "Backspace":
      if (all && bits && bits !== 4) return otherKey(state, ctrl ? 8 : 127, bits);
      return prefix + (ctrl ? "\b" : "\x7f");
    case "Escape":
      return all && bits ? otherKey(state, 27, bits) : prefix + ESC;
    default:
      return null;
  }
}

/** A key of xterm's modifyOtherKeys. */
const otherKey = (state: KeyState, code: number, bits: number): string =>
  state.formatOtherKeys === 1 ? `${CSI}${code};${bits + 1}u` : `${CSI}27;${bits + 1};${code}~`;

function characterSequence(event: KeyPress, state: KeyState, held: Held): string | null {
  const { kitty } = state;
  const chord = held.alt || held.ctrl || event.metaKey;
  const press = event.type === "keydown";
  if (press && !chord && !(kitty & ALL_KEYS)) return composes(event, state) ? event.key : null;
  const more = kitty & EVENT_TYPES && (event.repeat || !press);
  const embeds = kitty & ALTERNATE_KEYS || (kitty & TEXT && !chord);
  if (!(kitty & (DISAMBIGUATE | ALL_KEYS)) && !more && !(kitty && embeds)) return olderCharacter(event, state, held);
  const text = kitty & TEXT && press && !chord ? codes(event.key) : "";
  return sequence(event, state, kittyCode(event, state, held), held.bits, "u", text);
}

const codes = (text: string): string => Array.from(text, (one) => String(one.codePointAt(0))).join(":");

/** The number of a character's key, where asked for with the character that Shift makes and its place on a US keyboard. */
function kittyCode(event: KeyPress, state: KeyState, held: Held): string {
  const pad = padCharacter(event.code);
  if (pad !== undefined) return String(pad);
  const plain = plainOf(event, state);
  if (!(state.kitty & ALTERNATE_KEYS)) {
    // A chord is meant for the letter that is printed on the key, also where the layout writes another script.
    const latin = held.ctrl || held.alt ? latinOf(event, state.platform) : "";
    return codes(plain.charCodeAt(0) > 0x2ff && latin ? latin : plain);
  }
  const made = isCharacter(event.key) && !composes(event, state);
  const shifted = held.shift && made && event.key !== plain ? codes(event.key) : "";
  const place = usKey(event.code).charAt(0);
  const base = place && place !== plain ? codes(place) : "";
  return codes(plain) + (base ? `:${shifted}:${base}` : shifted ? `:${shifted}` : "");
}

/** A character with Ctrl or Alt, as xterm sends it. */
function olderCharacter(event: KeyPress, state: KeyState, held: Held): string | null {
  const { ctrl, alt, shift } = held;
  const latin = latinOf(event, state.platform);
  const bits = held.bits & 7;
  const madeByOption = state.platform === "mac" && event.altKey;
  const key = !isCharacter(event.key) || madeByOption ? withShift(plainOf(event, state), event) : event.key;
  const letter = /^[a-z]$/.test(latin) && !/^[a-z]$/i.test(key) ? (shift ? latin.toUpperCase() : latin) : "";
  const character = letter || key;
  const control = ctrl ? controlOf(character, latin) : undefined;
  const unclear = control === undefined || character === "?";
  if (state.modifyOtherKeys === 2 || (state.modifyOtherKeys === 1 && ctrl && unclear)) {
    return otherKey(state, character.codePointAt(0) ?? 0, bits);
  }
  if (!ctrl) return ESC + character;
  // Ctrl+Shift and a letter are the browser's: no older program knows them from Ctrl and the letter.
  if (control === undefined || (shift && !alt && /^[a-z]$/i.test(character))) return null;
  return (alt ? ESC : "") + control;
}

function controlOf(character: string, latin: string): string | undefined {
  if (/^[a-z]$/i.test(character)) return String.fromCharCode(character.charCodeAt(0) & 31);
  return CONTROL[character] ?? (/^\d$/.test(latin) ? CONTROL[latin] : undefined);
}

/** What Shift makes of a key whose own character Option changed. */
function withShift(plain: string, event: KeyPress): string {
  if (!event.shiftKey) return plain;
  const us = usKey(event.code);
  return us.charAt(0) === plain ? us.charAt(1) : plain.toUpperCase();
}
