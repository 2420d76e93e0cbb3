"""One contract for every edge that carries a WebSocket: `termwall serve`'s own, and any ASGI server's."""

import asyncio
import base64
import contextlib
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from termwall.config import Settings
from termwall.transport.picows_edge import close_answer
from tests.support.asgi import mounted
from tests.support.descriptors import descriptors
from tests.support.server import Server, running

MESSAGE_BYTES = 65536


@dataclass
class Edge:
    """A running server of one kind."""

    port: int
    token: str
    project: str
    session: str
    pid: int
    early: bool = False
    """Whether it keeps what comes in one packet with the handshake."""

    @property
    def bearer(self) -> dict[str, str]:
        """The owner's header."""
        return {"Authorization": f"Bearer {self.token}"}

    def url(self, query: str = "") -> str:
        """The WebSocket's address."""
        return f"ws://127.0.0.1:{self.port}/ws/terminal?projectId={self.project}{query}"

    def connect(self, query: str = "", **options: Any) -> Any:
        """A client's connection."""
        options.setdefault("additional_headers", self.bearer)
        return connect(self.url(query), compression=None, proxy=None, max_size=None, **options)


def prepare(base: str, token: str, folder: Path) -> tuple[str, str]:
    """A project with one focused session that echoes lines."""
    with httpx2.Client(base_url=base, headers={"authorization": f"Bearer {token}"}, trust_env=False) as http:
        project = http.post("/api/projects", json={"path": str(folder)}).json()["id"]
        session = http.post(f"/api/projects/{project}/sessions", json={"command": ["cat"]}).json()["id"]
        http.put("/api/terminal/focus", json={"projectId": project, "sessionId": session})
    return project, session


@pytest.fixture(scope="module")
def picows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with its own edge for all tests: each has a project of its own there."""
    options = {"TERMWALL_MESSAGE_BYTES": str(MESSAGE_BYTES), "TERMWALL_HANDSHAKE_SECONDS": "1"}
    with running(tmp_path_factory.mktemp("edges") / "data", env=options) as server:
        yield server


@pytest.fixture(params=["picows", "asgi"])
def edge(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Edge]:
    """Both edges, each under its own server."""
    if request.param == "picows":
        server: Server = request.getfixturevalue("picows")
        project, session = prepare(server.base, server.token, tmp_path)
        yield Edge(server.port, server.token, project, session, server.pid, early=True)
        assert not server.tracebacks(), server.tracebacks()
        assert server.call("DELETE", f"/api/projects/{project}").status_code == 204
        return
    settings = Settings(data_dir=tmp_path / "data", token="a-test-token", message_bytes=MESSAGE_BYTES, outlive=False)
    with mounted(settings) as port:
        project, session = prepare(f"http://127.0.0.1:{port}", "a-test-token", tmp_path)
        yield Edge(port, "a-test-token", project, session, os.getpid())


async def first(ws: ClientConnection) -> dict[str, Any]:
    """The first message."""
    return dict(json.loads(await asyncio.wait_for(ws.recv(), 10)))


async def until(ws: ClientConnection, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The first JSON message for which the condition holds."""
    async with asyncio.timeout(10):
        while True:
            data = await ws.recv()
            if isinstance(data, str) and condition(message := json.loads(data)):
                return dict(message)


async def closed(ws: ClientConnection) -> tuple[int, str]:
    """Reads to the end; the close code and reason."""
    async with asyncio.timeout(10):
        try:
            while True:
                await ws.recv()
        except ConnectionClosed as error:
            assert error.rcvd is not None
            return error.rcvd.code, error.rcvd.reason


