"""Whether a process that does not answer hangs, or only waits for a processor: a busy machine is no death."""

import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Turn:
    """What a process had of the processors, up to a moment. All in seconds."""

    at: float
    """On the monotonic clock."""
    ran: float = 0.0
    waited: float = 0.0
    """Ready to run. A wait counts once it is over."""
    ready: bool = False
    """Whether it runs or waits to run at this moment, so that it neither sleeps nor is stopped."""

    @classmethod
    def of(cls, pid: int) -> "Turn":
        """A process's main thread, now. Where the system does not say, or it is gone, it seems to sleep."""
        now = time.monotonic()
        try:
            with open(f"/proc/{pid}/schedstat", "rb", 0) as spent, open(f"/proc/{pid}/stat", "rb", 0) as is_now:
                ran, waited = spent.read().split()[:2]
                state = is_now.read().rpartition(b")")[2].split()[0]
            return cls(now, int(ran) / 1e9, int(waited) / 1e9, state == b"R")
        except (OSError, IndexError, ValueError):
            return cls(now)

    def idle_since(self, before: "Turn") -> float:
        """How long nothing came of it though it could: what it ran if it wants to run, else what it did not wait."""
        if self.ready:
            return self.ran - before.ran
        return self.at - before.at - (self.waited - before.waited)
