#!/bin/sh
# xterm.js ends APC, PM and SOS strings at their first character beyond ASCII, and prints what follows as text. ECMA-48's
# strings end at ST; xterm and libghostty-vt's DCS strings go on. Its OSC and DCS strings hold such characters well.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @xterm/headless@6.0.0 >/dev/null
cat >strings.cjs <<'NODE'
const { Terminal } = require("@xterm/headless");
const shown = (introducer) =>
  new Promise((resolve) => {
    const terminal = new Terminal({ cols: 20, rows: 2, allowProposedApi: true, logLevel: "off" });
    const data = `${introducer}one \u2713 two\x1b\\after`;
    terminal.write(data, () => resolve(terminal.buffer.active.getLine(0).translateToString(true)));
  });
(async () => {
  const seen = [await shown("\x1b_"), await shown("\x1b^"), await shown("\x1bX"), await shown("\x1bP0z")];
  console.log("@xterm/headless 6.0.0: APC, PM, SOS, DCS: expected after four times, seen", JSON.stringify(seen));
  process.exit(seen.join("|") === " twoafter| twoafter| twoafter|after" ? 0 : 1);
})();
NODE
node strings.cjs
