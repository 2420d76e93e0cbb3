"""The stacks of the kitty keyboard protocol that a program has on its two screens, shown to a terminal that draws both
in one: it gets one entry of its own on the terminal's stack, which always has the flags that hold now.
"""

DEPTH = 8
"""Entries of one screen, as the server keeps them (S7); one more takes the place of the oldest."""
FLAGS = 31
"""All of them; other numbers are ignored."""


class KittyKeys:
    """`take` and `switch` give what to write."""

    def __init__(self) -> None:
        self.alternate = False
        self.pushed = False
        """Whether the terminal has the entry."""
        self._shown = 0
        self._stacks: list[list[int]] = [[0], [0]]

    @property
    def flags(self) -> int:
        """The flags that hold now."""
        return self._stacks[self.alternate][-1]

    def take(self, kind: str, numbers: str) -> str:
        """A program's `CSI > flags u` (push), `CSI < count u` (pop) or `CSI = flags ; how u` (set)."""
        given = [int(number) if number.isdecimal() else 0 for number in numbers.split(";")]
        first, how = given[0], given[1] if len(given) > 1 else 1
        stack = self._stacks[self.alternate]
        if kind != "<" and first > FLAGS:
            return ""
        if kind == ">":
            stack.append(first)
            del stack[:-DEPTH]
        elif kind == "<":
            del stack[-max(1, first) :]
            if not stack:
                stack.append(0)
        elif how == 1:
            stack[-1] = first
        elif how == 2:
            stack[-1] |= first
        elif how == 3:
            stack[-1] &= ~first
        return self._show()

    def switch(self, *, alternate: bool) -> str:
        """The program goes to the other screen, which has a stack of its own."""
        self.alternate = alternate
        return self._show()

    def reset(self) -> str:
        """As a shell has it."""
        self._stacks = [[0], [0]]
        return self._show()

    def reset_shown(self) -> str:
        """As a shell has it, on the screen that is shown."""
        self._stacks[self.alternate] = [0]
        return self._show()

    def _show(self) -> str:
        if self.flags == self._shown:
            return ""
        self._shown = self.flags
        first = "" if self.pushed else "\x1b[>0u"
        self.pushed = True
        return f"{first}\x1b[={self._shown};1u"
