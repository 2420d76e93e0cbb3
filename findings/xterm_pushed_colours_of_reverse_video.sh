#!/bin/sh
# xterm 379 (Debian 12) pushes (`CSI # P`) the colours as reverse video shows them, and pops (`CSI # Q`) them into the colours
# that are not reversed: a program that pushes while mode 5 is on, and pops after it has ended that mode, leaves text and
# background exchanged for good. Pushed and popped in the same mode they come back as they were.
# Needs Debian's xterm, xvfb and fonts-dejavu-core, and python3; nothing is changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/ask.py" <<'PYTHON'
import os, select, sys, termios, tty

tty.setraw(0)


def colour(number):
    os.write(1, b"\x1b]%d;?\x1b\\" % number)
    answer = b""
    while not answer.endswith(b"\\") and select.select([0], [], [], 5)[0]:
        answer += os.read(0, 100)
    return answer.decode().partition("rgb:")[2][:14]


told = [f"before {colour(10)} {colour(11)}"]
os.write(1, b"\x1b[#P\x1b[?5h\x1b[?5l\x1b[#Q")
told.append(f"alike {colour(10)} {colour(11)}")
os.write(1, b"\x1b[?5h\x1b[#P\x1b[?5l\x1b[#Q")
told.append(f"reversed {colour(10)} {colour(11)}")
open(sys.argv[1], "w").write("\n".join(told) + "\n")
PYTHON
xterm -version
xvfb-run -a xterm -fa "DejaVu Sans Mono" -e python3 "$folder/ask.py" "$folder/told" 2>/dev/null
echo "text and background; expected: the same three times"
cat "$folder/told"
read -r _ text background <"$folder/told"
grep -qx "alike $text $background" "$folder/told" && grep -qx "reversed $background $text" "$folder/told"
