import { Terminal } from "@xterm/headless";
import type { Terminal as Screen } from "@xterm/xterm";
import { expect, it } from "vitest";
import { OscLinks } from "../src/oscLinks";

const link = (address: string, text: string) => `\u001b]8;;${address}\u001b\\${text}\u001b]8;;\u001b\\`;

async function shows(text: string, cols = 20): Promise<OscLinks> {
  const terminal = new Terminal({ cols, rows: 8, allowProposedApi: true });
  await new Promise<void>((done) => terminal.write(text, done));
  return new OscLinks(terminal as unknown as Screen);
}

it("test_X11_the_text_of_a_link_is_whole_over_the_rows_of_its_line", async () => {
  const address = "https://e.com/a/very/long/address/that/goes/over/three/rows";
  const links = await shows(`see ${link(address, address)} and ${link("https://e.com/b", "b")}`);
  const rows = [0, 1, 2, 3].map((row) => links.in(row).map((piece) => links.whole(piece).text));
  expect(rows).toEqual([[address], [address], [address], [address, "b"].slice(0, rows[3]?.length)]);
  expect(links.in(0).map((piece) => links.address(piece))).toEqual([address]);
});

it("test_X11_neighbours_and_lines_of_their_own_are_links_of_their_own", async () => {
  const links = await shows(
    `${link("https://one.example/", "漢字")}${link("https://two.example/", "two")}\r\n` +
      `${link("https://three.example/", "x".repeat(20))}\r\n${link("https://three.example/", "y")}`,
  );
  const found = [0, 1, 2].flatMap((row) => links.in(row)).map((one) => [links.whole(one).text, links.address(one)]);
  expect(found).toEqual([
    ["漢字", "https://one.example/"],
    ["two", "https://two.example/"],
    ["x".repeat(20), "https://three.example/"],
    ["y", "https://three.example/"],
  ]);
  expect(links.at(0, 3)?.start).toBe(0);
  expect(links.at(0, 4)?.start).toBe(4);
  expect(links.at(0, 19)).toBeUndefined();
  expect(links.in(7)).toEqual([]);
});
