"""Sequences that mean another thing, or nothing, to the page's terminal: what is fed in their place.

What a program is promised is what the server's terminal and the page's both do (S7). Where the page's can be made to
follow it is (`web/packages/react/src/xterm/`); these are the others.

* Erasing to the end of a row behind its last column: the page's cursor is beyond it and erases nothing.
* The soft reset (DECSTR), which libghostty-vt ignores.
* Modes that xterm.js has not: side margins, 132 columns, reverse colours and others are neither set nor reported.
* The alternate screen: entered anew it is blank, in the pen's colour; entered again it stays as it is.
* OSC 133: libghostty-vt begins a new row before a prompt, and clears prompts before it reflows. They are heard
  elsewhere (`core/osc.py`).
* A zero where one is the least, which libghostty-vt takes for zero, and more numbers than a sequence has, for which it
  ignores the sequence. HPB, VPB, CTC and `CSI 22 J`, which xterm.js has not; the status line, which swallows output.
* DEL, which libghostty-vt prints.
* APC, PM and SOS strings, which libghostty-vt ends at a byte 0x9C within a character. None has an effect in a page;
  one of DCS that means nothing is fed in their place, for in those it does not.

What asks for keys (`otherkeys.py`), or pushes and pops titles (`titles.py`), is fed as it is, and heard. What asks for
something that libghostty-vt does not answer is answered here (`questions.py`).
"""

import re
from typing import TYPE_CHECKING

from termwall.screen.otherkeys import OTHER_KEYS, OTHER_KEYS_BEGUN
from termwall.screen.questions import BEGUN as QUESTIONS_BEGUN
from termwall.screen.questions import QUESTIONS, STRING_BYTES
from termwall.screen.titles import TITLES, TITLES_BEGUN

if TYPE_CHECKING:
    from typing_extensions import Buffer

DELETE = b"\x7f"
GRAPHEME_CLUSTERS = 2027
UNKNOWN_MODES = frozenset(
    (3, 4, 5, 8, 40, 45, 67, 69, 1005, 1007, 1015, 1035, 1036, 1039, 1045, GRAPHEME_CLUSTERS, 2033, 5522)
)
"""Private modes that libghostty-vt knows and the page's terminal does not, or that are always as they are."""
UNKNOWN_ANSI_MODES = frozenset((2, 12))
SAVES_CURSOR = 1049
ALTERNATE_MODES = frozenset((47, 1047, SAVES_CURSOR))
ONE_NUMBER = b"@ABCDEFGIJKLMPSTXZ`abde"
TWO_NUMBERS = b"Hf"
ONE_AT_LEAST = b"@ILMPSTXZae"
UNKNOWN = b"jkW}"
"""How sequences end that have one number, two, one that is never 0, or no effect in a page."""
_ODD = (
    rb"(?![0-9;]*m)(?:22J|0+[%b]|[0-9]*;[0-9;]*[%b]|\?[0-9]*;[0-9;]*[JK]|[0-9]*;[0-9]*;[0-9;]*[%b]|[0-9;]*(?:%b))"
    % (
        ONE_AT_LEAST,
        ONE_NUMBER,
        TWO_NUMBERS,
        rb"[jkW]|\$\}|!p",
    )
)
_PARTS = re.compile(rb"\x1b\[(\??)0*([0-9]*)(;[0-9]*)?[0-9;]*\$?([@-~])")
_NUMBERS = "|".join(str(mode) for mode in sorted(UNKNOWN_MODES | ALTERNATE_MODES))
DIFFERENT = re.compile(
    rb"\x1b(?:\[(?:0*K|%s|\?(?:(?!(?:%s)[;hl])[0-9]*;)*(?:%s)(?:;[0-9]*)*[hl]|%s|%s)|\]133;|[_^X]|c|%s)"
    % (_ODD, _NUMBERS.encode(), _NUMBERS.encode(), OTHER_KEYS, TITLES, QUESTIONS)
)
BEGUN = re.compile(
    rb"\x1b(?:\[(?:[0-9;]*[!$]?|\?[0-9;]*|%s|%s)?|\](?:1(?:33?)?)?|%s)?\Z"
    % (OTHER_KEYS_BEGUN, TITLES_BEGUN, QUESTIONS_BEGUN)
)
"""The end of output that may be the beginning of one."""
MOST_BYTES = STRING_BYTES + 64
"""Longer ones, which no program has, are fed as they are when they come in pieces."""
MARK_OF_NOTHING = b"\x1b]9133;"
STRINGS = (b"\x1b_", b"\x1b^", b"\x1bX")
STRING_OF_NOTHING = b"\x1bP0z"
_ANSWER = re.compile(rb"\x1b\[(\??)([0-9]+);[0-9]\$y")


def without_deletes(data: "Buffer") -> memoryview:
    """The same with NUL for each DEL: that does nothing either, and ends an unfinished character as well."""
    view = memoryview(data)
    plain = bytes(view)
    return memoryview(plain.replace(DELETE, b"\0")) if DELETE in plain else view


def in_one_form(sequence: bytes) -> bytes:
    """The same with the numbers that the page's terminal reads; empty where it has no such sequence."""
    found = _PARTS.fullmatch(sequence)
    if found is None:
        return sequence
    mark, first, second, end = found.groups()
    if end in UNKNOWN or (first, end) == (b"22", b"J"):
        return b""
    if end in TWO_NUMBERS:
        return b"\x1b[%b%b%b" % (first, second or b"", end)
    return b"\x1b[%b%b%b" % (mark, first, end) if end in ONE_NUMBER else sequence


def kept_modes(sequence: bytes) -> tuple[list[int], bool]:
    """Of a sequence of private modes those that both terminals know, and whether it sets them."""
    modes = [int(mode) for mode in sequence[3:-1].split(b";") if mode]
    return [mode for mode in modes if mode not in UNKNOWN_MODES], sequence.endswith(b"h")


def mode_answer(reply: bytes) -> bytes:
    """The answer to a question for a mode (DECRQM): "not known" for what is not there."""
    asked = _ANSWER.fullmatch(reply)
    if asked is None:
        return reply
    mode = int(asked[2])
    if asked[1] and mode == GRAPHEME_CLUSTERS:
        return b"\x1b[?%d;3$y" % mode  # Permanently set.
    unknown = UNKNOWN_MODES if asked[1] else UNKNOWN_ANSI_MODES
    return b"\x1b[%s%d;0$y" % (asked[1], mode) if mode in unknown else reply
