/** The keys that a phone's keyboard lacks. The keys are fixed: what the screen says is not interpreted. */

import type { Session } from "@termwall/client";
import { useTermwall, useWorkspace } from "@termwall/react";
import { useState } from "react";
import { Attention } from "../session/Attention";
import { Held } from "../session/Held";
import "./KeyBar.css";

const ANSWERS = ["1", "2", "3", "y", "n"] as const;

export function KeyBar({ session, onPaste }: { session: Session; onPaste: () => void }) {
  const { client, engines } = useTermwall();
  const held = useWorkspace((state) => state.held.get(session.id));
  const [control, setControl] = useState(false);
  const engine = engines.get(session.id);
  const press = (name: string, shift = false) => {
    client.input(session.id, engine?.keys(name, { ctrl: control, shift }) ?? name);
    setControl(false);
  };
  const key = (label: string, what: string, name = label, shift = false) => (
    <button
      type="button"
      key={label}
      aria-label={name}
      onPointerDown={(event) => event.preventDefault()}
      onClick={() => press(what, shift)}
    >
      {label}
    </button>
  );
  return (
    <div className="keybar" role="toolbar" aria-label="Keys">
      <div>
        {held ? <Held held={held} /> : <Attention session={session} />}
        <span className="grow" />
        {!held && [...ANSWERS.map((answer) => key(answer, answer)), key("⏎", "Enter", "Enter")]}
      </div>
      <div>
        {key("Esc", "Escape", "Escape")}
        {key("Tab", "Tab")}
        {key("⇧Tab", "Tab", "Shift Tab", true)}
        <button
          type="button"
          aria-pressed={control}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => setControl(!control)}
        >
          Ctrl
        </button>
        <button
          type="button"
          aria-label="Control C"
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => client.input(session.id, engine?.keys("c", { ctrl: true }) ?? "\x03")}
        >
          ^C
        </button>
        <button type="button" onClick={onPaste}>
          Paste
        </button>
        <button type="button" aria-label="Keyboard" onClick={() => engine?.focus()}>
          ⌨
        </button>
      </div>
      <div>
        {[
          ["←", "Left"],
          ["↓", "Down"],
          ["↑", "Up"],
          ["→", "Right"],
        ].map(([label = "", name = ""]) => key(label, `Arrow${name}`, name))}
        {["/", "|", "~", "-"].map((character) => key(character, character))}
      </div>
    </div>
  );
}
