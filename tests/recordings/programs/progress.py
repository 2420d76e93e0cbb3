"""Progress as package installers show it: one line that is written over, and a bar that is kept on the last row by
scroll margins, as apt does. `tools/record.py` records it.
"""

import os
import sys
import time

PACKAGES = ["libalpha1", "beta-tools", "gamma", "python3-delta", "epsilon-data", "zeta", "libeta-dev", "theta-common"]


def main() -> None:
    out = sys.stdout
    columns, rows = os.get_terminal_size()
    out.write("Reading package lists... 0%\r\rReading package lists... 67%\r\rReading package lists... Done\r\n")
    for percent in range(0, 101, 7):
        out.write(f"\r{percent}% [{percent // 12 + 1} libalpha1 {percent * 1337 % 900} kB/4,096 kB {percent}%]")
        out.write(f"\x1b[K{'2,048 kB/s 1s':>30}")
        out.flush()
        time.sleep(0.01)
    out.write("\r" + " " * (columns - 1) + "\r\x1b[32mFetched 4,096 kB in 2s (2,048 kB/s)\x1b[0m\r\n")
    out.write(f"\x1b7\x1b[0;{rows - 1}r\x1b8\x1b[1A")
    for number, package in enumerate(PACKAGES * 3):
        out.write(f"Unpacking {package} (1.{number}-2+deb12u{number % 4}) ...\r\n")
        out.write(f"Setting up \x1b[1m{package}\x1b[0m (1.{number}-2+deb12u{number % 4}) ...\r\n")
        percent = number * 100 // (len(PACKAGES) * 3)
        filled = percent * (columns - 20) // 100
        out.write(f"\x1b7\x1b[{rows};0f\x1b[42m\x1b[30mProgress: [{percent:3}%]\x1b[49m\x1b[39m [")
        out.write("#" * filled + "." * (columns - 20 - filled) + "] \x1b8")
        out.flush()
        time.sleep(0.01)
    out.write(f"\x1b7\x1b[0;{rows}r\x1b8\x1b[1A\x1b[J\r\nProcessing triggers ...\r\n")


main()
