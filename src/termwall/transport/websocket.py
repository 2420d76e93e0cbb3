"""The WebSocket under any ASGI server: what an application that mounts termwall uses (`create_app`).

`termwall serve` has a faster edge in `picows_edge.py`; both pass the same contract suite. ASGI gives no buffer sizes,
so this edge counts what it has queued for its sender task.
"""

import asyncio
from collections import deque

from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from termwall.core.errors import CloseCode
from termwall.core.limits import Bounds
from termwall.hub.connection import Connection
from termwall.hub.service import TerminalService
from termwall.hub.turns import Turns
from termwall.transport.admission import Admitted, Forbidden, Turned, admit
from termwall.transport.auth import Access


class QueueOutlet:
    """An outlet before a task that sends one message after the other."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._queue: deque[bytes | str | tuple[int, str]] = deque()
        self._unsent = 0
        self._wake = asyncio.Event()
        self._ended = False
        self.connection: Connection | None = None
        self.reading = asyncio.Event()
        """Set while messages are to be taken."""
        self.reading.set()

    @property
    def unsent(self) -> int:
        """Bytes that wait for the ASGI server to take them."""
        return self._unsent

    def send_text(self, data: bytes) -> None:
        """Queue a text message."""
        self._put(data.decode(), len(data))

    def send_binary(self, data: bytes) -> None:
        """Queue a binary message."""
        self._put(data, len(data))

    def read(self, wanted: bool) -> None:
        """As the contract says."""
        if wanted:
            self.reading.set()
        else:
            self.reading.clear()

    def close(self, code: int, reason: str) -> None:
        """Queue the end; nothing is sent after it."""
        self._put((code, reason), 0)
        self._ended = True

    def _put(self, item: bytes | str | tuple[int, str], size: int) -> None:
        if not self._ended:
            self._queue.append(item)
            self._unsent += size
            self._wake.set()

    async def drain(self) -> None:
        """Send until a close was sent or the socket fails."""
        socket = self._socket
        try:
            while True:
                await self._wake.wait()
                self._wake.clear()
                while self._queue:
                    item = self._queue.popleft()
                    if isinstance(item, tuple):
                        await socket.close(*item)
                        return
                    if isinstance(item, str):
                        await socket.send_text(item)
                        self._unsent -= len(item.encode()) if not item.isascii() else len(item)
                    else:
                        await socket.send_bytes(item)
                        self._unsent -= len(item)
                if self.connection is not None:
                    self.connection.writable()
        except (WebSocketDisconnect, RuntimeError, OSError):
            return
        finally:
            self._ended = True
            self._queue.clear()
            self._unsent = 0


class TerminalEndpoint:
    """The ASGI application of `/ws/terminal` (W1)."""

    def __init__(self, service: TerminalService, access: Access, bounds: Bounds) -> None:
        self._service = service
        self._access = access
        self._bounds = bounds
        self._turns = Turns()
        """Of connections that begin: not more wait than the ASGI server lets in."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One WebSocket, from its handshake to its end."""
        socket = WebSocket(scope, receive, send)
        scheme = "https" if scope["scheme"] in ("wss", "https") else "http"
        query = scope["query_string"].decode("latin-1")
        verdict = admit(dict(socket.headers), query, scheme, self._access, self._service.new_id)
        if isinstance(verdict, Forbidden):
            await socket.close(CloseCode.FORBIDDEN, verdict.reason)  # Before accept: the server answers 403.
            return
        await socket.accept(subprotocol=verdict.subprotocol)
        if isinstance(verdict, Turned):
            await socket.close(verdict.code, verdict.reason)
            return
        await self._turns.wait()
        await _serve(socket, verdict, self._service, self._bounds)


async def _serve(socket: WebSocket, admitted: Admitted, service: TerminalService, bounds: Bounds) -> None:
    outlet = QueueOutlet(socket)
    sender = asyncio.create_task(outlet.drain())
    connection = service.connect(admitted.project_id, admitted.hello, outlet)
    outlet.connection = connection
    try:
        if connection is not None:
            await _read(socket, connection, outlet, sender, bounds)
        await asyncio.wait_for(sender, bounds.handshake_seconds)
    except (WebSocketDisconnect, TimeoutError):
        pass
    finally:
        if connection is not None:
            connection.closed()
        sender.cancel()
        if socket.application_state is not WebSocketState.DISCONNECTED:
            try:
                await socket.close(CloseCode.GOING_AWAY)
            except (WebSocketDisconnect, RuntimeError, OSError):
                pass


async def _read(
    socket: WebSocket, connection: Connection, outlet: QueueOutlet, sender: asyncio.Task[None], bounds: Bounds
) -> None:
    while not sender.done():
        receiver = asyncio.ensure_future(_next(socket, outlet))
        await asyncio.wait((receiver, sender), return_when=asyncio.FIRST_COMPLETED)
        if not receiver.done():
            receiver.cancel()
            return
        message = receiver.result()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", CloseCode.NORMAL))
        text, data = message.get("text"), message.get("bytes")
        size = len(text.encode()) if text is not None else len(data or b"")
        if size > bounds.message_bytes:
            connection.close(CloseCode.TOO_BIG, f"A message may have {bounds.message_bytes} bytes")
        elif text is not None:
            connection.received(text)
        else:
            connection.received(data or b"", binary=True)


async def _next(socket: WebSocket, outlet: QueueOutlet) -> Message:
    await outlet.reading.wait()
    return await socket.receive()
