"""Background tasks whose failure somebody hears of."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from termwall.cluster.bus.contract import Bus, BusError


def moment() -> float:
    """Seconds on the loop's clock, which nobody sets."""
    return asyncio.get_running_loop().time()


def start(work: Coroutine[Any, Any, None], log: logging.Logger) -> "asyncio.Task[None]":
    """Run it in the background; log how it failed."""
    task = asyncio.get_running_loop().create_task(work)

    def ended(task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("A background task of the bus failed.", exc_info=error)

    task.add_done_callback(ended)
    return task


async def stop(task: "asyncio.Task[None] | None") -> None:
    """Cancel it and wait until it is over; nothing where it is the caller itself."""
    if task is None or task is asyncio.current_task():
        return
    task.cancel()
    await asyncio.wait([task])


def call(log: logging.Logger, callback: Callable[..., None], *arguments: object) -> None:
    """Call somebody else's callback; log how it failed."""
    try:
        callback(*arguments)
    except Exception:  # Whatever it raises must not end the delivery to others.
        log.exception("A callback of the bus failed.")


class Chores:
    """The background tasks of one part: kept until they end, ended with the part."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._tasks: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        """How many go on."""
        return len(self._tasks)

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run it in the background."""
        task = start(work, self._log)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def publish(self, bus: Bus, subject: str, data: bytes) -> None:
        """Send something that is said again if it gets lost."""
        self.start(self._publish(bus, subject, data))

    async def _publish(self, bus: Bus, subject: str, data: bytes) -> None:
        try:
            await bus.publish(subject, data)
        except BusError as error:
            self._log.debug("%s", error)

    async def stop(self) -> None:
        """End all."""
        for task in tuple(self._tasks):
            await stop(task)
