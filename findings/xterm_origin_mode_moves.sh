#!/bin/sh
# In origin mode (DECOM) with a top margin, xterm.js adds the margin again to every relative move and to CHA: "one column
# to the right" (CUF) and "column 5" (CHA) move the cursor down, too. ECMA-48 and xterm keep the row.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @xterm/headless@6.0.0 >/dev/null
cat >origin.cjs <<'NODE'
const { Terminal } = require("@xterm/headless");
const row = (move) =>
  new Promise((resolve) => {
    const terminal = new Terminal({ cols: 20, rows: 10, allowProposedApi: true });
    terminal.write(`\x1b[3;9r\x1b[?6h\x1b[1;1H${move}`, () => resolve(terminal.buffer.active.cursorY));
  });
(async () => {
  const seen = [await row(""), await row("\x1b[C"), await row("\x1b[5G")];
  console.log("@xterm/headless 6.0.0: rows after nothing, CUF, CHA: expected 2,2,2, seen", seen.join());
  process.exit(seen.join() === "2,4,4" ? 0 : 1);
})();
NODE
node origin.cjs
