import { expect, test } from "vitest";
import { caption } from "../../src/session/caption";

test("X9: what a command has that acts on the text beside it is not shown", () => {
  expect(caption("cat a\u001b[31mb\u009b\u202egpj.exe\u2066\u200f\n# größer 👩\u200d🚀")).toBe(
    "cat a[31mbgpj.exe# größer 👩\u200d🚀",
  );
});
