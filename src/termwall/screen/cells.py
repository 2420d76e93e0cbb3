"""Rows of a terminal's state as spans: neighbouring cells that look the same.

Rows are many and come as packed little-endian cells of 1, 2, 4 or 8 bytes, so a whole row is handled as one large
number and as one text, never cell by cell.
"""

import re
from codecs import utf_32_le_decode
from functools import lru_cache

from termwall.screen.checkpoint import PLAIN, Page
from termwall.screen.looks import sgr

CONTINUES = 2
"""Flag of a row: it continues the line of the one before."""

# A cell from its lowest bit: kind of content (2), content (24), style (16), width (2), protected (1), link (1),
# semantics (2), link's number (16).
_KIND = 3
_BACKGROUND = 2
"""The bit of the kind that says: no text, a background."""
_CONTENT = 0xFFFFFF
_STYLE_BITS = 26
_WIDTH_BITS = 42
_SEEN = 0xFFFF_1FFF_FC00_0000 & ~(3 << _WIDTH_BITS) | 1 << 44
"""What makes cells look different, apart from their text."""
SPACER = "\ud800"
"""Stands for the second cell of a wide character: no cell can hold it as text."""
WIDE_BLANK = " " + SPACER
"""What the library prints for a wide character while line drawing is selected: in xterm.js that takes two blanks."""
HEAD = "\ud801"
"""Stands for the last cell of a row in which a wide character found no place."""
_PIECES = re.compile(f"\0+|{HEAD}|[^\0{HEAD}]+")
_CHANGES = bytes([0] + [1] * 255)
_IS_BACKGROUND = bytes(byte >> 1 & 1 for byte in range(256))
_SEEN_OF_SIXTH = bytes(byte & (_SEEN >> 40) & 0xFF for byte in range(256))
_WIDE = bytes(byte >> 2 & 3 == 1 for byte in range(256))
_SECONDS = bytes(2 | byte >> 2 & 1 if byte & 8 else 0 for byte in range(256))
"""For the sixth byte of a cell: 2 for a wide character's second cell, 3 for one left over at a row's end."""


Look = tuple[bytes, bytes, bool, str]
"""Style, link, whether protected from erasing, and the SGR sequence of the style."""
Span = tuple[str, int, Look]
"""Cells that look the same: their text, their number, their look.

The text is empty where nothing was ever written. Plain tuples: there are thousands of them in a snapshot.
"""
UNSTYLED: Look = PLAIN, b"", False, sgr(PLAIN).decode()


@lru_cache(maxsize=1024)
def _every(cell: int, size: int, count: int) -> int:
    """The same bits in each cell of a row."""
    return int.from_bytes(cell.to_bytes(size, "little") * count, "little")


def spans(page: Page, row: int) -> list[Span]:
    """A row's cells from the left, without the blank ones at its end."""
    flags, cells = page.rows[row]
    if not cells:
        return []
    kind = flags >> 4
    if kind < 2:
        text = cells.decode("latin-1") if kind == 0 else cells.decode("utf-16-le", "replace")
        if "\0" not in text:
            return [(text, len(text), UNSTYLED)]
        return _pieces(text, page, row, 0, UNSTYLED)
    return _spans(page, row, cells, 1 << kind)


def _spans(page: Page, row: int, cells: bytes, size: int) -> list[Span]:
    count = len(cells) // size
    seconds = 0
    if 1 in cells[0::size].translate(_IS_BACKGROUND):
        text, looks, seconds = _mixed(cells, size, count)
        strips = [looks[byte::size] for byte in range(size)]
        skipped = 0
    else:
        # The looks are in the bytes from the fourth on. Most are zero: of text that is narrow, no link and no prompt.
        low = cells if size == 4 else memoryview(cells).cast("I")[::2].tobytes()
        letters = int.from_bytes(low, "little") >> 2 & _every(_CONTENT, 4, count)
        looks = cells
        strips = [cells[byte::size] for byte in range(3, size)]
        skipped = 3
        if size == 8:
            strips[2] = strips[2].translate(_SEEN_OF_SIXTH)
            widths = cells[5::8].translate(_SECONDS)
            if widths.strip(b"\0"):
                seconds = 1
                for column, width in enumerate(widths):
                    letters |= width and (0xD800 | width & 1) << 32 * column
        text = utf_32_le_decode(letters.to_bytes(4 * count, "little"), "surrogatepass")[0]
    changes = 0
    for strip in strips:
        if strip.strip(b"\0"):
            number = int.from_bytes(strip, "little")
            changes |= number ^ number >> 8
    find = changes.to_bytes(count, "little").translate(_CHANGES).find
    simple = not (seconds or page.clusters or "\0" in text)
    result: list[Span] = []
    known = page.looks
    at = 0
    while at < count:
        # A cell that looks unlike the next one is marked.
        end = find(1, at) + 1 or count
        key = looks[at * size + skipped : (at + 1) * size]
        look = known.get(key)
        if look is None:
            look = known[key] = _look(page, int.from_bytes(key, "little") << 8 * skipped)
        if simple:
            result.append((text[at:end], end - at, look))
        else:
            result += _pieces(text[at:end], page, row, at, look)
        at = end
    return result


