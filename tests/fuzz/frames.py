"""What the WebSocket fuzzer sends: messages of our wire with one thing wrong, and frames of every kind (RFC 6455)."""

import json
import os
import random
from collections.abc import Callable
from typing import Any

from tests.fuzz.values import HALF, LONG, NUL, NUMBERS, ODD, SHAPES, USERS

MESSAGES: tuple[dict[str, Any], ...] = (
    {"type": "focus", "sessionId": "s", "expectedVersion": 0, "focused": True},
    {"type": "focus", "sessionIds": ["s", "t"]},
    {"type": "blur", "sessionId": "s"},
    {"type": "input", "sessionId": "t", "data": "x", "seq": 1, "until": 5},
    {"type": "resize", "sessionId": "t", "data": {"cols": 80, "rows": 24}},
    {"type": "sync_request", "offsets": {"s": {"epoch": "e", "offset": 3}}},
    {"type": "heartbeat", "timestamp": 1},
    {"type": "ack", "sessionId": "s", "offset": 5},
    {"type": "preview", "sessionIds": ["s", "t"]},
    {"type": "drive", "sessionId": "t", "data": {"cols": 80, "rows": 24}},
    {"type": "seen", "sessionId": "s"},
    {"type": "keys", "sessionId": "s", "has": True},
    {
        "type": "theme",
        "data": {"scheme": "dark", "foreground": "#ffffff", "background": "#000000", "cursor": "#00ff00"},
    },
)
"""One of each kind. Sizes and input are for a session of their own (`t`): the watched one (`s`) is left alone."""
BAD = (*HALF, *NUL, *LONG, *USERS, *ODD, *NUMBERS, *SHAPES)
WORDS = (
    b"1e400",
    b"-1e400",
    b"NaN",
    b"Infinity",
    b"1" * 5000,
    b'"\\ud800"',
    b'"\xed\xa0\x80"',
    b"[" * 300,
    b"01",
    b"+1",
)
"""What stands for a value in JSON that is none, or that no float holds."""
TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10


def message(chance: random.Random) -> bytes:
    """A message with one thing wrong, or nothing."""
    found = json.loads(json.dumps(chance.choice(MESSAGES)))
    found["requestId"] = f"r{chance.randrange(1000)}"
    inner = [found, *(one for one in found.values() if isinstance(one, dict))]
    target = chance.choice(inner)
    name = chance.choice([*target, "x"])
    what = chance.randrange(7)
    if what == 0:
        target.pop(name, None)
    elif what == 1:
        target[str(chance.choice(BAD))] = target.pop(name, None)
    elif what < 4:
        target[name] = chance.choice(BAD)
    text = json.dumps(found).encode()
    if what == 4:
        wanted = json.dumps(target.get(name, 0)).encode()
        text = text.replace(wanted, chance.choice(WORDS), 1)
    elif what == 5:
        at = chance.randrange(len(text))
        text = text[:at] + os.urandom(chance.randrange(4)) + text[at + chance.randrange(3) :]
    return text


def input_frame(chance: random.Random) -> bytes:
    """A binary message: of our kinds or others, whole or cut."""
    kind = chance.choice((16, 17, 16, 17, 1, 2, chance.randrange(256)))
    name = chance.choice((b"t", b"t", b"s"[:0], b"nope", b"\xff", b"n" * 255))
    length = chance.choice((len(name), len(name), chance.randrange(256)))
    seq, until = chance.choice((0, 1, 2, 2**32 - 1)), chance.choice((0, 1, 2**63, 2**64 - 1))
    whole = bytes((kind, length)) + name + seq.to_bytes(4, "big") + until.to_bytes(8, "big") + b"x"
    return whole[: chance.choice((len(whole), len(whole), chance.randrange(len(whole) + 1)))]


def frame(
    kind: int, data: bytes, *, fin: bool = True, reserved: int = 0, masked: bool = True, size: int | None = None
) -> bytes:
    """A frame of RFC 6455. `size`: 0, 2 or 8 bytes that tell the length, else as few as it takes."""
    size = size if size is not None else 0 if len(data) < 126 else 2 if len(data) < 65536 else 8
    told = {0: len(data) & 127, 2: 126, 8: 127}[size]
    head = bytes((fin << 7 | reserved << 4 | kind, masked << 7 | told)) + (
        len(data).to_bytes(size, "big") if size else b""
    )
    if not masked:
        return head + data
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def fragments(chance: random.Random, kind: int, data: bytes) -> bytes:
    """A message in pieces, with pings between them; perhaps without its end, or with another begun within."""
    cuts = sorted(chance.randrange(len(data) + 1) for _ in range(chance.randrange(1, 6)))
    pieces = [data[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]
    sent = b""
    for at, piece in enumerate(pieces):
        last = at == len(pieces) - 1
        sent += frame(0 if at else kind, piece, fin=last and chance.random() < 0.9)
        if chance.random() < 0.3:
            sent += frame(PING, b"between")
        if chance.random() < 0.05:
            sent += frame(kind, piece)
    return sent


def bytes_of(chance: random.Random) -> tuple[str, bytes]:
    """Something to send, and which kind it is of. Most leave the connection open."""
    kinds: tuple[tuple[int, str, Callable[[], bytes]], ...] = (
        (30, "message", lambda: frame(TEXT, message(chance))),
        (12, "input", lambda: frame(BINARY, input_frame(chance))),
        (10, "fragments", lambda: fragments(chance, chance.choice((TEXT, BINARY)), message(chance))),
        (6, "ping", lambda: frame(PING, os.urandom(chance.randrange(126)))),
        (4, "pong", lambda: frame(PONG, os.urandom(chance.randrange(126)))),
        (3, "text of any bytes", lambda: frame(TEXT, os.urandom(chance.randrange(200)))),
        (3, "empty", lambda: frame(chance.choice((TEXT, BINARY)), b"")),
        (2, "long way to tell a length", lambda: frame(TEXT, b'{"type":"heartbeat"}', size=chance.choice((2, 8)))),
        (1, "continuation of nothing", lambda: frame(0, b"x")),
        (1, "large control frame", lambda: frame(chance.choice((PING, CLOSE)), os.urandom(200))),
        (1, "control frame in pieces", lambda: frame(PING, b"x", fin=False)),
        (1, "reserved bit", lambda: frame(TEXT, message(chance), reserved=chance.randrange(1, 8))),
        (1, "unknown kind", lambda: frame(chance.choice((3, 4, 7, 11, 15)), b"x")),
        (1, "unmasked", lambda: frame(TEXT, b'{"type":"heartbeat"}', masked=False)),
        (1, "too large", lambda: frame(TEXT, b" " * 70_000)),
        (1, "close", lambda: frame(CLOSE, _close_payload(chance))),
        (1, "half a frame", lambda: frame(TEXT, message(chance))[: chance.randrange(1, 9)]),
        (1, "no frame at all", lambda: os.urandom(chance.randrange(1, 60))),
    )
    _, name, make = chance.choices(kinds, [weight for weight, _, _ in kinds])[0]
    return name, make()


def _close_payload(chance: random.Random) -> bytes:
    code = chance.choice((0, 999, 1000, 1001, 1004, 1005, 1006, 1015, 2999, 3000, 4999, 65535)).to_bytes(2, "big")
    return chance.choice((b"", b"\x03", code, code + b"why", code + b"\xff", code + b"x" * 123))
