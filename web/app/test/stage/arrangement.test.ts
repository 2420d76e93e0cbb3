import { describe, expect, it } from "vitest";
import { arrange, layoutFor, neighbour } from "../../src/stage/arrangement";

describe("the layout for a width", () => {
  it("is the chosen one on a desktop", () => {
    for (const layout of ["single", "split", "grid"] as const) expect(layoutFor(layout, 1440, false)).toBe(layout);
  });

  it("is one pane while zoomed and on a phone", () => {
    expect(layoutFor("grid", 1440, true)).toBe("single");
    expect(layoutFor("grid", 599, false)).toBe("single");
  });

  it("is two panes at most in a narrow window, one above the other", () => {
    expect(layoutFor("grid", 900, false)).toBe("split");
    expect(arrange("split", 2, 900)).toEqual({ columns: 1, rows: 2 });
    expect(arrange("split", 2, 1440)).toEqual({ columns: 2, rows: 1 });
  });

  it("makes a square grid, and a row of four where all keep 80 columns", () => {
    expect(arrange("grid", 0, 1440)).toEqual({ columns: 1, rows: 1 });
    expect(arrange("grid", 1, 1440)).toEqual({ columns: 1, rows: 1 });
    expect(arrange("grid", 2, 1440)).toEqual({ columns: 2, rows: 1 });
    expect(arrange("grid", 3, 1440)).toEqual({ columns: 2, rows: 2 });
    expect(arrange("grid", 4, 1440)).toEqual({ columns: 2, rows: 2 });
    expect(arrange("grid", 4, 3440)).toEqual({ columns: 4, rows: 1 });
    expect(arrange("grid", 9, 1440)).toEqual({ columns: 3, rows: 3 });
  });
});

describe("the pane beside another one", () => {
  const square = { columns: 2, rows: 2 };

  it("stops at the edges and does not wrap to another row", () => {
    expect(neighbour(1, "right", 4, square)).toBeNull();
    expect(neighbour(2, "left", 4, square)).toBeNull();
    expect(neighbour(0, "up", 4, square)).toBeNull();
    expect(neighbour(3, "down", 4, square)).toBeNull();
  });

  it("leads to what is seen there", () => {
    expect(neighbour(0, "right", 4, square)).toBe(1);
    expect(neighbour(1, "down", 4, square)).toBe(3);
    expect(neighbour(3, "up", 4, square)).toBe(1);
    // Three panes: the third takes the whole lower row.
    expect(neighbour(1, "down", 3, square)).toBe(2);
    expect(neighbour(2, "right", 3, square)).toBeNull();
  });
});
