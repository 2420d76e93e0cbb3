"""What waits between the engine and a handler: bounded, and never handled in the stack of whoever brought it."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from termwall.cluster.bus import chores
from termwall.cluster.bus.contract import BusError

MOST_REQUESTS = 1024
"""Requests of one subject that wait; more are dropped, and their askers get no answer."""


class Mailbox:
    """Messages of one subscription, at most `budget` bytes; what comes beyond is dropped and `lagged()` called."""

    def __init__(
        self, handler: Callable[[str, bytes], None], budget: int, lagged: Callable[[], None], log: logging.Logger
    ) -> None:
        self._handler = handler
        self._budget = budget
        self._lagged = lagged
        self._log = log
        self._waiting: deque[tuple[str, bytes]] = deque()
        self._bytes = 0
        self._lagging = False
        self._drains = False
        self._ended = False

    def put(self, subject: str, data: bytes) -> None:
        """Let it be handled soon, or drop it."""
        if self._ended:
            return
        if self._bytes + len(data) > self._budget:
            self.lag()
            return
        self._bytes += len(data)
        self._waiting.append((subject, data))
        self._drain_soon()

    def lag(self) -> None:
        """Something was dropped: report it once until the box is empty."""
        if not self._lagging and not self._ended:
            self._lagging = True
            asyncio.get_running_loop().call_soon(self._notify)
            self._drain_soon()

    def _notify(self) -> None:
        if not self._ended:
            chores.call(self._log, self._lagged)

    def _drain_soon(self) -> None:
        if not self._drains:
            self._drains = True
            asyncio.get_running_loop().call_soon(self._drain)

    def _drain(self) -> None:
        self._drains = False
        while self._waiting and not self._ended:
            subject, data = self._waiting.popleft()
            self._bytes -= len(data)
            chores.call(self._log, self._handler, subject, data)
        self._lagging = False

    def end(self) -> None:
        """Handle nothing more."""
        self._ended = True
        self._waiting.clear()


class Desk:
    """Requests of one subject, handled one after the other. It outlives connections: no handler stops half-way."""

    def __init__(self, handler: Callable[[bytes], Awaitable[bytes]], log: logging.Logger) -> None:
        self._handler = handler
        self._log = log
        self._waiting: asyncio.Queue[tuple[bytes, Callable[[bytes], Awaitable[None]]]] = asyncio.Queue(MOST_REQUESTS)
        self._task = chores.start(self._work(), log)

    def put(self, data: bytes, answer: Callable[[bytes], Awaitable[None]]) -> None:
        """Let it be handled in its turn, or drop it."""
        try:
            self._waiting.put_nowait((data, answer))
        except asyncio.QueueFull:
            self._log.warning("Dropped a request: %d of its subject wait already.", MOST_REQUESTS)

    async def _work(self) -> None:
        while True:
            data, answer = await self._waiting.get()
            try:
                await answer(await self._handler(data))
            except BusError as error:  # The one who asked sees that no answer comes.
                self._log.warning("A request was not answered: %s", error)
            except Exception:  # noqa: BLE001 - whatever it is, the next request must be handled.
                self._log.exception("A request was not answered.")

    async def end(self) -> None:
        """Handle nothing more; what is being handled is cancelled."""
        await chores.stop(self._task)
