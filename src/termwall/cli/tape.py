"""A recording that is wound to any moment: the screen as it was then, and the events that follow (A9).

The server's terminal draws what lies before that moment. While it does, states of it are kept as marks, so that winding
back begins near by. A mark counts lines, which cost little to pass over; of version 1, which is one value, events.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

from termwall.core.asciicast import Event, read_cast, read_on

if TYPE_CHECKING:
    from termwall.screen.ghostty import GhosttyEngine

MARK_BYTES = 1 << 20
"""Output between two marks, at least."""
MARKS_BYTES = 32 << 20
"""All marks together; then every second one goes."""
SIZES = 2, 1000
"""Columns and rows that are drawn (I4)."""
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")


class _Mark(NamedTuple):
    time: float
    passed: int
    """Lines, or events of version 1, that lie before it."""
    state: bytes
    size: tuple[int, int]


class Tape:
    """A recording, from its beginning.

    Args:
        lines: gives its lines from the first one, as often as it is called.

    Raises:
        CastError: it begins like no recording; later faults are raised where they are come to.
    """

    def __init__(self, lines: Callable[[], Iterator[str]]) -> None:
        self._lines = lines
        self._passed = 0
        cast = read_cast(self._counted(lines()))
        self.header = cast.header
        self.time = 0.0
        """Of the last event that was taken."""
        self._whole = cast.header.version == 1
        self._passed = 0 if self._whole else self._passed
        self._events = cast.events
        self._next: Event | None = None
        self._engine: GhosttyEngine | None = None
        self._size = _within(self.header.cols, self.header.rows)
        self._drawn = 0
        self._marks: list[_Mark] = []

    def _counted(self, lines: Iterable[str]) -> Iterator[str]:
        for line in lines:
            self._passed += 1
            yield line

    def peek(self) -> Event | None:
        """The next event; None at the end."""
        if self._next is None:
            self._next = next(self._events, None)
            self._passed += 1 if self._whole else 0
        return self._next

    def take(self) -> Event:
        """The next event, which `peek` said is there."""
        event = self.peek()
        assert event is not None
        self._next = None
        self.time = event.time
        if self._engine is not None:
            self._draw(self._engine, event)
        return event

    def wind(self, to: float) -> str:
        """Go to the last moment at or before `to`, in seconds: gives what draws the screen of that moment, whole."""
        engine = self._engine
        if engine is None or to < self.time:
            engine = self._rewind(to)
        while (event := self.peek()) is not None and event.time <= to:
            self.take()
        self.time = max(0.0, to) if event is not None else self.time
        return engine.snapshot(0).decode("utf-8", "replace")

    def close(self) -> None:
        """Free the terminal."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None

    def _rewind(self, to: float) -> "GhosttyEngine":
        # Loading it costs as much as all else of a command, and most recordings are just played.
        from termwall.screen.ghostty import GhosttyEngine

        self.close()
        while self._marks and self._marks[-1].time > to:
            self._marks.pop()
        self._next, self._drawn = None, 0
        if self._marks:
            mark = self._marks[-1]
            self._size, self.time = mark.size, mark.time
            self._engine = GhosttyEngine.restore(mark.state, *mark.size, 0)
            self._go_on(mark)
        else:
            self._size, self.time, self._passed = _within(self.header.cols, self.header.rows), 0.0, 0
            self._engine = GhosttyEngine(*self._size, 0)
            self._events = read_cast(self._counted(self._lines())).events
            self._passed = 0 if self._whole else self._passed
        self._engine.muted = True
        return self._engine

    def _go_on(self, mark: _Mark) -> None:
        if self._whole:
            self._events = islice(read_cast(self._lines()).events, mark.passed, None)
            self._passed = mark.passed
            return
        self._passed = 0
        lines = self._counted(self._lines())
        for _ in islice(lines, mark.passed):
            pass
        self._events = read_on(lines, self.header.version, mark.time, mark.passed + 1)

    def _draw(self, engine: "GhosttyEngine", event: Event) -> None:
        if event.code == "r" and (found := _SIZE.fullmatch(event.data)):
            self._size = _within(int(found[1]), int(found[2]))
            engine.resize(*self._size)
        if event.code != "o":
            return
        data = event.data.encode("utf-8", "replace")
        engine.feed(data)
        self._drawn += len(data)
        if self._drawn >= MARK_BYTES:
            self._mark(engine)

    def _mark(self, engine: "GhosttyEngine") -> None:
        """Only where nothing has been read beyond it yet."""
        self._drawn = 0
        if self._marks and self._marks[-1].time >= self.time:
            return
        self._marks.append(_Mark(self.time, self._passed, engine.checkpoint(), self._size))
        while len(self._marks) > 1 and sum(len(mark.state) for mark in self._marks) > MARKS_BYTES:
            del self._marks[::2]


def _within(cols: int, rows: int) -> tuple[int, int]:
    least, most = SIZES
    return min(most, max(least, cols)), min(most, max(least, rows))
