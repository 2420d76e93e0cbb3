"""What the programs of a soak print, and how far each is. Standard library only: the programs run without ours.

What stands at an offset of a program's output follows from the program's number alone, so that whoever sees a piece of
it can check each byte. A `Ledger` is the programs' own word on how much that was.
"""

import mmap
import os
import random
import struct

LINE = 61
"""Bytes of a line with its end. Neither it nor `LINES` shares a factor with the size of a read, a frame or a ring."""
LINES = 1_021
PERIOD = LINE * LINES
"""After so many bytes the text begins anew. Who loses exactly as many is found by the ledger's count."""
MOST = 128 << 10
"""Bytes that may be asked for at a time."""
SLOTS = 8
"""Most checkers that a program can wait for."""
LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class Text:
    """All that one program prints."""

    def __init__(self, number: int) -> None:
        chance = random.Random(number)
        lines = []
        for line in range(LINES):
            head = f"{number:03d} {line:04d} "
            lines.append(head + "".join(chance.choices(LETTERS, k=LINE - 2 - len(head))) + "\r\n")
        once = "".join(lines).encode()
        self._bytes = memoryview(once * (MOST // PERIOD + 2))

    def piece(self, start: int, stop: int) -> memoryview:
        """What stands from one offset to another, at most `MOST` bytes."""
        at = start % PERIOD
        return self._bytes[at : at + stop - start]

    def shift(self, offset: int, data: bytes) -> int | None:
        """By how many bytes something that should stand at an offset stands too early: more than 0 were lost, less came
        twice. None where it is no piece of the text."""
        at = offset % PERIOD
        found = bytes(self._bytes[: 2 * PERIOD + len(data)]).find(data, at)
        if found < 0:
            return None
        behind = (found - at) % PERIOD
        return behind if behind <= PERIOD // 2 else behind - PERIOD

    def line(self, offset: int) -> str:
        """The last whole line before an offset, without its end; nothing before the first."""
        end = offset // LINE * LINE
        return bytes(self.piece(end - LINE, end - 2)).decode() if end else ""


class Ledger:
    """A file that a program and its checkers share: who has come how far, in bytes."""

    SIZE = 8 * (4 + SLOTS)

    def __init__(self, path: str) -> None:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, self.SIZE)
            self._map = mmap.mmap(descriptor, self.SIZE)
        finally:
            os.close(descriptor)

    def _get(self, index: int) -> int:
        return int(struct.unpack_from("=Q", self._map, 8 * index)[0])

    def _set(self, index: int, value: int) -> None:
        struct.pack_into("=Q", self._map, 8 * index, value)

    @property
    def written(self) -> int:
        """What the program says it has printed."""
        return self._get(0)

    @written.setter
    def written(self, count: int) -> None:
        self._set(0, count)

    @property
    def stop(self) -> bool:
        """Whether the program is to print no more."""
        return bool(self._get(1))

    @stop.setter
    def stop(self, value: bool) -> None:
        self._set(1, value)

    @property
    def done(self) -> bool:
        """Whether it prints no more, so that `written` is the end."""
        return bool(self._get(2))

    @done.setter
    def done(self, value: bool) -> None:
        self._set(2, value)

    @property
    def ready(self) -> bool:
        """Whether it takes what is typed, unchanged."""
        return bool(self._get(3))

    @ready.setter
    def ready(self, value: bool) -> None:
        self._set(3, value)

    def checked(self, slot: int) -> int:
        """How far a checker has come."""
        return self._get(4 + slot)

    def check(self, slot: int, count: int) -> None:
        """A checker has come so far."""
        self._set(4 + slot, count)