@pytest.mark.parametrize(
    ("offered", "chosen", "binary"),
    [
        (["termwall.v1"], "termwall.v1", True),
        (["termwall.v1.json"], "termwall.v1.json", False),
        (None, None, False),
        (["other", "termwall.v1.json", "termwall.v1"], "termwall.v1.json", False),
    ],
)
async def test_W2_subprotocols(edge: Edge, offered: Any, chosen: str | None, binary: bool) -> None:
    async with edge.connect(subprotocols=offered) as ws:
        assert ws.subprotocol == chosen
        assert (await first(ws))["type"] == "connection_status"
        await ws.send(json.dumps({"type": "input", "sessionId": edge.session, "data": "hello\r"}))
        seen = ""
        async with asyncio.timeout(10):
            while seen.count("hello") < 2:
                data = await ws.recv()
                if isinstance(data, bytes):
                    assert binary
                    seen += data.decode("latin-1")
                elif (message := json.loads(data))["type"] == "stream":
                    assert not binary
                    seen += message["data"]


async def test_W4_the_first_message_has_it_all(edge: Edge) -> None:
    async with edge.connect("&clientId=me") as ws:
        status = await first(ws)
    assert (status["type"], status["status"], status["clientId"]) == ("connection_status", "connected", "me")
    assert status["focusedSessions"] == [edge.session]
    assert {"version", "epoch", "heartbeatInterval", "sessions", "limits", "role"} <= set(status)
    assert status["limits"]["messageBytes"] == MESSAGE_BYTES


async def test_W6_a_heartbeat_is_echoed(edge: Edge) -> None:
    async with edge.connect() as ws:
        await ws.send('{"type":"heartbeat","timestamp":1234.5,"requestId":"h"}')
        answer = await until(ws, lambda m: m["type"] == "heartbeat")
        assert (answer["echo"], answer["requestId"]) == (1234.5, "h")


async def test_W8_malformed_messages_leave_the_connection_alive(edge: Edge) -> None:
    async with edge.connect() as ws:
        for text in ("", "{", "[]", '{"type":1}', '{"type":"nope"}', '{"type":"resize"}', "\x00"):
            await ws.send(text)
            assert (await until(ws, lambda m: m["type"] == "error"))["code"] in (
                "bad_message",
                "unknown_type",
                "invalid",
            )
        for frame in (b"", b"\x01", b"\x10\x05ab", b"\xff" * 40):
            await ws.send(frame)
            assert (await until(ws, lambda m: m["type"] == "error"))["code"] in ("bad_message", "invalid")
        await ws.send('{"type":"heartbeat"}')
        await until(ws, lambda m: m["type"] == "heartbeat")


async def test_W9_too_large_a_message_closes_with_1009(edge: Edge) -> None:
    async with edge.connect() as ws:
        await ws.send("x" * MESSAGE_BYTES)
        assert (await until(ws, lambda m: m["type"] == "error"))["code"] == "bad_message"
        await ws.send("x" * (MESSAGE_BYTES + 1))
        assert (await closed(ws))[0] == 1009
    async with edge.connect() as ws:
        await ws.send(["x" * 40_000, "y" * 40_000])
        assert (await closed(ws))[0] == 1009


async def test_W8_fragments_are_one_message(edge: Edge) -> None:
    async with edge.connect() as ws:
        await ws.send(['{"type":"heart', "", 'beat","time', 'stamp":7}'])
        assert (await until(ws, lambda m: m["type"] == "heartbeat"))["echo"] == 7


async def test_X4_many_fragments_cost_no_more_than_their_bytes(edge: Edge) -> None:
    async with edge.connect() as ws:
        await ws.send(['{"type":', *([""] * 500), *'"heartbeat"', ',"timestamp":8}'])
        assert (await until(ws, lambda m: m["type"] == "heartbeat"))["echo"] == 8
        await ws.send([b"\x10", b"", bytes((len(edge.session),)) + edge.session.encode(), b"\0\0\0\1", b"in parts\r"])
        assert (await until(ws, lambda m: m["type"] == "input_ack"))["seq"] == 1


async def test_W9_an_address_with_too_many_fields_is_told(edge: Edge) -> None:
    async with edge.connect("&" + "&".join(f"a{number}=1" for number in range(40))) as ws:
        assert await closed(ws) == (1008, "The address has too many fields")


async def test_W9_a_clients_close_is_answered(edge: Edge) -> None:
    for code in (1000, 1001, 4000):
        ws = await edge.connect()
        await first(ws)
        await ws.close(code)
        assert ws.protocol.close_rcvd is not None
        assert ws.protocol.close_rcvd.code in (code, 1000)


