"""The server's two clocks: neither goes back, and both go on while the machine sleeps.

Linux's CLOCK_MONOTONIC stands still meanwhile: what was typed before a laptop slept would not be late after it. macOS
has no CLOCK_BOOTTIME; its CLOCK_MONOTONIC goes on.
"""

import time
from collections import deque
from typing import Final

_GOES_ON: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
MEASUREMENTS: Final = 10
"""Of another machine's clock that count: clocks drift."""
DAY_MILLISECONDS: Final = 24 * 3600 * 1000


def milliseconds() -> int:
    """What deadlines are given in (I1): whatever runs on this machine sees the same."""
    return time.clock_gettime_ns(_GOES_ON) // 1_000_000


def seconds() -> float:
    """The same clock, as nodes send it to each other (N4)."""
    return time.clock_gettime(_GOES_ON)


class Remote:
    """Another machine's clock, as its messages give it. They were under way for a while: it is at least so far on."""

    def __init__(self) -> None:
        self._ahead: deque[int] = deque(maxlen=MEASUREMENTS)

    def heard(self, shown: int) -> None:
        """It showed this many milliseconds, a moment ago."""
        self._ahead.append(shown - milliseconds())

    def forget(self) -> None:
        """What is heard next may be another machine's."""
        self._ahead.clear()

    def at(self, moment: int) -> int | None:
        """What it shows when this clock shows `moment`, or a little more; None while nothing was heard."""
        return moment + max(self._ahead) if self._ahead else None


class Dates:
    """Milliseconds since 1970, for dates that durations are computed from as well.

    It does not follow the machine's clock when that is set, only when it is set ahead by a day or more: as of a
    machine that starts without knowing the date.
    """

    def __init__(self) -> None:
        self._base = _wall() - milliseconds()

    def __call__(self) -> int:
        """Now."""
        now = milliseconds() + self._base
        ahead = _wall() - now
        if ahead >= DAY_MILLISECONDS:
            self._base += ahead
            now += ahead
        return now


def _wall() -> int:
    return time.time_ns() // 1_000_000
