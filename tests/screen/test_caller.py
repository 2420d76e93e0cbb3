"""C2, C4: whatever a session's output does, the caller's terminal is afterwards as it was; by our own engine."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.caller import ASK_STYLE, Caller
from termwall.screen.ghostty import GhosttyEngine

BEFORE = b"".join(b"line %d\r\n" % number for number in range(40)) + b"\x1b[32m$ \x1b[mtermwall attach x\r\n"

CHANGES = [
    "\x1b[?1004h",
    "\x1b[?1000h\x1b[?1006h",
    "\x1b[?1003;1015h",
    "\x1b[?1002;1016h",
    "\x1b[?9h\x1b[?1005h",
    "\x1b[?2004h",
    "\x1b[?2026h",
    "\x1b[?2031h",
    "\x1b[?2048h",
    "\x1b[?2027h",
    "\x1b[?1h\x1b=",
    "\x1b[?66h",
    "\x1b[?5h",
    "\x1b[?6h\x1b[3;5r",
    "\x1b[?69h\x1b[5;10s",
    "\x1b[?7l",
    "\x1b[?25l",
    "\x1b[?12h",
    "\x1b[?45h",
    "\x1b[?3h",
    "\x1b[?40h\x1b[?3h",
    "\x1b[?2l",
    "\x1b[4h",
    "\x1b[20h",
    "\x1b[2h",
    "\x1b[12l",
    "\x1b[>1u",
    "\x1b[>1u\x1b[>31u",
    "\x1b[=5;1u",
    "\x1b[<9u\x1b[>3u",
    "\x1b[>4;2m",
    "\x1b[>4;1m\x1b[>1;2m",
    "\x1b[5 q",
    "\x1b]4;1;rgb:12/34/56\x07",
    "\x1b]11;#123456\x1b\\",
    "\x1b]10;red\x07\x1b]12;blue\x07",
    "\x1b]8;;http://example.org\x1b\\link",
    "\x1b]0;another title\x07",
    "\x1b]2;one\x07\x1b[22;0t\x1b]2;two\x07\x1b[23;0t\x1b[23;0t",
    "\x1b[31;1;4mred",
    '\x1b[1"qprotected',
    "\x1b(0lqk",
    "\x1b)0\x0e",
    "\x1b[3g",
    "\x1b[5G\x1bH",
    "\x1b[?1049h",
    "\x1b[?1049h\x1b[>7u",
    "\x1b[?1049l",
    "\x1b[?47h",
    "\x1b[?1047h\x1b[?1047l",
    "\x1bc",
    "\x1b[!p",
    "\x1b[2J\x1b[3J",
    "\x1b[H\x1b[2Jtext",
    "\x1b7\x1b[5;5H",
    "\x1b]unfinished",
    "\x1bPunfinished",
    "\x1b[12;",
    "\x1b",
    "\x1bPq" + "~" * 9000,
    "\x1b_unfinished" + "x" * 5000,
    "\x9b?1004h",
    "\x9d2;c1\x9c",
    "many\r\n" * 60,
]


def terminal(*parts: str | bytes) -> GhosttyEngine:
    engine = GhosttyEngine(80, 24, 1000)
    engine.feed(BEFORE)
    for part in parts:
        engine.feed(part.encode() if isinstance(part, str) else part)
    return engine


def after(caller: Caller, *output: str) -> bytes:
    """All of a terminal's state once it was given back, with a mark where the next prompt is."""
    parts = [caller.enter(80, 24), *(caller.feed(one) for one in output), caller.leave(80)]
    engine = terminal(*parts, "$ ")
    try:
        return state(engine)
    finally:
        engine.close()


def state(engine: GhosttyEngine) -> bytes:
    """All but the title: the tests with tmux hold that one."""
    return re.sub(rb"\x1b\]2;[^\x1b]*\x1b\\", b"", engine.snapshot(1000))


UNTOUCHED = state(terminal("\x1b7$ "))
"""With a saved cursor, which the alternate screen leaves behind."""


@pytest.mark.parametrize("change", CHANGES)
def test_case_command_line_2_every_mode_is_undone(change: str) -> None:
    assert after(Caller(attached=True), change) == UNTOUCHED


@pytest.mark.parametrize("change", CHANGES)
def test_case_command_line_2_a_played_recording_leaves_no_mode(change: str) -> None:
    engine = terminal(Caller(attached=False).enter(80, 24), "\x1b[24;1H\r\n$ ")
    caller = Caller(attached=False)
    played = terminal(caller.enter(80, 24), caller.feed(change), caller.leave(80))
    played.feed(b"\x1b[2J\x1b[24;1H\x1b7$ ")
    engine.feed(b"\x1b[2J\x1b[24;1H\x1b7$ ")
    kept = [line for line in played.text(1000).split("\n") if line.startswith("line ")]
    assert len(kept) == 40
    assert _modes(played) == _modes(engine)


def _modes(engine: GhosttyEngine) -> bytes:
    """A snapshot of an emptied terminal."""
    engine.feed(b"\x1b[3J")
    return state(engine)


@given(st.lists(st.sampled_from([*CHANGES, "text", "\r\n", "\x1b[5;5H", "\x1b[m"]), max_size=12), st.integers(1, 40))
def test_case_command_line_2_whatever_it_was_and_however_it_was_cut(changes: list[str], size: int) -> None:
    output = "".join(changes)
    pieces = [output[at : at + size] for at in range(0, len(output), size)]
    if len(pieces) > 400:
        pieces = [output]
    assert after(Caller(attached=True), *pieces) == UNTOUCHED


def test_case_command_line_2_a_snapshot_that_interrupts_a_long_string_is_drawn() -> None:
    caller = Caller(attached=True)
    engine = terminal(caller.enter(80, 24), caller.feed("\x1bPq" + "~" * 9000))
    engine.feed((caller.snapshot() + caller.feed("\x1bcpicture")).encode())
    assert "picture" in engine.text(0)


def test_case_command_line_2_a_program_that_leaves_its_screen_wants_a_picture() -> None:
    caller = Caller(attached=True)
    caller.feed("\x1b[?1049h")
    assert not caller.wants_picture
    caller.feed("\x1b[?1049l")
    assert caller.wants_picture


@given(st.lists(st.sampled_from([*CHANGES, "\x1b[c", "\x1b[>q", "\x1b[6n", "\x1b]11;?\x07", "\x1b[?u"]), max_size=12))
def test_case_command_line_4_no_terminal_answers_what_passes(changes: list[str]) -> None:
    caller = Caller(attached=True)
    engine = terminal(caller.feed("".join(changes)))
    assert engine.take_replies() == b""
    engine.close()


@pytest.mark.parametrize(
    "output", ["\x1b[5 q", "\x1b[5 q\x1b[ q", "\x1b[0 q", "\x1b[1 q\x1bc", "\x1b[?25l\x1b[3 q\x1b[!p"]
)
@pytest.mark.parametrize("attached", [True, False])
def test_case_command_line_2_the_cursor_has_the_style_it_had(output: str, attached: bool) -> None:
    caller = Caller(attached=attached)
    engine = terminal("\x1b[4 q", ASK_STYLE, caller.enter(80, 24))
    assert engine.take_replies() == b"\x1bP1$r4 q\x1b\\"
    caller.style = 4
    engine.feed((caller.feed(output) + caller.leave(80).replace("\x1b[?1049l", "")).encode())
    engine.feed(b"\x1bP$q q\x1b\\")
    assert engine.take_replies() == b"\x1bP1$r4 q\x1b\\"
