"""A session's memory: one anonymous file that the server, the screen worker and the holder map (P5).

It outlives the server, because the holder keeps it. No byte of output crosses a pipe between processes, and whoever
comes after a server that was killed finds here how far everything had got.

    0            the marks: numbers of 8 bytes each, written one at a time, so that none is ever half
    4 KiB        which input of which client was taken
    16 KiB       the output ring
    after it     the input journal
    4 GiB        a checkpoint of the screen
    8 GiB        another one, so that one is always whole

The file is sparse: what was never written costs nothing, so a session that prints little costs little.
"""

import mmap
import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from termwall.core.ring import GUARD_BYTES, RING_MARKS, Ring
from termwall.system import descriptors, shortage

if TYPE_CHECKING:
    from termwall.core.journal import InputJournal

LAYOUT = 1
"""The version of all this: what new memory gets. Marks that are added behind the others do not change it."""
EARLIER: tuple[int, ...] = ()
"""Those before it that are still read. No other one is: a program is never shown another one's bytes (L9)."""
_MARK_BYTES = 8
_TABLE = 4 << 10
_RING = 16 << 10
_PAGE = 64 << 10
"""A multiple of every system's page."""
_CHECKPOINT = 4 << 30
NO_LIMIT = (1 << 64) - 1

_LAYOUT_MARK = 0
_LIMIT = 1
_ANSWERED = 2
_CURRENT = 3
_BASES = 4
_BASE_MARKS = 5
_RING_AT = _BASES + 2 * _BASE_MARKS
_JOURNAL_AT = _RING_AT + RING_MARKS
_MARKS = _JOURNAL_AT + 8


class MemoryFault(Exception):
    """The memory cannot be had, or is of another version."""


class NoMemory(MemoryFault):
    """It cannot be had now, because something ran out (L4): nothing is wrong with it."""


def layout_of(descriptor: int) -> int:
    """The layout of a session's memory, which is left as it is; 0: it is new, or cannot be looked at."""
    try:
        return int.from_bytes(os.pread(descriptor, _MARK_BYTES, _LAYOUT_MARK * _MARK_BYTES), sys.byteorder)
    except OSError:
        return 0


def unread(layout: int) -> str | None:
    """Why memory of this layout is not read here, if it is not."""
    if layout in (0, LAYOUT, *EARLIER):
        return None
    return f"its memory has layout {layout}, and this termwall reads {', '.join(map(str, (*EARLIER, LAYOUT)))}"


class UnreadMemory:
    """Memory of a layout that is not known here: kept, to be handed on, and never looked into.

    It has what of `Memory` says nothing of its inside.
    """

    def __init__(self, descriptor: int, ring_bytes: int, input_bytes: int) -> None:
        self.descriptor = descriptor
        self.ring_bytes = ring_bytes
        self.input_bytes = input_bytes

    def close(self) -> None:
        """Give it back."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class Base(NamedTuple):
    """The screen's last checkpoint: `length` bytes in `slot`, as of `offset` and a size; none where it is 0."""

    slot: int = 0
    offset: int = 0
    serial: int = 0
    cols: int = 0
    rows: int = 0
    length: int = 0


class _Position:
    """The position of a session's file, as a place in its journal: all who were given the file have the same one, and
    `sendfile` moves it by what was taken, also where its caller is killed. Nobody else uses it (`pread`, maps).
    """

    def __init__(self, descriptor: int, start: int) -> None:
        self._descriptor = descriptor
        self._start = start

    def get(self) -> int:
        """As the journal counts."""
        return os.lseek(self._descriptor, 0, os.SEEK_CUR) - self._start

    def set(self, at: int) -> None:
        """Move it."""
        os.lseek(self._descriptor, self._start + at, os.SEEK_SET)


