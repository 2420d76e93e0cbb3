/** One terminal's keyboard: takes a browser's events, and says what they send to the program. */

import { encodeKey } from "./encodeKey";
import type { KeyModes } from "./keyModes";
import { isCharacter, type KeyPress, type Platform } from "./layout";

/** Which Option keys of a Mac are Alt for programs; the others type the layout's characters. */
export type OptionKeys = "off" | "left" | "both";

/** What keys give without modifiers, by place: what the browser knows, and what was typed. Some hundred places exist. */
const plain = new Map<string, string>();
const PLACES = 256;
let asked = false;

interface BrowserKeyboard {
  getLayoutMap?: () => Promise<ReadonlyMap<string, string>>;
}

/** Where the browser reports its layout (Chromium, in a secure context), it is known before the first key. */
function askLayout(): void {
  if (asked) return;
  asked = true;
  const { keyboard } = navigator as { keyboard?: BrowserKeyboard };
  keyboard
    ?.getLayoutMap?.()
    .then((layout) => {
      for (const [place, key] of layout) if (!plain.has(place) && plain.size < PLACES) plain.set(place, key);
    })
    .catch(() => undefined); // Then it is learned from what is typed.
}

export function platformOf(name: string): Platform {
  if (/Mac|iPhone|iPad/.test(name)) return "mac";
  return /Win/.test(name) ? "windows" : "other";
}

export class Keyboard {
  private readonly platform = platformOf(navigator.platform);
  private readonly held = new Set<string>();
  private readonly pressed = new Set<string>();
  option: OptionKeys = "off";

  constructor(
    private readonly modes: KeyModes,
    private readonly screen: () => { applicationCursor: boolean; alternate: boolean },
  ) {
    askLayout();
  }

  /** What an event sends; null where the browser brings the text itself, or the key is not the program's. */
  encode(event: KeyPress): string | null {
    this.notice(event);
    if (event.type === "keyup" && !this.pressed.delete(event.code)) return null; // The page took its press.
    const { kitty, modifyOtherKeys, formatOtherKeys } = this.modes;
    const optionIsAlt = this.option === "both" || (this.option === "left" && this.held.has("AltLeft"));
    const { platform } = this;
    const state = { kitty, modifyOtherKeys, formatOtherKeys, platform, optionIsAlt, plain, ...this.screen() };
    const sent = encodeKey(event, state);
    if (event.type === "keydown" && this.pressed.size < PLACES) this.pressed.add(event.code);
    return sent;
  }

  /** What a key sends that a button of the page stands for. */
  named(key: string, held: { ctrl?: boolean; shift?: boolean } = {}): string {
    const { kitty, modifyOtherKeys, formatOtherKeys } = this.modes;
    const code = /^[a-z]$/i.test(key) ? `Key${key.toUpperCase()}` : /^\d$/.test(key) ? `Digit${key}` : key;
    const { ctrl: ctrlKey = false, shift: shiftKey = false } = held;
    const event = { type: "keydown", key, code, keyCode: 0, location: 0, ctrlKey, shiftKey };
    const rest = { altKey: false, metaKey: false, repeat: false, isComposing: false };
    const state = { kitty, modifyOtherKeys, formatOtherKeys, optionIsAlt: false, plain, ...this.screen() };
    return encodeKey({ ...event, ...rest }, { ...state, platform: this.platform }) ?? key;
  }

  /** Text that came from an input method or a dead key, in the form that the program asked for. */
  text(text: string): string {
    const all = 8 | 16;
    if ((this.modes.kitty & all) !== all || text.startsWith("\x1b")) return text;
    return `\x1b[0;;${Array.from(text, (one) => String(one.codePointAt(0))).join(":")}u`;
  }

  /** The keys were given to something else: what is released there is not reported here. */
  blur(): void {
    this.held.clear();
    this.pressed.clear();
  }

  private notice(event: KeyPress): void {
    const { key, code, type, altKey, ctrlKey, shiftKey, metaKey } = event;
    if (key === "Alt") {
      if (type === "keydown") this.held.add(code);
      else this.held.delete(code);
    } else if (!altKey) {
      this.held.clear();
    }
    const bare = type === "keydown" && !altKey && !ctrlKey && !shiftKey && !metaKey && isCharacter(key);
    const changed = event.getModifierState?.("AltGraph") || event.getModifierState?.("CapsLock");
    if (bare && !changed && (plain.has(code) || plain.size < PLACES)) plain.set(code, key);
  }
}
