"""One connection's life as a state machine. Pure: it is given the time and says when it wants it again.

States, and what ends them:

    waiting   the session does not exist yet: attempts by a fixed list (W5)      found() | last attempt -> GiveUp
    resuming  open, but no stream starts before the client says where it is (W1)  synced() | deadline   -> Resume
    open      everything flows                                                    silence (W6)          -> Silent

A connection that is silent too long ends in any state.
"""

from dataclasses import dataclass
from typing import Literal

from termwall.core.limits import Bounds

SILENT_INTERVALS = 2.5
"""Heartbeat intervals without any message after which a connection is taken for dead (W6)."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Look for the session once more, and send the client the count of retries so far (W5)."""

    count: int


@dataclass(frozen=True, slots=True)
class GiveUp:
    """The session did not come: close 1008 (W5)."""


@dataclass(frozen=True, slots=True)
class Resume:
    """No `sync_request` came in time: start the streams as on an attach (W1)."""


@dataclass(frozen=True, slots=True)
class Silent:
    """Nothing was heard for too long: close and clean (W6)."""


Event = Retry | GiveUp | Resume | Silent


class Peer:
    """The state of one connection. All times are seconds of one monotonic clock."""

    def __init__(self, now: float, bounds: Bounds, *, waiting: bool, resume: bool) -> None:
        self._bounds = bounds
        self._resume = resume
        self._delays = [delay / 1000 for delay in bounds.registration_delays]
        self._retries = 0
        self._heard = now
        self.state: Literal["waiting", "resuming", "open"] = "open"
        self._due = now
        if waiting:
            self.state = "waiting"
            self._due = now + (self._delays[0] if self._delays else 0)
        else:
            self.found(now)

    @property
    def deadline(self) -> float:
        """When `tick` wants to be called next."""
        silent = self._heard + SILENT_INTERVALS * self._bounds.heartbeat_milliseconds / 1000
        return silent if self.state == "open" else min(self._due, silent)

    def found(self, now: float) -> None:
        """The session exists: the connection is open, or waits for the client's `sync_request`."""
        self.state = "resuming" if self._resume else "open"
        self._due = now + self._bounds.resume_seconds

    def synced(self) -> bool:
        """A `sync_request` came. True if the streams were waiting for it (W1)."""
        was = self.state == "resuming"
        if was:
            self.state = "open"
        return was

    def heard(self, now: float) -> None:
        """A message came: the other side lives (W6)."""
        self._heard = now

    def tick(self, now: float) -> Event | None:
        """What the passing of time asks for, one thing a call; None when nothing is due."""
        if now >= self._heard + SILENT_INTERVALS * self._bounds.heartbeat_milliseconds / 1000:
            return Silent()
        if self.state == "open" or now < self._due:
            return None
        if self.state == "resuming":
            self.state = "open"
            return Resume()
        if self._retries >= len(self._delays):
            return GiveUp()
        self._retries += 1
        if self._retries < len(self._delays):
            self._due = now + self._delays[self._retries]
        return Retry(self._retries)
