"""Watches how a session's program takes what is typed into it (S9): it may hide it, as a password.

The kernel notifies nobody when a program changes that. So it is read with each output, before that is sent, because
programs hide what is typed before they ask for it; and a little later, for those that ask first.
"""

import asyncio
from collections.abc import Callable

from termwall.protocol.parts import EchoState

LATER_SECONDS = (0.05, 0.25, 1.0, 4.0)
"""When it is looked at again after output or input, each after the other: a busy machine makes programs slow."""
TELL_SECONDS = 0.05
"""Between two reports of a change, however often a program changes it."""


class EchoWatch:
    """Of one session.

    Args:
        read: how it is now; None where there is no program.
        changed: it is another one.
    """

    def __init__(self, read: Callable[[], EchoState | None], changed: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._read = read
        self._changed = changed
        self._known = read()
        self._quiet_until = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._step = 0

    def stirred(self) -> None:
        """Something was printed or typed."""
        self._look()
        if self._timer is None or self._step:
            self.stop()
            self._step = 0
            self._arm()

    def stop(self) -> None:
        """Look no more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _arm(self) -> None:
        self._timer = self._loop.call_later(LATER_SECONDS[self._step], self._later)

    def _later(self) -> None:
        self._timer = None
        self._look()
        self._step += 1
        if self._step < len(LATER_SECONDS):
            self._arm()

    def _look(self) -> None:
        echo = self._read()
        if echo != self._known and (now := self._loop.time()) >= self._quiet_until:
            self._known = echo
            self._quiet_until = now + TELL_SECONDS
            self._changed()
