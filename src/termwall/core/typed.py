r"""What the caller's terminal sends to an attached session: finds the key that leaves, in every form it may have.

Ctrl-\ is one byte, 0x1c, until a program asks for another keyboard: then it is a sequence of xterm's modifyOtherKeys
(either format), of the kitty keyboard protocol (with its event types, alternate keys and text), or of win32-input-mode.
"""

import re
from typing import Literal

LEAVE = 0x1C
_KEY = ord("\\")
_CTRL = 4
_OTHERS = 2 | 8 | 16 | 32
"""Alt, Super, Hyper and Meta: with one of them it is another key. Shift and the locks do not matter."""
_RELEASED = "3"
HELD_SECONDS = 0.03
"""How long the beginning of a key's sequence waits for its rest: a lone Escape looks like one."""
ANSWER_SECONDS = 1.0
"""How long the rest of the terminal's own answer is waited for: no key begins like it."""

_PASTE, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_SEQUENCES = re.compile(
    rb"\x1c"
    rb"|\x1b\[(?P<focus>[IO])"
    rb"|\x1b\[200~"
    rb"|\x1b\[(?P<keys>[0-9]+(?::[0-9]*){0,2})(?:;(?P<mods>[0-9]*)(?::(?P<event>[0-9]*))?)?(?:;[0-9:]*)?u"
    rb"|\x1b\[27;(?P<xterm_mods>[0-9]+);(?P<xterm_key>[0-9]+)~"
    rb"|\x1b\[(?P<win>[0-9;]*)_"
    rb"|\x1bP(?P<known>[01])\$r(?P<style>[0-9]{0,3}) ?q?\x1b\\"
)
_UNFINISHED = re.compile(rb"\x1b(?:\[[0-9:;]{0,48})?\Z")
STYLE = re.compile(rb"\x1bP1\$r([0-9]{1,3}) q\x1b\\")
"""A terminal's answer when it was asked for its cursor's style (DECRQSS)."""
_ANSWERS = re.compile(rb"\x1b(?:P(?:[01](?:\$(?:r[0-9]{0,3} ?q?\x1b?)?)?)?)?\Z")
_MOUSE = re.compile(rb"\x1b\[<([0-9]+);([0-9]+);([0-9]+)([Mm])")
CELL = (8, 16)
"""Pixels of a cell, as the server's terminal promises them (S7)."""

Found = Literal["left", "nothing", "paste"] | None


class Typed:
    """Fed with all that the terminal sends, in order."""

    def __init__(self) -> None:
        self.focused = True
        """Whether the terminal has the focus, as far as it says."""
        self.style: int | None = None
        """The cursor's style (DECSCUSR), where the terminal answered the question for it."""
        self.answered = False
        """Whether the terminal answered that question, in whichever way."""
        self._asked = self._soon = False
        self._held = b""
        self._pasting = False
        self._tail = b""
        """The last bytes of a paste: its end mark may be split."""

    def asked(self) -> None:
        """The terminal was asked for the cursor's style: one answer is taken out of what it sends."""
        self._asked = self._soon = True

    def late(self) -> None:
        """No key is held any more because it may be the beginning of that answer."""
        self._soon = False

    def feed(self, data: bytes, *, encoded: bool) -> tuple[bytes, bool]:
        """What is for the program, and whether the key that leaves came after it.

        Args:
            encoded: whether keys may come as sequences; then the beginning of one is held until `flush`.
        """
        alone = data == bytes((LEAVE,))
        data, self._held = self._held + data, b""
        out: list[bytes] = []
        place = 0
        if self._pasting and alone:
            return b"", True  # A paste comes in larger pieces: somebody pressed it, and the end of the paste got lost.
        while place < len(data):
            if self._pasting:
                stop = self._paste(data, place)
                out.append(data[place:stop])
                place = stop
                continue
            found = _SEQUENCES.search(data, place)
            if found is None:
                break
            out.append(data[place : found.start()])
            place = found.end()
            if found["known"] is not None:
                self._answered(found, out)
                continue
            what = _look(found)
            if what == "left":
                return b"".join(out), True
            if found["focus"] is not None:
                self.focused = found["focus"] == b"I"
            self._pasting, self._tail = what == "paste", b""
            if what != "nothing":
                out.append(found[0])
        rest = data[place:]
        unfinished = None if self._pasting else (encoded and _UNFINISHED.search(rest)) or self._waits(rest)
        if unfinished is not None:
            self._held = unfinished[0]
            rest = rest[: unfinished.start()]
        return b"".join((*out, rest)), False

    def _answered(self, found: re.Match[bytes], out: list[bytes]) -> None:
        if not self._asked:
            out.append(found[0])
            return
        self._asked = self._soon = False
        self.answered = True
        if found["known"] == b"1" and found["style"]:
            self.style = int(found["style"])

    def _waits(self, rest: bytes) -> re.Match[bytes] | None:
        """The beginning of the answer, at the end of what came."""
        return _ANSWERS.search(rest) if self._soon else None

    def _paste(self, data: bytes, place: int) -> int:
        """Where the part of a paste that is in `data` ends."""
        seen = self._tail + data[place:]
        end = seen.find(_PASTE_END)
        self._pasting, self._tail = end < 0, seen[-(len(_PASTE_END) - 1) :]
        return len(data) if end < 0 else place + end + len(_PASTE_END) - (len(seen) - len(data) + place)

    @property
    def holds(self) -> bool:
        """Whether something waits for `flush`."""
        return bool(self._held)

    @property
    def hold_seconds(self) -> float:
        """How long that waits."""
        return ANSWER_SECONDS if self._held[:2] == b"\x1bP" and len(self._held) > 2 else HELD_SECONDS

    def flush(self) -> bytes:
        """The beginning of a sequence whose rest did not come: it was a key of its own."""
        rest, self._held = self._held, b""
        return rest


def _look(found: re.Match[bytes]) -> Found:
    whole = found[0]
    if whole == b"\x1c":
        return "left"
    if whole == _PASTE:
        return "paste"
    if found["focus"] is not None:
        return "nothing"
    if found["keys"] is not None:
        key, shifted, base = [int(one or 0) for one in [*found["keys"].split(b":"), b"", b""][:3]]
        # Where the layout has no such key, the one in its place counts, as in kitty's own shortcuts.
        matches = _KEY in (key, shifted) or (base == _KEY and key > 127)
        if matches and _ctrl(int(found["mods"] or 1)):
            return "nothing" if (found["event"] or b"").decode() == _RELEASED else "left"
    elif found["xterm_key"] is not None:
        if int(found["xterm_key"]) == _KEY and _ctrl(int(found["xterm_mods"])):
            return "left"
    elif found["win"] is not None:
        parts = [*found["win"].split(b";"), b"", b"", b"", b""]
        if parts[2] == b"%d" % LEAVE:
            return "left" if parts[3] == b"1" else "nothing"
    return None


def _ctrl(modifiers: int) -> bool:
    return bool(modifiers - 1 & _CTRL) and not modifiers - 1 & _OTHERS


def in_pixels(data: bytes) -> bytes:
    """Mouse reports in cells, counted from 1, as reports in pixels: of the middle of the cell."""

    def scaled(found: re.Match[bytes]) -> bytes:
        x, y = ((int(found[part]) - 1) * size + size // 2 for part, size in ((2, CELL[0]), (3, CELL[1])))
        return b"\x1b[<%s;%d;%d%s" % (found[1], x, y, found[4])

    return _MOUSE.sub(scaled, data)
