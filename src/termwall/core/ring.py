"""A bounded log of bytes, addressed by absolute offset from its beginning (S1).

It keeps the last `capacity` bytes in a buffer it is given (the server's memory, or shared memory) and overwrites the
oldest. It knows no reader: a viewer, a screen or a recording is a cursor that compares its offset with `start`.
"""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing_extensions import Buffer

LINE_SEARCH_BYTES = 4096
"""How far a replay's start is moved to reach the start of a line; a longer line is cut at a character instead."""


class Memory(Protocol):
    """Writable bytes that can be searched in place: a `bytearray`, or an `mmap` of private or shared pages."""

    def __buffer__(self, flags: int, /) -> memoryview: ...

    def find(self, pattern: bytes, start: int = ..., stop: int = ..., /) -> int:
        """Where `pattern` begins, or -1."""


class Ring:
    """The log of one epoch of a session. Offsets are bytes since its first one."""

    def __init__(self, buffer: Memory) -> None:
        self._buffer = buffer
        self._view = memoryview(buffer).cast("B")
        self.capacity = len(self._view)
        """Bytes kept at most."""
        self.end = 0
        """The offset after the newest byte."""

    @property
    def start(self) -> int:
        """The offset of the oldest byte that is still there."""
        return max(0, self.end - self.capacity)

    def release(self) -> None:
        """Let go of the buffer; the log can be read and written no more."""
        self._view.release()

    def free(self) -> memoryview:
        """Writable space for the next bytes, up to the buffer's physical end: read into it, then `commit`."""
        return self._view[self.end % self.capacity :]

    def commit(self, count: int) -> None:
        """`count` bytes were written into `free()`; as many of the oldest are gone if the log is full."""
        self.end += count

    def append(self, data: "Buffer") -> None:
        """Copy bytes to the end. Of more than the capacity the first ones are counted and not kept."""
        view = memoryview(data).cast("B")
        skip = max(0, len(view) - self.capacity)
        self.end += skip
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
        first = start % self.capacity
        count = stop - start
        if first + count <= self.capacity:
            return bytes(self._view[first : first + count])
        return b"".join((self._view[first:], self._view[: first + count - self.capacity]))

    def views(self, start: int, stop: int) -> list[memoryview]:
        """The bytes from `start` to before `stop` in place, in one or two pieces; they change when overwritten.

        Raises:
            ValueError: not all of them are there.
        """
        if not self.start <= start <= stop <= self.end:
            raise ValueError(f"bytes {start} to {stop} are not in the ring, which has {self.start} to {self.end}")
        first, count = start % self.capacity, stop - start
        if first + count <= self.capacity:
            return [self._view[first : first + count]] if count else []
        return [self._view[first:], self._view[: first + count - self.capacity]]

    def contains(self, byte: bytes, start: int, stop: int) -> bool:
        """Whether that one byte is among those from `start` to before `stop`, searched in place."""
        first, last = start % self.capacity, (stop - 1) % self.capacity
        if stop <= start:
            return False
        if first <= last:
            return self._buffer.find(byte, first, last + 1) >= 0
        return self._buffer.find(byte, first) >= 0 or self._buffer.find(byte, 0, last + 1) >= 0

    def holds(self, pattern: bytes, start: int, stop: int) -> bool:
        """Whether `pattern`, two bytes, begins in `start` to `stop`; also where its second byte may still come.

        It searches the buffer in place: a flood is looked through without a copy.
        """
        first, last = start % self.capacity, (stop - 1) % self.capacity
        if stop <= start:
            return False
        if first <= last:
            found = self._buffer.find(pattern, first, last + 1) >= 0
        else:
            wrap = self._view[-1] == pattern[0] and self._view[0] == pattern[1]
            found = wrap or self._buffer.find(pattern, first) >= 0 or self._buffer.find(pattern, 0, last + 1) >= 0
        return found or self._view[last] == pattern[0]

    def replay_start(self, limit: int) -> int:
        """Where a replay for a new viewer begins: at 0 while that is there, else in the last `limit` bytes (S3).

        It begins with a whole line where one starts soon, and never inside a UTF-8 character.
        """
        if self.start == 0:
            return 0
        start = max(self.start, self.end - limit)
        head = self.read(start, min(self.end, start + LINE_SEARCH_BYTES))
        line = head.find(b"\n")
        if 0 <= line < len(head) - 1:
            return start + line + 1
        skip = 0
        while skip < min(3, len(head)) and head[skip] & 0xC0 == 0x80:
            skip += 1
        return start + skip
