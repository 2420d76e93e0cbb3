"""The WebSocket of `termwall serve`: uvicorn does HTTP, picows parses frames, on one port and one loop.

It leans on two internal shapes, so both packages are pinned exactly and tests hold the hand-over:
uvicorn builds the class given as `ws=`, calls `connection_made`, gives the request head to `data_received` once, and
only then sets it as the transport's protocol; picows' `WSProtocol` takes its arguments by position and is a buffered
protocol. Why not ASGI: a message there costs a task switch and twice the time (docs/explanation/architecture.md).
"""

import asyncio
import logging
import re
from collections import deque
from typing import Any, NamedTuple

import picows
from picows.picows import WSProtocol  # type: ignore[attr-defined]

from termwall.core.errors import CloseCode
from termwall.core.limits import Bounds
from termwall.hub.connection import Connection
from termwall.hub.service import TerminalService
from termwall.transport.admission import Admitted, Forbidden, Turned, admit
from termwall.transport.auth import Access
from termwall.transport.doors import Door
from termwall.transport.http_edge import http_protocol as http_protocol

PATH = "/ws/terminal"
READ_BUFFER_BYTES = 4096
"""First size of a connection's read buffer; it grows with the messages, and is most of what an idle one costs."""
READ_BYTES = 1024
"""Taken at once, so that few of a flood of small frames are handled before it is known that they are too many (L7)."""
COPIED_BYTES = 8 << 10
"""picows 2.3.1 copies a message up to this size. The head of a larger one it keeps in a buffer that the next message
overwrites, while a full socket lets it wait; one that is given with room for its head does not have that fault."""
FRAME_HEAD_BYTES = 14
CLOSE_SECONDS = 2.0
"""How long the other side has to answer a close before the socket is ended."""

_TEXT, _BINARY = picows.WSMsgType.TEXT, picows.WSMsgType.BINARY
_CONTINUATION, _CLOSE = picows.WSMsgType.CONTINUATION, picows.WSMsgType.CLOSE
_PING = picows.WSMsgType.PING
_WHOLE = (_BINARY, _TEXT)
_CONNECTION = re.compile(rb"\r\nconnection:[^\r]*\bupgrade\b[^\r]*\r\n", re.IGNORECASE)
_log = logging.getLogger("termwall.websocket")


class _Came(NamedTuple):
    """A frame of the other side."""

    kind: picows.WSMsgType
    payload: bytes
    fin: bool
    extended: bool
    """Whether it has a bit of an extension."""
    code: Any
    """Of a close: a number."""