class Memory:
    """One session's. `descriptor` can be given to another process; `close` gives everything back.

    Args:
        descriptor: the file; it is the memory's from now on.
        ring_bytes, input_bytes: how much output and waiting input it has room for; the same for all who map it.

    Raises:
        MemoryFault: there is none, or it has a layout that is not known; the descriptor is closed.
    """

    def __init__(self, descriptor: int, ring_bytes: int, input_bytes: int) -> None:
        self.descriptor = descriptor
        self.ring_bytes = ring_bytes
        self.input_bytes = input_bytes
        ring = ring_bytes + GUARD_BYTES
        # A record of a key is 29 bytes, of which one is input: room for as much again in heads.
        journal = 2 * input_bytes
        size = _RING + ring + journal
        unknown = unread(layout_of(descriptor))
        if unknown is not None:  # Before anything is changed in it.
            os.close(descriptor)
            raise MemoryFault(unknown)
        try:
            if os.fstat(descriptor).st_size < size:
                os.ftruncate(descriptor, 3 * _CHECKPOINT)
            self._map = mmap.mmap(descriptor, size)
        except (OSError, ValueError) as error:
            os.close(descriptor)
            raise NoMemory(f"A session has no memory: {shortage.why(error)}.") from None
        self._view = memoryview(self._map)
        self._journal_at = _RING + ring
        self._journal_view = self._view[self._journal_at : size]
        self._marks = self._view[: _MARKS * _MARK_BYTES].cast("Q")
        if self._marks[_LAYOUT_MARK] == 0:
            self._marks[_LIMIT] = NO_LIMIT
            self._marks[_LAYOUT_MARK] = LAYOUT
        self.ring = Ring(
            self._map,
            origin=_RING,
            size=ring,
            guard=GUARD_BYTES,
            marks=self._marks[_RING_AT:_JOURNAL_AT],
        )

    @cached_property
    def journal(self) -> "InputJournal":
        """The input that waits."""
        # Here, because the holder has no use for it and stays small without.
        from termwall.core.journal import InputJournal

        counter = _Position(self.descriptor, self._journal_at) if sys.platform == "linux" else None
        return InputJournal(
            self._journal_view, self._view[_TABLE:_RING], self._marks[_JOURNAL_AT:_MARKS], self.input_bytes, counter
        )

    @classmethod
    def create(cls, ring_bytes: int, input_bytes: int) -> "Memory":
        """New, empty memory.

        Raises:
            NoMemory: there is none.
        """
        if lacking := descriptors.short(descriptors.HELD):
            raise NoMemory(f"A session has no memory. {lacking}")
        try:
            descriptor = _anonymous_file()
        except OSError as error:
            raise NoMemory(f"A session has no memory: {shortage.why(error)}.") from None
        return cls(descriptor, ring_bytes, input_bytes)

    @property
    def limit(self) -> int:
        """The offset up to which the program may be read while the screen lags (S5)."""
        return self._marks[_LIMIT]

    @limit.setter
    def limit(self, offset: int) -> None:
        self._marks[_LIMIT] = offset

    @property
    def answered(self) -> int:
        """Queries in the output up to here have been answered (S7)."""
        return self._marks[_ANSWERED]

    @answered.setter
    def answered(self, offset: int) -> None:
        self._marks[_ANSWERED] = offset

    @property
    def base(self) -> Base:
        """The screen's last whole checkpoint."""
        slot = self._marks[_CURRENT]
        at = _BASES + slot * _BASE_MARKS
        return Base(slot, *self._marks[at : at + _BASE_MARKS])

    @base.setter
    def base(self, base: Base) -> None:
        at = _BASES + base.slot * _BASE_MARKS
        for index, value in enumerate((base.offset, base.serial, base.cols, base.rows, base.length)):
            self._marks[at + index] = value
        # Last, so that who comes after a kill finds the old one or the new one.
        self._marks[_CURRENT] = base.slot

    def close(self) -> None:
        """Give the memory back; nothing of it may be used any more."""
        if self.descriptor >= 0:
            self.ring.release()
            if "journal" in self.__dict__:
                self.journal.release()
            self._release()

    def _release(self) -> None:
        for view in (self._journal_view, self._marks, self._view):
            view.release()
        try:
            self._map.close()
        except BufferError:  # Somebody still holds a view of it: it goes with that one.
            pass
        os.close(self.descriptor)
        self.descriptor = -1


def map_ring(descriptor: int, ring_bytes: int) -> Ring:
    """Another process's view of the ring, to read only; it does not know the ring's end."""
    size = ring_bytes + GUARD_BYTES
    found = mmap.mmap(descriptor, _RING + size, access=mmap.ACCESS_READ)
    return Ring(found, origin=_RING, size=size, guard=GUARD_BYTES)


def read_checkpoint(descriptor: int, base: Base) -> bytes:
    """The bytes of a checkpoint."""
    return os.pread(descriptor, base.length, (1 + base.slot) * _CHECKPOINT)


def write_checkpoint(descriptor: int, slot: int, data: bytes) -> None:
    """Put a checkpoint into a slot that is not the current one."""
    view, at = memoryview(data), (1 + slot) * _CHECKPOINT
    while view:
        count = os.pwrite(descriptor, view, at)
        view, at = view[count:], at + count


def clear_checkpoint(descriptor: int, base: Base) -> None:
    """Give back the pages of a checkpoint that is not the current one any more, where the system can."""
    remove = getattr(mmap, "MADV_REMOVE", None)
    if remove is None or not base.length:
        return
    length = -(-base.length // _PAGE) * _PAGE
    try:
        with mmap.mmap(descriptor, length, offset=(1 + base.slot) * _CHECKPOINT) as pages:
            pages.madvise(remove)
    except OSError:  # Something is short: the next checkpoint in that slot overwrites them.
        pass


def _anonymous_file() -> int:
    create = getattr(os, "memfd_create", None)  # Linux has it; elsewhere a file without a name does the same.
    if create is not None:
        return int(create("termwall-session", os.MFD_CLOEXEC))
    import tempfile

    descriptor, path = tempfile.mkstemp(prefix="termwall-session-")
    os.unlink(path)
    return descriptor
