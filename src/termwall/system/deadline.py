"""Work that has until a moment: what is late is left behind, so that nobody waits for it (L1)."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ParamSpec, TypeVar

from termwall.core.errors import ErrorCode, TermwallError

Given = ParamSpec("Given")
Result = TypeVar("Result")

log = logging.getLogger("termwall.deadline")

DISK_SECONDS = 30.0
"""For what reads files: a long recording on a slow disk takes seconds."""


async def at_most(seconds: float, work: Coroutine[Any, Any, object], what: str) -> bool:
    """Do it, but not for longer than this. True if it came to its end, however that was.

    Late work is cancelled, and not waited for: what hangs may not heed that either.

    Args:
        what: names it in the log, if it is late or fails.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait((task,), timeout=seconds)
    finally:
        if not task.done():
            task.cancel()
    if not task.done():
        log.warning("%s took more than %.1f s and is not waited for", what, seconds)
        return False
    if not task.cancelled() and (error := task.exception()) is not None:
        log.error("%s failed", what, exc_info=error)
    return True


async def in_thread(seconds: float, work: Callable[Given, Result], *given: Given.args, **named: Given.kwargs) -> Result:
    """Have a thread do what may wait for a disk, or takes the processor for longer than a moment (L6).

    Raises:
        TermwallError: `engine_away`, where it is not done by then; the thread is left to itself.
    """
    doing = asyncio.get_running_loop().run_in_executor(None, partial(work, *given, **named))
    try:
        await asyncio.wait((doing,), timeout=seconds)
    finally:
        if not doing.done():
            doing.add_done_callback(_ignored)
    if not doing.done():
        raise TermwallError(ErrorCode.ENGINE_AWAY, f"The server's disk did not answer in {seconds:.0f} s; try again.")
    return doing.result()


def _ignored(doing: "asyncio.Future[Any]") -> None:
    if not doing.cancelled():
        doing.exception()
