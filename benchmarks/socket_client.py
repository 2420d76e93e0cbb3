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
        self._buffer = bytearray()
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        status, _, rest = bytes(self._buffer).partition(b"\r\n\r\n")
        if b" 101 " not in status.split(b"\r\n")[0] + b" ":
            raise RuntimeError(status.decode())
        self._buffer = bytearray(rest)

    def _more(self) -> None:
        data = self.socket.recv(1 << 18)
        if not data:
            raise RuntimeError("the server closed the connection")
        self._buffer += data

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

    def frames(self) -> Iterator[tuple[bool, bytes]]:
        while True:
            buffer, place = self._buffer, 0
            while len(buffer) - place >= 2:
                size, start = buffer[place + 1], place + 2
                if size == 126:
                    start += 2
                elif size == 127:
                    start += 8
                if len(buffer) < start:
                    break
                if size > 125:
                    size = int.from_bytes(buffer[place + 2 : start], "big")
                if len(buffer) < start + size:
                    break
                opcode = buffer[place] & 15
                payload = bytes(memoryview(buffer)[start : start + size])
                place = start + size
                if opcode == 8:
                    raise RuntimeError(f"closed: {payload!r}")
                if opcode in (1, 2):
                    self._buffer = bytearray(memoryview(buffer)[place:])
                    buffer, place = self._buffer, 0
                    yield opcode == 2, payload
                    buffer, place = self._buffer, 0
            del buffer[:place]
            self._more()

    def close(self) -> None:
        self.socket.close()
