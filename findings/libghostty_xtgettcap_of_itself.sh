#!/bin/sh
# libghostty-vt answers XTGETTCAP from the terminfo entry of the Ghostty application, whatever it is embedded in: a
# terminal of 132 columns and 50 lines says `cols` 80 and `lines` 24, and one whose embedder answers XTVERSION with a name
# of its own gives a pattern `xr` that this answer does not match. Who embeds it has to take such answers back.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pyghostty==0.1.3
"$folder/env/bin/python" - <<'PYTHON'
import re
import sys
from importlib.metadata import version

from pyghostty._ffi import ffi, lib

answers = []
NAME = ffi.from_buffer(b"embedder 2")


@ffi.callback("GhosttyTerminalWritePtyFn")
def answer(terminal, user, data, size):
    answers.append(bytes(ffi.buffer(data, size)))


@ffi.callback("GhosttyTerminalXtversionFn")
def name(terminal, user):
    return {"ptr": NAME, "len": len(NAME)}


made = ffi.new("GhosttyTerminal*")
lib.ghostty_terminal_new(ffi.NULL, made, 132, 50)
lib.ghostty_terminal_set(made[0], lib.GHOSTTY_TERMINAL_OPT_WRITE_PTY, answer)
lib.ghostty_terminal_set(made[0], lib.GHOSTTY_TERMINAL_OPT_XTVERSION, name)


def ask(query):
    answers.clear()
    lib.ghostty_terminal_vt_write(made[0], query, len(query))
    return b"".join(answers)


def capability(key):
    found = re.search(rb"=([0-9A-Fa-f]+)", ask(b"\x1bP+q%s\x1b\\" % key.encode().hex().encode()))
    return bytes.fromhex(found[1].decode()) if found else None


print("pyghostty", version("pyghostty"))
size = capability("cols"), capability("lines")
print("size 132x50, expected", (b"132", b"50"), "seen", size)
version_answer = ask(b"\x1b[>q")
pattern = (capability("xr") or b"").replace(b"\\\\", b"\\")
print("XTVERSION is answered with", version_answer, "and the pattern for it is", pattern)
matches = re.fullmatch(pattern.replace(b"\x1b\\", b"\x1b\\\\"), version_answer)
print("expected: it matches; seen:", bool(matches))
sys.exit(0 if size == (b"80", b"24") and not matches else 1)
PYTHON
