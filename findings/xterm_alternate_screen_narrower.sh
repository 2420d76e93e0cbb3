#!/bin/sh
# xterm.js keeps what a narrower alternate screen cuts off, out of sight, and shows it again when the screen gets wider: on
# the row that was there, over what the program has drawn since only as far as it drew. libghostty-vt and tmux drop it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @xterm/headless@6.0.0 >/dev/null
cat >narrower.cjs <<'NODE'
const { Terminal } = require("@xterm/headless");
const terminal = new Terminal({ cols: 20, rows: 4, allowProposedApi: true });
terminal.write("\x1b[?1049h\x1b[H0123456789abcdef", () => {
  terminal.resize(10, 4);
  terminal.resize(20, 4);
  const seen = terminal.buffer.active.getLine(0).translateToString(true);
  console.log("@xterm/headless 6.0.0, 20 to 10 to 20 columns: expected 0123456789, seen", seen);
  process.exit(seen === "0123456789abcdef" ? 0 : 1);
});
NODE
node narrower.cjs
