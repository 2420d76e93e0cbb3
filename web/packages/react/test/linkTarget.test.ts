import { expect, it } from "vitest";
import { aroundHost, saysWhere, targetOf } from "../src/linkTarget";

it("test_X11_only_the_webs_addresses_are_targets", () => {
  expect(targetOf("https://e.com")).toBe("https://e.com/");
  expect(targetOf("HTTP://E.com:80/ä b")).toBe("http://e.com/%C3%A4%20b");
  for (const address of ["file:///etc/passwd", "javascript:alert(1)", "data:text/html,x", "ssh://e.com", "e.com", ""])
    expect(targetOf(address)).toBeNull();
});

it("test_X11_a_text_says_where_it_leads_or_it_does_not", () => {
  const says = (text: string, address: string) => saysWhere(text, targetOf(address) ?? "");
  for (const [text, address] of [
    ["https://e.com/a", "https://e.com/a"],
    ["https://e.com", "https://e.com/"],
    ["HTTPS://E.com/a", "https://e.com/a"],
    ["e.com/a?b=c#d", "https://e.com/a?b=c#d"],
    ["e.com/a", "http://e.com/a"],
    [" https://e.com/größe ", "https://e.com/größe"],
    ["https://xn--e-dga.com/", "https://xn--e-dga.com/"],
  ] as const)
    expect(says(text, address), text).toBe(true);
  for (const [text, address] of [
    ["click here", "https://e.com/a"],
    ["https://good.example/a", "https://evil.example/a"],
    ["https://good.example", "https://good.example.evil.example/"],
    ["https://e.com/a", "http://e.com/a"],
    ["https://e.com/a", "https://e.com/b"],
    ["https://e.com/very…", "https://e.com/very/long"],
    ["https://good.example@evil.example/", "https://good.example@evil.example/"],
    ["https://ẹ.com/", "https://ẹ.com/"],
    ["https://e.com/\u202etxt", "https://e.com/\u202etxt"],
    ["", "https://e.com/"],
  ] as const)
    expect(says(text, address), text).toBe(false);
});

it("test_X11_the_host_is_what_stands_out", () => {
  expect(aroundHost("https://good.example@evil.example:8443/good.example?x")).toEqual([
    "https://good.example@",
    "evil.example:8443",
    "/good.example?x",
  ]);
  expect(aroundHost("https://e/e/e@e")).toEqual(["https://", "e", "/e/e@e"]);
  expect(aroundHost("http://e:p@e.com/")).toEqual(["http://e:p@", "e.com", "/"]);
});