async def test_W6_a_ping_is_answered(edge: Edge) -> None:
    async with edge.connect() as ws:
        await asyncio.wait_for(await ws.ping(b"are you there"), 10)


async def test_W9_who_is_not_signed_in_can_read_why(edge: Edge) -> None:
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Cookie": "termwall_00000000=x"}):
        async with edge.connect(additional_headers=headers) as ws:
            assert await closed(ws) == (4401, "Not signed in")


async def test_W9_an_unknown_project_is_4404(edge: Edge) -> None:
    for query in ("projectId=nope", ""):
        url = f"ws://127.0.0.1:{edge.port}/ws/terminal?{query}"
        async with connect(url, additional_headers=edge.bearer, proxy=None) as ws:
            assert (await closed(ws))[0] == 4404


async def test_X2_a_foreign_origin_or_host_is_http_403(edge: Edge) -> None:
    cases = [
        {**edge.bearer, "Origin": "http://evil.example"},
        {**edge.bearer, "Origin": "null"},
        {**edge.bearer, "Origin": f"http://127.0.0.1:{edge.port + 1}"},
    ]
    for headers in cases:
        with pytest.raises(InvalidStatus) as caught:
            async with edge.connect(additional_headers=headers):
                pass
        assert caught.value.response.status_code == 403
    raw = await handshake(edge, host="evil.example")
    assert raw.startswith(b"HTTP/1.1 403")


async def test_X2_a_cookie_needs_an_origin(edge: Edge) -> None:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{edge.port}", trust_env=False) as http:
        answer = await http.get(f"/?token={edge.token}")
    cookie = answer.headers["set-cookie"].partition(";")[0]
    with pytest.raises(InvalidStatus):
        async with edge.connect(additional_headers={"Cookie": cookie}):
            pass
    origin = f"http://127.0.0.1:{edge.port}"
    async with edge.connect(additional_headers={"Cookie": cookie, "Origin": origin}) as ws:
        assert (await first(ws))["type"] == "connection_status"


async def test_W3_one_viewer_leaving_hurts_no_other(edge: Edge) -> None:
    async with edge.connect("&clientId=same") as one:
        await first(one)
        two = await edge.connect("&clientId=same")
        two.transport.abort()
        await one.send(json.dumps({"type": "input", "sessionId": edge.session, "data": "still\r"}))
        await until(one, lambda m: m["type"] == "stream" and "still" in m["data"])


@pytest.mark.parametrize("subprotocol", ["termwall.v1", "termwall.v1.json"])
async def test_S5_a_client_that_reads_in_fits_gets_whole_messages(edge: Edge, subprotocol: str) -> None:
    """Found once: with a full socket, picows 2.3.1 lets the next small message overwrite a waiting large one's head."""
    headers = edge.bearer
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{edge.port}", headers=headers, trust_env=False) as http:
        body = {"command": ["sh", "-c", "stty raw -echo; read x; seq 100000000 900000000"]}
        session = (await http.post(f"/api/projects/{edge.project}/sessions", json=body)).json()["id"]
        await http.put("/api/terminal/focus", json={"projectId": edge.project, "sessionId": session})
        options = {"subprotocols": [subprotocol], "max_queue": 1, "close_timeout": 0.5}
        async with edge.connect("", **options) as ws:
            await http.post(f"/api/sessions/{session}/input", json={"data": "\n"})
            heartbeats = 0
            for _ in range(2):
                for _ in range(15):
                    # Nothing is read or acknowledged meanwhile, so the socket fills; the answers wait behind output.
                    await ws.send('{"type":"heartbeat"}')
                    await asyncio.sleep(0.02)
                for _ in range(200):
                    data = await asyncio.wait_for(ws.recv(), 10)
                    heartbeats += isinstance(data, str) and json.loads(data)["type"] == "heartbeat"
            assert heartbeats > 8
        await http.delete(f"/api/sessions/{session}")


