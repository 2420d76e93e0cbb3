#!/bin/sh
# xterm 379 (Debian 12) restores the private mode 69 (DECLRMM, left and right margins) as on, whatever it was: it is off,
# `CSI ? 69 s` saves it, `CSI ? 69 r` restores it, and DECRQM then says that it is on. From then on `CSI s` no longer saves
# the cursor but sets margins. Other modes, such as 1004 here, come back as they were saved.
# Needs Debian's xterm, xvfb and fonts-dejavu-core, and python3; nothing is changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/ask.py" <<'PYTHON'
import os, select, sys, termios, tty

tty.setraw(0)


def mode(number):
    os.write(1, b"\x1b[?%d$p" % number)
    answer = b""
    while not answer.endswith(b"y") and select.select([0], [], [], 5)[0]:
        answer += os.read(0, 100)
    return answer.decode().partition(";")[2].rstrip("$y")  # 1: on, 2: off


told = []
for number in (69, 1004):
    before = mode(number)
    os.write(1, b"\x1b[?%ds\x1b[?%dr" % (number, number))
    told.append(f"{number} {before} {mode(number)}")
open(sys.argv[1], "w").write("\n".join(told))
PYTHON
xterm -version
xvfb-run -a xterm -fa "DejaVu Sans Mono" -e python3 "$folder/ask.py" "$folder/told" 2>/dev/null
echo "mode, before, after being saved and restored (1: on, 2: off); expected: 69 2 2 and 1004 2 2"
cat "$folder/told"
echo
grep -qx "69 2 1" "$folder/told" && grep -qx "1004 2 2" "$folder/told"
