"""Frames that wait until the other side of a socket takes them, and the descriptors that go with them."""

import socket
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from termwall.ipc.frames import pack

Key = tuple[str, Hashable]
"""What a message does, and to what: of two with the same key only the newest is sent."""
Given = Callable[[], Sequence[int]]
"""The descriptors that go along, asked for when it is sent. Where none are left, it is not sent."""


class Outbox:
    """The frames of one connection, in order. It holds at most one of each key, and the one that is half sent.

    How many have no key is for its user to bound.
    """

    def __init__(self) -> None:
        self._waiting: OrderedDict[Hashable, tuple[bytes, Given | None]] = OrderedDict()
        self._half = memoryview(b"")
        """The rest of a frame that was sent in part."""

    def __len__(self) -> int:
        """How many frames wait."""
        return len(self._waiting) + bool(self._half)

    def put(
        self, header: dict[str, Any], body: bytes = b"", *, given: Given | None = None, key: Key | None = None
    ) -> None:
        """Send this once there is room; what waited under its key is not sent any more, and its place is this one's."""
        self._waiting[key or object()] = pack(header, body), given

    def drop(self, key: Key) -> None:
        """Do not send it, if it still waits."""
        self._waiting.pop(key, None)

    def clear(self) -> None:
        """Send nothing of it."""
        self._waiting.clear()
        self._half = memoryview(b"")

    def flush(self, channel: socket.socket) -> bool:
        """Send what goes now, and wait for nothing. True once nothing waits any more.

        Raises:
            OSError: the other side is gone, or takes no descriptors now (`passing.SHORT`).
        """
        try:
            while self:
                if self._half:
                    self._half = self._half[channel.send(self._half) :]
                    continue
                key, (data, given) = next(iter(self._waiting.items()))
                if given is None:
                    sent = channel.send(data)
                else:
                    descriptors = given()
                    sent = socket.send_fds(channel, [data], descriptors) if descriptors else len(data)
                self._half = memoryview(data)[sent:]
                del self._waiting[key]
        except (BlockingIOError, InterruptedError):
            return False
        return True
