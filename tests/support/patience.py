"""Waiting for what must come."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 30.0
"""Seconds until a condition that never comes fails a test."""


async def until(
    condition: Callable[[], T], what: str | Callable[[], str] = "the condition", seconds: float = PATIENCE
) -> T:
    """Waits until `condition()` is true, and returns its value."""
    begun = asyncio.get_running_loop().time()
    while not (value := condition()):
        waited = asyncio.get_running_loop().time() - begun
        if waited >= seconds:
            raise AssertionError(f"{what() if callable(what) else what} did not come in {seconds} s")
        await asyncio.sleep(_until_next(waited, 0.005))
    return value


def _until_next(waited: float, least: float) -> float:
    """What is waited for long is looked at less often: a look may be a request, and costs those who are waited for."""
    return max(least, min(0.1, waited / 20))


def wait_for(condition: Callable[[], T], what: str = "the condition", seconds: float = PATIENCE) -> T:
    """The same for a test without a loop."""
    begun = time.monotonic()
    while not (value := condition()):
        waited = time.monotonic() - begun
        assert waited < seconds, f"{what} did not come in {seconds} s"
        time.sleep(_until_next(waited, 0.02))
    return value


def at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of what has nothing to wait for, as the start of a program that is this process's own child."""
    try:
        work.send(None)
    except StopIteration as done:
        value: T = done.value
        return value
    work.close()
    raise AssertionError("it waits for something")
