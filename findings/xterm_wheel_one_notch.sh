#!/bin/sh
# xterm.js 6.0.0 takes the legacy `wheelDelta` of a wheel event for how far to scroll, and not `deltaY`. Where the two differ it
# goes as far as `wheelDelta` says: Chromium's own input over DevTools (Playwright, Puppeteer) has -120 for any number of
# pixels, so that an event of 1,200 pixels scrolls three lines, as one of 100 does. A plain scrolling element moves 1,200.
# Needs Node 20, npm, and a Chromium at $CHROMIUM or /usr/bin/chromium (Debian's package `chromium`).
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @xterm/xterm@6.0.0 playwright-core@1.49.1 >/dev/null
cat >try.cjs <<'JAVASCRIPT'
const { chromium } = require("playwright-core");
const path = process.env.CHROMIUM || "/usr/bin/chromium";
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

(async () => {
  const browser = await chromium.launch({ executablePath: path, args: flags });
  const page = await browser.newPage();
  await page.setContent(`<div id="terminal"></div><div id="plain" style="height: 100px; overflow: auto">
    <div style="height: 9000px"></div></div>`);
  await page.addStyleTag({ path: require.resolve("@xterm/xterm/css/xterm.css") });
  await page.addScriptTag({ path: require.resolve("@xterm/xterm/lib/xterm.js") });
  await page.evaluate(async () => {
    window.terminal = new Terminal({ cols: 80, rows: 20, scrollback: 1000 });
    terminal.open(document.getElementById("terminal"));
    const lines = Array.from({ length: 400 }, (_, index) => `row-${index + 1}`).join("\r\n");
    await new Promise((done) => terminal.write(lines, done));
  });
  const top = () => page.evaluate(() => terminal.buffer.active.viewportY);
  async function turned(pixels) {
    const before = await top();
    await page.hover("#terminal .xterm-screen");
    await page.mouse.wheel(0, -pixels);
    await page.waitForTimeout(800);
    return before - (await top());
  }
  const [small, large] = [await turned(100), await turned(1200)];
  await page.hover("#plain");
  await page.mouse.wheel(0, 1200);
  await page.waitForTimeout(800);
  const plain = await page.evaluate(() => document.getElementById("plain").scrollTop);
  await browser.close();
  console.log("@xterm/xterm", require("@xterm/xterm/package.json").version);
  console.log(`100 pixels: ${small} lines; 1200 pixels: expected about ${12 * small} lines, seen ${large}`);
  console.log(`a plain element: ${plain} pixels for 1200`);
  process.exit(large === small && plain === 1200 ? 0 : 1);
})();
JAVASCRIPT
node try.cjs
