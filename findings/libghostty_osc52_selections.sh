#!/bin/sh
# libghostty-vt reads OSC 52 with exactly one selection, or none. xterm's control sequences say "zero or more" of
# `c p q s 0 ... 7`, and that an empty field means `s0`; programs write `s0`, `pc` or `cs`. With two selections the write
# is not passed on, and a read is not answered, so that who waits for the answer waits until its own time is over.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pyghostty==0.1.3
"$folder/env/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from pyghostty._ffi import ffi, lib

heard = []


@ffi.callback("GhosttyTerminalClipboardWriteFn")
def write(terminal, user, request):
    heard.append("write")


@ffi.callback("GhosttyTerminalClipboardReadFn")
def read(terminal, user, request):
    heard.append("read")


made = ffi.new("GhosttyTerminal*")
lib.ghostty_terminal_new(ffi.NULL, made, 80, 24)
lib.ghostty_terminal_set(made[0], lib.GHOSTTY_TERMINAL_OPT_CLIPBOARD_WRITE_MAX_BYTES, ffi.new("size_t*", 1 << 16))
lib.ghostty_terminal_set(made[0], lib.GHOSTTY_TERMINAL_OPT_CLIPBOARD_WRITE, write)
lib.ghostty_terminal_set(made[0], lib.GHOSTTY_TERMINAL_OPT_CLIPBOARD_READ, read)


def said(selection, payload):
    heard.clear()
    data = b"\x1b]52;%s;%s\x07" % (selection, payload)
    lib.ghostty_terminal_vt_write(made[0], data, len(data))
    return list(heard)


print("pyghostty", version("pyghostty"))
one = [said(selection, payload) for selection in (b"", b"c", b"p") for payload in (b"SGVsbG8=", b"?")]
several = [said(selection, payload) for selection in (b"s0", b"pc", b"cs") for payload in (b"SGVsbG8=", b"?")]
print("one selection or none, expected and seen: 3 writes and 3 reads:", sum(map(len, one)))
print("several selections, expected 3 writes and 3 reads, seen:", sum(map(len, several)))
sys.exit(0 if sum(map(len, one)) == 6 and not any(several) else 1)
PYTHON
