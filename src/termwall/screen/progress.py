"""Whether a screen has text that it had not before: what a title, a clock, a spinner or a cursor alters is none (S9).

A row is known by its letters alone: digits, punctuation, frames and symbols are what clocks and spinners are made of.
Looking costs one reading of the screen, so it is done only where it decides something, at most 4 times a second.
"""

LETTERS = 3
"""Rows with fewer letters say nothing: `12s`."""
MOST_ROWS = 4_096
"""Rows that are remembered; with one more, those that are shown now are all that is known."""


class KnownRows:
    """The rows that a screen showed since it was first looked at."""

    def __init__(self) -> None:
        self._known: set[int] | None = None

    def has_new(self, text: str) -> bool:
        """Look at the screen: whether there is a row that was never there. The first look finds none."""
        rows = {hash(letters) for line in text.split("\n") if len(letters := _letters(line)) >= LETTERS}
        known, self._known = self._known, rows
        if known is None:
            return False
        if len(known | rows) <= MOST_ROWS:
            self._known = known | rows
        return not rows <= known


def _letters(line: str) -> str:
    return "".join(filter(str.isalpha, line))
