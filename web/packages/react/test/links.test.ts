import { Terminal } from "@xterm/headless";
import type { IBuffer, ILink } from "@xterm/xterm";
import { expect, it } from "vitest";
import { AddressLinks, findAddresses } from "../src/links";

const found = (text: string) => findAddresses(text).map((one) => one.text);
const print = (terminal: Terminal, text: string) => new Promise<void>((done) => terminal.write(text, done));

function linksIn(terminal: Terminal, y: number): ILink[] {
  let links: ILink[] = [];
  const provider = new AddressLinks(
    () => terminal.buffer.active as unknown as IBuffer,
    () => undefined,
  );
  provider.provideLinks(y, (all) => {
    links = all ?? [];
  });
  return links;
}

it("test_case_page_27_brackets_belong_to_an_address_where_they_are_balanced", () => {
  expect(found("see https://e.com/a(b)")).toEqual(["https://e.com/a(b)"]);
  expect(found("(see https://e.com/a(b))")).toEqual(["https://e.com/a(b)"]);
  expect(found("[docs](https://e.com/x_(y)_z).")).toEqual(["https://e.com/x_(y)_z"]);
  expect(found("https://e.com/a[1]?q=[2]]")).toEqual(["https://e.com/a[1]?q=[2]"]);
  expect(found("(https://e.com)")).toEqual(["https://e.com"]);
});

it("test_case_page_27_what_belongs_to_the_sentence_does_not", () => {
  expect(found("go to https://e.com/a, then https://e.com/b! or 'https://e.com/c'.")).toEqual([
    "https://e.com/a",
    "https://e.com/b",
    "https://e.com/c",
  ]);
  expect(found('{"url":"https://e.com/a?b=c&d=e#f"}')).toEqual(["https://e.com/a?b=c&d=e#f"]);
  expect(found("<https://e.com/a>")).toEqual(["https://e.com/a"]);
  expect(found("在https://e.com/a。好")).toEqual(["https://e.com/a"]);
  expect(found("HTTP://E.com:8080/~me/*.html")).toEqual(["HTTP://E.com:8080/~me/*.html"]);
  expect(found("https:// and http://... and ftp://e.com")).toEqual([]);
});

it("test_case_page_27_a_link_of_any_length_is_whole", async () => {
  for (const length of [2_520, 20_000]) {
    const address = `https://e.com/${"a".repeat(length - 14)}`;
    const terminal = new Terminal({ cols: 80, rows: 24, scrollback: 1000, allowProposedApi: true });
    await print(terminal, `begin ${address} end`);
    const row = terminal.buffer.active.baseY + 3;
    const [link, ...others] = linksIn(terminal, row);
    expect(others).toEqual([]);
    expect(link?.text).toBe(address);
    expect(link?.range.start).toEqual({ x: 7, y: 1 });
  }
});

it("test_case_page_27_its_cells_are_right_after_wide_characters", async () => {
  const terminal = new Terminal({ cols: 20, rows: 6, allowProposedApi: true });
  await print(terminal, "漢字漢 https://e.com/漢字漢字ab x");
  const [link] = linksIn(terminal, 1);
  expect(link?.text).toBe("https://e.com/漢字漢字ab");
  expect(link?.range.start).toEqual({ x: 8, y: 1 });
  expect(link?.range.end.y).toBe(2);
});
