"""When to read a PTY, and when to report that something came. Reads go straight into the ring; nothing is copied here.

One read for each readiness event, so that a flood cannot starve the other sessions (more were measured: no gain). A
short read (typing, a prompt) is reported at once, at most 8 such in 2 ms. A full read, or a spent burst, opens a batch:
all that follows is reported with it, after 64 KiB or 2 ms. Waiting 4 ms instead was measured to cost 0.95 ms of echo
under load, and gained nothing. A flood that nobody watches rests after each portion while somebody types (`pace.py`).
"""

import asyncio
import errno
import os
from collections.abc import Callable

from termwall.core.ring import Ring
from termwall.pty.pace import PORTION_BYTES, REST_SECONDS, Pace

FULL_READ = 4095
"""Bytes: a read of this size means that more is waiting."""
BATCH_BYTES = 64 << 10
BATCH_SECONDS = 0.002
NO_LIMIT = 1 << 62
BURST = 8
"""Short reads that are reported at once in one window of 2 ms."""


class PtyReader:
    """Reads one PTY master into a ring while it is started.

    `on_output` means: the ring has new bytes. `on_end` comes once, after the last of them, when the PTY has ended.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        descriptor: int,
        ring: Ring,
        on_output: Callable[[], None],
        on_end: Callable[[], None],
        pace: Pace,
        watched: Callable[[], bool],
    ) -> None:
        self._loop = loop
        self._descriptor = descriptor
        self._ring = ring
        self._on_output = on_output
        self._on_end = on_end
        self._pace = pace
        self._watched = watched
        self._rested = ring.end
        self._rest: asyncio.TimerHandle | None = None
        self._watching = False
        self._reported = ring.end
        self._timer: asyncio.TimerHandle | None = None
        self._window = 0.0
        self._burst = 0
        self._reading = False
        self._limit = NO_LIMIT
        self.held = False
        """Whether there may be more to read, but the ring has no room for it yet."""

    def start(self) -> None:
        """Begin to read."""
        self._reading = True
        self._watch()

    def stop(self) -> None:
        """Read no more; what was read is reported."""
        self._reading = False
        if self._rest is not None:
            self._rest.cancel()
            self._rest = None
        self._watch()
        self._report()

    def limit(self, offset: int | None) -> None:
        """Read up to this offset of the ring and then wait for another limit; None: never wait (S5)."""
        self._limit = NO_LIMIT if offset is None else offset
        if self.held and self._ring.end < self._limit:
            self.held = False
            self._watch()

    def _watch(self) -> None:
        wanted = self._reading and not self.held and self._rest is None
        if wanted and not self._watching:
            self._loop.add_reader(self._descriptor, self._readable)
        elif self._watching and not wanted:
            self._loop.remove_reader(self._descriptor)
        self._watching = wanted

    def drain(self) -> bool:
        """Read once, outside the loop's turn, and report. True if there was something."""
        if not self._reading or not self._read():
            return False
        self._report()
        return True

    def insert(self, data: bytes) -> None:
        """Put a few bytes into the ring between two reads; nothing where there is no room for them now."""
        free = self._ring.free()
        if not self._reading or self._limit - self._ring.end < len(data) or len(free) < len(data):
            return
        free[: len(data)] = data
        self._ring.commit(len(data))
        self._report()

    def _readable(self) -> None:
        ring = self._ring
        before = ring.end
        if not self._read():
            return
        if self._timer is None:
            if ring.end - before < FULL_READ:
                now = self._loop.time()
                if now - self._window >= BATCH_SECONDS:
                    self._window, self._burst = now, 0
                if self._burst < BURST:
                    self._burst += 1
                    self._report()
                    return
            self._timer = self._loop.call_later(BATCH_SECONDS, self._report)
        if ring.end - self._reported >= BATCH_BYTES:
            self._report()
        if self._pace.keys_first and ring.end - self._rested >= PORTION_BYTES:
            self._rested = ring.end
            if not self._watched():
                self._rest = self._loop.call_later(REST_SECONDS, self._go_on)
                self._watch()

    def _go_on(self) -> None:
        self._rest = None
        self._watch()

    def _read(self) -> bool:
        room = self._limit - self._ring.end
        if room < BATCH_BYTES:
            if room <= 0:
                self._hold()
                return False
        else:
            room = BATCH_BYTES
        try:
            count = os.readv(self._descriptor, (self._ring.free()[:room],))
        except (BlockingIOError, InterruptedError):
            return False
        except OSError as error:
            if error.errno != errno.EIO:  # EIO: nobody has the other side open any more.
                raise
            count = 0
        if count == 0:
            self.stop()
            self._on_end()
            return False
        self._ring.commit(count)
        return True

    def _hold(self) -> None:
        if self._reading and not self.held:
            self.held = True
            self._watch()
            self._report()

    def _report(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._ring.end > self._reported:
            self._reported = self._ring.end
            self._on_output()
