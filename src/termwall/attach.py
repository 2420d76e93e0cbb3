"""A session in the terminal of whoever calls `termwall attach`: raw bytes both ways over one WebSocket."""

import asyncio
import json
import os
import shutil
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from termwall.core.queries import QueryFilter
from termwall.protocol.codec import BINARY_SUBPROTOCOL, INPUT_KIND, SNAPSHOT_KIND, STREAM_KIND

LEAVE = b"\x1c"
"""Ctrl-\\: leaves the session running."""
ACK_BYTES = 16 << 10
RESTORE = b"\x1b[!p\x1b[?1049l\x1b[?25h\x1b[?1000;1002;1003;1006;2004l\x1b[0m"
"""Leaves the caller's terminal usable after a program that was in the middle of something."""


class AttachError(Exception):
    """The session cannot be shown; the message says why."""


async def attach_terminal(url: str, token: str, project_id: str, session_id: str) -> str:
    """Until the session ends or the user leaves.

    Returns:
        Why it ended, as a few words.

    Raises:
        AttachError: the server refused or is gone.
    """
    query = urlencode({"projectId": project_id, "sessionId": session_id, "name": "termwall attach"})
    address = f"{url.replace('http', 'ws', 1)}/ws/terminal?{query}"
    try:
        async with connect(
            address,
            additional_headers={"Authorization": f"Bearer {token}"},
            subprotocols=[Subprotocol(BINARY_SUBPROTOCOL)],
            compression=None,
            max_size=None,
            proxy=None,
        ) as socket:
            with _raw_terminal():
                return await _Attached(socket, session_id).run()
    except (OSError, InvalidHandshake) as error:
        raise AttachError(f"{url} does not answer: {error}") from None
    except ConnectionClosed as error:
        reason = error.rcvd.reason if error.rcvd else "the connection broke"
        raise AttachError(reason or "the connection was closed") from None


class _Attached:
    def __init__(self, socket: ClientConnection, session_id: str) -> None:
        self._socket = socket
        self._name = session_id.encode()
        self._acked = 0
        self._filter = QueryFilter()
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._outgoing: asyncio.Queue[str | bytes] = asyncio.Queue(maxsize=256)

    async def run(self) -> str:
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), self._typed)
        loop.add_signal_handler(signal.SIGWINCH, self._resized)
        tasks = [asyncio.create_task(part()) for part in (self._receive, self._send, self._beat)]
        self._resized("drive")
        try:
            done, _ = await asyncio.wait([*tasks, self._ended], return_when=asyncio.FIRST_COMPLETED)
            return next(str(one.result()) for one in done)
        finally:
            loop.remove_reader(sys.stdin.fileno())
            loop.remove_signal_handler(signal.SIGWINCH)
            for task in tasks:
                task.cancel()

    def _put(self, message: str | bytes) -> None:
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            self._leave("the server takes no input; some of it was not sent")

    def _typed(self) -> None:
        data = os.read(sys.stdin.fileno(), 65536)
        if not data or LEAVE in data:
            self._leave("left; it goes on running")
            return
        self._put(bytes((INPUT_KIND, len(self._name))) + self._name + bytes(4) + data)

    def _resized(self, kind: str = "resize") -> None:
        cols, rows = shutil.get_terminal_size()
        size = {"cols": max(2, min(cols, 1000)), "rows": max(2, min(rows, 1000))}
        self._put(json.dumps({"type": kind, "data": size}))

    def _leave(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    async def _send(self) -> str:
        while True:
            await self._socket.send(await self._outgoing.get())

    async def _beat(self) -> str:
        while True:
            await asyncio.sleep(20)
            await self._socket.send('{"type":"heartbeat"}')

    async def _receive(self) -> str:
        async for message in self._socket:
            if isinstance(message, str):
                update = json.loads(message)
                if update["type"] == "session_update":
                    if update.get("removed"):
                        return "closed"
                    if update.get("status") == "exited":
                        return str(update["attention"]["reason"])
                continue
            start = 2 + message[1]
            offset = int.from_bytes(message[start : start + 8], "big")
            skip = {STREAM_KIND: 8, SNAPSHOT_KIND: 13}.get(message[0])
            if skip is None:
                continue
            if message[0] == SNAPSHOT_KIND:
                self._filter.flush()
            sys.stdout.buffer.write(self._filter.feed(message[start + skip :]))
            sys.stdout.buffer.flush()
            if offset - self._acked >= ACK_BYTES or message[0] == SNAPSHOT_KIND:
                self._acked = offset
                self._put(json.dumps({"type": "ack", "offset": offset}))
        return "the server closed the connection"


@contextmanager
def _raw_terminal() -> Iterator[None]:
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    tty.setraw(descriptor)
    try:
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
        sys.stdout.buffer.write(RESTORE)
        sys.stdout.buffer.flush()