async def handshake(edge: Edge, *, host: str = "", pieces: int = 1, more: bytes = b"", later: bytes = b"") -> bytes:
    """A handshake by hand, cut into pieces, with more bytes in its last packet or after the answer; what comes back."""
    key = base64.b64encode(os.urandom(16)).decode()
    head = (
        f"GET /ws/terminal?projectId={edge.project} HTTP/1.1\r\nHost: {host or f'127.0.0.1:{edge.port}'}\r\n"
        f"Authorization: Bearer {edge.token}\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode() + more
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    size = len(head) // pieces + 1
    for start in range(0, len(head), size):
        writer.write(head[start : start + size])
        await writer.drain()
        await asyncio.sleep(0.01)
    got = b""
    try:
        async with asyncio.timeout(20):
            while data := await reader.read(65536):
                got += data
                if later and b'"connection_status"' in got:
                    writer.write(later)
                    later = b""
                if b'"heartbeat"' in got:
                    break
    except TimeoutError:
        pass
    writer.close()
    return got


async def test_W1_a_split_head_and_a_first_frame_in_its_packet(edge: Edge) -> None:
    text = b'{"type":"heartbeat","timestamp":99}'
    mask = b"\x01\x02\x03\x04"
    frame = bytes((0x81, 0x80 | len(text))) + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(text))
    for pieces, together in ((1, True), (7, True), (7, False)):
        if together and not edge.early:
            continue  # A client may not send before the answer; uvicorn's own WebSockets drop what came.
        got = await handshake(edge, pieces=pieces, **({"more": frame} if together else {"later": frame}))
        assert got.startswith(b"HTTP/1.1 101")
        assert b'"connection_status"' in got
        assert b'"echo":99' in got


async def test_W9_an_unmasked_frame_ends_the_connection(edge: Edge) -> None:
    got = await handshake(edge, later=b"\x81\x02hi")
    assert b"\x03\xea" in got, "close 1002"


async def test_500_connects_and_disconnects_leave_nothing_behind(edge: Edge) -> None:
    async def visit(number: int) -> None:
        query = f"&sessionId={edge.session}" if number % 3 == 0 else f"&clientId=c{number}&resume=1"
        ws = await edge.connect(query, subprotocols=["termwall.v1"] if number % 2 else None)
        await first(ws)
        if number % 2:
            ws.transport.abort()
        else:
            await ws.close()

    async with edge.connect() as ws:
        await first(ws)
        await visit(0)
        before = descriptors(edge.pid)
        for start in range(0, 500, 25):
            await asyncio.gather(*(visit(start + index) for index in range(25)))
        async with asyncio.timeout(10):
            while not descriptors(edge.pid) <= before:
                await asyncio.sleep(0.02)
        async with httpx2.AsyncClient(headers=edge.bearer, trust_env=False) as http:
            text = (await http.get(f"http://127.0.0.1:{edge.port}/metrics")).text
        assert "termwall_connections 1.0" in text
        await ws.send('{"type":"heartbeat"}')
        await until(ws, lambda m: m["type"] == "heartbeat")


@pytest.fixture
async def served(tmp_path: Path) -> AsyncIterator[Server]:
    """`termwall serve` alone."""
    server = Server(tmp_path / "data", env={"TERMWALL_HANDSHAKE_SECONDS": "0.3"}).start()
    yield server
    server.end()