class SocketListener(picows.WSListener):
    """One socket: frames in, whole messages to the connection; the connection's outlet in the other direction."""

    def __init__(self, verdict: Admitted | Turned, service: TerminalService, bounds: Bounds) -> None:
        self._verdict = verdict
        self._service = service
        self._bounds = bounds
        self._transport: picows.WSTransport | None = None
        self._connection: Connection | None = None
        self._parts: bytearray | None = None
        self._parts_binary = False
        self._paused = False
        self._ended = False
        self._reads, self._stopped = True, False
        self._waiting: deque[_Came] = deque()
        """What came with the last read, at most `READ_BYTES` of it, and is not to be read yet (L7)."""
        self._pong: bytes | None = None
        """What the newest ping said, while its answer waits for the socket."""

    @property
    def admitted(self) -> bool:
        """Whether it carries a connection of the service."""
        return self._connection is not None

    # ---- picows calls

    def on_ws_connected(self, transport: picows.WSTransport) -> None:
        """The handshake was answered."""
        self._transport = transport
        transport.underlying_transport.set_write_buffer_limits(high=self._bounds.window_bytes)
        if isinstance(self._verdict, Turned):
            self.close(self._verdict.code, self._verdict.reason)
            return
        self._connection = self._service.connect(self._verdict.project_id, self._verdict.hello, self)

    def on_ws_frame(self, transport: picows.WSTransport, frame: picows.WSFrame) -> None:
        """One frame; only this loop's own, unmasked payload."""
        kind = frame.msg_type
        extended = bool(frame.rsv1 or frame.rsv2 or frame.rsv3)
        if self._reads and frame.fin and kind in _WHOLE and not extended and self._parts is None:  # A key.
            if self._connection is not None and not self._ended:
                self._connection.received(frame.get_payload_as_bytes(), binary=kind == _BINARY)
            return
        code = frame.get_close_code() if kind == _CLOSE else 0
        came = _Came(kind, frame.get_payload_as_bytes(), frame.fin, extended, getattr(code, "value", code))
        if self._reads:
            self._take(came)
        else:
            self._waiting.append(came)

    def _take(self, came: "_Came") -> None:
        kind, connection = came.kind, self._connection
        if kind == _CLOSE:
            self._answer_close(came.code)
        elif connection is None or self._ended:
            return
        elif kind not in (_TEXT, _BINARY, _CONTINUATION):
            connection.beside(len(came.payload))
            if kind == _PING:
                self._pong = came.payload
                self._answer_ping()
        elif came.extended:
            connection.close(CloseCode.PROTOCOL_ERROR, "No extension was agreed on")
        elif came.fin and kind != _CONTINUATION and self._parts is None:
            connection.received(came.payload, binary=kind == _BINARY)
        else:
            self._gather(connection, came)

    def on_ws_disconnected(self, transport: picows.WSTransport) -> None:
        """The socket is gone."""
        self._ended = True
        if self._connection is not None:
            self._connection.closed()
            self._connection = None

    def pause_writing(self) -> None:
        """The kernel takes no more for now; `unsent` says how much waits."""
        self._paused = True

    def resume_writing(self) -> None:
        """The kernel took what was waiting."""
        self._paused = False
        self._answer_ping()
        if self._connection is not None:
            self._connection.writable()

    # ---- the connection calls

    @property
    def unsent(self) -> int:
        """Bytes in the transport's buffer."""
        if not self._paused or self._transport is None:
            return 0
        return self._transport.underlying_transport.get_write_buffer_size()

    def send_text(self, data: bytes) -> None:
        """Send a text message. uvloop gives all of one turn to the socket at once: each write takes longer than all
        else that a message costs, and one change may be reported in many messages (L7).
        """
        if self._ended or self._transport is None or self._transport.underlying_transport.is_closing():
            return
        self._transport.underlying_transport.write(_text_head(len(data)) + data)

    def send_binary(self, data: bytes) -> None:
        """Send a binary message, now: it may be what somebody typed. Behind texts that wait it waits too."""
        if self._ended or self._transport is None:
            return
        if len(data) <= COPIED_BYTES:
            self._transport.send(_BINARY, data)
            return
        framed = bytearray(FRAME_HEAD_BYTES + len(data))
        framed[FRAME_HEAD_BYTES:] = data
        self._transport.send_reuse_external_bytearray(_BINARY, framed, FRAME_HEAD_BYTES)

    def read(self, wanted: bool) -> None:
        """As the contract says. What came with the last read waits here: the others have a turn before it too."""
        self._reads = wanted
        while self._reads and self._waiting:
            self._take(self._waiting.popleft())
        if self._ended or self._transport is None or self._transport.underlying_transport.is_closing():
            return
        if self._reads == self._stopped:
            self._stopped = not self._reads
            socket = self._transport.underlying_transport
            (socket.resume_reading if self._reads else socket.pause_reading)()

    def close(self, code: int, reason: str) -> None:
        """Send a close frame and end the socket when it was answered, or after 2 s."""
        if self._ended or self._transport is None:
            return
        self._ended = True
        # The type asks for picows' enum, which does not have our 44xx codes; an int is what goes on the wire.
        self._transport.send_close(int(code), reason.encode())  # type: ignore[arg-type]
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.underlying_transport.abort)

    def shutdown(self) -> None:
        """uvicorn stops: ask the client to come back."""
        if self._connection is not None:
            self._connection.close(CloseCode.RESTART, "The server restarts")
        else:
            self.close(CloseCode.RESTART, "The server restarts")

    def _answer_ping(self) -> None:
        """Of several pings that wait the newest is answered, as RFC 6455 has it: their answers do not pile up."""
        if self._pong is not None and not self._paused and not self._ended and self._transport is not None:
            payload, self._pong = self._pong, None
            self._transport.send_pong(payload)

    def _answer_close(self, code: int) -> None:
        if self._transport is None:
            return
        if not self._ended:
            self._ended = True
            self._transport.send_close(close_answer(code))  # type: ignore[arg-type]
        self._transport.disconnect()

    def _gather(self, connection: Connection, came: "_Came") -> None:
        starts = came.kind != _CONTINUATION
        if starts == (self._parts is not None):
            connection.close(CloseCode.PROTOCOL_ERROR, "The fragments of two messages are mixed")
            return
        if self._parts is None:
            # One growing buffer: any number of fragments, empty ones too, costs no more than their bytes (X4).
            self._parts = bytearray()
            self._parts_binary = came.kind == _BINARY
        self._parts += came.payload
        if not came.fin:
            connection.beside(0)
        if len(self._parts) > self._bounds.message_bytes:
            self._parts = None
            connection.close(CloseCode.TOO_BIG, f"A message may have {self._bounds.message_bytes} bytes")
        elif came.fin:
            message, self._parts = bytes(self._parts), None
            connection.received(message, binary=self._parts_binary)


