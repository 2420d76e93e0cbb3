"""Finds plain text in lines. Small letters find both cases; a capital finds only capitals, as editors do it.

A character may be written as one code point or as a letter and its marks (NFC and NFD): each finds the other. What is
found are whole characters, so that `e` does not find half of an `é` in either way.
"""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple
from unicodedata import combining, normalize

MAX_QUERY = 256
AROUND = 200
"""Characters of a long line that are shown before and after the match."""
OVERLAP = 4 * MAX_QUERY
"""Characters that a piece of a very long line repeats of the one before, so that nothing is missed between them."""
_LATER_JAMO = re.compile("[\u1160-\u11ff\ud7b0-\ud7ff]")
"""Korean vowels and finals: they belong to the letter before them, and are no marks."""


class Found(NamedTuple):
    """A line that has it: `start` and `end` are where in `text`, which is the line or a part of it."""

    line: int
    text: str
    start: int
    end: int
    at: int
    """Where the match begins in the whole line."""


class Query:
    """What is looked for."""

    def __init__(self, text: str) -> None:
        self._any_case = text == text.lower()
        self._text = self._key(text)

    def find(self, line: str, number: int = 0, after: int = 0) -> Found | None:
        """The first match in a line that ends behind its first `after` characters."""
        line = line.rstrip("\r\n")
        if self._text not in self._key(line):
            return None
        place = self._plain(line, after) if line.isascii() else self._exact(line, after)
        if place is None:
            return None
        at, stop = place
        first = max(0, at - AROUND)
        return Found(number, line[first : stop + AROUND], at - first, stop - first, at)

    def find_all(self, lines: Sequence[str]) -> Iterator[Found]:
        """The last line first, because that is the newest."""
        for number in range(len(lines) - 1, -1, -1):
            found = self.find(lines[number], number)
            if found is not None:
                yield found

    def _plain(self, line: str, after: int) -> tuple[int, int] | None:
        at = self._key(line).find(self._text, max(0, after - len(self._text) + 1))
        return None if at < 0 else (at, at + len(self._text))

    def _exact(self, line: str, after: int) -> tuple[int, int] | None:
        """Where it is in a line whose key may be longer or shorter."""
        starts = _characters(line)
        places: dict[int, int] = {}
        """Of each character, where its key begins in the whole key and where itself in the line."""
        whole, length = [], 0
        for start, stop in zip(starts, [*starts[1:], len(line)], strict=True):
            places[length] = start
            whole.append(self._key(line[start:stop]))
            length += len(whole[-1])
        places[length] = len(line)
        key = "".join(whole)
        at = -1
        while (at := key.find(self._text, at + 1)) >= 0:
            begin, end = places.get(at), places.get(at + len(self._text))
            if begin is not None and end is not None and end > after:
                return begin, end
        return None

    def _key(self, text: str) -> str:
        """Text in which letters and marks stand apart, and small where both cases are looked for."""
        if text.isascii():
            return text.lower() if self._any_case else text
        key = normalize("NFD", text)
        return normalize("NFD", key.casefold()) if self._any_case else key


def _characters(text: str) -> list[int]:
    """Where a letter begins, with all its marks."""
    return (
        [0] + [at for at, sign in enumerate(text) if at and not combining(sign) and not _LATER_JAMO.match(sign)]
        if text
        else []
    )
