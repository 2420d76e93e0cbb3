"""The server's two clocks: neither goes back, and both go on while the machine sleeps.

Linux's CLOCK_MONOTONIC stands still meanwhile: what was typed before a laptop slept would not be late after it. macOS
has no CLOCK_BOOTTIME; its CLOCK_MONOTONIC goes on.
"""

import time
from typing import Final

_GOES_ON: Final = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
DAY_MILLISECONDS: Final = 24 * 3600 * 1000


def milliseconds() -> int:
    """What deadlines are given in (I1): whatever runs on this machine sees the same."""
    return time.clock_gettime_ns(_GOES_ON) // 1_000_000


def seconds() -> float:
    """The same clock, as nodes tell each other of it (N4)."""
    return time.clock_gettime(_GOES_ON)


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
