"""What the server's processes hold: memory and descriptors of each, over the time of a soak.

Resident memory has the rings, which all processes map, as far as a process has gone through them: `RING_BYTES` in
`__main__.py` says how long that takes after it began. What is a process's own is judged besides.
"""

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SAMPLE_SECONDS = 2.0
MOST_RATIO = 1.15
MORE_DESCRIPTORS = 16
"""Connections come and go while it is counted."""
WINDOW_SECONDS = 30.0
"""A figure is the median of so long."""


class Figures(NamedTuple):
    """Of one process: KB resident, KB of its own, its part of what several have (Pss), open descriptors."""

    resident: int
    own: int
    part: int
    descriptors: int


@dataclass
class Sample:
    """One look: seconds since the beginning, and what was there."""

    at: float
    role: str
    pid: int
    figures: Figures


def look_at(at: float, role: str, pid: int) -> Sample | None:
    """A process, if it is there."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        sizes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        descriptors = sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())
    except OSError:
        return None
    own = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return Sample(at, role, pid, Figures(sizes["Rss"], own, sizes["Pss"], descriptors))


@dataclass
class Footprint:
    """Looks at processes again and again, in a thread of its own. `pids` says which there are, by role."""

    pids: Callable[[], dict[str, int]]
    samples: list[Sample] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    began: float = 0.0

    def begin(self) -> None:
        """Look from now on."""
        self.began = time.monotonic()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def now(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self.began

    def _run(self) -> None:
        while not self._over.wait(SAMPLE_SECONDS):
            for role, pid in self.pids().items():
                sample = look_at(self.now, role, pid)
                if sample is not None:
                    self.samples.append(sample)

    def end(self) -> None:
        """Look no more."""
        self._over.set()
        if self.began:
            self._thread.join()

    def figures(self, at: float) -> dict[str, Figures]:
        """What each role had in the time before a moment."""
        found = {}
        for role in sorted({sample.role for sample in self.samples}):
            then = [one.figures for one in self.samples if one.role == role and at - WINDOW_SECONDS <= one.at <= at]
            if then:
                found[role] = Figures(*(int(statistics.median(values)) for values in zip(*then, strict=True)))
        return found


def grown(before: dict[str, Figures], after: dict[str, Figures]) -> list[str]:
    """What is not flat."""
    found = []
    for role, then in before.items():
        now = after.get(role)
        if now is None:
            found.append(f"nobody saw the {role}")
            continue
        sizes = {"resident": (then.resident, now.resident), "of its own": (then.own, now.own)}
        for what, (first, last) in sizes.items():
            if last > first * MOST_RATIO:
                found.append(f"the {role} has {last} KB {what} after {first} KB")
        if now.descriptors > then.descriptors + MORE_DESCRIPTORS:
            found.append(f"the {role} has {now.descriptors} descriptors after {then.descriptors}")
    return found
