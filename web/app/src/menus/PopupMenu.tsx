/** A small menu at a place of the page, with the keys that menus have. */

import { useEffect, useRef } from "react";
import { useGivesKeysBack } from "../keys/keptKeys";
import "./PopupMenu.css";

export interface MenuItem {
  label: string;
  keys?: string;
  run: () => void;
}

export function PopupMenu(props: {
  items: readonly MenuItem[];
  at: { x: number; y: number };
  label: string;
  onClose: () => void;
}) {
  const { items, at, label, onClose } = props;
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const menu = element.current;
    menu?.querySelector<HTMLElement>("button")?.focus();
    const outside = (event: PointerEvent) => {
      if (!menu?.contains(event.target as Node)) onClose();
    };
    document.addEventListener("pointerdown", outside, true);
    return () => document.removeEventListener("pointerdown", outside, true);
  }, [onClose]);
  useGivesKeysBack();
  const onKeyDown = (event: React.KeyboardEvent) => {
    const buttons = [...(element.current?.querySelectorAll<HTMLElement>("button") ?? [])];
    const index = buttons.indexOf(document.activeElement as HTMLElement);
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move !== undefined) buttons[(index + move + buttons.length) % buttons.length]?.focus();
    else if (event.key === "Home") buttons[0]?.focus();
    else if (event.key === "End") buttons.at(-1)?.focus();
    else if (event.key === "Escape" || event.key === "Tab") onClose();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const width = 240;
  const left = Math.max(4, Math.min(at.x - width, innerWidth - width - 4));
  const top = Math.min(at.y + 2, innerHeight - items.length * 32 - 16);
  return (
    <div
      ref={element}
      className="menu"
      role="menu"
      aria-label={label}
      tabIndex={-1}
      style={{ left, top, width }}
      onKeyDown={onKeyDown}
    >
      {items.map((item) => (
        <button
          key={item.label}
          type="button"
          role="menuitem"
          tabIndex={-1}
          onClick={() => {
            onClose();
            item.run();
          }}
        >
          <span className="grow">{item.label}</span>
          {item.keys && <kbd>{item.keys}</kbd>}
        </button>
      ))}
    </div>
  );
}
