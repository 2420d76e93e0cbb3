"""What takes a millisecond or more and comes many at once: one in each turn of the loop, whoever asks for it (L6, L7).

To describe all sessions of a project to a new connection takes so long, and after a restart all clients come at once;
so does a session's new size, and one client may ask for sizes of all sessions. Between two of them everybody else has a
turn.
"""

import asyncio
from collections import deque
from collections.abc import Callable


class Turns:
    """Of one server. What waits is bounded by who asks: a connection without a WebSocket (X8), a session."""

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

    async def wait(self) -> None:
        """Wait for one's turn."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.come(lambda: None if turn.done() else turn.set_result(None))  # It is done where its client has gone.
        await turn

    def _next(self) -> None:
        self._begun = bool(self._waiting)
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
            self._waiting.popleft()()
