"""The text in a program's output: lines without escape sequences, however they are split."""

import re
from typing import NamedTuple

from termwall.core.search import OVERLAP

MAX_LINE = 16_384
"""Characters; a longer line is cut there and goes on as another, which begins with the end of the first."""
_SEQUENCE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)|[ -/]+[0-~]|[0-OQ-WYZ\\`-~])")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b]*\x1b?|[ -/]*)\Z")
_MOVES = re.compile(r"\x1b\[(\d{0,3})C|\x1b\[[\d;]*[ABEFHdf]")
"""To the right, which programs print in place of blanks; and to another row."""
_OTHERS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
MAX_SEQUENCE = 4096


class Line(NamedTuple):
    """A line, or a piece of a very long one, whose first `seen` characters stood in the piece before."""

    text: str
    seen: int = 0


class PlainText:
    """Takes output as it comes and gives lines. What a carriage return would overwrite stays as a line of its own."""

    def __init__(self) -> None:
        self._rest = ""
        self._seen = 0
        self._held = ""

    @property
    def rest(self) -> Line:
        """The line that has not ended."""
        return Line(self._rest, self._seen)

    def feed(self, data: str) -> list[Line]:
        """The lines that end with this."""
        data = self._held + data
        self._held = ""
        unfinished = _UNFINISHED.search(data)
        if unfinished is not None and len(data) - unfinished.start() <= MAX_SEQUENCE:
            self._held = data[unfinished.start() :]
            data = data[: unfinished.start()]
        if "\x1b" in data:
            data = _SEQUENCE.sub("", _MOVES.sub(_moved, data))
        text = data.replace("\r\n", "\n").replace("\r", "\n")
        first, *others = _OTHERS.sub("", text).split("\n")
        lines: list[Line] = []
        self._rest += first
        self._cut(lines)
        for text in others:
            if self._rest:
                lines.append(self.rest)
            self._rest, self._seen = text, 0
            self._cut(lines)
        return lines

    def _cut(self, lines: list[Line]) -> None:
        while len(self._rest) > MAX_LINE:
            lines.append(Line(self._rest[:MAX_LINE], self._seen))
            self._rest, self._seen = self._rest[MAX_LINE - OVERLAP :], OVERLAP


def _moved(sequence: "re.Match[str]") -> str:
    return " " * int(sequence[1] or 1) if sequence[0].endswith("C") else "\n"
