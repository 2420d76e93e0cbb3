"""A session in the terminal of whoever calls `termwall attach`: raw bytes both ways over one WebSocket."""

import asyncio
import json
import os
import secrets
import shutil
import signal
import sys
import termios
import tty
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedOK, InvalidHandshake
from websockets.typing import Subprotocol

from termwall.core.queries import QueryFilter
from termwall.protocol.codec import BINARY_SUBPROTOCOL, INPUT_KIND, SNAPSHOT_KIND, STREAM_KIND

LEAVE = b"\x1c"
"""Ctrl-\\: leaves the session running."""
AGAIN = (1000, 1001, 1005, 1006, 1012, 1013)
"""Close codes after which the server may be back soon."""
PATIENCE_SECONDS = 30.0
RETRY_SECONDS = 0.25
ACK_BYTES = 16 << 10
RESTORE = b"\x1b[!p\x1b[?1049l\x1b[?25h\x1b[?1000;1002;1003;1006;2004l\x1b[0m"
"""Leaves the caller's terminal usable after a program that was in the middle of something."""


class AttachError(Exception):
    """The session cannot be shown; the message says why."""


async def attach_terminal(url: str, token: str, project_id: str, session_id: str) -> str:
    """Until the session ends or the user leaves. A server that restarts is waited for.

    Returns:
        Why it ended, as a few words.

    Raises:
        AttachError: the server refused or is gone.
    """
    client = f"attach-{secrets.token_hex(6)}"
    query = urlencode(
        {"projectId": project_id, "sessionId": session_id, "name": "termwall attach", "clientId": client, "resume": 1}
    )
    attached = _Attached(url, f"{url.replace('http', 'ws', 1)}/ws/terminal?{query}", token, session_id)
    with _raw_terminal():
        return await attached.run()


