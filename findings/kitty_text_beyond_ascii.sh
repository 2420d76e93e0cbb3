#!/bin/sh
# kitty 0.26.5 (Debian 12) leaves text beyond ASCII out of what its own keyboard protocol calls associated text: with the
# flags "all keys" and "text" a key that types an `a` comes as `CSI 97 ; ; 97 u`, and one that types an `ö` as
# `CSI 246 ; u`, so that a program that reads the text gets nothing from it.
# Needs Debian 12 on x86-64 or ARM (apt, dpkg, its python3); nothing is installed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cd "$folder"
apt-get download kitty=0.26.5-5+deb12u1 >/dev/null 2>&1 || apt-get download kitty >/dev/null
dpkg -x kitty_*.deb root
/usr/bin/python3 - <<'PYTHON'
import sys

sys.path.insert(0, "root/usr/lib/kitty")
import kitty.fast_data_types as kitty
from kitty.constants import str_version

print("kitty", str_version)


def typed(text):
    flags = 1 | 8 | 16
    return kitty.encode_key_for_tty(key=ord(text), action=kitty.GLFW_PRESS, key_encoding_flags=flags, text=text)


ascii, beyond = typed("a"), typed("ö")
print("an a: expected '\\x1b[97;;97u' seen", repr(ascii))
print("an ö: expected '\\x1b[246;;246u' seen", repr(beyond))
sys.exit(0 if ascii == "\x1b[97;;97u" and beyond != "\x1b[246;;246u" else 1)
PYTHON
