"""Work that has until a moment: what is late is left behind, so that nobody waits for it (L1)."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("termwall.deadline")


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
