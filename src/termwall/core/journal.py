"""Input on its way to a program, in memory that outlives the server: nothing is lost and nothing typed twice (I1, I3).

A log as the output is one. Each record is `16 bytes client | u64 number | u32 length | bytes` (big-endian); `end` moves
when a whole record is there, and only then is it acknowledged. A cursor on it writes to the program. Before each write
it notes how far the write may get. What of it the program took is known to who takes over from a server that was killed
meanwhile, where the kernel counts it (`Counter`). Elsewhere it goes on behind what was noted, for a write of so few
bytes is taken whole or not at all, and a signal comes after it. What is left out by that is a kill in the microseconds
before the write; what would come of the other choice is a command that runs twice.
"""

import struct
from collections import deque
from typing import Protocol

from termwall.core.ids import ClientId
from termwall.core.session.inputs import InputLog, client_key

SLOT_BYTES = 24
"""Of a client in the table: the hash of its id, and its last number."""
WRITE_BYTES = 2048
"""At once to the program: the kernel takes so many in one piece."""

_END, _RECORD, _DONE, _TRYING, _TABLED, _SLOTS, _COUNTED = range(7)
_HEAD = struct.Struct(">16sQI")
_SLOT = struct.Struct(">16sQ")


class Counter(Protocol):
    """A place in the area that the kernel moves on by what a program took, in the same moment."""

    def get(self) -> int:
        """Where it is; less than 0, or beyond the area, if it was never set."""

    def set(self, at: int) -> None:
        """Put it there."""


class InputJournal:
    """One session's input. Made over memory that is new, or that another one wrote.

    Args:
        area: room for the records.
        table: room for `SLOT_BYTES` for each client that is remembered.
        marks: seven numbers, zeros in new memory.
        limit: most bytes of input that may wait (I3).
        counter: moved by each write of what `next` gave; None: nobody counts.
    """

    def __init__(
        self, area: memoryview, table: memoryview, marks: memoryview, limit: int, counter: Counter | None = None
    ) -> None:
        self._area = area
        self._table = table
        self._marks = marks
        self._size = len(area)
        self._limit = limit
        self._counter = counter
        self._end = marks[_END]
        self._done = marks[_DONE]
        self._left = 0
        self.waiting = 0
        """Bytes of input that the program has not taken yet."""
        self.log = InputLog(len(table) // SLOT_BYTES)
        self._slots: dict[bytes, int] = {}
        # A slot that was never used is not looked at: its page would cost memory.
        self._free = deque(range(marks[_SLOTS], self.log.limit))
        self._load()

    # ---- what comes in

    def room(self, count: int) -> bool:
        """Whether so many bytes may wait besides those that do."""
        used = self._end - self._marks[_RECORD]
        return self.waiting + count <= self._limit and used + _HEAD.size + count <= self._size

    def append(self, data: bytes, client: ClientId | None = None, seq: int = 0) -> None:
        """Take input; there must be `room`. `seq` is its number, if its client counts (I1)."""
        key = client_key(client) if seq and client is not None else bytes(16)
        self._put(self._end, _HEAD.pack(key, seq, len(data)) + data)
        self._end += _HEAD.size + len(data)
        self._marks[_END] = self._end
        self.waiting += len(data)
        if seq and client is not None:
            self._remember(key, seq)
        self._marks[_TABLED] = self._end

    # ---- what goes out

    def next(self) -> bytes:
        """What to write to the program next; empty if nothing waits. Tell with `wrote` how much of it was taken."""
        if not self._left and not self._enter():
            return b""
        at = self._done % self._size
        count = min(self._left, WRITE_BYTES, self._size - at)
        if self._counter is not None:
            self._counter.set(at)
            self._marks[_COUNTED] = self._done + count
        self._marks[_TRYING] = self._done + count
        return self._get(self._done, count)

    @property
    def counted(self) -> bool:
        """Whether what `next` gave is to be written by what moves the counter."""
        return self._counter is not None

    def uncounted(self) -> None:
        """The system cannot count now: what `next` gave is written by what moves no counter."""
        self._marks[_COUNTED] = 0

    def wrote(self, count: int) -> None:
        """The program took so many of these bytes."""
        self._done += count
        self._left -= count
        self.waiting -= count
        self._marks[_DONE] = self._done
        self._marks[_TRYING] = self._done
        if self._counter is not None:
            self._marks[_COUNTED] = 0
        if not self._left:
            self._marks[_RECORD] = self._done

    def drop(self) -> None:
        """The program has ended: what waits is nobody's."""
        self._done = self._end
        self._left = self.waiting = 0
        for mark in (_DONE, _TRYING, _RECORD):
            self._marks[mark] = self._end

    def release(self) -> None:
        """Let go of the memory."""
        for view in (self._area, self._table, self._marks):
            view.release()

    # ---- inside

    def _enter(self) -> bool:
        """Go into the next record that has bytes."""
        while not self._left:
            if self._done == self._end:
                return False
            self._marks[_RECORD] = self._done
            _, _, self._left = self._head(self._done)
            self._done += _HEAD.size
        return True

    def _load(self) -> None:
        """Go on where the last one stopped, wherever that was."""
        marks = self._marks
        for index in range(marks[_SLOTS]):
            key, seq = _SLOT.unpack_from(self._table, index * SLOT_BYTES)
            self._slots[key] = index
            self.log.restore(key, seq)
        at = marks[_TABLED]
        while at < self._end:
            key, seq, length = self._head(at)
            if seq:
                self._remember(key, seq)
            at += _HEAD.size + length
        marks[_TABLED] = self._end
        self._done = max(marks[_DONE], self._taken())
        at = marks[_RECORD]
        while at < self._end:
            _, _, length = self._head(at)
            stop = at + _HEAD.size + length
            if self._done < stop:
                self._done = max(self._done, at + _HEAD.size)
                self._left = stop - self._done
                break
            marks[_RECORD] = at = stop
        else:
            self._done = self._end
        self.waiting = self._left
        at = self._done + self._left
        while at < self._end:
            _, _, length = self._head(at)
            self.waiting += length
            at += _HEAD.size + length

    def _taken(self) -> int:
        """How far the last write got."""
        done, trying = self._marks[_DONE], self._marks[_TRYING]
        if self._counter is None or trying <= done or self._marks[_COUNTED] != trying:
            return trying
        at = self._counter.get()
        taken = (at - done) % self._size
        return done + taken if 0 <= at <= self._size and taken <= trying - done else trying

    def _remember(self, key: bytes, seq: int) -> None:
        forgotten = self.log.restore(key, seq)
        if forgotten is not None:
            self._free.append(self._slots.pop(forgotten))
        index = self._slots.get(key)
        if index is None:
            index = self._slots[key] = self._free.popleft()
        _SLOT.pack_into(self._table, index * SLOT_BYTES, key, seq)
        self._marks[_SLOTS] = max(self._marks[_SLOTS], index + 1)

    def _head(self, at: int) -> tuple[bytes, int, int]:
        key, seq, length = _HEAD.unpack(self._get(at, _HEAD.size))
        return key, seq, length

    def _get(self, at: int, count: int) -> bytes:
        first = at % self._size
        if first + count <= self._size:
            return bytes(self._area[first : first + count])
        return bytes(self._area[first:]) + bytes(self._area[: first + count - self._size])

    def _put(self, at: int, data: bytes) -> None:
        first = at % self._size
        count = min(len(data), self._size - first)
        self._area[first : first + count] = data[:count]
        if count < len(data):
            self._area[: len(data) - count] = data[count:]
