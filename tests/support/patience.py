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
    deadline = asyncio.get_running_loop().time() + seconds
    while not (value := condition()):
        if asyncio.get_running_loop().time() >= deadline:
            raise AssertionError(f"{what() if callable(what) else what} did not come in {seconds} s")
        await asyncio.sleep(0.005)
    return value


def wait_for(condition: Callable[[], T], what: str = "the condition", seconds: float = PATIENCE) -> T:
    """The same for a test without a loop."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come in {seconds} s"
        time.sleep(0.02)
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
