"""The WebSocket of `termwall serve` alone, before a real service, over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from websockets.frames import Frame, Opcode

from termwall.hub.budgets import TURN
from termwall.hub.connection import Connection
from termwall.transport.auth import Access
from termwall.transport.picows_edge import READ_BYTES, websocket_protocol
from tests.support.wall import Wall

HEAD = (
    "GET /ws/terminal?projectId=wall HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer token\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture
async def wall(tmp_path: Path) -> AsyncIterator[Wall]:
    """A service with one project."""
    wall = Wall(tmp_path)
    wall.session("a")
    yield wall
    await wall.service.close()


@pytest.fixture
async def port(wall: Wall) -> AsyncIterator[int]:
    """Where the edge listens."""
    protocol: Any = websocket_protocol(wall.service, Access("token", instance="ab"), wall.service.bounds)
    state = SimpleNamespace(connections=set())
    server = await asyncio.get_running_loop().create_server(lambda: protocol(None, state, None), "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


def text(**message: Any) -> bytes:
    """A client's frame."""
    return Frame(Opcode.TEXT, json.dumps(message).encode()).serialize(mask=True)


async def test_L7_few_messages_of_one_packet_are_handled_in_a_turn_and_all_in_their_order(
    wall: Wall, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn, handled, received = 0, list[tuple[int, str]](), Connection.received

    def next_turn() -> None:
        nonlocal turn
        turn += 1
        asyncio.get_running_loop().call_soon(next_turn)

    def counted(connection: Connection, data: bytes | str, *, binary: bool = False) -> None:
        handled.append((turn, json.loads(data).get("requestId", "")))
        received(connection, data, binary=binary)

    monkeypatch.setattr(Connection, "received", counted)
    next_turn()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD.format(port=port).encode())
    await reader.readuntil(b"\r\n\r\n")
    one = text(type="seen", sessionId="a", requestId="00")
    count = 4 * READ_BYTES // len(one)
    assert count > 4 * TURN
    sent = [f"{number:02}" for number in range(count)]
    writer.write(b"".join(text(type="seen", sessionId="a", requestId=name) for name in sent))
    writer.write(Frame(Opcode.CLOSE, (1000).to_bytes(2, "big")).serialize(mask=True))
    rest = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    assert [name for _, name in handled] == sent, "none is lost, and the close is answered behind them"
    assert rest.endswith(b"\x88\x02" + (1000).to_bytes(2, "big"))
    turns = [at for at, _ in handled]
    assert max(turns.count(at) for at in turns) <= TURN, "each counts as one, and so many have one turn"
