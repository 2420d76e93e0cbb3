"""A WebSocket fuzzer: bad messages, frames of every kind, pieces, pings, halves, and clients that go without a word.

Whatever one connection sends, it is answered with an error of the table, or closed with a code of the table, and nobody
else notices: another client, the witness, types all the while, and its session has to print exactly that.
"""

import asyncio
import base64
import contextlib
import json
import os
import random
from collections import Counter
from dataclasses import dataclass, field

from websockets.asyncio.client import ClientConnection, connect

from termwall.core.errors import ERRORS, CloseCode
from tests.fuzz.frames import BINARY, CLOSE, PING, PONG, TEXT, bytes_of, frame

PATIENCE_SECONDS = 60.0
"""Until the server must have answered or closed: never needed, but by a machine that is very busy."""
LINE = "0123456789\n"
PRINTED = 2 * (len(LINE) + 1)
"""Bytes that a line prints: as it is typed, and as `cat` says it again, each with a carriage return."""
CODES = {code.value for code in ERRORS} - {"internal"}
CLOSES = {code.value for code in CloseCode} - {CloseCode.INTERNAL.value}
LIBRARY_CLOSES = {1003, 1007, 1009}
"""What the libraries that parse frames close with themselves."""


@dataclass
class Stand:
    """A server with the sessions `s`, watched, and `t`, of one project."""

    port: int
    token: str
    project: str


@dataclass
class Figures:
    """What was sent and what came of it."""

    connections: int = 0
    sent: "Counter[str]" = field(default_factory=Counter)
    errors: "Counter[str]" = field(default_factory=Counter)
    ends: "Counter[str]" = field(default_factory=Counter)
    seq: int = 0
    """Lines that the witness typed."""
    stop: asyncio.Event = field(default_factory=asyncio.Event)


async def fuzz(stand: Stand, number: int, connections: int, figures: Figures) -> None:
    """So many connections, eight at a time, with these random numbers; an AssertionError names the connection's."""
    waiting = asyncio.Semaphore(8)

    async def one(each: int) -> None:
        async with waiting:
            try:
                await asyncio.wait_for(_attack(stand, random.Random(each), figures), PATIENCE_SECONDS * 2)
            except Exception as error:
                raise AssertionError(f"connection {each}: {error!r}") from error

    began = await _printed(stand)
    async with _connected(stand, "&sessionId=s&clientId=witness") as ws:
        witness = asyncio.create_task(_witness(ws, figures))
        attacks = asyncio.gather(*(one(number * 1_000_000 + each) for each in range(connections)))
        await asyncio.wait((witness, attacks), return_when=asyncio.FIRST_COMPLETED)
        figures.stop.set()
        # What ends one ends both, and both are heard: an attack's own failure says which connection it was.
        ended = await asyncio.gather(attacks, witness, return_exceptions=True)
        typed = ended[1]
        for problem in ended:
            if isinstance(problem, BaseException):
                raise problem
        assert isinstance(typed, int)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while (printed := await _printed(stand) - began) < typed * PRINTED:
            await asyncio.sleep(0.05)
    assert printed == typed * PRINTED, "what the witness typed, and nothing else"


def _connected(stand: Stand, query: str) -> connect:
    url = f"ws://127.0.0.1:{stand.port}/ws/terminal?projectId={stand.project}{query}"
    bearer = {"Authorization": f"Bearer {stand.token}"}
    # No pings of the library's own: a machine that is very busy answers them too late for it.
    return connect(
        url,
        additional_headers=bearer,
        compression=None,
        proxy=None,
        max_size=None,
        open_timeout=PATIENCE_SECONDS,
        ping_interval=None,
    )


async def _printed(stand: Stand) -> int:
    """How many bytes the witness's session has printed."""
    async with _connected(stand, "&sessionId=s") as ws:
        found = json.loads(await asyncio.wait_for(ws.recv(), PATIENCE_SECONDS))
        return int(found["sessions"][0]["offset"])


async def _witness(ws: ClientConnection, figures: Figures) -> int:
    """Types lines, one after the other is acknowledged, until it shall stop. How many there were."""
    typed = 0
    while not figures.stop.is_set() or typed < 2:
        typed += 1
        await ws.send(json.dumps({"type": "input", "data": LINE, "seq": figures.seq + 1}))
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                found = json.loads(await ws.recv())
                assert found["type"] != "error", found
                if found["type"] == "stream":
                    await ws.send(json.dumps({"type": "ack", "offset": found["offset"]}))
                if found["type"] == "input_ack":
                    break
        figures.seq += 1
        await asyncio.sleep(0.02)
    figures.stop.clear()
    return typed


