"""A table and bars that are drawn again in place, as `rich` and build tools do. `tools/record.py` records it."""

import sys
import time

STAGES = ["resolve", "fetch", "compile", "link", "package"]
WIDTH = 40


def bar(part: float) -> str:
    done = int(part * WIDTH * 2)
    full = "━" * (done // 2)
    half = "╸" if done % 2 else ""
    rest = "━" * (WIDTH - len(full) - len(half))
    return f"\x1b[38;2;114;156;31m{full}{half}\x1b[38;5;237m{rest}\x1b[0m"


def main() -> None:
    out = sys.stdout
    out.write("\x1b[?25l\x1b[3;38;5;109m                    Building\x1b[0m\r\n")
    out.write("┏" + "━" * 12 + "┳" + "━" * (WIDTH + 8) + "┓\r\n")
    for stage in STAGES:
        out.write(f"┃ \x1b[1;36m{stage:<10}\x1b[0m ┃ {' ' * (WIDTH + 6)} ┃\r\n")
    out.write("┗" + "━" * 12 + "┻" + "━" * (WIDTH + 8) + "┛\r\n")
    out.flush()
    for tick in range(0, 121, 4):
        out.write(f"\x1b[{len(STAGES) + 1}A")
        for index in range(len(STAGES)):
            part = min(1.0, max(0.0, (tick - index * 20) / 40))
            mark = (
                "\x1b[32m✓\x1b[0m" if part == 1 else f"\x1b[33m{'⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏'[tick // 4 % 10]}\x1b[0m" if part else " "
            )
            out.write(f"\r\x1b[15C{bar(part)}{part:>5.0%} {mark}\x1b[1B")
        out.write("\x1b[1B\r")
        if tick % 40 == 0:
            out.write(f"\x1b[{len(STAGES) + 2}A\x1b[L\x1b[90m[{tick:>3}]\x1b[0m a line that is put above the table\r")
            out.write(f"\x1b[{len(STAGES) + 3}B")
        out.flush()
        time.sleep(0.01)
    out.write("\x1b[?25h\x1b[1;32mdone\x1b[0m\r\n")


main()
