"""Questions that libghostty-vt leaves without an answer, and what is answered instead (S7).

docs/reference/queries.md has them all, and those that stay unanswered with the reason; `tests/screen/test_questions.py`
reads it.
"""

import re
from collections.abc import Callable

CELL_WIDTH, CELL_HEIGHT = 8, 16
"""Pixels, for programs that ask."""
STRING_BYTES = 1_024
"""The longest question of those that are strings; a longer one is answered as far as libghostty-vt does."""
KEPT_BYTES = 255
"""So is one that comes in pieces and is longer than this: as much of the output's end is kept."""
MOST_NAMES = 64
"""Capabilities that are answered of one XTGETTCAP; of more, the first."""
ID_BYTES = 64
"""The longest id of a notification that is repeated in an answer."""

_STATUS = {
    b"15": b"\x1b[?13n",  # No printer.
    b"25": b"\x1b[?21n",  # User-defined keys are locked: there are none.
    b"26": b"\x1b[?27;0;0;0n",  # The keyboard's language cannot be determined: each viewer has another one.
    b"53": b"\x1b[?50n",  # No DEC locator.
    b"55": b"\x1b[?50n",
    b"56": b"\x1b[?57;0n",
    b"62": b"\x1b[0*{",  # No memory for macros.
    b"75": b"\x1b[?70n",  # Ready, no data were lost.
    b"85": b"\x1b[?83n",  # Not set up for several sessions on one line.
}
_MODIFIED_KEYS = {b"0": b"0", b"1": b"2", b"2": b"2", b"3": b"0", b"6": b"0", b"7": b"0"}
"""xterm's resources but `modifyOtherKeys`: the page's keys with modifiers are as by xterm's defaults, always."""
_REPORTS: dict[bytes, Callable[[int, int], bytes]] = {
    b"11": lambda cols, rows: b"\x1b[1t",  # Not iconified: programs run on for whoever looks.
    b"14;2": lambda cols, rows: b"\x1b[4;%d;%dt" % (rows * CELL_HEIGHT, cols * CELL_WIDTH),
    b"15": lambda cols, rows: b"\x1b[5;%d;%dt" % (rows * CELL_HEIGHT, cols * CELL_WIDTH),
    b"19": lambda cols, rows: b"\x1b[9;%d;%dt" % (rows, cols),
}
"""A session has no window beside its text, and cannot be larger than its driver made it: that is its screen."""

_CSI = rb"\[(?:(?:11|14;2|15|19)t|\?(?:6|15|25|26|53|55|56|62|63(?:;[0-9]{0,5})?|75|85)n|\?[0-367]m)"
_STRINGS = rb"P[$+]q[ -~]{0,%d}(?=\x1b)|\]99;(?:[ -:<-~]{0,%d}:)?p=\?[ -:<-~]{0,%d};?(?:\x07|(?=\x1b))" % (
    STRING_BYTES,
    ID_BYTES * 2,
    ID_BYTES * 2,
)
QUESTIONS = _CSI + rb"|" + _STRINGS
"""What follows `ESC`. The string's end is not part of it: any ESC ends a string."""
STRINGS_BEGUN = (b"\x1bP", b"\x1b]9")
BEGUN = rb"\[(?:1[1459]?|14;2?|\?[0-9]{0,2}|\?63;[0-9]{0,5})|P(?:[$+](?:q[ -~]{0,%d})?)?" % KEPT_BYTES
BEGUN += rb"|\](?:99?(?:;[ -~]{0,%d})?)?" % KEPT_BYTES
"""The beginning of one, after `ESC`, at the end of what came so far."""
_CSI_ASKED = re.compile(rb"\x1b%s" % _CSI)
_OPEN = re.compile(rb"\x1b(?:P[$+]q|\]99;)[ -~]*\Z")
_NAME = re.compile(rb"(?:[0-9A-Fa-f]{2})+")
_ID = re.compile(rb"(?:\A|:)i=([A-Za-z0-9_+.-]{1,%d})(?:[:;]|\Z)" % ID_BYTES)


def is_question(sequence: bytes) -> bool:
    """Whether a whole sequence is one of these."""
    return sequence.startswith(STRINGS_BEGUN) or _CSI_ASKED.fullmatch(sequence) is not None


def kept_end(output: bytes, least: int) -> bytes:
    """The end of the output: `least` bytes, and more where a question that is a string began before them."""
    begins = max(output.rfind(b"\x1bP+q"), output.rfind(b"\x1bP$q"), output.rfind(b"\x1b]99;"))
    keep = max(0, len(output) - least)
    return output[min(keep, begins) if 0 <= begins < keep and _OPEN.match(output, begins) else keep :]


def answer(sequence: bytes, ask: Callable[[bytes], bytes], cols: int, rows: int) -> bytes:
    """The answer to one of `QUESTIONS`.

    Args:
        sequence: the whole of it.
        ask: gives libghostty-vt's own answer to a question.
        cols: the terminal's columns.
        rows: its rows.
    """
    if sequence.startswith(b"\x1bP+q"):
        return _capabilities(sequence[4:], ask)
    if sequence.startswith(b"\x1bP$q"):
        return ask(sequence + b"\x1b\\") or b"\x1bP0$r\x1b\\"
    if sequence.startswith(b"\x1b]99;"):
        return _notifications(sequence)
    what = sequence[2:-1].removeprefix(b"?")
    if sequence.endswith(b"t"):
        return _REPORTS[what](cols, rows)
    if sequence.endswith(b"m"):
        return b"\x1b[>%s;%sm" % (what, _MODIFIED_KEYS[what])
    if what == b"6":
        return ask(b"\x1b[6n").replace(b"\x1b[", b"\x1b[?")
    if what.startswith(b"63"):
        return b"\x1bP%d!~0000\x1b\\" % int(what[3:] or 0)
    return _STATUS[what]


def _capabilities(names: bytes, ask: Callable[[bytes], bytes]) -> bytes:
    """Each name by itself, as other terminals answer; only hexadecimal digits are repeated."""
    asked = [name for name in names.split(b";") if name][:MOST_NAMES] or [b""]
    answers = []
    for name in asked:
        known = ask(b"\x1bP+q%s\x1b\\" % name) if _NAME.fullmatch(name) else b""
        answers.append(known or b"\x1bP0+r%s\x1b\\" % (name if _NAME.fullmatch(name) else b""))
    return b"".join(answers)


def _notifications(sequence: bytes) -> bytes:
    """Which parts of kitty's notifications are heard: the title and the body."""
    name = _ID.search(sequence[5:].removesuffix(b"\x07"))
    return b"\x1b]99;%sp=?;p=title,body\x1b\\" % (b"i=%s:" % name[1] if name else b"")
