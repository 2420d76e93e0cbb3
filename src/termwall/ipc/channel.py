"""A stream socket to another process of this machine, on the event loop: frames go and come, and nobody waits."""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

from termwall.ipc.frames import BadFrame, Unpacker
from termwall.ipc.outbox import Given, Key, Outbox
from termwall.ipc.passing import SHORT, Passed, read, receive

SEND_SECONDS = 0.05
"""Until descriptors are sent again that the system has no room for."""


class Channel:
    """One connection. Once the other side has gone, or says what nobody understands, `ended` is called: whoever has the
    channel closes it then.

    Args:
        socket: connected; it is the channel's from now on.
        took: called with each frame's header and body, and the descriptors that came with it, which are its own.
        ended: called with what was wrong, as the end of a sentence; None where the other side has just gone.
        descriptors: whether any are taken from the other side.
    """

    def __init__(
        self,
        socket: socket.socket,
        took: Callable[[dict[str, Any], bytes, list[int]], None],
        ended: Callable[[str | None], None],
        *,
        descriptors: bool,
    ) -> None:
        socket.setblocking(False)
        self.socket = socket
        self.outbox = Outbox()
        self._took, self._ended = took, ended
        self._unpacker = Unpacker()
        self._passed = Passed() if descriptors else None
        self._closed = False
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(socket, self._readable)

    def put(
        self, header: dict[str, Any], body: bytes = b"", *, given: Given | None = None, key: Key | None = None
    ) -> None:
        """Send a frame, at once where there is room, and behind what waits (see `Outbox.put`)."""
        idle = not self.outbox
        self.outbox.put(header, body, given=given, key=key)
        if idle:
            self._flush()

    def close(self) -> None:
        """Give it back; what was not sent never is."""
        if self._closed:
            return
        self._closed = True
        self._loop.remove_reader(self.socket)
        self._loop.remove_writer(self.socket)
        self.socket.close()
        self.outbox.clear()
        if self._passed is not None:
            self._passed.close()

    def _flush(self) -> None:
        if self._closed:
            return
        try:
            if not self.outbox.flush(self.socket):
                self._loop.add_writer(self.socket, self._flush)
                return
        except OSError as error:
            if error.errno in SHORT:
                self._loop.call_later(SEND_SECONDS, self._flush)
            else:  # It died; what is read says so.
                self.outbox.clear()
        self._loop.remove_writer(self.socket)

    def _readable(self) -> None:
        try:
            data = read(self.socket) if self._passed is None else receive(self.socket, self._passed)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._end(None)
            return
        try:
            for header, body in self._unpacker.feed(data):
                if self._closed:
                    return
                count = 0 if self._passed is None else header.get("descriptors", 0)
                self._took(header, body, [] if self._passed is None else self._passed.take(count))
        except (BadFrame, KeyError, TypeError, ValueError, IndexError) as error:
            self._end(f"it says what nobody understands: {error!r}")
        except MemoryError:  # A frame is lost, and with it what was asked or said.
            self._end("there is no memory for what it says")

    def _end(self, fault: str | None) -> None:
        if not self._closed:
            self._loop.remove_reader(self.socket)
            self._ended(fault)
