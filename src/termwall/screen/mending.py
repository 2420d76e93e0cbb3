"""Wide characters that a narrower alternate screen cuts in half.

That screen does not reflow. libghostty-vt (pyghostty 0.1.3) keeps the half that is left, at any column once the screen
gets wider again, and refuses to give its state as long as it is there. So these cells are blanked before.
"""

from typing import Any

from termwall.screen.cells import is_wide
from termwall.screen.checkpoint import Screen
from termwall.screen.drawing import lines
from termwall.screen.looks import sgr
from termwall.screen.native import ffi, lib

CLEAR_ALTERNATE = b"\x1b[?47h\x1b[2J\x1b[?47l"
"""For the alternate screen while it is not shown: nobody sees it again before it is cleared anyway."""
MENDINGS = (b"", b""), (b'\x1b[1"q', b'\x1b[0"q')
"""What to write before and after cells are blanked: the second time also those that are protected (SPA)."""

Place = tuple[int, int]
"""Row and column from 0."""

_grid_ref = ffi.cast(
    "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)", ffi.addressof(lib, "ghostty_terminal_grid_ref")
)
"""A union cannot be passed by value; a structure of its layout is passed in the same way."""


def cut_at(screen: Screen, rows: int, columns: int) -> list[Place]:
    """The wide characters that so many columns would cut in half."""
    column = columns - 1
    return [(at, column) for at, (page, row) in enumerate(lines(screen, rows, 0)) if is_wide(page, row, column)]


def cut_cells(terminal: Any, columns: int, rows: int) -> list[Place]:
    """The halves of wide characters on the shown screen; takes some microseconds a cell."""
    point = ffi.new("GhosttyPointS*")
    point.tag = lib.GHOSTTY_POINT_TAG_ACTIVE
    ref = ffi.new("GhosttyGridRef*")
    ref.size = ffi.sizeof("GhosttyGridRef")
    cell = ffi.new("GhosttyCell*")
    width = ffi.new("GhosttyCellWide*")
    wide, second = lib.GHOSTTY_CELL_WIDE_WIDE, lib.GHOSTTY_CELL_WIDE_SPACER_TAIL
    found = []
    for point.value.y in range(rows):
        before = None
        for point.value.x in range(columns):
            if _grid_ref(terminal, point[0], ref) != lib.GHOSTTY_SUCCESS:
                continue
            lib.ghostty_grid_ref_cell(ref, cell)
            lib.ghostty_cell_get(cell[0], lib.GHOSTTY_CELL_DATA_WIDE, width)
            x, y = point.value.x, point.value.y
            if before == wide and width[0] != second:
                found.append((y, x - 1))
            elif before != wide and width[0] == second:
                found.append((y, x))
            before = width[0]
        if before == wide:
            found.append((point.value.y, columns - 1))
    return found


def blank(places: list[Place], cursor: tuple[int, int, bool], origin: int | None) -> bytes:
    """Sequences that blank these cells and leave the cursor where it is.

    Args:
        origin: the row, from 1, from which origin mode counts; None while it is off.
    """
    x, y, _ = cursor
    cells = b"".join([b"\x1b[%d;%dH\x1b[X" % (row + 1, column + 1) for row, column in places])
    if origin is None:
        return cells + b"\x1b[%d;%dH" % (y + 1, x + 1)
    return b"\x1b[?6l" + cells + b"\x1b[?6h\x1b[%d;%dH" % (max(1, y + 2 - origin), x + 1)


def blank_below(count: int, rows: int, cursor: tuple[int, int, bool], origin: int | None, pen: bytes) -> bytes:
    """Sequences that blank the last `count` rows, of those below the cursor, and leave cursor and pen as they are.

    libghostty-vt takes blank rows away first when the screen gets lower, the page's terminal those below the cursor.
    """
    x, y, _ = cursor
    first = max(y + 1, rows - count)
    if first >= rows:
        return b""
    erased = b"\x1b[?6l\x1b[m\x1b[%d;1H\x1b[J%s" % (first + 1, sgr(pen))
    if origin is None:
        return erased + b"\x1b[%d;%dH" % (y + 1, x + 1)
    return erased + b"\x1b[?6h\x1b[%d;%dH" % (max(1, y + 2 - origin), x + 1)
