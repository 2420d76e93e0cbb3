"""A coding agent's page as such programs draw it: inline, redrawn in place, with what terminals learned lately.

Bracketed paste, focus reports, synchronized output, cursor up and erase line, a spinner, a box that grows, links
(OSC 8), notifications (OSC 9) and a title (OSC 2). `tools/record.py` records it.
"""

import os
import sys
import time

SPINNER = "·✢✳∗✻✽"
WORK = [
    ("Read", "src/parser.py"),
    ("Search", 'pattern: "def feed"'),
    ("Update", "src/parser.py"),
    ("Bash", "python -m pytest -q tests/test_parser.py"),
]
DIFF = [
    "  41      def feed(self, data):",
    "  42 -        self.state = 0",
    "  42 +        self.state = self.resume(data)",
]
COLUMNS = os.get_terminal_size().columns - 2


def write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def erase(lines: int) -> str:
    return "\x1b[2K" + "\x1b[1A\x1b[2K" * (lines - 1) + "\x1b[G"


def box(typed: str, spinner: str, seconds: int) -> list[str]:
    inner = COLUMNS - 4
    return [
        f"\x1b[38;2;215;119;87m{spinner} Pondering… \x1b[38;5;246m({seconds}s · esc to interrupt)\x1b[39m",
        "",
        "\x1b[38;5;244m╭" + "─" * (inner + 2) + "╮\x1b[39m",
        f"\x1b[38;5;244m│\x1b[39m > {typed}\x1b[7m \x1b[27m"
        + " " * (inner - len(typed) - 3)
        + " \x1b[38;5;244m│\x1b[39m",
        "\x1b[38;5;244m╰" + "─" * (inner + 2) + "╯\x1b[39m",
        "  \x1b[2m? for shortcuts\x1b[22m",
    ]


def draw(lines: list[str], before: int) -> int:
    write("\x1b[?2026h" + (erase(before) if before else "") + "\r\n".join(lines) + "\x1b[?2026l")
    return len(lines)


def main() -> None:
    write("\x1b[?25l\x1b[?2004h\x1b[?1004h\x1b]2;✳ Fix the parser\x07")
    write("\x1b[1m\x1b[38;2;215;119;87m ▐▛███▜▌\x1b[39m\x1b[22m   An agent \x1b[2mv1.0\x1b[22m\r\n\r\n")
    write("> fix the parser so that no byte is lost\r\n\r\n")
    height = 0
    seconds = 0
    for step, (tool, argument) in enumerate(WORK):
        for frame in range(8):
            seconds += frame % 4 == 0
            height = draw(box("and run the tests"[: frame * 3], SPINNER[frame % len(SPINNER)], seconds), height)
            time.sleep(0.02)
        write(erase(height))
        link = f"\x1b]8;;file:///home/demo/{argument}\x1b\\{argument}\x1b]8;;\x1b\\" if step in (0, 2) else argument
        write(f"\x1b[38;5;114m●\x1b[39m \x1b[1m{tool}\x1b[22m({link})\r\n  \x1b[2m⎿\x1b[22m  ")
        if tool == "Update":
            for number, line in enumerate(DIFF):
                colour = "\x1b[48;2;34;92;43m" if "+ " in line else "\x1b[48;2;122;41;54m" if "- " in line else ""
                write(("     " if number else "") + colour + line.ljust(COLUMNS - 12) + "\x1b[49m\r\n")
        else:
            write(f"{'日本語のテスト ✅ ' if tool == 'Bash' else ''}{step * 17 + 3} lines\r\n")
        write("\r\n")
        height = 0
    write("\x1b]9;The parser is fixed\x07\x1b]9;4;0;0\x07")
    write(
        "The parser keeps an unfinished character now. See \x1b]8;id=a1;https://example.com/pull/7\x1b\\pull request 7"
    )
    write(
        "\x1b]8;;\x1b\\ for \x1b[3mall\x1b[23m of it, a line that is long enough to wrap in a window of this size.\r\n"
    )
    height = draw(box("", "*", seconds)[2:], 0)
    sys.stdin.readline()
    write(erase(height) + "\x1b[?25h\x1b[?2004l\x1b[?1004l\x1b]2;\x07")


main()
