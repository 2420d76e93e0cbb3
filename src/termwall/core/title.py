"""Finds the title a program sets (OSC 0 and 2) in its output, without a terminal (S9).

It looks for one introducer with `bytes.find`, so a flood without titles costs one search a batch. A sequence ends with
BEL or ST; CAN, SUB or any other escape breaks it off. It may be split over batches anywhere: an unfinished one is
carried up to a limit, then it is no title, wherever the batches were cut.
"""

import re

MAX_TITLE = 256
"""Characters; a longer title is cut (X4)."""
MAX_CARRY = 4096
"""Bytes of an unfinished sequence, after its introducer, that are kept for the next batch."""

_INTRODUCERS = (b"\x1b]0;", b"\x1b]2;")
_END = re.compile(rb"[\x07\x18\x1a\x1b]")
_BEL = 0x07
_ESC = 0x1B

_UNWANTED = dict.fromkeys(
    [
        *range(0x20),
        *range(0x7F, 0xA0),
        # These would turn around or break the text beside a title, which is how one pretends to be another.
        *(0x061C, 0x200E, 0x200F, 0x2028, 0x2029),
        *range(0x202A, 0x202F),
        *range(0x2066, 0x206A),
    ]
)


class TitleScanner:
    """Fed with all output in order, it tells the newest title."""

    def __init__(self) -> None:
        self._carry = b""

    @property
    def waiting(self) -> bool:
        """Whether an unfinished sequence is carried: the next bytes must be fed, whatever they hold."""
        return bool(self._carry)

    def feed(self, data: bytes) -> str | None:
        """The last title that is complete with these bytes, or None."""
        if self._carry:
            data, self._carry = self._carry + data, b""
        title: bytes | None = None
        place = data.find(b"\x1b]")
        while place >= 0:
            stop = _end(data, place + 2)
            if stop is None:
                self._carry = data[place:]
                break
            whole = stop < place + 2 + MAX_CARRY and (data[stop] == _BEL or data.startswith(b"\x1b\\", stop))
            if whole and data.startswith(_INTRODUCERS, place):
                title = data[place + 4 : stop]
            place = data.find(b"\x1b]", stop)
        else:
            if data.endswith(b"\x1b"):
                self._carry = b"\x1b"
        return None if title is None else _clean(title)


def _end(data: bytes, start: int) -> int | None:
    """Where the string that begins at `start` ends, or has become too long; None if that is still to come."""
    limit = start + MAX_CARRY
    found = _END.search(data, start, limit)
    if found is None:
        return limit if len(data) > limit else None
    stop = found.start()
    # Only the byte after an escape tells whether it is ST or breaks the string off.
    return None if data[stop] == _ESC and stop + 1 == len(data) else stop


def _clean(title: bytes) -> str:
    return title.decode("utf-8", "replace").translate(_UNWANTED)[:MAX_TITLE]
