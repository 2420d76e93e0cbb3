"""Background tasks whose failure somebody hears of."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any


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
