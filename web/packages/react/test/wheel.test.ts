import { describe, expect, it } from "vitest";
import { notches, Wheel } from "../src/wheel";

const turn = (deltaY: number, deltaMode = 0, altKey = false) => ({ deltaY, deltaMode, altKey });

describe("test_case_page_35", () => {
  it("goes as far as the event says, in each unit", () => {
    const wheel = new Wheel();
    expect(wheel.lines(turn(-1200), 16, 24)).toBe(-75);
    expect(wheel.lines(turn(-96), 16, 24)).toBe(-6);
    expect(wheel.lines(turn(3, 1), 16, 24)).toBe(3);
    expect(wheel.lines(turn(-1, 2), 16, 24)).toBe(-24);
    expect(wheel.lines(turn(16, 0, true), 16, 24)).toBe(5);
    expect(wheel.lines(turn(100), 0, 24)).toBe(0);
  });

  it("adds small turns up to whole lines, none lost and none twice", () => {
    const wheel = new Wheel();
    const gone = Array.from({ length: 160 }, () => wheel.lines(turn(1), 16, 24)).reduce((sum, lines) => sum + lines);
    expect(gone).toBe(10);
    expect(wheel.lines(turn(12), 16, 24)).toBe(0);
    expect(wheel.lines(turn(-16), 16, 24), "the other way at once").toBe(-1);
  });

  it("counts notches for programs that use the mouse, at most 50 an event", () => {
    expect([-1200, 100, 4, -149, 1e9].map((delta) => notches(turn(delta)))).toEqual([12, 1, 1, 1, 50]);
    expect(notches(turn(9, 1))).toBe(3);
  });
});
