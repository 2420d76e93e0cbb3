/** The keys that give no character, with their numbers in the kitty keyboard protocol and their older sequences. */

export interface FunctionalKey {
  /** Kitty's number, and what ends its sequence. */
  number: number;
  final: string;
  /** Letter of the older `CSI 1 ; modifiers letter`, or number of `CSI number ; modifiers ~`; none: not sent. */
  letter?: string;
  tilde?: number;
  /** Without modifiers: `SS3 letter`, always or only while cursor keys are in application mode. */
  ss3?: "always" | "cursor";
}

const cursor = (letter: string): FunctionalKey => ({ number: 1, final: letter, letter, ss3: "cursor" });
const tilde = (number: number): FunctionalKey => ({ number, final: "~", tilde: number });
const unicode = (number: number): FunctionalKey => ({ number, final: "u" });
const pad = (number: number, older: FunctionalKey): FunctionalKey => ({ ...older, number, final: "u" });

const MAIN: Readonly<Record<string, FunctionalKey>> = {
  Escape: unicode(27),
  Enter: unicode(13),
  Tab: unicode(9),
  Backspace: unicode(127),
  Insert: tilde(2),
  Delete: tilde(3),
  PageUp: tilde(5),
  PageDown: tilde(6),
  ArrowUp: cursor("A"),
  ArrowDown: cursor("B"),
  ArrowRight: cursor("C"),
  ArrowLeft: cursor("D"),
  Home: cursor("H"),
  End: cursor("F"),
  F1: { number: 1, final: "P", letter: "P", ss3: "always" },
  F2: { number: 1, final: "Q", letter: "Q", ss3: "always" },
  F3: { number: 13, final: "~", letter: "R", ss3: "always" },
  F4: { number: 1, final: "S", letter: "S", ss3: "always" },
  CapsLock: unicode(57358),
  ScrollLock: unicode(57359),
  NumLock: unicode(57360),
  PrintScreen: unicode(57361),
  Pause: unicode(57362),
  ContextMenu: unicode(57363),
  MediaPlay: unicode(57428),
  MediaPause: unicode(57429),
  MediaPlayPause: unicode(57430),
  MediaStop: unicode(57432),
  MediaFastForward: unicode(57433),
  MediaRewind: unicode(57434),
  MediaTrackNext: unicode(57435),
  MediaTrackPrevious: unicode(57436),
  MediaRecord: unicode(57437),
  AudioVolumeDown: unicode(57438),
  AudioVolumeUp: unicode(57439),
  AudioVolumeMute: unicode(57440),
};
const FROM_F5 = [15, 17, 18, 19, 20, 21, 23, 24];
const FROM_F13 = [25, 26, 28, 29, 31, 32, 33, 34, 42, 43, 44, 45];

const PAD: Readonly<Record<string, FunctionalKey>> = {
  Enter: unicode(57414),
  ArrowLeft: pad(57417, cursor("D")),
  ArrowRight: pad(57418, cursor("C")),
  ArrowUp: pad(57419, cursor("A")),
  ArrowDown: pad(57420, cursor("B")),
  PageUp: pad(57421, tilde(5)),
  PageDown: pad(57422, tilde(6)),
  Home: pad(57423, cursor("H")),
  End: pad(57424, cursor("F")),
  Insert: pad(57425, tilde(2)),
  Delete: pad(57426, tilde(3)),
  Clear: { number: 1, final: "E", letter: "E", ss3: "cursor" },
};
/** Keys of the number pad that give a character: only their numbers differ from those of other characters. */
const PAD_CHARACTERS: Readonly<Record<string, number>> = {
  NumpadDecimal: 57409,
  NumpadDivide: 57410,
  NumpadMultiply: 57411,
  NumpadSubtract: 57412,
  NumpadAdd: 57413,
  NumpadEqual: 57415,
  NumpadComma: 57416,
};
/** Left and right. */
const MODIFIERS: Readonly<Record<string, readonly [number, number]>> = {
  Shift: [57441, 57447],
  Control: [57442, 57448],
  Alt: [57443, 57449],
  Meta: [57444, 57450],
  AltGraph: [57453, 57453],
};
const RIGHT = 2;
const NUMBER_PAD = 3;

/** A functional key by its name and place; undefined for characters and what is not known. */
export function functionalKey(key: string, code: string, location: number): FunctionalKey | undefined {
  if (location === NUMBER_PAD || code.startsWith("Numpad")) {
    const found = PAD[key];
    if (found !== undefined) return found;
  }
  const number = /^F(\d\d?)$/.exec(key)?.[1];
  if (number !== undefined && Number(number) >= 5) {
    const index = Number(number);
    if (index <= 12) return tilde(FROM_F5[index - 5] ?? 0);
    return index <= 35 ? { ...unicode(57363 + index), tilde: FROM_F13[index - 13] } : undefined;
  }
  return MAIN[key];
}

/** The number of a character's key on the number pad. */
export function padCharacter(code: string): number | undefined {
  const digit = /^Numpad(\d)$/.exec(code)?.[1];
  return digit === undefined ? PAD_CHARACTERS[code] : 57399 + Number(digit);
}

/** The number of a key that is a modifier. */
export const modifierKey = (key: string, location: number): number | undefined =>
  MODIFIERS[key]?.[location === RIGHT ? 1 : 0];
