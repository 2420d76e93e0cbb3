"""Which part of a flood need not be drawn: lines that only scroll by.

A terminal that `scrolls_plainly` and is fed whole lines of plain text keeps nothing of those that have left both the
screen and the scrollback. So of many such lines only the last are fed, as many as screen and scrollback can hold; what
the terminal looks like afterwards, and does with any later byte, is the same. `tests/screen/test_skim.py` proves it.

*Plain* is text, tab, line ends, and `CSI ... m`: colours and other attributes. Those change the pen for what follows,
so the ones of the lines left out are fed without their text, from the last that sets the pen anew.
"""

import re

SKIM_BYTES = 128 << 10
"""Below this, drawing all of it costs less than looking."""

_TEXT = bytes(range(0x20, 0x7F)) + b"\t\r\n" + bytes(set(range(0x80, 0x100)) - {0xC2})
"""0xC2 begins the UTF-8 form of the C1 controls, which a terminal may obey."""
_ASCII = bytes(range(0x20, 0x7F)) + b"\n"
_SGR = re.compile(rb"\x1b\[[0-9;:]*m")
_NOT_SGR = re.compile(rb"\x1b(?!\[[0-9;:]*m)")


def skim(data: bytes, lines: int, columns: int, column: int | None) -> bytes | None:
    """What to feed in place of `data`, so that the last `lines` lines and all later ones are as if all had been fed.

    Args:
        data: output that begins in the parser's ground state.
        lines: what screen and scrollback can hold at most.
        columns: the terminal's width.
        column: where the cursor is, from 0; None beyond the last one, where the next character wraps.

    Returns:
        None where `data` holds anything but plain lines, or too few of them.
    """
    if len(data) < SKIM_BYTES:
        return None
    kept = data.rsplit(b"\n", lines + 1)
    cut = len(kept[0]) + 1
    if len(kept) <= lines + 1 or cut < len(data) // 4:
        return None
    escapes = data.translate(None, _TEXT)
    if escapes.strip(b"\x1b") or (escapes and _NOT_SGR.search(data)):
        return None
    return_at = data.rfind(b"\r", 0, cut)
    at = _column(data[return_at + 1 : cut], columns, column if return_at < 0 else 0)
    if at is None:
        return None
    pen = _pen(data[:cut]) if escapes else b""
    return b"%s\r\n%s%s" % (pen, b"\x1b[%dC" % at if at else b"", data[cut:])


def _column(text: bytes, columns: int, column: int | None) -> int | None:
    """Where the cursor is after lines that end without a carriage return; None where that takes a terminal to know."""
    if text == b"\n":
        return column
    plain = _SGR.sub(b"", text) if b"\x1b" in text else text
    if column is None or plain.translate(None, _ASCII):
        return None
    for length in map(len, plain.split(b"\n")[:-1]):
        if length:
            # A full row leaves the cursor on its last column, and a line feed keeps it there.
            column = min(columns - 1, (column + length - 1) % columns + 1)
    return column


def _pen(dropped: bytes) -> bytes:
    start = max(0, dropped.rfind(b"\x1b[m"), dropped.rfind(b"\x1b[0m"))
    return b"".join(_SGR.findall(dropped, start))
