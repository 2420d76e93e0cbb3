"""Virtual time: what is to happen, in order. Ten minutes of a wall take as long as its decisions take."""

import heapq
import itertools
from collections.abc import Callable
from typing import Any


class Timeline:
    """Seconds since its beginning, and what comes later."""

    def __init__(self) -> None:
        self.now = 0.0
        self._order = itertools.count()
        self._queue: list[tuple[float, int, Callable[..., Any], tuple[Any, ...]]] = []

    def later(self, seconds: float, call: Callable[..., Any], *arguments: Any) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._order), call, arguments))

    def run(self, until: float = float("inf")) -> None:
        """Until nothing is to happen any more, or that time."""
        queue = self._queue
        while queue and queue[0][0] <= until:
            self.now, _, call, arguments = heapq.heappop(queue)
            call(*arguments)
