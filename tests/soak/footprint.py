"""What the server's processes hold: resident memory and descriptors of each, over the time of a soak.

Shared memory is left out: a process that began a minute ago has seen only a part of the rings, whose size is known, and
goes through all of them in the next minutes.
"""

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SAMPLE_SECONDS = 2.0
MOST_RATIO = 1.15
MORE_DESCRIPTORS = 16
"""Connections come and go while it is counted."""
WINDOW_SECONDS = 30.0
"""A figure is the median of so long."""


@dataclass
class Sample:
    """One look: seconds since the beginning, KB, open descriptors."""

    at: float
    role: str
    pid: int
    resident: int
    descriptors: int


def look_at(at: float, role: str, pid: int) -> Sample | None:
    """A process, if it is there."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        whole, shared = (int(status.partition(name)[2].split()[0]) for name in ("VmRSS:", "RssShmem:"))
        return Sample(at, role, pid, whole - shared, sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir()))
    except (OSError, IndexError):
        return None


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

    def figures(self, at: float) -> dict[str, tuple[int, int]]:
        """KB and descriptors of each role in the time before a moment."""
        found = {}
        for role in sorted({sample.role for sample in self.samples}):
            then = [one for one in self.samples if one.role == role and at - WINDOW_SECONDS <= one.at <= at]
            if then:
                found[role] = (
                    int(statistics.median(one.resident for one in then)),
                    int(statistics.median(one.descriptors for one in then)),
                )
        return found


def grown(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> list[str]:
    """What is not flat."""
    found = []
    for role, (resident, descriptors) in before.items():
        resident_now, descriptors_now = after.get(role, (0, 0))
        if resident_now > resident * MOST_RATIO:
            found.append(f"the {role} has {resident_now} KB after {resident} KB")
        if descriptors_now > descriptors + MORE_DESCRIPTORS:
            found.append(f"the {role} has {descriptors_now} descriptors after {descriptors}")
    return found
