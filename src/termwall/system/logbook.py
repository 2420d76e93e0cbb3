"""How much the log takes: what comes again and again is counted, and the server's own file has a size (X10).

Whoever can reach the port can cause lines: requests that are none, wrong hosts, handshakes that break off.
"""

import fcntl
import logging
import os
import sys
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from termwall.system import clock
from termwall.system.lines import Lines

MINUTE = 60.0
MOST_ALIKE = 20
"""Warnings and errors of one kind that are written in a minute: of the same text before what differs is put in."""
MOST_LINES = 2_000
"""Lines of all kinds in a minute."""
MOST_KINDS = 256
"""Kinds that are counted; the one that was seen first is forgotten."""
FILE_BYTES = 4 << 20
"""Of `server.log`; then it becomes `server.log.1`, in the place of the one before."""


class Sparing(logging.Filter):
    """Lets so many lines a minute through, and says how many it did not."""

    def __init__(self, now: Callable[[], float] = clock.seconds) -> None:
        super().__init__()
        self._now = now
        self._minute = now()
        self._lines = 0
        self._kinds: OrderedDict[tuple[str, int, str], list[int]] = OrderedDict()
        """Of each kind how many were written in this minute, and how many were not since it was last said."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether a record is written."""
        now = self._now()
        if now - self._minute >= MINUTE:
            self._minute, self._lines = now, 0
            for counts in self._kinds.values():
                counts[0] = 0
        counts = self._kinds.setdefault((record.name, record.levelno, str(record.msg)), [0, 0])
        if len(self._kinds) > MOST_KINDS:
            self._kinds.popitem(last=False)
        alike = record.levelno >= logging.WARNING and counts[0] >= MOST_ALIKE
        if alike or self._lines >= MOST_LINES:
            counts[1] += 1
            return False
        self._lines += 1
        counts[0] += 1
        if counts[1]:
            record.msg, record.args = f"{record.getMessage()} ({counts[1]} more like this were not written)", None
            counts[1] = 0
        return True


class LogHandler(Lines):
    """Writes to standard error, and keeps it small where that is the server's own file in its data folder."""

    def __init__(self, own: Path | None, most: int = FILE_BYTES) -> None:
        super().__init__(sys.stderr.fileno())
        self.addFilter(Sparing())
        self._own = own if own is not None and _is_appended(own) else None
        self._most = most

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line."""
        super().emit(record)
        if self._own is not None:
            try:
                if os.fstat(self.descriptor).st_size > self._most:
                    turn_over(self._own, self.descriptor)
            except OSError:
                self._own = None


def turn_over(path: Path, descriptor: int) -> None:
    """Keep what is in a log as `.1`, and begin it anew for all that have it open. Raises `OSError`."""
    before = path.with_name(f"{path.name}.1")
    try:
        text = path.read_bytes()
        before.unlink(missing_ok=True)
        with open(os.open(before, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as kept:
            kept.write(text)
    finally:
        os.ftruncate(descriptor, 0)


def _is_appended(path: Path) -> bool:
    """Whether standard error is this file, opened so that it can be cut while others write to it."""
    try:
        same = os.path.samestat(os.fstat(sys.stderr.fileno()), path.stat())
        return same and bool(fcntl.fcntl(sys.stderr.fileno(), fcntl.F_GETFL) & os.O_APPEND)
    except (OSError, ValueError):
        return False
