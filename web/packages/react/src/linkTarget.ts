/** Where a link leads, in characters that cannot mislead, and whether its text says so (X11). */

export interface ScreenLink {
  /** What the terminal shows. */
  text: string;
  /** What would be opened. */
  target: string;
}

/** The address as a browser understands it: the host in ASCII, all else that is not ASCII escaped; null where it is not the web's. */
export function targetOf(address: string): string | null {
  try {
    const { protocol, href } = new URL(address);
    return protocol === "http:" || protocol === "https:" ? href : null;
  } catch {
    return null;
  }
}

/** Whether who reads the text knows the target: host in ASCII, no name before an `@` that looks like one. */
export function saysWhere(text: string, target: string): boolean {
  const said = text.trim();
  const whole = /^https?:\/\//i.test(said) ? said : `${new URL(target).protocol}//${said}`;
  if (/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u.test(whole) || targetOf(whole) !== target) return false;
  const host = whole.replace(/^https?:\/\//i, "").split(/[/?#\\]/)[0] ?? "";
  return /^[\x21-\x7e]+$/.test(host) && !host.includes("@");
}

/** A target in three parts; the middle one is the host, which is the one to look at. */
export function aroundHost(target: string): [string, string, string] {
  const { protocol, host } = new URL(target);
  const start = target.indexOf(host, target.slice(0, target.indexOf("/", protocol.length + 2)).lastIndexOf("@") + 1);
  return [target.slice(0, start), host, target.slice(start + host.length)];
}

/** Another tab, which knows nothing of this one. */
export function openTarget(target: string): void {
  window.open(target, "_blank", "noopener,noreferrer");
}

/** The browser asks. */
export function askedOf({ text, target }: ScreenLink): void {
  if (window.confirm(`“${text}” leads to ${target}\n\nOpen it?`)) openTarget(target);
}
