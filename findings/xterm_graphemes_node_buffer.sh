#!/bin/sh
# The grapheme add-on of xterm.js unpacks its table from base64 with Node's `Buffer` where that is global, and then reads
# the whole pool that the buffer was cut from, at offset 0. So in Node every emoji is one cell wide, in a browser two; a
# test of widths in Node says nothing of the page. With a `Buffer` that has no pool it is as in a browser.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund --prefix "$folder" @xterm/headless@6.0.0 @xterm/addon-unicode-graphemes@0.4.0 >/dev/null
cat >widths.cjs <<'NODE'
if (process.argv[2] === "whole") require("node:buffer").Buffer.poolSize = 0;
const { Terminal } = require("@xterm/headless");
const { UnicodeGraphemesAddon } = require("@xterm/addon-unicode-graphemes");
const terminal = new Terminal({ cols: 20, rows: 2, allowProposedApi: true });
terminal.loadAddon(new UnicodeGraphemesAddon());
terminal.write("\u{1F44D}", () => console.log(terminal.buffer.active.cursorX));
NODE
pooled=$(node widths.cjs pooled)
whole=$(node widths.cjs whole)
echo "@xterm/addon-unicode-graphemes 0.4.0, Node $(node --version)"
echo "cells of U+1F44D, expected 2, seen with Node's Buffer: $pooled; with one that has no pool: $whole"
[ "$pooled" = 1 ] && [ "$whole" = 2 ]