class _Attached:
    def __init__(self, url: str, address: str, token: str, session_id: str) -> None:
        self._url = url
        self._address = address
        self._token = token
        self._session = session_id
        self._name = session_id.encode()
        self._epoch: str | None = None
        self._offset = 0
        self._acked = 0
        self._seq = 0
        self._unacknowledged: deque[tuple[int, bytes]] = deque()
        self._filter = QueryFilter()
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._outgoing: asyncio.Queue[str | bytes] | None = None

    async def run(self) -> str:
        loop = asyncio.get_running_loop()
        loop.add_reader(sys.stdin.fileno(), self._typed)
        loop.add_signal_handler(signal.SIGWINCH, self._resized)
        talk = asyncio.create_task(self._stay())
        try:
            await asyncio.wait([talk, self._ended], return_when=asyncio.FIRST_COMPLETED)
            return self._ended.result() if self._ended.done() else talk.result()
        finally:
            loop.remove_reader(sys.stdin.fileno())
            loop.remove_signal_handler(signal.SIGWINCH)
            talk.cancel()
            await asyncio.gather(talk, return_exceptions=True)

    async def _stay(self) -> str:
        """Connect, and again while the server is away for a moment."""
        until = 0.0
        while True:
            try:
                async with connect(
                    self._address,
                    additional_headers={"Authorization": f"Bearer {self._token}"},
                    subprotocols=[Subprotocol(BINARY_SUBPROTOCOL)],
                    compression=None,
                    max_size=None,
                    proxy=None,
                ) as socket:
                    until = 0.0
                    return await self._talk(socket)
            except (OSError, InvalidHandshake) as error:
                why = f"{self._url} does not answer: {error}"
            except ConnectionClosed as error:
                code = error.rcvd.code if error.rcvd else None
                why = (error.rcvd.reason if error.rcvd else "") or "the connection broke"
                if code is not None and code not in AGAIN:
                    raise AttachError(why) from None
            now = asyncio.get_running_loop().time()
            if self._epoch is None or (until and now >= until):
                raise AttachError(why)
            if not until:
                until = now + PATIENCE_SECONDS
                sys.stdout.buffer.write(b"\a")
                sys.stdout.buffer.flush()
            await asyncio.sleep(RETRY_SECONDS)

    async def _talk(self, socket: ClientConnection) -> str:
        outgoing: asyncio.Queue[str | bytes] = asyncio.Queue(maxsize=256)
        offsets = {self._session: {"epoch": self._epoch, "offset": self._offset}} if self._epoch else {}
        outgoing.put_nowait(json.dumps({"type": "sync_request", "offsets": offsets}))
        self._outgoing = outgoing
        for seq, data in self._unacknowledged:
            self._input(seq, data)
        self._resized("drive" if self._epoch is None else "resize")

        async def send() -> str:
            while True:
                await socket.send(await outgoing.get())

        async def beat() -> str:
            while True:
                await asyncio.sleep(20)
                await socket.send('{"type":"heartbeat"}')

        tasks = [asyncio.create_task(part) for part in (self._receive(socket), send(), beat())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            return next(one.result() for one in done)
        finally:
            self._outgoing = None
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _put(self, message: str | bytes) -> None:
        if self._outgoing is None:
            return
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            self._leave("the server takes no input; some of it was not sent")

    def _typed(self) -> None:
        data = os.read(sys.stdin.fileno(), 65536)
        if not data or LEAVE in data:
            self._leave("left; it goes on running")
            return
        if self._outgoing is None:
            # Never typed later, when what it was meant for may be gone (I2).
            sys.stdout.buffer.write(b"\a")
            sys.stdout.buffer.flush()
            return
        self._seq += 1
        self._unacknowledged.append((self._seq, data))
        self._input(self._seq, data)

    def _input(self, seq: int, data: bytes) -> None:
        self._put(bytes((INPUT_KIND, len(self._name))) + self._name + seq.to_bytes(4, "big") + data)

    def _resized(self, kind: str = "resize") -> None:
        cols, rows = shutil.get_terminal_size()
        size = {"cols": max(2, min(cols, 1000)), "rows": max(2, min(rows, 1000))}
        self._put(json.dumps({"type": kind, "data": size}))

    def _leave(self, reason: str) -> None:
        if not self._ended.done():
            self._ended.set_result(reason)

    async def _receive(self, socket: ClientConnection) -> str:
        async for message in socket:
            if isinstance(message, str):
                ended = self._hear(json.loads(message))
                if ended is not None:
                    return ended
                continue
            start = 2 + message[1]
            offset = int.from_bytes(message[start : start + 8], "big")
            skip = {STREAM_KIND: 8, SNAPSHOT_KIND: 13}.get(message[0])
            if skip is None:
                continue
            self._offset = offset
            if message[0] == SNAPSHOT_KIND:
                self._filter.flush()
            sys.stdout.buffer.write(self._filter.feed(message[start + skip :]))
            sys.stdout.buffer.flush()
            if offset - self._acked >= ACK_BYTES or message[0] == SNAPSHOT_KIND:
                self._acked = offset
                self._put(json.dumps({"type": "ack", "offset": offset}))
        raise ConnectionClosedOK(socket.protocol.close_rcvd, socket.protocol.close_sent)

    def _hear(self, message: dict[str, Any]) -> str | None:
        """A text message. Why the session ended, if it did."""
        match message["type"]:
            case "connection_status":
                for one in message.get("sessions") or ():
                    if one["id"] == self._session:
                        self._begin(one["epoch"])
            case "input_ack":
                while self._unacknowledged and self._unacknowledged[0][0] <= message["seq"]:
                    self._unacknowledged.popleft()
            case "session_update":
                if message.get("removed"):
                    return "closed"
                if message.get("epoch"):
                    self._begin(message["epoch"])
                if message.get("status") in ("exited", "lost"):
                    return str(message["attention"]["reason"])
        return None

    def _begin(self, epoch: str) -> None:
        if epoch != self._epoch:
            self._epoch, self._offset, self._acked = epoch, 0, 0


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
