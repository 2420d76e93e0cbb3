"""How late the event loop comes to what is due: a disk that hangs under a write holds it up (L6)."""

import asyncio
import logging

LOOK_SECONDS = 1.0
KEPT_SECONDS = 60.0
LONG_SECONDS = 5.0
"""What is worth a word: nobody was answered for so long."""

log = logging.getLogger("termwall.loop")


class Lateness:
    """Of the loop in which it began."""

    def __init__(self) -> None:
        self._now = self._before = 0.0
        """The longest of this time of `KEPT_SECONDS`, and of the one before."""
        self._over = 0.0

    def begin(self, every: float = LOOK_SECONDS) -> None:
        """Look again and again, as long as the loop runs."""
        loop = asyncio.get_running_loop()
        due = loop.time() + every
        loop.call_at(due, self._look, due, every)

    @property
    def seconds(self) -> float:
        """The longest within the last minute or two."""
        return max(self._now, self._before)

    @property
    def problem(self) -> str | None:
        """What `termwall status` says of it, if anything."""
        if self.seconds < LONG_SECONDS:
            return None
        return f"for {self.seconds:.0f} s the server answered nobody: its disk hung, or others had the processors"

    def _look(self, due: float, every: float) -> None:
        now = asyncio.get_running_loop().time()
        if now >= self._over:
            self._over, self._before, self._now = now + KEPT_SECONDS, self._now, 0.0
        late = now - due
        self._now = max(self._now, late)
        if late >= LONG_SECONDS:
            log.warning("the event loop was held up for %.1f s: the disk hung, or others had the processors", late)
        self.begin(every)
