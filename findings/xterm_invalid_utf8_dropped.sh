#!/bin/sh
# xterm.js drops bytes that are no UTF-8 when it is given bytes: "caf\xe9 au" (Latin-1) shows as "caf au", with nothing in
# the place of the letter. The encoding standard, and browsers' TextDecoder, show U+FFFD there; so does libghostty-vt.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @xterm/headless@6.0.0 >/dev/null
cat >bytes.cjs <<'NODE'
const { Terminal } = require("@xterm/headless");
const bytes = Uint8Array.from([0x63, 0x61, 0x66, 0xe9, 0x20, 0x61, 0x75]);
const shown = (data) =>
  new Promise((resolve) => {
    const terminal = new Terminal({ cols: 20, rows: 2, allowProposedApi: true });
    terminal.write(data, () => resolve(terminal.buffer.active.getLine(0).translateToString(true)));
  });
(async () => {
  const [asBytes, asText] = [await shown(bytes), await shown(new TextDecoder().decode(bytes))];
  console.log("@xterm/headless 6.0.0: expected", JSON.stringify(asText), "seen", JSON.stringify(asBytes));
  process.exit(asBytes === "caf au" && asText === "caf\ufffd au" ? 0 : 1);
})();
NODE
node bytes.cjs
