import { describe, expect, test } from "vitest";
import { between, clock, parseCast, sizeOf } from "../src/cast";

const FILE = [
  '{"version":2,"width":80,"height":24,"title":"agent"}',
  '[0,"o","first"]',
  '[1.5,"r","100x30"]',
  '[2,"o","second"]',
  '[9,"m","output is missing here"]',
  '[10,"o","third"]',
].join("\n");

describe("a recording in the page", () => {
  test("is read, with its length", () => {
    const cast = parseCast(FILE);
    expect([cast.cols, cast.rows, cast.title, cast.duration, cast.events.length]).toEqual([80, 24, "agent", 10, 5]);
  });

  test("that still runs may end in half a line", () => {
    expect(parseCast(`${FILE}\n[11,"o","hal`).duration).toBe(10);
  });

  test.each(["", "nonsense", '{"version":1}', '{"version":2,"width":0,"height":1}'])("is refused: %s", (text) => {
    expect(() => parseCast(text)).toThrow("no asciicast");
  });

  test("is fed from where it is, and from the beginning to go back", () => {
    const cast = parseCast(FILE);
    const fed = (from: number | null, to: number) => between(cast, from, to).map((event) => event[2]);
    expect(fed(null, 2)).toEqual(["first", "100x30", "second"]);
    expect(fed(2, 10)).toEqual(["output is missing here", "third"]);
    expect(fed(0, 1)).toEqual([]);
  });

  test("tells sizes and times", () => {
    expect(sizeOf("100x30")).toEqual({ cols: 100, rows: 30 });
    expect(sizeOf("wide")).toBeNull();
    expect([clock(0), clock(65.9), clock(3601)]).toEqual(["0:00", "1:05", "1:00:01"]);
  });
});
