/** A command line as a user types it. */

/** Words that only a shell knows, and what sets a variable for a command. */
const SHELL_WORD =
  /^(?:cd|export|source|\.|alias|ulimit|umask|exec|eval|set|unset|if|for|while|until|case|[A-Za-z_]\w*=.*)$/;

/**
 * What runs a command line: its words, or a shell where only one can read it (several commands, pipes, variables, files by
 * pattern). Nothing where it is empty.
 */
export function commandOf(line: string, shell: string): string[] {
  const words = splitCommand(line);
  const [first] = words;
  if (first === undefined) return [];
  return needsShell(line) || SHELL_WORD.test(first) ? [shell, "-c", line.trim()] : words;
}

/** Whether anything outside of quotes, or a variable inside of double ones, means more than itself to a shell. */
function needsShell(line: string): boolean {
  const rest = line.replace(/\\.|'[^']*'/gs, " ").replace(/"((?:[^"$`\\]|\\.)*)"/gs, " ");
  return /[;&|<>()$`*?[\]{}#"'\n]|(?:^|\s)~|(?:^|\s)!(?:\s|$)/.test(rest);
}

/** Its words: quotes and backslashes keep spaces together as in a shell; nothing is expanded. */
export function splitCommand(line: string): string[] {
  const words = line.match(/(?:"(?:\\.|[^"\\])*"|'[^']*'|\\.|[^\s"'\\])+/g) ?? [];
  return words.map((word) =>
    word.replace(/"((?:\\.|[^"\\])*)"|'([^']*)'|\\(.)/g, (_, double?: string, single?: string, escaped?: string) =>
      double !== undefined ? double.replace(/\\(["\\])/g, "$1") : (single ?? escaped ?? ""),
    ),
  );
}