def _mixed(cells: bytes, size: int, count: int) -> tuple[str, bytes, int]:
    """Text, looks and the second cells of wide characters of a row with cells that are only a background."""
    number = int.from_bytes(cells, "little")
    backgrounds = number >> 1 & _every(1, size, count)
    looks = number & _every(_SEEN & (1 << 8 * size) - 1, size, count) | number & backgrounds * (_CONTENT << 2 | _KIND)
    letters = (number >> 2 & _every(_CONTENT, size, count)) & ~(backgrounds * _CONTENT)
    seconds = 0
    if size == 8:
        seconds = number >> _WIDTH_BITS + 1 & _every(1, 8, count)
        letters |= seconds * 0xD800 | (seconds & number >> _WIDTH_BITS)
        packed = memoryview(letters.to_bytes(8 * count, "little")).cast("I")[::2].tobytes()
    else:
        packed = letters.to_bytes(4 * count, "little")
    return packed.decode("utf-32-le", "surrogatepass"), looks.to_bytes(size * count, "little"), seconds


def _pieces(part: str, page: Page, row: int, at: int, look: Look) -> list[Span]:
    """Cells of one look, cut into those with text and those without, with all that belongs to their characters."""
    result: list[Span] = []
    for match in _PIECES.finditer(part):
        text = match[0]
        width = len(text)
        if text[0] == "\0":
            text = ""
        elif text != HEAD:
            if page.clusters:
                start = at + match.start()
                text = "".join([letter + page.clusters.get((row, start + i), "") for i, letter in enumerate(text)])
            text = text.replace(WIDE_BLANK, "  ").replace(SPACER, "")
            if not text:
                continue
        result.append((text, width, look))
    return result


def _look(page: Page, look: int) -> Look:
    kind = look & _KIND
    if kind & _BACKGROUND:
        content = look >> 2 & _CONTENT
        style = b"\0\0\0\0" + bytes((kind - 1,)) + content.to_bytes(3, "little") + bytes(8)
    else:
        style = page.styles.get(look >> _STYLE_BITS & 0xFFFF, PLAIN)
    link = look >> 48
    return style, page.links.get(link, b"") if link else b"", bool(look >> 44 & 1), sgr(style).decode()


def cell(page: Page, row: int, column: int) -> tuple[int, Span] | None:
    """The character in a cell with its first column, or None where there is none."""
    flags, cells = page.rows[row]
    size = 1 << (flags >> 4)
    number = int.from_bytes(cells[column * size : (column + 1) * size], "little")
    width = 1
    if size == 8:
        if number >> _WIDTH_BITS & 3 == 2:
            return cell(page, row, column - 1) if column else None
        width = 2 if number >> _WIDTH_BITS & 3 == 1 else 1
    if size > 2:
        if number & _BACKGROUND:
            return None
        look = _look(page, number)
        number = number >> 2 & _CONTENT
    else:
        look = UNSTYLED
    if not number:
        return None
    text = chr(number) + page.clusters.get((row, column), "")
    if width == 2 and text == " ":
        text = "  "  # As in `_pieces`.
    return column, (text, width, look)


def is_wide(page: Page, row: int, column: int) -> bool:
    """Whether a wide character begins in a cell."""
    flags, cells = page.rows[row]
    return flags >> 4 == 3 and cells[8 * column + 5 : 8 * column + 6].translate(_WIDE) == b"\1"
