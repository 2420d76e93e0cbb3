#!/bin/sh
# libghostty-vt, told to pull rows from the scrollback when a terminal gets higher, pulls none where it gets narrower in the
# same resize: 80x24 full of lines resized to 60x45 leaves the new rows blank. Higher first, then narrower, fills them.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pyghostty==0.1.3
"$folder/env/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from pyghostty._ffi import ffi, lib


def row_of_the_cursor(*sizes):
    made = ffi.new("GhosttyTerminal*")
    lib.ghostty_terminal_new(ffi.NULL, made, 80, 24)
    lib.ghostty_terminal_set(made[0], lib.GHOSTTY_TERMINAL_OPT_SCROLLBACK_MAX_LINES, ffi.new("size_t*", 1000))
    lib.ghostty_terminal_set(made[0], lib.GHOSTTY_TERMINAL_OPT_RESIZE_PULL_SCROLLBACK, ffi.new("bool*", True))
    data = b"".join(b"row %d\r\n" % number for number in range(400))
    lib.ghostty_terminal_vt_write(made[0], data, len(data))
    for columns, rows in sizes:
        lib.ghostty_terminal_resize(made[0], columns, rows, 8, 16)
    row = ffi.new("uint16_t*")
    lib.ghostty_terminal_get(made[0], lib.GHOSTTY_TERMINAL_DATA_CURSOR_Y, row)
    return row[0]


at_once, in_turns = row_of_the_cursor((60, 45)), row_of_the_cursor((80, 45), (60, 45))
print("pyghostty", version("pyghostty"))
print("the cursor's row after 80x24 -> 60x45: expected 44, seen", at_once, "at once,", in_turns, "in turns")
sys.exit(0 if at_once < 44 and in_turns == 44 else 1)
PYTHON
