"""A bounded log of bytes, addressed by absolute offset from its beginning (S1).

It keeps the last `capacity` bytes in a buffer it is given (the server's memory, or shared memory) and overwrites the
oldest. It knows no reader: a viewer, a screen or a recording is a cursor that compares its offset with `start`.

A process that is killed while it reads from a program has taken bytes that it never counted. So a ring in shared memory
keeps a margin of zeros ahead of its end, and writes its end down: whoever takes it over finds what came after that end
(`take_over`). Zeros at the very end of such a read cannot be distinguished from the margin; a terminal ignores them.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing_extensions import Buffer

MARGIN_BYTES = 64 << 10
"""Zeros kept ahead of the end, and so the most that may be read at once."""
GUARD_BYTES = 2 * MARGIN_BYTES
"""What a ring in shared memory needs beside its capacity: the margin, and room to renew it in large pieces."""
RING_MARKS = 2
"""Numbers that such a ring writes down: its end, and up to where there are zeros."""
_ZEROS = bytes(MARGIN_BYTES)
LINE_SEARCH_BYTES = 4096
"""How far a replay's start is moved to reach the start of a line; a longer line is cut at a character instead."""


class Memory(Protocol):
    """Writable bytes that can be searched in place: a `bytearray`, or an `mmap` of private or shared pages."""

    def __buffer__(self, flags: int, /) -> memoryview: ...

    def find(self, pattern: bytes, start: int = ..., stop: int = ..., /) -> int:
        """Where `pattern` begins, or -1."""


