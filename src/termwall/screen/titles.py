"""The stack of titles (XTWINOPS 22 and 23), which neither libghostty-vt nor the page's terminal keeps.

A program that sets a title pushes the one before, and pops it at its end. Of the two titles that xterm has only the
window's is shown; what concerns the icon's alone does nothing.
"""

import re

TITLES = rb"2[23](?:;[02]?(?:;[0-9]*)?)?t"
"""What follows `CSI`: push or pop the window's title, or both titles."""
TITLES_BEGUN = rb"2[23]?(?:;[02]?(?:;[0-9]*)?)?"
MOST_TITLES = 10
"""A stack as deep as xterm's; the oldest makes room."""
_CONTROLS = re.compile(r"[\0-\x1f\x7f-\x9f]")


class Titles:
    """The titles that were pushed, the newest last."""

    def __init__(self, stack: list[str] | None = None) -> None:
        self.stack = stack or []
        self.popped = False
        """Whether one was popped since this was last set to False."""

    def obey(self, sequence: bytes, title: str) -> str | None:
        """One of `TITLES`, with its `CSI`. Gives the title that is to be set, if one was popped."""
        if sequence[3:4] == b"2":
            self.stack = [*self.stack, _CONTROLS.sub("", title)][-MOST_TITLES:]
            return None
        if not self.stack:
            return None
        self.popped = True
        return self.stack.pop()
