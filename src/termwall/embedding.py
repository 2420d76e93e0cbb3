"""For an application that mounts termwall and is served by uvicorn: a WebSocket that bounds what it answers by itself.

`uvicorn.Config(app, ws="termwall.embedding:WebSocket")`. uvicorn answers pings without asking the application, and
writes these answers also for a client that reads nothing. `termwall serve` has an edge of its own and does not need it.
"""

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class WebSocket(WebSocketsSansIOProtocol):
    """uvicorn's, but of pings whose answers wait for a full socket the newest is answered, as RFC 6455 has it (L7)."""

    _pong: bytes | None = None

    def handle_ping(self) -> None:
        """uvicorn's: the library has written the answers to all pings that came at once."""
        answers = self.conn.data_to_send()
        if self.writable.is_set():
            self.transport.write(b"".join(answers))
        elif answers:
            self._pong = answers[-1]

    def resume_writing(self) -> None:
        """The transport's: the socket has room."""
        super().resume_writing()
        pong, self._pong = self._pong, None
        if pong is not None and not self.close_sent and not self.transport.is_closing():
            self.transport.write(pong)
