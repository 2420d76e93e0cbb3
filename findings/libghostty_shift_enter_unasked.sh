#!/bin/sh
# libghostty-vt's key encoder sends Shift+Enter as `CSI 27 ; 2 ; 13 ~`, the form of xterm's modifyOtherKeys, to programs that
# asked for nothing: at level 0, where xterm 379 sends CR. A shell shows `;2;13~`. An encoder that is to do as xterm does
# has to be kept from it.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/env"
"$folder/env/bin/pip" install --quiet --disable-pip-version-check pyghostty==0.1.3
"$folder/env/bin/python" - <<'PYTHON'
import sys
from importlib.metadata import version

from pyghostty._ffi import ffi, lib

SHIFT = 1


def enter(modifiers, output=b""):
    made, encoder, event = ffi.new("GhosttyTerminal*"), ffi.new("GhosttyKeyEncoder*"), ffi.new("GhosttyKeyEvent*")
    lib.ghostty_terminal_new(ffi.NULL, made, 80, 24)
    lib.ghostty_terminal_vt_write(made[0], output, len(output))
    lib.ghostty_key_encoder_new(ffi.NULL, encoder)
    lib.ghostty_key_encoder_setopt_from_terminal(encoder[0], made[0])
    lib.ghostty_key_event_new(ffi.NULL, event)
    lib.ghostty_key_event_set_action(event[0], lib.GHOSTTY_KEY_ACTION_PRESS)
    lib.ghostty_key_event_set_key(event[0], lib.GHOSTTY_KEY_ENTER)
    lib.ghostty_key_event_set_mods(event[0], modifiers)
    text, size = ffi.new("char[64]"), ffi.new("size_t*")
    lib.ghostty_key_encoder_encode(encoder[0], event[0], text, 64, size)
    return bytes(ffi.buffer(text, size[0]))


print("pyghostty", version("pyghostty"))
plain, unasked, asked = enter(0), enter(SHIFT), enter(SHIFT, b"\x1b[>4;2m")
print("Enter, expected", b"\r", "seen", plain)
print("Shift+Enter where nothing was asked for, expected", b"\r", "seen", unasked)
print("Shift+Enter with modifyOtherKeys 2, expected", b"\x1b[27;2;13~", "seen", asked)
sys.exit(0 if plain == b"\r" and asked == b"\x1b[27;2;13~" and unasked == asked else 1)
PYTHON
