#!/bin/sh
# libghostty-vt keeps half of a wide character that a narrower alternate screen cuts, and then refuses to encode the whole
# terminal, also when the screen is wide again: until something is written over that cell.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pyghostty==0.1.3
"$folder/env/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from pyghostty._ffi import ffi, lib


def can_be_encoded(*sizes):
    made = ffi.new("GhosttyTerminal*")
    lib.ghostty_terminal_new(ffi.NULL, made, 20, 8)
    data = "\x1b[?1049h\x1b[1;9H中文".encode()
    lib.ghostty_terminal_vt_write(made[0], data, len(data))
    for columns, rows in sizes:
        lib.ghostty_terminal_resize(made[0], columns, rows, 8, 16)
    out, size = ffi.new("uint8_t**"), ffi.new("size_t*")
    return lib.ghostty_snapshot_encode_alloc(made[0], ffi.NULL, out, size) == lib.GHOSTTY_SUCCESS


whole, cut, wide_again = can_be_encoded(), can_be_encoded((9, 8)), can_be_encoded((9, 8), (20, 8))
print("pyghostty", version("pyghostty"))
print("a terminal can be encoded: expected always; seen before", whole, "narrower", cut, "wide again", wide_again)
sys.exit(0 if whole and not cut and not wide_again else 1)
PYTHON
