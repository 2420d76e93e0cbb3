"""Descriptors that come over a Unix socket with a frame (SCM_RIGHTS), also where the kernel had no room for all.

A process that may have no more files open gets the frame without its descriptors, or with some of them. That is a
shortage here, not a fault of the other side (L4): the frame says how many there were, so who takes them sees it.
"""

import errno
import os
import socket
from collections import deque

RECEIVE_BYTES = 1 << 20
SMALL_BYTES = 4 << 10
MAX_DESCRIPTORS = 64
SHORT = frozenset({errno.ETOOMANYREFS, errno.ENOBUFS, errno.ENOMEM})
"""Why descriptors cannot be sent now, though the other side is there: too many of this user's are on their way."""


class Passed:
    """The descriptors that came and belong to frames that are not complete yet, a group for each such frame."""

    def __init__(self) -> None:
        self._groups: deque[list[int]] = deque()

    def add(self, given: list[int]) -> None:
        """Those of one frame; some may be missing."""
        self._groups.append(given)

    def take(self, count: int) -> list[int]:
        """The next frame's, which says how many they were; fewer where not all came, and then of no use."""
        if not count:
            return []
        given = self._groups.popleft()
        if len(given) == count:
            return given
        for descriptor in given:
            os.close(descriptor)
        return []

    def close(self) -> None:
        """Nobody wants them."""
        while self._groups:
            for descriptor in self._groups.popleft():
                os.close(descriptor)


def read(channel: socket.socket) -> bytes:
    """Bytes with which no descriptors come; none where the other side is gone.

    Raises:
        OSError: as `recv`.
    """
    try:
        return channel.recv(RECEIVE_BYTES)
    except MemoryError:  # Before anything was read. In small pieces it goes on.
        return channel.recv(SMALL_BYTES)


def receive(channel: socket.socket, passed: Passed) -> bytes:
    """Bytes, and into `passed` what came with them; none where the other side is gone.

    One receive has the descriptors of one frame at most: the kernel does not read on behind them.

    Raises:
        OSError: as `recv`.
    """
    try:
        data, given, flags, _ = socket.recv_fds(channel, RECEIVE_BYTES, MAX_DESCRIPTORS)
    except MemoryError:  # Before anything was read. In small pieces it goes on.
        data, given, flags, _ = socket.recv_fds(channel, SMALL_BYTES, MAX_DESCRIPTORS)
    for descriptor in given:
        os.set_inheritable(descriptor, False)
    if given or flags & socket.MSG_CTRUNC:
        passed.add(given)
    return data
