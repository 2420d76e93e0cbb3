/** The keyboard map: which chord is which command. All else belongs to the program. */

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
  key: string;
  code?: string;
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

const ctrlAlt = (key: string, code: string): Pick<Binding, "other" | "mac"> => ({
  other: { key, ctrl: true, alt: true },
  mac: { key, code, ctrl: true, alt: true },
});

export const BINDINGS: readonly Binding[] = [
  {
    command: "palette",
    label: "Find or run",
    other: { key: "Enter", ctrl: true, shift: true },
    mac: { key: "k", meta: true },
  },
  { command: "next", label: "Next that needs you", ...ctrlAlt("Enter", "Enter") },
  { command: "left", label: "Pane to the left", ...ctrlAlt("ArrowLeft", "ArrowLeft") },
  { command: "right", label: "Pane to the right", ...ctrlAlt("ArrowRight", "ArrowRight") },
  { command: "up", label: "Pane above", ...ctrlAlt("ArrowUp", "ArrowUp") },
  { command: "down", label: "Pane below", ...ctrlAlt("ArrowDown", "ArrowDown") },
  { command: "zoom", label: "Zoom the pane and back", ...ctrlAlt("z", "KeyZ") },
  { command: "layout", label: "Next layout", ...ctrlAlt("g", "KeyG") },
  { command: "drive", label: "Take over", ...ctrlAlt("o", "KeyO") },
  { command: "retry", label: "Try now, while offline", ...ctrlAlt("r", "KeyR") },
  { command: "new", label: "New terminal", ...ctrlAlt("n", "KeyN") },
  {
    command: "search",
    label: "Search here",
    other: { key: "f", ctrl: true, shift: true },
    mac: { key: "f", meta: true },
  },
  { command: "everywhere", label: "Search all terminals", ...ctrlAlt("f", "KeyF") },
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
      ...ctrlAlt(digit, `Digit${digit}`),
    };
  }),
];

export type KeyLike = Pick<KeyboardEvent, "key" | "code" | "ctrlKey" | "altKey" | "shiftKey" | "metaKey"> & {
  getModifierState?: (key: string) => boolean;
};

function matches(event: KeyLike, chord: Chord): boolean {
  const same = chord.code ? event.code === chord.code : event.key.toLowerCase() === chord.key.toLowerCase();
  return (
    same &&
    event.ctrlKey === !!chord.ctrl &&
    event.altKey === !!chord.alt &&
    event.shiftKey === !!chord.shift &&
    event.metaKey === !!chord.meta
  );
}

/** The command of a key; null where the key is the program's. */
export function commandOf(event: KeyLike, mac: boolean, paletteOnly = false): Command | null {
  // AltGr is Ctrl+Alt on Windows: what types a character in the user's layout is text.
  if (event.getModifierState?.("AltGraph") && event.key.length === 1) return null;
  for (const binding of BINDINGS) {
    if (matches(event, mac ? binding.mac : binding.other)) {
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

export const isMac = (): boolean => /Mac|iPhone|iPad/.test(navigator.platform);
