"""The sizes of a session by offset in its log, so that a viewer gets each change in its place between the bytes (S3).

Each change has a serial number. A viewer keeps the serial of the last one it was sent; the next one is due when the
viewer's position has reached the change's offset. Of changes at one offset the last is kept (L11): nothing was printed
for the others. The numbers of those are left out.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SizeMark:
    """From `offset` on the session has this size."""

    serial: int
    offset: int
    cols: int
    rows: int


class SizeLog:
    """All size changes of one epoch; of more than `limit` the oldest are forgotten."""

    def __init__(self, cols: int, rows: int, limit: int) -> None:
        self._limit = limit
        self._marks = [SizeMark(0, 0, cols, rows)]

    @classmethod
    def restore(cls, marks: Sequence[Sequence[int]], limit: int) -> "SizeLog":
        """From the `marks` of another one.

        Raises:
            ValueError: there is none.
        """
        log = cls(0, 0, limit)
        log._marks = [SizeMark(*mark) for mark in marks]
        if not log._marks:
            raise ValueError("a session has had a size")
        return log

    @property
    def marks(self) -> list[list[int]]:
        """All that is known, as plain numbers."""
        return [[mark.serial, mark.offset, mark.cols, mark.rows] for mark in self._marks]

    @property
    def last_serial(self) -> int:
        """The serial of the newest change."""
        return self._marks[-1].serial

    @property
    def whole(self) -> bool:
        """Whether the first size is still known, and so each that there was."""
        return self._marks[0].serial == 0

    @property
    def last_offset(self) -> int:
        """Where the newest change was."""
        return self._marks[-1].offset

    def record(self, offset: int, cols: int, rows: int) -> None:
        """The size changes at this offset, which is not before the last change's."""
        last = self._marks[-1]
        if offset < last.offset:
            raise ValueError(f"a size change at {offset} comes after one at {last.offset}")
        if offset == last.offset:
            self._marks.pop()
        self._marks.append(SizeMark(last.serial + 1, offset, cols, rows))
        if len(self._marks) > self._limit:
            del self._marks[: len(self._marks) - self._limit]

    def begin(self, offset: int, cols: int, rows: int) -> None:
        """Forget all that was, and go on at this offset, which may be anywhere, with this size."""
        self._marks = [SizeMark(self.last_serial + 1, offset, cols, rows)]

    def at(self, offset: int) -> tuple[int, int]:
        """The (cols, rows) that bytes from `offset` on are meant for."""
        mark = self._mark_at(offset)
        return mark.cols, mark.rows

    def serial_at(self, offset: int) -> int:
        """The serial that a viewer has that was sent the size at `offset`."""
        return self._mark_at(offset).serial

    def serial_shown(self, offset: int, cols: int, rows: int) -> int:
        """The serial that a viewer has that was shown this size at `offset`, which may not be the newest there."""
        marks = (mark for mark in reversed(self._marks) if mark.offset <= offset)
        alike = (mark.serial for mark in marks if (mark.cols, mark.rows) == (cols, rows))
        return next(alike, self.serial_at(offset))

    def size_of(self, serial: int) -> tuple[int, int]:
        """The (cols, rows) after that change; after the next one where it is forgotten, or another took its place."""
        index = bisect_left(self._marks, serial, key=_serial)
        mark = self._marks[min(index, len(self._marks) - 1)]
        return mark.cols, mark.rows

    def next_after(self, serial: int) -> SizeMark | None:
        """The first change after that serial that is still known."""
        marks = self._marks
        if marks[-1].serial <= serial:
            return None
        return marks[bisect_right(marks, serial, key=_serial)]

    def count_after(self, serial: int) -> int:
        """How many changes after that serial are still known."""
        return len(self._marks) - bisect_right(self._marks, serial, key=_serial)

    def _mark_at(self, offset: int) -> SizeMark:
        index = bisect_right(self._marks, offset, key=lambda mark: mark.offset) - 1
        return self._marks[max(0, index)]


def _serial(mark: SizeMark) -> int:
    return mark.serial
