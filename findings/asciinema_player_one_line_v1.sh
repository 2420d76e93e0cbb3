#!/bin/sh
# asciinema-player 3.18.0 plays a recording of version 1 only where its JSON stands on several lines: the same object on one
# line is taken for a file of lines, and refused as "asciicast v1 format not supported". Needs Node 20 and npm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund asciinema-player@3.18.0 >/dev/null
cat >try.mjs <<'JAVASCRIPT'
import { readdirSync, readFileSync } from "node:fs";

const home = "./node_modules/asciinema-player";
console.log("asciinema-player", JSON.parse(readFileSync(`${home}/package.json`)).version);
const core = readdirSync(`${home}/dist`).find((name) => name.startsWith("core-"));
const { C: Core } = await import(`${home}/dist/${core}`);

/** What the player says of a recording: its seconds, or why it does not play it. */
async function outcome(text) {
  const nothing = () => {};
  const logger = { debug: nothing, info: nothing, warn: nothing, error: nothing };
  const player = new Core({ data: text }, { logger, preload: true, cols: 80, rows: 24, speed: 1 });
  return new Promise((done) => {
    player.addEventListener("metadata", ({ duration }) => done(`${duration} s`));
    player.addEventListener("error", ({ message }) => done(message));
    player.terminalReady();
    player.init().catch((error) => done(error.message));
  });
}

const recording = { version: 1, width: 80, height: 24, duration: 1.5, stdout: [[0.5, "one"], [1, "two"]] };
const several = await outcome(JSON.stringify(recording, null, 2));
const one = await outcome(JSON.stringify(recording));
console.log(`on several lines: expected 1.5 s, seen ${several}`);
console.log(`on one line: expected 1.5 s, seen ${one}`);
process.exit(several === "1.5 s" && one.includes("not supported") ? 0 : 1);
JAVASCRIPT
node try.mjs
