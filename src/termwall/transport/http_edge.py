"""HTTP of `termwall serve`: uvicorn's protocol with an end to every wait: nobody holds a connection for nothing.

While a request is answered its own limits hold (`gate.py`). At any other time the connection has a deadline: for a
head, for the rest of a body whose answer is sent already, for the next request, for its answer to be read (X4, X8).
It leans on internal shapes of uvicorn, which is pinned exactly; the tests of the edges hold them.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from picows.picows import WSProtocol  # type: ignore[attr-defined]
from starlette.datastructures import Headers
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from termwall.core.limits import Bounds
from termwall.hub.turns import Turns
from termwall.system import descriptors
from termwall.transport.doors import EXTENSION, Door, Doors

HEAD_BYTES = 64 << 10
"""Largest request head; a longer one ends the connection."""
MOST_PIPELINED = 16
"""Requests of one connection that wait for an earlier one's answer; one more ends it. Browsers send none."""
UNREAD_SECONDS = 60.0
"""A client that reads nothing of its answer for so long is let go."""


def http_protocol(bounds: Bounds, knows: Callable[[Headers], bool] = lambda headers: False) -> type[HttpToolsProtocol]:
    """The class to give to `uvicorn.Config(http=...)`, for one server.

    What a client sends in one packet with the head of a WebSocket's handshake is not lost.

    Args:
        knows: whether headers have a right token: who waits for its turn with one is no stranger (X8).
    """
    most = bounds.http_connections, bounds.stranger_connections, bounds.address_connections
    doors = Doors(*most, spare=descriptors.spare)
    upgrades = Turns()

    class LimitedHttpProtocol(HttpToolsProtocol):
        _patience: asyncio.TimerHandle | None = None
        _unread: asyncio.TimerHandle | None = None
        _door: Door | None = None
        _head = b""
        _headed = False
        _complete = False
        _rest = 0
        """Bytes of bodies that came after their answers."""
        _upgrading = False
        """Whether its handshake is complete: from then on no deadline of this protocol's ends the connection."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._door = doors.open(transport, self.client[0] if self.client else "")
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget()
            self.resume_writing()
            if self._door is not None:
                self._door.left()
            super().connection_lost(exc)

        # ---- what comes

        def data_received(self, data: bytes) -> None:
            if self.transport.is_closing():
                return
            if self._complete:
                self._complete = self._headed = False
                self._head = b""
            if not self._headed:
                self._wait()
                self._head += data
                if len(self._head) > HEAD_BYTES and b"\r\n\r\n" not in self._head:
                    self.transport.abort()
                    return
            super().data_received(data)
            if self._idle and self.timeout_keep_alive_task is None:
                self._wait()

        @property
        def _idle(self) -> bool:
            """Whether nothing is being answered here."""
            cycle: Any = self.cycle  # None before the first request, whatever uvicorn says.
            answered = cycle is None or cycle.response_complete
            return answered and not self._upgrading and not self.transport.is_closing()

        def handle_websocket_upgrade(self) -> None:
            self._upgrading = True
            if self._door is not None and knows(Headers(raw=self.headers)):
                self._door.known()
            rest = self._head.partition(b"\r\n\r\n")[2]
            if not upgrades.come(lambda: self._upgrade(rest)):
                self.transport.pause_reading()

        def _upgrade(self, rest: bytes) -> None:
            if self.transport.is_closing():
                return
            super().handle_websocket_upgrade()
            if not self.transport.is_closing():
                self.transport.resume_reading()
            after: Any = self.transport.get_protocol()
            if isinstance(after, WSProtocol):
                if self._door is not None:
                    after.came_by(self._door)
                if rest:
                    after.data_received(rest)

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.scope["extensions"] = {EXTENSION: self._door}  # type: ignore[dict-item]

        def on_headers_complete(self) -> None:
            self._forget()
            self._headed = True
            if len(self.pipeline) >= MOST_PIPELINED:
                self.transport.abort()
                return
            super().on_headers_complete()

        def on_body(self, body: bytes) -> None:
            if self.cycle.response_complete:
                self._rest += len(body)
                if self._rest > bounds.message_bytes:
                    self.transport.abort()
                    return
            super().on_body(body)

        def on_message_complete(self) -> None:
            self._complete = True
            super().on_message_complete()

        # ---- what is answered

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._rest = 0
            if not self._complete and not self.pipeline:
                self._wait()  # For the rest of a body that nobody waits for.

        def pause_writing(self) -> None:
            super().pause_writing()
            if self._unread is None:
                self._unread = self.loop.call_later(UNREAD_SECONDS, self.transport.abort)

        def resume_writing(self) -> None:
            super().resume_writing()
            if self._unread is not None:
                self._unread.cancel()
                self._unread = None

        def _wait(self) -> None:
            """For what has to come now; a wait that has begun already goes on."""
            if self._patience is None:
                self._patience = self.loop.call_later(bounds.handshake_seconds, self.transport.abort)

        def _forget(self) -> None:
            if self._patience is not None:
                self._patience.cancel()
                self._patience = None

    return LimitedHttpProtocol
