// Compares what two xterm.js terminals show. Reads one case a line on stdin, as JSON, and answers each with one line.
//
// A case: {cols, rows, candidate, reference, rest}, each of the three a list of steps: bytes in base64, or a size
// [cols, rows]. Two fresh terminals take `candidate` and `reference` and are compared; then both take `rest` and are
// compared again. The answer: {first: [difference, ...], then: [difference, ...], thrown}; no difference is an exact case,
// and `thrown` is what xterm.js threw of the bytes, if it did.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

const PACKAGE = new URL("../../../web/packages/react/", import.meta.url);
const require = createRequire(new URL("package.json", PACKAGE));
const { Terminal } = require("@xterm/headless");

// What the page does with xterm.js, from its own source.
const { rolldown } = await import(pathToFileURL(require.resolve("rolldown")).href);
const bundle = await rolldown({ input: new URL("src/xterm/alike.ts", PACKAGE).pathname, logLevel: "silent" });
const { output } = await bundle.generate({ format: "esm" });
const source = `data:text/javascript;base64,${Buffer.from(output[0].code).toString("base64")}`;
const { makeAlike, OutputText } = await import(source);

const SCROLLBACK = 5000;
const COMPARED_LINES = 1000;
const MOST_DIFFERENCES = 12;

function terminal(cols, rows) {
  const made = new Terminal({ cols, rows, scrollback: SCROLLBACK, allowProposedApi: true, logLevel: "off" });
  makeAlike(made);
  const one = { made, core: made._core, title: "", popped: false, text: new OutputText() };
  made.onTitleChange((title) => {
    one.title = title;
  });
  return one;
}

let thrown = "";
let wake = () => {};
// xterm.js parses in a timer of its own, so what it throws arrives nowhere else.
process.on("uncaughtException", (error) => {
  thrown = String(error);
  wake();
});

async function take(one, steps) {
  for (const step of steps) {
    if (typeof step === "string") {
      const data = Buffer.from(step, "base64");
      one.popped ||= data.includes("\x1b[23");
      await new Promise((done) => {
        wake = done;
        one.made.write(one.text.read(data), done);
      });
    } else one.made.resize(step[0], step[1]);
  }
}

/** The 16 first colours are the same whether written as such or as the first of 256. */
function colour(mode, value) {
  if (mode === 0) return "-";
  return mode === 0x3000000 ? `#${value.toString(16)}` : `${value}`;
}

const FLAGS = ["Bold", "Italic", "Dim", "Underline", "Blink", "Inverse", "Invisible", "Strikethrough", "Overline"];

function look(one, cell, blank) {
  const flags = FLAGS.map((flag) => (cell[`is${flag}`]() ? "1" : "0")).join("");
  let more = "";
  if (cell.hasExtendedAttrs()) {
    const { underlineStyle, urlId } = cell.extended;
    if (underlineStyle) more += `u${underlineStyle}`;
    if (cell.isUnderline() && !cell.isUnderlineColorDefault())
      more += `c${colour(cell.getUnderlineColorMode(), cell.getUnderlineColor())}`;
    if (urlId) more += `l${one.core._oscLinkService.getLinkData(urlId)?.uri}`;
  }
  const foreground = blank ? "" : colour(cell.getFgColorMode(), cell.getFgColor());
  return `${foreground}/${colour(cell.getBgColorMode(), cell.getBgColor())}/${flags}/${more}`;
}

function compareScreens(what, a, b, left, right, found) {
  const { cols, rows } = a.made;
  for (let y = 0; y < rows; y++) {
    const one = left.lines.get(left.ybase + y);
    const two = right.lines.get(right.ybase + y);
    if (!one || !two) {
      if (one || two) found.push(`${what}: row ${y} is missing`);
      continue;
    }
    if (one.isWrapped !== two.isWrapped) found.push(`${what}: wrap of row ${y}: ${one.isWrapped}, not ${two.isWrapped}`);
    for (let x = 0; x < cols; x++) {
      const mine = one.loadCell(x, new a.Cell());
      const mineText = mine.getChars();
      const mineWidth = mine.getWidth();
      const theirs = two.loadCell(x, new b.Cell());
      const theirText = theirs.getChars();
      const blank = (mineText === "" || mineText === " ") && (theirText === "" || theirText === " ");
      const mineLook = look(a, mine, blank);
      const theirLook = look(b, theirs, blank);
      if (mineText !== theirText || mineWidth !== theirs.getWidth())
        found.push(`${what}: text at ${x},${y}: ${JSON.stringify(mineText)} (${mineWidth}), not ${JSON.stringify(theirText)} (${theirs.getWidth()})`);
      else if (mineLook !== theirLook) found.push(`${what}: look at ${x},${y} ${JSON.stringify(mineText)}: ${mineLook}, not ${theirLook}`);
      if (found.length > MOST_DIFFERENCES) return;
    }
  }
}

