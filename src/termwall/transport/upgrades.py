"""WebSockets that begin: one in each turn of the loop, whoever opens it (L6).

To describe all sessions of a project to a new connection takes milliseconds, and after a restart all clients come at
once. Between two of them everybody else has a turn.
"""

import asyncio
from collections import deque
from collections.abc import Callable


class Upgrades:
    """Of one server. What waits is bounded by the connections without a WebSocket (X8)."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._begun = False
        """Whether one was begun in this turn."""

    def come(self, begin: Callable[[], None]) -> bool:
        """Call `begin` in its turn. Whether that was at once."""
        if self._begun:
            self._waiting.append(begin)
            return False
        self._begun = True
        asyncio.get_running_loop().call_soon(self._next)
        begin()
        return True

    def _next(self) -> None:
        self._begun = bool(self._waiting)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
            self._waiting.popleft()()
