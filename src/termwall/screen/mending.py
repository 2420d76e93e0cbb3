"""Mends what libghostty-vt (pyghostty 0.1.3) leaves behind when the alternate screen gets narrower.

That screen does not reflow, so a wide character may be cut in half at the new edge; then the library refuses to tell
its state at all, until something is written there. xterm.js blanks such a cell; so does this.
"""

from typing import Any

from pyghostty._ffi import ffi, lib, union_fn  # type: ignore[import-untyped]

CLEAR_ALTERNATE = b"\x1b[?47h\x1b[2J\x1b[?47l"
"""For the alternate screen while it is not shown: nobody sees it again before it is cleared anyway."""

_grid_ref = union_fn(
    "ghostty_terminal_grid_ref",
    "GhosttyResult(*)(GhosttyTerminal, GhosttyPointS, GhosttyGridRef*)",
)


def cut_rows(terminal: Any, columns: int, rows: int) -> list[int]:
    """Rows of the shown screen whose last cell is the first half of a wide character."""
    point = ffi.new("GhosttyPointS*")
    point.tag = lib.GHOSTTY_POINT_TAG_ACTIVE
    point.value.x = columns - 1
    ref = ffi.new("GhosttyGridRef*")
    ref.size = ffi.sizeof("GhosttyGridRef")
    cell = ffi.new("GhosttyCell*")
    width = ffi.new("GhosttyCellWide*")
    found = []
    for row in range(rows):
        point.value.y = row
        if _grid_ref(terminal, point[0], ref) == lib.GHOSTTY_SUCCESS:
            lib.ghostty_grid_ref_cell(ref, cell)
            lib.ghostty_cell_get(cell[0], lib.GHOSTTY_CELL_DATA_WIDE, width)
            if width[0] == lib.GHOSTTY_CELL_WIDE_WIDE:
                found.append(row)
    return found


def blank(rows: list[int], columns: int) -> bytes:
    """Sequences that blank the last cell of these rows; they move the cursor, and need origin mode off."""
    return b"".join([b"\x1b[%d;%dH\x1b[X" % (row + 1, columns) for row in rows])
