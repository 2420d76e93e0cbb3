"""Finds the title a program sets (OSC 0 and 2) in its output, without a terminal (S9).

It looks for one introducer with `bytes.find`, so a flood without titles costs one search a batch. Sequences may be
split over batches anywhere; an unfinished one is carried up to a limit, then it is no title.
"""

MAX_TITLE = 256
"""Characters; a longer title is cut (X4)."""
MAX_CARRY = 4096
"""Bytes of an unfinished sequence that are kept for the next batch."""

_INTRODUCERS = (b"\x1b]0;", b"\x1b]2;")
_ESC, _BEL = 0x1B, 0x07


class TitleScanner:
    """Fed with all output in order, it tells the newest title."""

    def __init__(self) -> None:
        self._carry = b""

    def feed(self, data: bytes) -> str | None:
        """The last title that is complete with these bytes, or None."""
        if self._carry:
            data, self._carry = self._carry + data, b""
        title: str | None = None
        place = data.find(b"\x1b]")
        while place >= 0:
            stop = _end(data, place + 2)
            if stop is None:
                if len(data) - place <= MAX_CARRY:
                    self._carry = data[place:]
                return title
            if data[place : place + 4] in _INTRODUCERS and data[stop] in (_BEL, _ESC):
                if data[stop] == _BEL or data[stop : stop + 2] == b"\x1b\\":
                    title = _clean(data[place + 4 : stop])
            place = data.find(b"\x1b]", stop)
        if data.endswith(b"\x1b"):
            self._carry = b"\x1b"
        return title


def _end(data: bytes, start: int) -> int | None:
    """Where the string that begins at `start` ends: its BEL, its ESC, or CAN or SUB; None if that is still to come."""
    ends = [
        place
        for mark in (b"\x07", b"\x1b", b"\x18", b"\x1a")
        if (place := data.find(mark, start, start + MAX_CARRY)) >= 0
    ]
    if not ends:
        return start + MAX_CARRY if len(data) > start + MAX_CARRY else None
    stop = min(ends)
    if data[stop] == _ESC and stop + 1 == len(data):
        return None
    return stop


def _clean(title: bytes) -> str:
    text = title.decode("utf-8", "replace")
    return "".join(character for character in text if character.isprintable())[:MAX_TITLE]
