/** Find a terminal or run a command: everything that a button does is here too. */

import { useEffect, useId, useMemo, useRef, useState } from "react";
import { useGivesKeysBack } from "../keys/keptKeys";
import { Attention } from "../session/Attention";
import { type Action, findActions } from "./find";
import "./Palette.css";

export function Palette({ actions, onClose }: { actions: readonly Action[]; onClose: () => void }) {
  const element = useRef<HTMLDialogElement>(null);
  const [query, setQuery] = useState("");
  const [chosen, setChosen] = useState(0);
  const found = useMemo(() => findActions(actions, query), [actions, query]);
  const id = useId();
  const current = Math.min(chosen, found.length - 1);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  useGivesKeysBack();
  useEffect(() => {
    document.getElementById(`${id}-${current}`)?.scrollIntoView({ block: "nearest" });
  }, [current, id]);
  const run = (action: Action | undefined) => {
    if (action === undefined) return;
    onClose();
    // After the dialog gave the focus back, so that the action may move it.
    setTimeout(action.run);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const numbered = query === "" && !event.ctrlKey && !event.altKey && !event.metaKey && /^[1-9]$/.test(event.key);
    const there = numbered ? found.find((action) => action.position === Number(event.key)) : undefined;
    if (there !== undefined) run(there);
    else if (event.key === "ArrowDown") setChosen(Math.min(current + 1, found.length - 1));
    else if (event.key === "ArrowUp") setChosen(Math.max(current - 1, 0));
    else if (event.key === "Home") setChosen(0);
    else if (event.key === "End") setChosen(found.length - 1);
    else if (event.key === "Enter" && !event.ctrlKey && !event.metaKey) run(found[current]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={element}
      className="palette"
      aria-label="Find or run"
      onClose={onClose}
      onClick={(event) => event.target === element.current && onClose()}
      onKeyDown={onKeyDown}
    >
      <input
        autoFocus
        role="combobox"
        aria-expanded="true"
        aria-controls={`${id}-list`}
        aria-activedescendant={found.length > 0 ? `${id}-${current}` : undefined}
        aria-label="Find or run"
        placeholder="Find a terminal or a command"
        value={query}
        spellCheck={false}
        onChange={(event) => {
          setQuery(event.target.value);
          setChosen(0);
        }}
      />
      <div role="listbox" id={`${id}-list`} aria-label="Results">
        {found.map((action, index) => (
          // biome-ignore lint/a11y/useFocusableInteractive: the combobox keeps the focus and names the active option.
          // biome-ignore lint/a11y/useKeyWithClickEvents: its keys are the combobox's.
          <div
            key={action.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === current}
            className="row"
            onMouseMove={() => setChosen(index)}
            onClick={() => run(action)}
          >
            <span className="position">{action.position}</span>
            <span className="grow">{action.label}</span>
            {action.session && <Attention session={action.session} />}
            {action.keys && <kbd>{action.keys}</kbd>}
          </div>
        ))}
        {found.length === 0 && <p className="muted">Nothing is called that.</p>}
      </div>
    </dialog>
  );
}
