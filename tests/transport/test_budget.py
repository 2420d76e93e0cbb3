"""What a connection and a token may send, over real sockets and HTTP (L7)."""

import asyncio
import base64
import os
import select
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.types import Message

from termwall.app import Termwall, create_app
from termwall.config import Settings
from tests.support.server import Server, running

TOKEN = "a-test-token"
MANY_BYTES = 16 << 20
"""More than the kernel keeps of what a small socket sends and nobody reads."""
BLOCKED_SECONDS = 0.5


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One for all tests: each has a project of its own there."""
    with running(tmp_path_factory.mktemp("budget") / "data") as one:
        yield one


def dial(server: Server, project: str, token: str = "") -> socket.socket:
    """A WebSocket by hand, its handshake done, with little room in the kernel."""
    one = socket.socket()
    for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
        one.setsockopt(socket.SOL_SOCKET, option, 32 << 10)
    one.settimeout(10)
    one.connect(("127.0.0.1", server.port))
    key = base64.b64encode(os.urandom(16)).decode()
    one.sendall(
        (
            f"GET /ws/terminal?projectId={project} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n"
            f"Authorization: Bearer {token or server.token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
        ).encode()
    )
    got = b""
    while b"connection_status" not in got:
        got += one.recv(4096)
    one.setblocking(False)
    return one


def frame(payload: bytes, opcode: int, fin: bool = True) -> bytes:
    """A small frame; a mask of zeros is a legal one."""
    return bytes(((0x80 if fin else 0) | opcode, 0x80 | len(payload))) + bytes(4) + payload


def sent_until_blocked(one: socket.socket, data: bytes) -> int:
    """How much the server's side takes before it takes no more."""
    sent, view = 0, memoryview(data)
    while sent < MANY_BYTES and select.select([], [one], [], BLOCKED_SECONDS)[1]:
        try:
            sent += one.send(view[sent % len(data) :])
        except BlockingIOError:
            continue
    return sent


FLOODS = {
    "ping": frame(b"", 9),
    "pong": frame(b"", 10),
    "empty_fragments": frame(b"x", 1, fin=False) + frame(b"", 0, fin=False) * 5_000 + frame(b"", 0),
    "no_json": frame(b"{", 1),
    "forbidden": frame(b'{"type":"seen"}', 1),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_case_hardening_X3_what_a_client_sends_without_reading_waits_in_its_own_socket(
    server: Server, tmp_path: Path, flood: str
) -> None:
    project = server.project(tmp_path)
    view = server.call("POST", "/api/tokens", {"name": "view", "role": "view", "projectId": project}).json()["token"]
    before = resident(server.pid)
    with dial(server, project, view) as one, dial(server, project) as other:
        data = FLOODS[flood]
        sent = sent_until_blocked(one, data * (65_536 // len(data) + 1))
        assert sent < MANY_BYTES, "the server reads on"
        assert resident(server.pid) - before < 8 << 20
        other.send(frame(b'{"type":"heartbeat","requestId":"here"}', 1))
        assert until_text(other, b'"here"'), "nobody else is hurt"


def test_case_hardening_X3_of_many_pings_the_last_is_answered(server: Server, tmp_path: Path) -> None:
    with dial(server, server.project(tmp_path)) as one:
        one.send(b"".join(frame(b"%d" % number, 9) for number in range(300)))
        answers = until_text(one, frame(b"299", 10)[:1] + b"\x03299")
        assert answers.endswith(b"\x8a\x03299")


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def until_text(one: socket.socket, text: bytes) -> bytes:
    """What comes, up to a text."""
    got = b""
    while text not in got:
        assert select.select([one], [], [], 10)[0], got[-200:]
        got += one.recv(1 << 16)
    return got


@pytest.fixture
async def http(tmp_path: Path) -> AsyncIterator[Callable[[str], httpx2.AsyncClient]]:
    """Clients of an application whose tokens may call five times a second."""
    app = create_app(Settings(data_dir=tmp_path, token=TOKEN, calls_per_second=5, outlive=False))
    termwall: Termwall = app.state.termwall
    clients: list[httpx2.AsyncClient] = []

    def make(token: str) -> httpx2.AsyncClient:
        headers = {"authorization": f"Bearer {token}"}
        transport = httpx2.ASGITransport(app=app)
        clients.append(httpx2.AsyncClient(transport=transport, base_url="http://localhost", headers=headers))
        return clients[-1]

    yield make
    for client in clients:
        await client.aclose()
    await termwall.service.close()


async def test_L7_calls_of_a_token_wait_for_their_turn_and_too_many_are_refused(
    http: Callable[[str], httpx2.AsyncClient],
) -> None:
    owner = http(TOKEN)
    made = await owner.post("/api/tokens", json={"name": "them", "role": "view"})
    theirs = http(made.json()["token"])
    answers = await asyncio.gather(*(theirs.get("/api/projects") for _ in range(60)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.status_code for answer in answers} == {200, 429}
    assert len(answers) - len(refused) >= 20, "as many as may come at once"
    assert all(answer.json()["code"] == "rate_limited" for answer in refused)
    assert all(answer.headers["retry-after"] == "1" for answer in refused)
    assert (await owner.get("/api/projects")).status_code == 200, "another token is not touched"


async def test_case_hardening_L6_under_asgi_one_connection_begins_in_each_turn_of_the_loop(tmp_path: Path) -> None:
    """Only the built-in server held that; to describe a project's sessions takes milliseconds."""
    app = create_app(Settings(data_dir=tmp_path, token=TOKEN, outlive=False))
    termwall: Termwall = app.state.termwall
    service, loop, begun = termwall.service, asyncio.get_running_loop(), list[float]()
    service.create_project(path=str(tmp_path), id="p")
    turn, connect, over = 0, service.connect, asyncio.Event()

    def count() -> None:
        nonlocal turn
        turn += 1
        if not over.is_set():
            loop.call_soon(count)

    def watched(*given: Any) -> Any:
        begun.append(turn)
        return connect(*given)

    async def receive(come: Iterator[str]) -> Message:
        kind = next(come, None)
        if kind is None:
            await over.wait()
            return {"type": "websocket.disconnect", "code": 1000}
        return {"type": kind}

    async def sent(message: Message) -> None:
        pass

    service.connect = watched  # type: ignore[method-assign]
    loop.call_soon(count)
    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {TOKEN}".encode())]
    scope = {"type": "websocket", "scheme": "ws", "path": "/ws/terminal", "query_string": b"projectId=p"}
    scope |= {"headers": headers, "subprotocols": [], "root_path": "", "asgi": {"version": "3.0"}}
    ways = [app(dict(scope), partial(receive, iter(["websocket.connect"])), sent) for _ in range(20)]
    serving = asyncio.gather(*ways)
    while len(begun) < 20:
        await asyncio.sleep(0)
    over.set()
    await serving
    await service.close()
    assert len(set(begun)) == 20, begun
