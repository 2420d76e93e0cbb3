/**
 * Which key of a layout was pressed, and whether it types a character. Browsers say which character came out (`key`) and
 * which place the key has (`code`), named after a US keyboard; what the key would give without modifiers they do not say.
 */

export type Platform = "mac" | "windows" | "other";

/** What is read of a browser's event. */
export type KeyPress = Pick<
  KeyboardEvent,
  | "type"
  | "key"
  | "code"
  | "keyCode"
  | "location"
  | "ctrlKey"
  | "altKey"
  | "shiftKey"
  | "metaKey"
  | "repeat"
  | "isComposing"
> & { getModifierState?: (name: string) => boolean };

export interface Layout {
  platform: Platform;
  /** Whether the Option key that is held is Alt for programs; otherwise it types other characters. */
  optionIsAlt: boolean;
  /** What keys give without modifiers, by place, as far as it is known. */
  plain: ReadonlyMap<string, string>;
}

const SIGNS: Readonly<Record<string, string>> = {
  Backquote: "`~",
  Minus: "-_",
  Equal: "=+",
  BracketLeft: "[{",
  BracketRight: "]}",
  Backslash: "\\|",
  Semicolon: ";:",
  Quote: "'\"",
  Comma: ",<",
  Period: ".>",
  Slash: "/?",
  Space: "  ",
};
const SHIFTED_DIGITS = ")!@#$%^&*(";

/** What a place has on a US keyboard, plain and with Shift; empty for places without a character. */
export function usKey(code: string): string {
  if (/^Key[A-Z]$/.test(code)) return code.slice(3).toLowerCase() + code.slice(3);
  if (/^Digit\d$/.test(code)) return code.slice(5) + SHIFTED_DIGITS.charAt(Number(code.slice(5)));
  return SIGNS[code] ?? "";
}

/** Whether a key's name is the character that it gives. */
export const isCharacter = (key: string): boolean => [...key].length === 1;

const isLatin = (key: string) => /^\p{Script=Latin}$/u.test(key);
const isOtherLetter = (key: string) => /^\p{L}$/u.test(key) && !/^[\p{Script=Latin}\p{Script=Common}]$/u.test(key);
/** Signs that layouts have behind AltGr, at places where a US keyboard has others. */
const BEHIND_ALTGR = /^[@~#{}[\]|\\`^\p{Sc}\p{No}µ¬¦°¿¡«»“”„…–—·×÷]$/u;

/**
 * Whether Ctrl, Alt or Option only helped to make the character: then it is text, and no chord (AltGr, which some
 * browsers of Windows report as Ctrl and Alt; Option of a Mac).
 */
export function composes(
  event: KeyPress,
  { platform, optionIsAlt }: Pick<Layout, "platform" | "optionIsAlt">,
): boolean {
  if (!isCharacter(event.key) || event.metaKey) return false;
  if (platform === "mac") return event.altKey && !event.ctrlKey && !optionIsAlt;
  if (event.getModifierState?.("AltGraph")) return event.ctrlKey === event.altKey;
  if (!event.ctrlKey || !event.altKey) return false;
  if (/^Key/.test(event.code) && isLatin(event.key) && event.key > "\x7f") return true;
  return BEHIND_ALTGR.test(event.key) && usKey(event.code).charAt(event.shiftKey ? 1 : 0) !== event.key;
}

/**
 * The Latin letter or the digit of a key, lower case: the character where it is one, else that of the key's place on a
 * US keyboard where the layout gives no Latin letter. Empty for all other keys.
 */
export function latinOf(event: KeyPress, platform: Platform): string {
  const { key, code, keyCode } = event;
  const place = /^(?:Key[A-Z]|Digit\d)$/.test(code) ? usKey(code).charAt(0) : "";
  if (platform === "mac" && event.altKey) {
    // Option gives another character; the old `keyCode` still names the layout's letter.
    return keyCode >= 65 && keyCode <= 90 ? String.fromCharCode(keyCode + 32) : place;
  }
  if (/^[a-z0-9]$/i.test(key)) return key.toLowerCase();
  if (!isCharacter(key)) return key === "Dead" || key === "Unidentified" ? place : "";
  // A letter with a mark at a letter's place, as the Turkish dotless i, still is that key for older software.
  if (isLatin(key) && keyCode >= 65 && keyCode <= 90) return String.fromCharCode(keyCode + 32);
  if (code.startsWith("Digit")) return place; // The row of digits gives signs or letters without Shift, as in France.
  return isOtherLetter(key) ? place : "";
}

/** What the key gives without modifiers, as well as it is known. */
export function plainOf(event: KeyPress, layout: Layout): string {
  const { key, code } = event;
  const us = usKey(code);
  const made = composes(event, layout) || !isCharacter(key) || (layout.platform === "mac" && event.altKey);
  if (!made && key.toLowerCase() !== key.toUpperCase()) {
    const lower = key.toLowerCase();
    return isCharacter(lower) ? lower : key;
  }
  const known = layout.plain.get(code);
  if (made) return known ?? (latinOf({ ...pick(event), key: "Unidentified" }, layout.platform) || us.charAt(0) || key);
  if (!event.shiftKey) return key;
  if (known !== undefined) return known;
  return us.charAt(1) === key ? us.charAt(0) : key;
}

/** An event's fields; those of a browser's own cannot be spread. */
function pick(event: KeyPress): KeyPress {
  const { type, key, code, keyCode, location, ctrlKey, altKey, shiftKey, metaKey, repeat, isComposing } = event;
  return { type, key, code, keyCode, location, ctrlKey, altKey, shiftKey, metaKey, repeat, isComposing };
}
