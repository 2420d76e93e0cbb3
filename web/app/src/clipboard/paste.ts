/** What is pasted into a terminal, and whether the user should look at it first. */

/** Without control characters: pasted text must not press keys. Tabs and line ends stay. */
export function cleanPaste(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out.
  return text.replace(/\r\n?/g, "\n").replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g, "");
}

/** "1.4 MB", rounded so that a size over a limit does not read like the limit. */
export function megabytes(bytes: number): string {
  return `${(Math.ceil((bytes / (1 << 20)) * 10) / 10).toString()} MB`;
}

/** Lines that a shell would run at once. A program that asked for bracketed paste does not. */
export function pasteLines(text: string, bracketed: boolean): number {
  const lines = text.replace(/\n$/, "").split("\n").length;
  return bracketed || (lines === 1 && !text.endsWith("\n")) ? 0 : lines;
}