function compareScrollback(left, right, found) {
  const lines = Math.min(COMPARED_LINES, left.ybase, right.ybase);
  const whole = Math.min(COMPARED_LINES, right.ybase);
  if (left.ybase < whole) found.push(`scrollback: ${left.ybase} lines, not ${right.ybase}`);
  if (left.ybase > right.ybase) found.push(`scrollback: ${left.ybase} lines, not ${right.ybase}`);
  for (let back = 1; back <= lines && found.length <= MOST_DIFFERENCES; back++) {
    const one = left.lines.get(left.ybase - back);
    const two = right.lines.get(right.ybase - back);
    const mine = one.translateToString(true);
    const theirs = two.translateToString(true);
    if (mine !== theirs) found.push(`scrollback: line -${back}: ${JSON.stringify(mine)}, not ${JSON.stringify(theirs)}`);
    // The oldest line's beginning may have been left out.
    else if (one.isWrapped !== two.isWrapped && back < COMPARED_LINES && back < left.ybase)
      found.push(`scrollback: wrap of line -${back}: ${one.isWrapped}, not ${two.isWrapped}`);
  }
}

function state(one) {
  const { core } = one;
  const { active } = core.buffers;
  const pen = core._inputHandler._curAttrData;
  return {
    title: one.title,
    buffer: active === core.buffers.alt ? "alternate" : "normal",
    cursor: `${active.x},${active.y}`,
    hidden: core.coreService.isCursorHidden,
    blink: core.options.cursorBlink,
    insert: core.coreService.modes.insertMode,
    margins: `${active.scrollTop},${active.scrollBottom}`,
    // A stop in the first column, which xterm.js begins with, changes nothing.
    tabs: Object.keys(active.tabs).filter((column) => active.tabs[column] && column > 0 && column < core.cols).join(),
    mouse: `${core.coreMouseService.activeProtocol} ${core.coreMouseService.activeEncoding}`,
    charset: core._charsetService.charset ? Object.keys(core._charsetService.charset).join("") : "",
    pen: `${colour(pen.getFgColorMode(), pen.getFgColor())}/${colour(pen.getBgColorMode(), pen.getBgColor())}/${FLAGS.map((flag) => (pen[`is${flag}`]() ? "1" : "0")).join("")}`,
    ...core.coreService.decPrivateModes,
  };
}

function compare(a, b) {
  const found = [];
  const left = state(a);
  const right = state(b);
  // The stack of titles is the server's, which says the title; what xterm.js holds for it is shown nowhere.
  if (a.popped || b.popped) right.title = left.title;
  for (const name of Object.keys(right))
    if (left[name] !== right[name]) found.push(`${name}: ${left[name]}, not ${right[name]}`);
  compareScreens("screen", a, b, a.core.buffers.active, b.core.buffers.active, found);
  if (left.buffer === "alternate" && right.buffer === "alternate")
    compareScreens("below", a, b, a.core.buffers.normal, b.core.buffers.normal, found);
  compareScrollback(a.core.buffers.normal, b.core.buffers.normal, found);
  return found.slice(0, MOST_DIFFERENCES);
}

for await (const line of createInterface({ input: process.stdin })) {
  const { cols, rows, candidate, reference, rest } = JSON.parse(line);
  const a = terminal(cols, rows);
  const b = terminal(cols, rows);
  a.Cell = b.Cell = a.core.buffers.active.getNullCell().constructor;
  await take(a, candidate);
  await take(b, reference);
  const first = compare(a, b);
  await take(a, rest);
  await take(b, rest);
  const then = compare(a, b);
  process.stdout.write(`${JSON.stringify({ first, then, thrown })}\n`);
  thrown = "";
  a.made.dispose();
  b.made.dispose();
}
