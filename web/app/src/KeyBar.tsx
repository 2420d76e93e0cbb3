/** The keys that a phone's keyboard lacks. The keys are fixed: what the screen says is not interpreted. */

import type { Session } from "@termwall/client";
import { useTermwall, useWorkspace } from "@termwall/react";
import { useState } from "react";
import { Attention } from "./Attention";
import { Held } from "./Held";

const ANSWERS = ["1", "2", "3", "y", "n"] as const;

export function KeyBar({ session, onPaste }: { session: Session; onPaste: () => void }) {
  const { client, engines } = useTermwall();
  const held = useWorkspace((state) => state.held.get(session.id));
  const [control, setControl] = useState(false);
  const engine = engines.get(session.id);
  const press = (keys: string) => {
    client.input(session.id, control && keys.length === 1 ? String.fromCharCode(keys.charCodeAt(0) & 31) : keys);
    setControl(false);
  };
  const arrow = (letter: string) => press(`\x1b${engine?.applicationCursorKeys ? "O" : "["}${letter}`);
  const key = (label: string, keys: string, name = label) => (
    <button
      type="button"
      key={label}
      aria-label={name}
      onPointerDown={(event) => event.preventDefault()}
      onClick={() => press(keys)}
    >
      {label}
    </button>
  );
  return (
    <div className="keybar" role="toolbar" aria-label="Keys">
      <div>
        {held ? <Held held={held} /> : <Attention session={session} />}
        <span className="grow" />
        {!held && [...ANSWERS.map((answer) => key(answer, answer)), key("⏎", "\r", "Enter")]}
      </div>
      <div>
        {key("Esc", "\x1b", "Escape")}
        {key("Tab", "\t")}
        {key("⇧Tab", "\x1b[Z", "Shift Tab")}
        <button
          type="button"
          aria-pressed={control}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => setControl(!control)}
        >
          Ctrl
        </button>
        {key("^C", "\x03", "Control C")}
        <button type="button" onClick={onPaste}>
          Paste
        </button>
        <button type="button" aria-label="Keyboard" onClick={() => engine?.focus()}>
          ⌨
        </button>
      </div>
      <div>
        {[
          ["←", "D", "Left"],
          ["↓", "B", "Down"],
          ["↑", "A", "Up"],
          ["→", "C", "Right"],
        ].map(([label, letter, name]) => (
          <button
            type="button"
            key={label}
            aria-label={name}
            onPointerDown={(event) => event.preventDefault()}
            onClick={() => arrow(letter ?? "")}
          >
            {label}
          </button>
        ))}
        {["/", "|", "~", "-"].map((character) => key(character, character))}
      </div>
    </div>
  );
}
