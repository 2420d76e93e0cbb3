/** The keyboard map: which chord is which command. All else belongs to the program. */

import { composes, type KeyPress, latinOf, type Platform, platformOf } from "@termwall/react";

export type Command =
  | "palette"
  | "next"
  | "left"
  | "right"
  | "up"
  | "down"
  | "zoom"
  | "layout"
  | "drive"
  | "retry"
  | "search"
  | "everywhere"
  | "copy"
  | "new"
  | "regions"
  | `position-${number}`;

export interface Chord {
  /** A key's name, or a letter or digit: the one that the layout gives, or has at the place of a US keyboard's (P2). */
  key: string;
  ctrl?: boolean;
  alt?: boolean;
  shift?: boolean;
  meta?: boolean;
}

export interface Binding {
  command: Command;
  label: string;
  other: Chord;
  mac: Chord;
}

const ctrlAlt = (key: string): Pick<Binding, "other" | "mac"> => ({
  other: { key, ctrl: true, alt: true },
  mac: { key, ctrl: true, alt: true },
});

export const BINDINGS: readonly Binding[] = [
  {
    command: "palette",
    label: "Find or run",
    other: { key: "Enter", ctrl: true, shift: true },
    mac: { key: "k", meta: true },
  },
  { command: "next", label: "Next that needs you", ...ctrlAlt("Enter") },
  { command: "left", label: "Pane to the left", ...ctrlAlt("ArrowLeft") },
  { command: "right", label: "Pane to the right", ...ctrlAlt("ArrowRight") },
  { command: "up", label: "Pane above", ...ctrlAlt("ArrowUp") },
  { command: "down", label: "Pane below", ...ctrlAlt("ArrowDown") },
  { command: "zoom", label: "Zoom the pane and back", ...ctrlAlt("z") },
  { command: "layout", label: "Next layout", ...ctrlAlt("g") },
  { command: "drive", label: "Take over", ...ctrlAlt("o") },
  { command: "retry", label: "Try now, while offline", ...ctrlAlt("r") },
  { command: "new", label: "New terminal", ...ctrlAlt("n") },
  {
    command: "search",
    label: "Search here",
    other: { key: "f", ctrl: true, shift: true },
    mac: { key: "f", meta: true },
  },
  { command: "everywhere", label: "Search all terminals", ...ctrlAlt("f") },
  { command: "copy", label: "Copy", other: { key: "c", ctrl: true, shift: true }, mac: { key: "c", meta: true } },
  {
    command: "regions",
    label: "Out of the terminal: bar, stage, shelf in turn",
    other: { key: "F6", ctrl: true },
    mac: { key: "F6", ctrl: true },
  },
  ...Array.from({ length: 9 }, (_, index): Binding => {
    const digit = String(index + 1);
    return {
      command: `position-${index + 1}`,
      label: `Position ${digit}`,
      ...ctrlAlt(digit),
    };
  }),
];

function matches(event: KeyPress, chord: Chord, platform: Platform): boolean {
  const key = chord.key.length === 1 ? latinOf(event, platform) : event.key;
  return (
    key === chord.key &&
    event.ctrlKey === !!chord.ctrl &&
    event.altKey === !!chord.alt &&
    event.shiftKey === !!chord.shift &&
    event.metaKey === !!chord.meta
  );
}

/** The command of a key; null where the key is the program's. */
export function commandOf(event: KeyPress, platform: Platform, paletteOnly = false): Command | null {
  // What types a character in the user's layout is text.
  if (composes(event, { platform, optionIsAlt: false })) return null;
  for (const binding of BINDINGS) {
    if (matches(event, platform === "mac" ? binding.mac : binding.other, platform)) {
      return paletteOnly && binding.command !== "palette" && binding.command !== "regions" ? null : binding.command;
    }
  }
  return null;
}

const NAMES: Record<string, string> = {
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
};

/** A chord as it is shown. */
export function chordText(command: Command, mac: boolean): string {
  const binding = BINDINGS.find((one) => one.command === command);
  if (binding === undefined) return "";
  const chord = mac ? binding.mac : binding.other;
  const key = NAMES[chord.key] ?? (chord.key.length === 1 ? chord.key.toUpperCase() : chord.key);
  const parts = [
    chord.ctrl && "Ctrl",
    chord.alt && (mac ? "Option" : "Alt"),
    chord.shift && "Shift",
    chord.meta && "Cmd",
  ];
  return [...parts.filter(Boolean), key].join("+");
}

export const isMac = (): boolean => platformOf(navigator.platform) === "mac";
