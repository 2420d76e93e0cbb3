"""Frames between the server and its holder or screen worker, over a stream socket: a JSON header and a body of bytes.

    u32 header length | u32 body length | header | body          (big-endian)

JSON and not pickle, because a worker that hostile output has taken over must not be able to make the server run code.
"""

import json
import struct
from typing import Any

_LENGTHS = struct.Struct(">II")
MAX_HEADER = 4 << 20
"""Bytes of a header. Events of one feed are far below it; more means that the other side has gone mad."""
MAX_BODY = 256 << 20
"""Bytes of a body: a checkpoint and a picture of the widest screens with all their scrollback."""

Unpacked = tuple[dict[str, Any], bytes]


class BadFrame(Exception):
    """The other side does not keep to the format."""


def pack(header: dict[str, Any], body: bytes = b"") -> bytes:
    """One frame."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((_LENGTHS.pack(len(text), len(body)), text, body))


class Unpacker:
    """Takes bytes as they come and gives whole frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[Unpacked]:
        """The frames that are complete with these bytes.

        Raises:
            BadFrame: they make no sense.
        """
        buffer = self._buffer
        buffer += data
        frames: list[Unpacked] = []
        place = 0
        while len(buffer) - place >= _LENGTHS.size:
            header_length, body_length = _LENGTHS.unpack_from(buffer, place)
            if header_length > MAX_HEADER or body_length > MAX_BODY:
                raise BadFrame(f"a frame of {header_length} and {body_length} bytes")
            start = place + _LENGTHS.size
            stop = start + header_length + body_length
            if len(buffer) < stop:
                break
            try:
                header = json.loads(buffer[start : start + header_length])
            except (ValueError, RecursionError) as error:
                raise BadFrame(f"a header that is not JSON: {error}") from None
            if not isinstance(header, dict):
                raise BadFrame("a header that is no object")
            frames.append((header, bytes(buffer[start + header_length : stop])))
            place = stop
        del buffer[:place]
        return frames
