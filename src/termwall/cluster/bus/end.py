"""What the ends of all engines have in common: subjects are checked, state is reported, presence is kept."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from termwall.cluster.bus import chores
from termwall.cluster.bus.contract import Member, Subscription, TooLarge
from termwall.cluster.bus.presence import Presence
from termwall.cluster.bus.subjects import check_subject


class BusEnd:
    """The engine fills in `up`, `send`, `hear`, `ask` and `answer`, for which every subject is allowed."""

    def __init__(
        self, node: str, *, run: str, heartbeat: float, gone_after: float, log: logging.Logger, max_bytes: int
    ) -> None:
        self.node = node
        self.max_bytes = max_bytes
        self._log = log
        self._callbacks: list[Callable[[bool], None]] = []
        self._presence = Presence(self, run, heartbeat, gone_after, log)

    @property
    def up(self) -> bool:
        """Whether the engine is reached at the moment."""
        raise NotImplementedError

    @property
    def trouble(self) -> str | None:
        """As the contract says."""
        return None

    async def send(self, subject: str, data: bytes) -> None:
        """`publish` of any subject."""
        raise NotImplementedError

    async def hear(
        self,
        subject: str,
        handler: Callable[[str, bytes], None],
        budget: int,
        lagged: Callable[[], None] = lambda: None,
    ) -> Subscription:
        """`subscribe` to any subject."""
        raise NotImplementedError

    async def ask(self, subject: str, data: bytes, seconds: float) -> bytes:
        """`request` of any subject."""
        raise NotImplementedError

    async def answer(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]]) -> Subscription:
        """`serve` any subject."""
        raise NotImplementedError

    def on_state(self, callback: Callable[[bool], None]) -> Callable[[], None]:
        """As the contract says."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    def _report_state(self, up: bool) -> None:
        for callback in list(self._callbacks):
            asyncio.get_running_loop().call_soon(chores.call, self._log, callback, up)

    async def publish(self, subject: str, data: bytes) -> None:
        """As the contract says."""
        self._measure(data)
        await self.send(check_subject(subject), data)

    async def subscribe(
        self, subject: str, handler: Callable[[str, bytes], None], *, budget: int, lagged: Callable[[], None]
    ) -> Subscription:
        """As the contract says."""
        return await self.hear(check_subject(subject, pattern=True), handler, budget, lagged)

    async def request(self, subject: str, data: bytes, *, seconds: float) -> bytes:
        """As the contract says."""
        self._measure(data)
        return await self.ask(check_subject(subject), data, seconds)

    async def serve(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]]) -> Subscription:
        """As the contract says."""
        return await self.answer(check_subject(subject), handler)

    def announce(self, about: dict[str, Any]) -> None:
        """As the contract says."""
        self._presence.announce(about)

    def members(self) -> dict[str, Member]:
        """As the contract says."""
        return self._presence.members()

    def clock(self, node: str) -> float | None:
        """As the contract says."""
        return self._presence.clock(node)

    def on_member(self, callback: Callable[[Member, bool], None]) -> Callable[[], None]:
        """As the contract says."""
        return self._presence.on_member(callback)

    def _measure(self, data: bytes) -> None:
        if len(data) > self.max_bytes:
            raise TooLarge(f"A message has {len(data)} bytes; the engine carries {self.max_bytes}.")
