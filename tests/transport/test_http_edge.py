"""Which connections the edge lets go, and which not (X8). Real sockets."""

import asyncio
import contextlib
import socket
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from termwall.app import Termwall, create_app
from termwall.config import Settings
from termwall.core.limits import Bounds
from termwall.transport import http_edge
from termwall.transport.picows_edge import websocket_protocol

PIECE, PIECES = 64 << 10, 512
"""More than the kernel keeps."""


@pytest.mark.parametrize("reads", [False, True])
async def test_X8_who_reads_nothing_of_an_answer_is_let_go(monkeypatch: pytest.MonkeyPatch, reads: bool) -> None:
    ended = asyncio.Event()
    gone: list[str] = []

    async def answers(_: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number in range(PIECES):
            await send({"type": "http.response.body", "body": bytes(PIECE), "more_body": number < PIECES - 1})
        await receive()
        gone.append((await receive())["type"])
        ended.set()

    if not reads:  # Else what the machine takes for a moment could be taken for a client that reads nothing.
        monkeypatch.setattr(http_edge, "UNREAD_SECONDS", 0.05)
    config = uvicorn.Config(answers, http=http_edge.http_protocol(Bounds()), lifespan="off", log_config=None)
    config.load()
    state = ServerState()
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),  # type: ignore[arg-type]
        "127.0.0.1",
        0,
    )
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 10)
        client.setblocking(False)
        await loop.sock_connect(client, listening.sockets[0].getsockname())
        await loop.sock_sendall(client, b"GET / HTTP/1.1\r\nHost: here\r\n\r\n")
        if reads:
            got = 0
            while got < PIECE * PIECES:
                got += len(await loop.sock_recv(client, 1 << 20))
            client.close()
        await asyncio.wait_for(ended.wait(), 60)
    assert gone == ["http.disconnect"]
    listening.close()
    await listening.wait_closed()


async def test_X8_who_waits_for_its_turn_with_a_right_token_makes_room_for_no_stranger(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path, token="the-right-one", outlive=False, address_connections=8))
    termwall: Termwall = app.state.termwall
    http = http_edge.http_protocol(termwall.bounds, termwall.access.knows_sender)
    ws = websocket_protocol(termwall.service, termwall.access, termwall.bounds)
    config = uvicorn.Config(app, http=http, ws=ws, lifespan="off", log_config=None)  # type: ignore[arg-type]
    config.load()
    state, loop = ServerState(), asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: config.http_protocol_class(config=config, server_state=state, app_state={}),  # type: ignore[arg-type]
        "127.0.0.1",
        0,
    )
    place = listening.sockets[0].getsockname()
    head = (
        "GET /ws/terminal HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        "Authorization: Bearer the-right-one\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Key: {'A' * 22}==\r\n\r\n"
    )
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(place)) for _ in range(8)]
        async with asyncio.timeout(10):
            while len(state.connections) < len(clients):
                await asyncio.sleep(0)
        for client in clients:  # All of them before the loop has a turn.
            client.sendall(head.encode())
        for _ in range(8):
            stack.enter_context(socket.create_connection(place))
        for client in clients:
            client.setblocking(False)
            assert (await asyncio.wait_for(loop.sock_recv(client, 12), 10)) == b"HTTP/1.1 101"
    listening.close()
    await listening.wait_closed()
