"""Finds plain text in lines. Small letters find both cases; a capital finds capitals only, as editors do it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

MAX_QUERY = 256
AROUND = 200
"""Characters of a long line that are shown before and after the match."""


class Found(NamedTuple):
    """A line that has it: `start` and `end` are where in `text`, which is the line or a part of it."""

    line: int
    text: str
    start: int
    end: int


class Query:
    """What is looked for."""

    def __init__(self, text: str) -> None:
        self._any_case = text == text.lower()
        self._text = _fold(text) if self._any_case else text

    def find(self, line: str, number: int = 0) -> Found | None:
        """The first match in a line."""
        line = line.rstrip("\r\n")
        at = (_fold(line) if self._any_case else line).find(self._text)
        if at < 0:
            return None
        stop = at + len(self._text)
        first = max(0, at - AROUND)
        return Found(number, line[first : stop + AROUND], at - first, stop - first)

    def find_all(self, lines: Sequence[str]) -> Iterator[Found]:
        """The last line first, because that is the newest."""
        for number in range(len(lines) - 1, -1, -1):
            found = self.find(lines[number], number)
            if found is not None:
                yield found


def _fold(text: str) -> str:
    """Small letters, character for character: a letter whose small form is longer stays, so that places stay."""
    folded = text.lower()
    if len(folded) == len(text):
        return folded
    return "".join(small if len(small := letter.lower()) == 1 else letter for letter in text)
