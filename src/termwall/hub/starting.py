"""Sessions that are being started: their ids, names and places are taken until that is over (P1, P4)."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from termwall.core.limits import Bounds
from termwall.hub.record import Record, dump
from termwall.pty.environment import Outfit
from termwall.pty.programs import Order


def order_for(kept: Record, outfit: Outfit, bounds: Bounds, command: Sequence[str] | None = None) -> Order:
    """What starts the program of a session, in the size that its state names.

    Args:
        command: what to run, if it is not the session's own.
    """
    return Order(
        key=kept.epoch,
        kept=dump(kept),
        command=command or kept.launch.command,
        cwd=kept.launch.cwd,
        env=outfit.environment(os.environ, kept.launch.env),
        cols=kept.state["cols"],
        rows=kept.state["rows"],
        ring_bytes=bounds.ring_bytes,
        input_bytes=bounds.input_bytes,
    )


class Starting:
    """Of one service. It is bounded by the limit on the sessions of a project, which these count against."""

    def __init__(self) -> None:
        self._sessions: dict[str, Record] = {}

    def __contains__(self, session_id: str) -> bool:
        """Whether it is being started."""
        return session_id in self._sessions

    def of(self, project_id: str) -> list[Record]:
        """Those of a project."""
        return [kept for kept in self._sessions.values() if kept.home.id == project_id]

    @contextmanager
    def begin(self, kept: Record) -> Iterator[None]:
        """For the length of the block this one is being started."""
        self._sessions[kept.id] = kept
        try:
            yield
        finally:
            del self._sessions[kept.id]
