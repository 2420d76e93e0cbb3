"""Runs in a terminal: asks it for all its state, runs a command, asks again, and writes both down as JSON.

    python state.py RESULT BEGIN COMMAND...

`BEGIN` is written first, with Python's escapes: the state that the terminal is to be found in again.
"""

import json
import os
import re
import select
import subprocess
import sys
import termios
import tty

PRIVATE = (1, 5, 6, 7, 9, 12, 25, 45, 66, 69, 1000, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1049, 2004, 2026, 2048)


def ask(query: bytes, end: bytes) -> str:
    """The terminal's answer."""
    os.write(1, query)
    answer = b""
    while not re.search(end + rb"\Z", answer):
        if not select.select([0], [], [], 5)[0]:
            return answer.decode() + " and no more"
        answer += os.read(0, 4096)
    return answer.decode()


def state() -> dict[str, str]:
    """Everything that it tells of itself."""
    before = termios.tcgetattr(0)
    tty.setraw(0)
    told = {f"?{mode}": ask(b"\x1b[?%d$p" % mode, b"y") for mode in PRIVATE}
    told |= {str(mode): ask(b"\x1b[%d$p" % mode, b"y") for mode in (2, 4, 12, 20)}
    told |= {what: ask(b"\x1bP$q%s\x1b\\" % what.encode(), rb"\x1b\\") for what in ("m", "r", "s", " q", '"q')}
    told |= {
        what: ask(b"\x1b]%s;?\x1b\\" % what.encode(), rb"\x1b\\|\x07") for what in ("10", "11", "12", "4;1", "4;7")
    }
    told |= {f"keys {what}": ask(b"\x1b[?%dm" % what, b"m") for what in (0, 1, 2, 4)}
    told |= {"title": ask(b"\x1b[21t", rb"\x1b\\"), "size": ask(b"\x1b[18t", b"t"), "cursor": ask(b"\x1b[6n", b"R")}
    termios.tcsetattr(0, termios.TCSADRAIN, before)
    return told


def main() -> None:
    """As said above."""
    result, begin, *command = sys.argv[1:]
    os.write(1, begin.encode().decode("unicode_escape").encode("latin-1"))
    before = state()
    process = subprocess.run(command, stdout=None, check=False)
    os.write(1, b"\x1b[%sH" % before["cursor"].strip("\x1b[R").encode())  # What it said at its end moved the cursor.
    after = state()
    with open(f"{result}.part", "w") as file:
        json.dump({"before": before, "after": after, "code": process.returncode}, file)
    os.rename(f"{result}.part", result)


main()
