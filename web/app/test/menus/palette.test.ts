import { describe, expect, it } from "vitest";
import { splitCommand } from "../../src/dialogs/command";
import { type Action, findActions } from "../../src/menus/find";

const action = (label: string): Action => ({ id: label, label, run: () => undefined });
const actions = ["Next that needs you", "agent", "tests", "New terminal", "Layout: grid", "agent: Rename…"].map(action);
const found = (query: string) => findActions(actions, query).map(({ label }) => label);

describe("find or run", () => {
  it("shows everything, with what needs the user first, for an empty query", () => {
    expect(found("  ")).toEqual(actions.map(({ label }) => label));
  });

  it("puts what begins with the query before what holds it as a word, within a word, or letter by letter", () => {
    expect(found("agent")).toEqual(["agent", "agent: Rename…"]);
    expect(found("grid")).toEqual(["Layout: grid"]);
    expect(found("n")[0]).toBe("Next that needs you");
    expect(found("nwt")).toEqual(["New terminal"]);
  });

  it("finds nothing rather than something else", () => {
    expect(found("xyz")).toEqual([]);
  });
});

describe("a typed command", () => {
  it("is split into words as a shell would", () => {
    expect(splitCommand("  htop -d 10 ")).toEqual(["htop", "-d", "10"]);
    expect(splitCommand(`sh -c 'echo "a b"; exit 4'`)).toEqual(["sh", "-c", 'echo "a b"; exit 4']);
    expect(splitCommand('say "two words" --to="x y"')).toEqual(["say", "two words", "--to=x y"]);
    expect(splitCommand(String.raw`a\ b "c\"d"`)).toEqual(["a b", 'c"d']);
    expect(splitCommand("echo ''")).toEqual(["echo", ""]);
    expect(splitCommand("")).toEqual([]);
  });
});
