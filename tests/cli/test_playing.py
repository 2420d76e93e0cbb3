"""A9: the keys of `termwall play`, in a terminal."""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.outer import OuterTerminal

EVENTS = [(0.1, "first\r\n"), (8.0, "second\r\n"), (100.0, "third\r\n"), (4000.0, "fourth\r\n")]
PAGE_DOWN, PAGE_UP, LEFT, RIGHT, HOME, END = b"\x1b[6~", b"\x1b[5~", b"\x1b[D", b"\x1bOC", b"\x1b[H", b"\x1b[F"


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[OuterTerminal]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
    env |= {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "TERM": "xterm-256color"}
    one = OuterTerminal(env, tmp_path)
    yield one
    one.close()


def shows(terminal: OuterTerminal, *lines: str) -> None:
    """Wait until exactly these lines stand on its screen."""
    until(terminal, lambda: [line for line in terminal.engine.text(0).split("\n") if line] == list(lines))


def until(terminal: OuterTerminal, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, terminal.engine.text(0)
        assert terminal._read(0.1), terminal.engine.text(0)


def recording(path: Path) -> str:
    lines = [{"version": 2, "width": 80, "height": 24}, *([at, "o", f"\x1b[5 q\x1b[?25l{text}"] for at, text in EVENTS)]
    path.write_text("\n".join(map(json.dumps, lines)))
    return str(path)


def test_A9_keys_wind_a_recording(terminal: OuterTerminal, tmp_path: Path) -> None:
    terminal.start("play", recording(tmp_path / "a.cast"))
    shows(terminal, "first")
    terminal.type(b" ")
    terminal.type(PAGE_DOWN)
    shows(terminal, "first", "second")
    terminal.type(PAGE_DOWN)
    shows(terminal, "first", "second", "third")
    terminal.type(b"?")
    until(terminal, lambda: "60 seconds back, on" in terminal.engine.text(0))
    terminal.type(b"x")
    shows(terminal, "first", "second", "third")
    terminal.type(END)
    shows(terminal, "first", "second", "third", "fourth")
    terminal.type(HOME)
    shows(terminal)
    terminal.type(RIGHT)
    shows(terminal, "first")
    terminal.type(RIGHT)
    shows(terminal, "first", "second")
    terminal.type(LEFT)
    shows(terminal, "first")
    terminal.type(PAGE_DOWN + PAGE_DOWN + PAGE_UP + b"\x1b[1;5D" + b"z")
    shows(terminal, "first", "second")
    # Not paused any more, twelve times as fast as it takes: each key counts, in one piece too.
    terminal.type(b"]>]>]>]>]>" + b" ")
    shows(terminal, "first", "second", "third")
    terminal.type(b"q")
    assert terminal.wait() == 0
    terminal.engine.feed(b"\x1bP$q q\x1b\\\x1b[?25$p")
    assert terminal.engine.take_replies() == b"\x1bP1$r4 q\x1b\\\x1b[?25;1$y"


def test_A9_a_recording_that_is_not_paused_goes_on_from_where_it_was_wound_to(
    terminal: OuterTerminal, tmp_path: Path
) -> None:
    terminal.start("play", recording(tmp_path / "a.cast"), "--speed", "100")
    shows(terminal, "first", "second", "third")
    terminal.type(HOME)
    shows(terminal, "first", "second", "third")
    terminal.type(END)
    assert terminal.wait() == 0
    assert "fourth" in terminal.engine.text(0)
