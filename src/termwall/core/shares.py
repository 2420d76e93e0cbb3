"""A number of places that several share, so that nobody keeps all of them from the others."""

from collections import Counter


class Shares:
    """Places that are taken and given back.

    Whoever has as many as are left gets no more: one alone has half of all, two have a third each, and so on.

    Args:
        most: places for all together.
    """

    def __init__(self, most: int) -> None:
        self._left = most
        self._taken: Counter[str] = Counter()

    def take(self, who: str) -> bool:
        """Take a place; False if there is none for them now."""
        if self._taken[who] >= self._left:
            return False
        self._taken[who] += 1
        self._left -= 1
        return True

    def give(self, who: str) -> None:
        """Give back one that was taken."""
        self._taken[who] -= 1
        self._left += 1
        if not self._taken[who]:
            del self._taken[who]
