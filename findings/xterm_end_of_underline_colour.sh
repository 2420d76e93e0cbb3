#!/bin/sh
# In xterm.js SGR 59, which gives underlines the colour of the text again, makes them white: what is underlined from then
# on has the underline colour #ffffff until SGR 0, which is not to be seen in a light theme. Programs that draw with
# crossterm end the colour of an underline so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @xterm/headless@6.0.0 >/dev/null
cat >underline.cjs <<'NODE'
const { Terminal } = require("@xterm/headless");
const terminal = new Terminal({ cols: 20, rows: 2, allowProposedApi: true });
// A red underline, its colour's end, and the same text as it would be without either.
terminal.write("\x1b[4;58:5:1mA\x1b[59mB\x1b[0;4mC", () => {
  const { active } = terminal._core.buffers;
  const cell = new (active.getNullCell().constructor)();
  const [ended, never] = [1, 2].map((x) => {
    active.lines.get(0).loadCell(x, cell);
    return cell.isUnderlineColorDefault() ? "the text's" : `#${cell.getUnderlineColor().toString(16)}`;
  });
  console.log("@xterm/headless 6.0.0: underline after SGR 59: expected", never, "seen", ended);
  process.exit(ended === "#ffffff" && never === "the text's" ? 0 : 1);
});
NODE
node underline.cjs
