"""The command as a whole (A5)."""

import subprocess
import sys
from pathlib import Path

from tests.support.command import Command
from tests.support.server import Server


def test_A5_version_and_help(termwall: Command) -> None:
    assert termwall("--version").strip()
    assert "serve" in termwall("--help")


def test_A5_output_that_nobody_takes_is_a_sentence_or_nothing(server: Server, termwall: Command) -> None:
    termwall("run", "--name", "one", "--", "sh", "-c", "echo hello; exec cat")

    def shell(line: str) -> tuple[int, str]:
        line = line.replace("termwall", f"{sys.executable} -m termwall")
        done = subprocess.run(["bash", "-c", line], cwd=termwall.cwd, env=termwall.env, capture_output=True, text=True)
        return done.returncode, done.stderr

    full = (1, "termwall: standard output cannot be written: No space left on device.\n")
    if Path("/dev/full").exists():
        assert shell("termwall ls >/dev/full") == full
        assert shell("termwall screen one >/dev/full") == full
    assert shell("termwall screen one >&-") == (0, "")
    assert shell("termwall ls <&- >&- 2>&-") == (0, "")
    assert shell("termwall screen one | true; exit ${PIPESTATUS[0]}") == (1, "")