def _text_head(size: int) -> bytes:
    """What is before a whole text message of a server."""
    if size < 126:
        return bytes((0x81, size))
    if size < 1 << 16:
        return b"\x81\x7e" + size.to_bytes(2, "big")
    return b"\x81\x7f" + size.to_bytes(8, "big")


_NO_INFO = 0
"""What the library says where a close has no code."""


def close_answer(code: int) -> int:
    """The code that a client's close is answered with: its own, 1000 where it gave none, 1002 where that is none."""
    if code == _NO_INFO:
        return CloseCode.NORMAL
    known = 1000 <= code <= 1003 or 1007 <= code <= 1014 or 3000 <= code < 5000
    return code if known else CloseCode.PROTOCOL_ERROR


def websocket_protocol(service: TerminalService, access: Access, bounds: Bounds) -> type[asyncio.BaseProtocol]:
    """The class to give to `uvicorn.Config(ws=...)`."""

    class TerminalProtocol(WSProtocol):  # type: ignore[misc]
        _door: Door | None = None

        def __init__(self, config: Any, server_state: Any, app_state: Any) -> None:
            self._server_state = server_state
            self._scheme = "http"
            self._headed = False
            super().__init__(
                None,
                None,
                False,
                self._listen,
                _log,
                True,
                bounds.handshake_seconds,
                False,
                None,
                None,
                picows.WSAutoPingStrategy.PING_WHEN_IDLE,
                False,
                bounds.message_bytes,
                None,
                READ_BUFFER_BYTES,
            )

        def _listen(self, request: Any) -> Any:
            path, _, query = request.path.decode("latin-1").partition("?")
            if path != PATH:
                return None
            headers = {name.lower(): value for name, value in request.headers.items()}
            verdict = admit(headers, query, self._scheme, access, service.new_id)
            if isinstance(verdict, Forbidden):
                response = picows.WSUpgradeResponse.create_error_response(403, verdict.reason.encode())
                return picows.WSUpgradeResponseWithListener(response, None)
            extra = {"Sec-WebSocket-Protocol": verdict.subprotocol} if verdict.subprotocol else None
            response = picows.WSUpgradeResponse.create_101_response(extra)
            return picows.WSUpgradeResponseWithListener(response, SocketListener(verdict, service, bounds))

        def came_by(self, door: Door) -> None:
            """The connection's door: it counts until the WebSocket is one of ours, which is counted as such (X8)."""
            if isinstance(self.listener, SocketListener) and self.listener.admitted:
                door.left()
            else:
                self._door = door

        def connection_made(self, transport: asyncio.Transport) -> None:
            self._scheme = "https" if transport.get_extra_info("sslcontext") else "http"
            self._server_state.connections.add(self)
            super().connection_made(transport)

        def connection_lost(self, exc: Exception | None) -> None:
            self._server_state.connections.discard(self)
            if self._door is not None:
                self._door.left()
            super().connection_lost(exc)

        def get_buffer(self, size_hint: int) -> memoryview:
            return super().get_buffer(size_hint)[:READ_BYTES]  # type: ignore[no-any-return]

        def data_received(self, data: bytes) -> None:
            # uvicorn hands the request head over this way, before it makes us the transport's protocol.
            if not self._headed:
                self._headed = True
                # picows wants the one word; Firefox sends `keep-alive, Upgrade`, as it may.
                data = _CONNECTION.sub(b"\r\nconnection: upgrade\r\n", data, count=1)
            view = memoryview(data)
            while view:
                space = self.get_buffer(len(view))
                count = min(len(space), len(view))
                space[:count] = view[:count]
                self.buffer_updated(count)
                view = view[count:]

        def shutdown(self) -> None:
            if self.listener is not None:
                self.listener.shutdown()
            else:
                self.transport.disconnect()

    return TerminalProtocol