async def test_X4_a_handshake_that_does_not_come_is_ended(served: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(b"GET /ws/terminal HTTP/1.1\r\nHost: 127")
    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()


async def test_X4_a_second_head_has_limited_time_too(served: Server) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    health = f"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n\r\n".encode()
    got = b""
    for _ in range(2):  # A connection that is used goes on.
        writer.write(health)
        while not got.endswith(b"}"):
            got += await asyncio.wait_for(reader.read(65536), 10)
        assert got.startswith(b"HTTP/1.1 200")
        got = b""
    end = time.monotonic() + 10
    with contextlib.suppress(ConnectionError):
        for byte in b"GET /api/health HTTP/1.1\r\nX-Slow: " + b"x" * 10_000:
            assert time.monotonic() < end, "a head that drips is ended"
            writer.write(bytes((byte,)))
            await writer.drain()
            if reader.at_eof():
                break
            await asyncio.sleep(0.05)
    writer.close()


async def test_X8_connections_that_come_at_once_outlive_the_deadline_of_their_handshakes(
    served: Server, tmp_path: Path
) -> None:
    """As all clients' do when the server is there again: they wait for their turns (L6), and then are there to stay."""
    project, _ = prepare(served.base, served.token, tmp_path)
    edge = Edge(served.port, served.token, project, "", served.pid)
    sockets = await asyncio.gather(*(edge.connect() for _ in range(20)))
    await asyncio.sleep(0.5)
    for ws in sockets:
        await ws.send('{"type":"heartbeat"}')
        await until(ws, lambda m: m["type"] == "heartbeat")
        await ws.close()
    assert not served.tracebacks(), served.tracebacks()


async def test_W9_a_server_that_stops_says_come_again(served: Server, tmp_path: Path) -> None:
    project, _ = prepare(served.base, served.token, tmp_path)
    edge = Edge(served.port, served.token, project, "", served.pid)
    async with edge.connect() as ws:
        await first(ws)
        begin = time.monotonic()
        assert served.process is not None
        served.process.send_signal(signal.SIGTERM)
        assert (await closed(ws))[0] == 1012
    assert await asyncio.to_thread(served.stop) == 0
    assert time.monotonic() - begin < 10
    assert not served.tracebacks(), served.tracebacks()


async def test_case_hardening_L6_a_client_is_who_its_token_says(edge: Edge) -> None:
    async with httpx2.AsyncClient(
        base_url=f"http://127.0.0.1:{edge.port}", headers=edge.bearer, trust_env=False
    ) as http:
        made = [
            (await http.post("/api/tokens", json={"name": name, "role": role, "projectId": edge.project})).json()
            for name, role in (("Mia", "type"), ("Jo", "type"), ("Guest", "view"))
        ]

    def connect_as(number: int) -> Any:
        return edge.connect("&clientId=page", additional_headers={"Authorization": f"Bearer {made[number]['token']}"})

    async with connect_as(0) as mia, connect_as(1) as jo, connect_as(2) as guest, edge.connect("&clientId=o") as owner:
        assert [(await first(ws))["clientId"] for ws in (mia, jo, guest, owner)] == ["page", "page", "page", "o"]
        await mia.send(json.dumps({"type": "drive", "sessionId": edge.session}))
        seen = [(await until(ws, lambda one: bool(one.get("driver"))))["driver"]["clientId"] for ws in (mia, jo, owner)]
        assert seen[0] == "page"
        assert seen[1] == seen[2] != "page"
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{edge.port}", trust_env=False) as http:
            for bearer, read in ((made[0]["token"], seen[0]), (made[1]["token"], seen[1]), (edge.token, seen[2])):
                for path in (f"/api/projects/{edge.project}/sessions", f"/api/sessions/{edge.session}"):
                    answer = (await http.get(path, headers={"Authorization": f"Bearer {bearer}"})).json()
                    driver = answer.get("sessions", [answer])[0]["driver"]
                    assert driver == {"clientId": read, "name": "Mia"}, "by whatever way it is asked"
        for ws, seq in ((mia, 1), (jo, 1), (jo, 2), (mia, 2)):
            await ws.send(json.dumps({"type": "input", "sessionId": edge.session, "data": "x", "seq": seq}))
            assert (await until(ws, lambda one: one["type"] == "input_ack"))["seq"] == seq
        for name in ("Jo", "Mia"):
            await until(owner, lambda one, name=name: (one.get("driver") or {}).get("name") == name)
        await mia.close()
        await until(owner, lambda one: one["type"] == "session_update" and one.get("driver", "") is None)


@pytest.mark.parametrize(
    ("code", "answer"),
    [(1000, 1000), (0, 1000), (1005, 1002), (1006, 1002), (1015, 1002), (2999, 1002), (4999, 4999), (65535, 1002)],
)
def test_W9_a_close_code_that_is_none_is_not_sent_back(code: int, answer: int) -> None:
    assert close_answer(code) == answer