class Ring:
    """The log of one epoch of a session. Offsets are bytes since its first one.

    Args:
        buffer: where the bytes are kept.
        origin, size: the part of it that is the ring's; else all of it.
        guard: bytes of it that are no history: `GUARD_BYTES` in shared memory.
        marks: `RING_MARKS` numbers in the same memory, which must be new or another ring's of the same buffer.
    """

    def __init__(
        self,
        buffer: Memory,
        *,
        origin: int = 0,
        size: int | None = None,
        guard: int = 0,
        marks: memoryview | None = None,
    ) -> None:
        self._buffer = buffer
        self._origin = origin
        whole = memoryview(buffer).cast("B")
        self._view = whole[origin : len(whole) if size is None else origin + size]
        self._size = len(self._view)
        self._marks = marks
        self.capacity = self._size - guard
        """Bytes kept at most."""
        self.end = 0
        """The offset after the newest byte."""
        self._cleared = self._size
        if marks is not None:
            self.end = marks[0]
            # New memory is all zeros.
            self._cleared = marks[1] or self._size
            marks[1] = self._cleared

    def take_over(self) -> int:
        """Go on where another process stopped, also one that was killed; how many bytes that had not counted."""
        marks = self._marks
        assert marks is not None
        self.end, self._cleared = marks[0], marks[1]
        ahead = min(self._cleared - self.end, MARGIN_BYTES)
        first = self.end % self._size
        data = bytes(self._view[first : first + ahead]) + bytes(self._view[: max(0, first + ahead - self._size)])
        found = len(data.rstrip(b"\0"))
        self.commit(found)
        return found

    @property
    def start(self) -> int:
        """The offset of the oldest byte that is still there."""
        return max(0, self.end - self.capacity)

    def release(self) -> None:
        """Let go of the buffer; the log can be read and written no more."""
        self._view.release()
        if self._marks is not None:
            self._marks.release()

    def free(self) -> memoryview:
        """Writable space for the next bytes, up to the buffer's physical end: read into it, then `commit`."""
        at = self.end % self._size
        return self._view[at:] if self._marks is None else self._view[at : at + MARGIN_BYTES]

    def commit(self, count: int) -> None:
        """`count` bytes were written into `free()`; as many of the oldest are gone if the log is full."""
        self.end += count
        marks = self._marks
        if marks is not None:
            marks[0] = self.end
            if self._cleared - self.end < MARGIN_BYTES:
                self._clear(marks)

    def _clear(self, marks: memoryview) -> None:
        while self._cleared - self.end < MARGIN_BYTES:
            at = self._cleared % self._size
            count = min(MARGIN_BYTES, self._size - at)
            self._view[at : at + count] = _ZEROS[:count]
            self._cleared += count
        marks[1] = self._cleared

    def append(self, data: "Buffer") -> None:
        """Copy bytes to the end. Of more than the capacity the first ones are counted and not kept."""
        view = memoryview(data).cast("B")
        skip = max(0, len(view) - self.capacity)
        if skip:
            self.commit(skip)
        view = view[skip:]
        while view:
            space = self.free()
            count = min(len(space), len(view))
            space[:count] = view[:count]
            self.commit(count)
            view = view[count:]

    def read(self, start: int, stop: int) -> bytes:
        """The bytes from `start` to before `stop`.

        Raises:
            ValueError: not all of them are there.
        """
        if not self.start <= start <= stop <= self.end:
            raise ValueError(f"bytes {start} to {stop} are not in the ring, which has {self.start} to {self.end}")
        first = start % self._size
        count = stop - start
        if first + count <= self._size:
            return bytes(self._view[first : first + count])
        return b"".join((self._view[first:], self._view[: first + count - self._size]))

    def views(self, start: int, stop: int) -> list[memoryview]:
        """The bytes from `start` to before `stop` in place, in one or two pieces; they change when overwritten.

        Raises:
            ValueError: not all of them are there.
        """
        if not self.start <= start <= stop <= self.end:
            raise ValueError(f"bytes {start} to {stop} are not in the ring, which has {self.start} to {self.end}")
        first, count = start % self._size, stop - start
        if first + count <= self._size:
            return [self._view[first : first + count]] if count else []
        return [self._view[first:], self._view[: first + count - self._size]]

    def contains(self, byte: bytes, start: int, stop: int) -> bool:
        """Whether that one byte is among those from `start` to before `stop`, searched in place."""
        first, last = start % self._size, (stop - 1) % self._size
        if stop <= start:
            return False
        if first <= last:
            return self._find(byte, first, last + 1)
        return self._find(byte, first, self._size) or self._find(byte, 0, last + 1)

    def _find(self, pattern: bytes, first: int, stop: int) -> bool:
        return self._buffer.find(pattern, self._origin + first, self._origin + stop) >= 0

    def holds(self, pattern: bytes, start: int, stop: int) -> bool:
        """Whether `pattern`, two bytes, begins in `start` to `stop`; also where its second byte may still come.

        It searches the buffer in place: a flood is looked through without a copy.
        """
        first, last = start % self._size, (stop - 1) % self._size
        if stop <= start:
            return False
        if first <= last:
            found = self._find(pattern, first, last + 1)
        else:
            wrap = self._view[-1] == pattern[0] and self._view[0] == pattern[1]
            found = wrap or self._find(pattern, first, self._size) or self._find(pattern, 0, last + 1)
        return found or self._view[last] == pattern[0]

    def replay_start(self, limit: int) -> int:
        """Where a replay for a new viewer begins: at 0 while that is there, else in the last `limit` bytes (S3).

        It begins with a whole line where one starts soon, and never inside a UTF-8 character.
        """
        return 0 if self.start == 0 else self.tail_start(limit)

    def tail_start(self, limit: int) -> int:
        """Where the last `limit` bytes begin, as far as they are there, moved as a replay's start is."""
        start = max(self.start, self.end - limit)
        if start == 0:
            return 0
        head = self.read(start, min(self.end, start + LINE_SEARCH_BYTES))
        line = head.find(b"\n")
        if 0 <= line < len(head) - 1:
            return start + line + 1
        skip = 0
        while skip < min(3, len(head)) and head[skip] & 0xC0 == 0x80:
            skip += 1
        return start + skip