async def _attack(stand: Stand, chance: random.Random, figures: Figures) -> None:
    figures.connections += 1
    reader, writer = await asyncio.open_connection("127.0.0.1", stand.port)
    try:
        head = _handshake(stand, chance)
        if chance.random() < 0.04:  # It begins, and goes.
            writer.write(head[: chance.randrange(1, len(head))])
            figures.ends["half a handshake"] += 1
            return
        writer.write(head)
        answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), PATIENCE_SECONDS)
        assert answer.startswith(b"HTTP/1.1 101"), answer[:200]
        reading = asyncio.create_task(_read(reader, figures))
        for _ in range(chance.randrange(1, 25)):
            if reading.done():
                break
            name, data = bytes_of(chance)
            figures.sent[name] += 1
            writer.write(data)
            if chance.random() < 0.5:
                await asyncio.sleep(0)
        await _end(reading, writer, chance, figures)
    except ConnectionError:
        figures.ends["cut"] += 1
    finally:
        writer.transport.abort()


async def _end(
    reading: "asyncio.Task[str]", writer: asyncio.StreamWriter, chance: random.Random, figures: Figures
) -> None:
    how = chance.randrange(4)
    if how == 0:  # Without a word.
        figures.ends["left"] += 1
        reading.cancel()
        return
    if how == 1:  # The sending side alone.
        _end_sending(writer)
    else:
        writer.write(frame(CLOSE, (1000).to_bytes(2, "big")))
    # What was sent before may have begun a frame that takes this one in: then only the end of the socket ends it.
    done, _ = await asyncio.wait((reading,), timeout=0.3)
    if not done:
        _end_sending(writer)
        await asyncio.wait((reading,), timeout=PATIENCE_SECONDS)
    assert reading.done(), "the server neither answered nor closed"
    figures.ends[reading.result()] += 1


def _end_sending(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # The server has ended the connection already.
        writer.write_eof()


async def _read(reader: asyncio.StreamReader, figures: Figures) -> str:
    """What the server says until the end; how it ended."""
    try:
        while True:
            first, second = await reader.readexactly(2)
            assert first & 0x80, "the server sends no pieces"
            assert not first & 0x70, "no extension was agreed on"
            assert not second & 0x80, "a server masks nothing"
            size = second & 127
            if size > 125:
                size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
            data = await reader.readexactly(size)
            kind = first & 15
            assert kind in (TEXT, BINARY, CLOSE, PING, PONG), kind
            if kind == TEXT:
                _check(json.loads(data, parse_constant=_no_json), figures)
            if kind == CLOSE:
                code = int.from_bytes(data[:2], "big")
                known = CLOSES | LIBRARY_CLOSES
                assert not data or code in known or 3000 <= code < 5000, (code, data)
                data[2:].decode()
                return f"close {code}" if code in known else "close, as asked"
    except (asyncio.IncompleteReadError, ConnectionError):
        return "end"


def _check(found: dict[str, object], figures: Figures) -> None:
    if found["type"] == "error":
        code = found["code"]
        assert code in CODES, found
        assert len(str(found["data"])) < 1000, "what was sent is not sent back"
        figures.errors[str(code)] += 1


def _no_json(word: str) -> float:
    raise AssertionError(f"{word} is no JSON")


def _handshake(stand: Stand, chance: random.Random) -> bytes:
    protocol = chance.choice(("", "termwall.v1", "termwall.v1.json", "nope, termwall.v1"))
    query = chance.choice(
        ("", "&sessionId=t", "&resume=1", "&clientId=%ff%00&name=%ED%A0%80", "&scrollback=9999999999")
    )
    lines = [
        f"GET /ws/terminal?projectId={stand.project}{query} HTTP/1.1",
        f"Host: 127.0.0.1:{stand.port}",
        f"Authorization: Bearer {stand.token}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        *([f"Sec-WebSocket-Protocol: {protocol}"] if protocol else []),
    ]
    return "\r\n".join((*lines, "", "")).encode()
