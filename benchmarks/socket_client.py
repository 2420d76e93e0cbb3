"""A WebSocket client that costs little: a blocking socket, frames parsed in place. Not for use elsewhere."""

import base64
import json
import os
import socket
import struct
from collections.abc import Iterator
from typing import Any

ACK_BYTES = 16 << 10
TIMEOUT = 60


class WebSocket:
    """One connection; `frames` yields (is binary, payload)."""

    def __init__(self, port: int, path: str, *, subprotocol: str | None = None, token: str | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), TIMEOUT)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        head = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Upgrade: websocket", "Connection: Upgrade"]
        head += [f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}", "Sec-WebSocket-Version: 13"]
        head += [f"Sec-WebSocket-Protocol: {subprotocol}"] if subprotocol else []
        head += [f"Authorization: Bearer {token}"] if token else []
        self.socket.sendall("\r\n".join([*head, "", ""]).encode())
        self._buffer = bytearray(4 << 20)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        while (end := self._buffer.find(b"\r\n\r\n", 0, self._end)) < 0:
            self.more()
        if b" 101 " not in self._buffer[: self._buffer.index(b"\r\n")]:
            raise RuntimeError(self._buffer[:end].decode())
        self._start = end + 4

    def more(self) -> None:
        """Take what the socket has."""
        if self._start == self._end:
            self._start = self._end = 0
        elif len(self._buffer) - self._end < 1 << 20:
            rest = bytes(self._view[self._start : self._end])
            self._start, self._end = 0, len(rest)
            self._view[: self._end] = rest
        count = self.socket.recv_into(self._view[self._end :], 1 << 18)
        if not count:
            raise RuntimeError("the server closed the connection")
        self._end += count

    def send(self, data: bytes, opcode: int) -> None:
        # A mask of zeros is a legal one and costs nothing.
        head = (
            bytes((0x80 | opcode, 0x80 | len(data)))
            if len(data) < 126
            else struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, len(data))
        )
        self.socket.sendall(head + bytes(4) + data)

    def send_json(self, value: Any) -> None:
        self.send(json.dumps(value).encode(), 1)

    def frames(self) -> Iterator[tuple[bool, memoryview]]:
        """Whole messages; a payload is valid until the next one is asked for."""
        while True:
            yield from self.parsed()
            self.more()

    def parsed(self) -> Iterator[tuple[bool, memoryview]]:
        """The whole messages that are there."""
        buffer, view = self._buffer, self._view
        while self._end - self._start >= 2:
            start, size = self._start + 2, buffer[self._start + 1]
            more = {126: 2, 127: 8}.get(size, 0)
            if self._end < start + more:
                break
            if more:
                size = int.from_bytes(view[start : start + more], "big")
            start += more
            if self._end < start + size:
                break
            opcode = buffer[self._start] & 15
            self._start = start + size
            if opcode == 8:
                raise RuntimeError(f"closed: {bytes(view[start : start + size])!r}")
            if opcode in (1, 2):
                yield opcode == 2, view[start : start + size]

    def close(self) -> None:
        self.socket.close()
