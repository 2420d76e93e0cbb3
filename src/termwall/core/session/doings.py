"""What input is: its user's typing, or a report that a terminal makes by itself (S9). One judgement for every door.

    typed      keys, text, pastes: whoever sends it drives from then on (I4), and has answered what was asked
    pressed    a button of the mouse: it may have answered what was asked, but claims nothing
    reported   the focus, a moved mouse, its wheel, keys let go, modifiers alone, and a terminal's answers

A message counts as typed as soon as anything in it is. `ESC [ 1 ; 5 R` is Ctrl+F3 and not a cursor report from row 1.
"""

import re
from typing import Literal

Doing = Literal["typed", "pressed", "reported"]

_REPORT = re.compile(
    rb"\x1b\[(?:"
    rb"[IO]"  # focus
    rb"|<(?P<sgr>[0-9]{1,4});[0-9]{1,6};[0-9]{1,6}(?P<end>[Mm])"  # mouse, SGR; in pixels alike
    rb"|M(?P<x10>[\x20-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\x80-\xff])"  # mouse, as xterm and as UTF-8 has it
    rb"(?:[\x20-\x7f]|[\xc2-\xdf][\x80-\xbf]|[\x80-\xff]){2}"
    rb"|(?P<urxvt>[0-9]{1,4});[0-9]{1,6};[0-9]{1,6}M"  # mouse, urxvt
    rb"|(?!1;(?:[2-9]|1[0-6])R)[0-9]{1,6};[0-9]{1,6}R"  # CPR
    rb"|\?[0-9;]{0,32}[cnuR]|[>=][0-9;]{0,64}c"  # device attributes, DECDSR, kitty flags, DECXCPR
    rb"|[0-9]{1,4}n|\??[0-9;]{1,32}\$y"  # DSR, DECRPM
    rb"|(?:[34689]|48)(?:;[0-9:]{0,6}){0,5}t"  # sizes
    rb"|[0-9]{1,7}(?::[0-9:]{0,16})?;[0-9]{1,3}:3(?:;[0-9:]{0,32})?[u~A-HPQS]"  # kitty keyboard: a key let go
    rb"|(?:5735[89]|57360|574(?:4[1-9]|5[0-4]))(?:;[0-9:]{0,8})?u"  # a modifier alone
    rb")"
    rb"|\x1b[\]P_^X][^\x07\x18\x1a\x1b]*(?:\x07|\x1b\\)",  # colours, clipboard, DECRQSS, XTGETTCAP, XTVERSION
)
_ENTER = re.compile(rb"(?<!\x1b)\r|\n|\x1b\[13(?:;(?:1|65|129|193)?(?::1)?(?:;[0-9:]{0,32})?)?u")
"""As a byte, or as the kitty keyboard protocol has it, whichever locks are on."""
_MOVED, _WHEEL = 32, 64
_NO_BUTTON = 3


def doing_of(data: bytes) -> Doing:
    """What input is. Nothing at all counts as typed: somebody sent it."""
    at, pressed = 0, False
    while at < len(data):
        found = _REPORT.match(data, at)
        if found is None:
            return "typed"
        pressed = pressed or _presses(found)
        at = found.end()
    if not data:
        return "typed"
    return "pressed" if pressed else "reported"


def enters(data: bytes) -> bool:
    """Whether Enter is in it, which sends a line; Alt+Enter, and Shift+Enter in its place, do not."""
    return _ENTER.search(data) is not None


def focus_of(data: bytes) -> bool | None:
    """Whether these bytes are focus reports alone, as older clients send them: gained, or lost, as of the last one."""
    if not data or len(data) % 3 or any(data[at : at + 3] not in _FOCUS for at in range(0, len(data), 3)):
        return None
    return _FOCUS[data[-3:]]


_FOCUS = {b"\x1b[I": True, b"\x1b[O": False}


def _presses(report: re.Match[bytes]) -> bool:
    if report["sgr"]:
        code, up = int(report["sgr"]), report["end"] == b"m"
    elif report["urxvt"]:
        code, up = int(report["urxvt"]) - 32, False
    elif report["x10"]:
        code, up = ord(report["x10"].decode("utf-8", "replace")[:1]) - 32, False
    else:
        return False
    return not up and not code & (_MOVED | _WHEEL) and code & 3 != _NO_BUTTON
