"""Does a thing at once, but not more often than it may be done: what comes in between is done once, a moment later.

For what only the newest of counts: a size, what is kept for the next server (L11).
"""

import asyncio
from collections.abc import Callable

from termwall.core.bucket import Bucket
from termwall.hub.turns import Turns


class Paced:
    """One such thing.

    Args:
        action: does it, as things are by then.
        rate: how often a second at most, in the long run.
        burst: how often at once, after a pause.
        ready: whether it may be done yet; what is not is looked at again each `1 / rate` s.
        patience: seconds after which it is done all the same.
        turns: of what is done later, one in each turn of the loop.
    """

    def __init__(
        self,
        action: Callable[[], None],
        *,
        rate: float,
        burst: int,
        ready: Callable[[], bool] = lambda: True,
        patience: float = 0.0,
        turns: Turns | None = None,
    ) -> None:
        self._action = action
        self._ready = ready
        self._patience = patience
        self._turns = turns
        self._loop = asyncio.get_running_loop()
        self._bucket = Bucket(rate, burst, self._loop.time())
        self._timer: asyncio.TimerHandle | None = None
        self._until = 0.0

    def __call__(self) -> None:
        """Do it now or soon."""
        if self._timer is None:
            self._until = self._loop.time() + self._patience
            self._try()

    @property
    def waits(self) -> bool:
        """Whether it is still to be done."""
        return self._timer is not None

    def now(self) -> None:
        """Do it now."""
        self.cancel()
        self._action()

    def cancel(self) -> None:
        """What was still to be done is not."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _try(self) -> None:
        self._timer = None
        now = self._loop.time()
        if (self._ready() or now >= self._until) and self._bucket.take(1, now):
            self._action()
        else:
            delay = max(self._bucket.wait(now, 1), 1 / self._bucket.rate)
            self._timer = self._loop.call_later(delay, self._due)

    def _due(self) -> None:
        if self._turns is None:
            self._try()
        else:
            self._turns.come(lambda: self._try() if self.waits else None)
