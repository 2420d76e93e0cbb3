/** A modal dialog: the browser's own, so that focus, Escape and the rest of the page are as users know them. */

import { type FormEvent, type ReactNode, useEffect, useId, useRef } from "react";
import { useGivesKeysBack } from "../keys/keptKeys";
import "./Dialog.css";

interface DialogProps {
  title: string;
  onClose: () => void;
  onSubmit?: () => void;
  children: ReactNode;
  wide?: boolean;
}

export function Dialog({ title, onClose, onSubmit, children, wide }: DialogProps) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    // What Enter is for: the first field, else the answer that is the default.
    dialog?.querySelector<HTMLElement>("input, select, textarea, button[type=submit]")?.focus();
    return () => dialog?.close();
  }, []);
  useGivesKeysBack();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit?.();
  };
  return (
    <dialog ref={element} className={wide ? "dialog wide" : "dialog"} aria-labelledby={id} onClose={onClose}>
      <form method="dialog" onSubmit={submit}>
        <h2 id={id}>{title}</h2>
        {children}
      </form>
    </dialog>
  );
}
