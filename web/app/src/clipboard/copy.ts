/** Puts text on the clipboard, also where a page has no secure context (plain http to another machine). */

/** False where the browser refuses; call it from a key or a click. */
export async function copyText(text: string): Promise<boolean> {
  if (isSecureContext && navigator.clipboard !== undefined) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Such as in a frame without the permission: the older way may still go.
    }
  }
  return copyByCommand(text);
}

/** The copy command of a document copies what is selected in a field; who had the keys has them afterwards. */
function copyByCommand(text: string): boolean {
  const before = document.activeElement;
  const field = document.createElement("textarea");
  field.value = text;
  field.readOnly = true;
  field.className = "unseen";
  // A modal dialog makes all else unable to have the focus.
  (document.querySelector("dialog[open]") ?? document.body).append(field);
  let done = false;
  const copying = (event: ClipboardEvent) => {
    event.clipboardData?.setData("text/plain", text);
    event.preventDefault();
    event.stopImmediatePropagation();
    done = true;
  };
  document.addEventListener("copy", copying, true);
  try {
    field.select();
    return document.execCommand("copy") && done;
  } finally {
    document.removeEventListener("copy", copying, true);
    field.remove();
    if (before instanceof HTMLElement) before.focus();
  }
}
