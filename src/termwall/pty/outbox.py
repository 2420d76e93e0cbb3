"""What waits until the holder takes it: the newest of each kind, so that a holder that hangs costs bounded memory."""

import socket
from collections import OrderedDict
from collections.abc import Hashable

from termwall.ipc.frames import pack
from termwall.pty.programs import Program

Key = tuple[str, Hashable]
"""What a message does, and to what: of two with the same key only the newest is sent."""


class Outbox:
    """The messages of one connection, in order. It holds at most one of each key, and the one that is half sent."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Key, tuple[bytes, Program | None]] = OrderedDict()
        self._half = memoryview(b"")
        """The rest of a message of which a part was sent."""

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._waiting) + bool(self._half)

    def put(self, key: Key, header: dict[str, object], body: bytes = b"", program: Program | None = None) -> None:
        """Send this once there is room; what waited under its key is not sent any more, and its place is this one's.

        `program`: whose memory and terminal go along.
        """
        self._waiting[key] = pack(header, body), program

    def drop(self, key: Key) -> None:
        """Do not send it, if it still waits."""
        self._waiting.pop(key, None)

    def clear(self) -> None:
        """Send nothing of it."""
        self._waiting.clear()
        self._half = memoryview(b"")

    def flush(self, channel: socket.socket) -> bool:
        """Send what goes now. True once nothing waits any more.

        Raises:
            OSError: the other side is gone, or takes no descriptors now.
        """
        try:
            while self:
                if self._half:
                    self._half = self._half[channel.send(self._half) :]
                    continue
                key, (data, program) = next(iter(self._waiting.items()))
                if program is None:
                    sent = channel.send(data)
                elif not program.given:  # It has ended and was read: nothing of it has to be held.
                    sent = len(data)
                else:
                    sent = socket.send_fds(channel, [data], program.given)
                self._half = memoryview(data)[sent:]
                del self._waiting[key]
        except (BlockingIOError, InterruptedError):
            return False
        return True
