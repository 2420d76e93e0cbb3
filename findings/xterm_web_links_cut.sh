#!/bin/sh
# @xterm/addon-web-links 0.12.0 offers addresses cut without a sign: one of 2,520 characters that stands in 32 rows ends
# within its line (the add-on stops joining rows after 2,048 characters), and of `https://e.com/a(b)` it offers
# `https://e.com/a`. What a click opens is then another page. Needs Node 20 and npm.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm install --silent --no-audit --no-fund @xterm/addon-web-links@0.12.0 @xterm/headless@6.0.0 >/dev/null
cat >try.cjs <<'JAVASCRIPT'
globalThis.self = globalThis;
const { Terminal } = require("@xterm/headless");
const { WebLinksAddon } = require("@xterm/addon-web-links");
console.log("@xterm/addon-web-links", require("@xterm/addon-web-links/package.json").version);

/** What the add-on offers in the second row, or the first, of a terminal that shows a text. */
function offered(text, row) {
  return new Promise((done) => {
    const terminal = new Terminal({ cols: 80, rows: 40, allowProposedApi: true });
    const view = new Proxy(terminal, {
      get: (real, name) =>
        name === "registerLinkProvider"
          ? (provider) => {
              view.provider = provider;
              return { dispose() {} };
            }
          : Reflect.get(real, name),
    });
    new WebLinksAddon(() => {}).activate(view);
    terminal.write(text, () => terminal.provider.provideLinks(row, (links) => done(links?.[0]?.text ?? "nothing")));
  });
}

(async () => {
  const long = `https://e.com/${"a".repeat(2506)}`;
  const brackets = "https://e.com/a(b)";
  const seenLong = await offered(long, 1);
  const seenBrackets = await offered(brackets, 1);
  console.log(`an address of 2520 characters: expected 2520 seen ${seenLong.length}`);
  console.log(`brackets: expected ${brackets} seen ${seenBrackets}`);
  process.exit(seenLong !== long && seenBrackets === "https://e.com/a" ? 0 : 1);
})();
JAVASCRIPT
node try.cjs
