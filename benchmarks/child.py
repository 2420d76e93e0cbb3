"""The program in the terminal: `child.py cooked|raw|lines MEGABYTES` (0: without end) or `child.py echo`.

It says READY, waits for one line and then writes; `expected` tells how many bytes come out of the terminal.
"""

import os
import sys
import termios
import tty

READY = b"READY>"
LINE = b"0123456789abcdefghijklmnopqrstuvwxyz ABCDEFGHIJKLMNOPQRSTUVWXYZ 0123456789abcde\n"
CHUNK = LINE * 800
SIZES = {"cooked": len(CHUNK), "raw": len(CHUNK), "lines": len(LINE)}


def expected(mode: str, megabytes: int) -> int:
    """Bytes that the terminal gives after READY; a cooked one makes two bytes of each line's end."""
    lines = megabytes * 1_000_000 // len(CHUNK) * 800
    return lines * (len(LINE) + (0 if mode == "raw" else 1))


def main() -> None:
    mode = sys.argv[1]
    attributes = termios.tcgetattr(0)
    attributes[3] &= ~termios.ECHO
    termios.tcsetattr(0, termios.TCSANOW, attributes)
    if mode in ("raw", "echo"):
        tty.setraw(0)
    os.write(1, READY)
    if mode == "echo":
        while data := os.read(0, 4096):
            os.write(1, data)
        return
    os.read(0, 1)
    megabytes = int(sys.argv[2])
    piece = CHUNK if mode != "lines" else LINE
    left = megabytes * 1_000_000 // len(CHUNK) * len(CHUNK)
    while left or not megabytes:
        view = piece
        while view:
            view = view[os.write(1, view) :]
        left -= len(piece) if megabytes else 0
    while os.read(0, 4096):  # Stay, so that an end of the program is no part of the measurement.
        pass


if __name__ == "__main__":
    main()
