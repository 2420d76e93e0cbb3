import { expect, it } from "vitest";
import { commandOf, splitCommand } from "../../src/dialogs/command";

const SHELL = "/bin/zsh";

it("splits as a shell does", () => {
  expect(splitCommand(`a "b c" 'd "e' f\\ g`)).toEqual(["a", "b c", 'd "e', "f g"]);
});

it("test_case_words_what_only_a_shell_reads_runs_in_one", () => {
  for (const line of [
    "cd web && npm run dev",
    "cd web",
    "make; make test",
    "cat log | less",
    "npm run dev > out.txt",
    "echo $HOME",
    'echo "in $HOME"',
    "ls *.ts",
    "sleep 1 &",
    "FOO=1 npm start",
    "ls ~/project",
    "(cd a; ls)",
    "echo `date`",
    "echo 'no end",
    "for i in 1 2; do echo $i; done",
  ])
    expect(commandOf(line, SHELL), line).toEqual([SHELL, "-c", line]);
});

it("runs all else as its words, without a shell between", () => {
  expect(commandOf("", SHELL)).toEqual([]);
  expect(commandOf("  npm run dev ", SHELL)).toEqual(["npm", "run", "dev"]);
  expect(commandOf("git log --format='%h; %s' a..b", SHELL)).toEqual(["git", "log", "--format=%h; %s", "a..b"]);
  expect(commandOf('python -c "print(1)"', SHELL)).toEqual(["python", "-c", "print(1)"]);
  expect(commandOf("curl https://e.com/a~b x=y", SHELL)).toEqual(["curl", "https://e.com/a~b", "x=y"]);
  expect(commandOf("a\\;b HEAD~1 --jobs=4", SHELL)).toEqual(["a;b", "HEAD~1", "--jobs=4"]);
});
