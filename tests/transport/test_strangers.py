"""What who has no token can hold: no connection without an end, and few of them (X8)."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from termwall.core.limits import Bounds
from termwall.transport.body import BodyRefused, LimitedBody
from tests.support.descriptors import descriptors
from tests.support.server import Server, running

STRANGERS = 24
OF_ADDRESS = 12


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that waits 0.3 s for strangers, and has room for few."""
    env = {
        "TERMWALL_HANDSHAKE_SECONDS": "0.3",
        "TERMWALL_STRANGER_CONNECTIONS": str(STRANGERS),
        "TERMWALL_ADDRESS_CONNECTIONS": str(OF_ADDRESS),
    }
    with running(tmp_path_factory.mktemp("strangers") / "data", env=env) as server:
        yield server
        assert not server.tracebacks(), server.tracebacks()


@contextlib.asynccontextmanager
async def stranger(
    server: Server, address: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A connection from one of this machine's addresses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=(address, 0))
    try:
        yield reader, writer
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that comes until the server ends the connection."""
    got = b""
    with contextlib.suppress(ConnectionError):
        async with asyncio.timeout(15):
            while piece := await reader.read(65536):
                got += piece
    return got


def head(server: Server, line: str, *headers: str) -> bytes:
    """A request's head."""
    return "\r\n".join((f"{line} HTTP/1.1", f"Host: 127.0.0.1:{server.port}", *headers, "", "")).encode()


JSON = "Content-Type: application/json"
WRONG = "Authorization: Bearer nobodys"


@pytest.mark.parametrize(
    ("line", "headers", "begin", "status"),
    [
        ("POST /api/login", (JSON, "Content-Length: 100"), b"{", b"400"),
        ("POST /api/login", (JSON, "Transfer-Encoding: chunked"), b"1\r\n{\r\n", b"400"),
        ("POST /api/projects", (JSON, "Content-Length: 100"), b"", b"401"),
        ("POST /api/projects", (JSON, "Content-Length: 100"), b"{", b"401"),
        ("POST /api/projects", (JSON, "Content-Length: 100", WRONG), b"{", b"401"),
        ("POST /api/projects", (JSON, "Transfer-Encoding: chunked"), b"1\r\n{\r\n", b"401"),
        ("POST /api/login", (JSON, "Content-Length: 100", "Origin: https://evil.example"), b"{", b"403"),
        ("PUT /nothing", ("Content-Length: 100",), b"{", b"40"),
        ("GET /api/health", ("Content-Length: 100",), b"{", b"200"),
        ("GET /", ("Content-Length: 100",), b"", b"200"),
    ],
)
async def test_case_hardening_X2_a_body_that_never_ends_holds_nothing(
    served: Server, line: str, headers: tuple[str, ...], begin: bytes, status: bytes
) -> None:
    async with stranger(served) as (reader, writer):
        writer.write(head(served, line, *headers) + begin[:-1])
        await writer.drain()
        answered = asyncio.create_task(rest(reader))
        writer.write(begin[-1:])
        while not answered.done():  # It drips, as slowly as it likes.
            with contextlib.suppress(ConnectionError):
                writer.write(b" " if b"chunked" not in b"".join(h.encode() for h in headers) else b"1\r\n \r\n")
                await writer.drain()
            await asyncio.wait((answered,), timeout=0.1)
        assert answered.result().startswith(b"HTTP/1.1 " + status), answered.result()


async def test_case_hardening_X2_one_byte_after_a_refusal_keeps_no_connection(served: Server) -> None:
    async with stranger(served) as (reader, writer):
        writer.write(head(served, "POST /api/projects", JSON, "Content-Length: 2"))
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 401")
            writer.write(b"{")
            await writer.drain()
            assert await rest(reader) == b""


async def test_case_hardening_X2_a_refused_body_that_comes_leaves_the_connection_of_use(served: Server) -> None:
    async with stranger(served) as (reader, writer):
        for _ in range(2):
            writer.write(head(served, "POST /api/projects", JSON, "Content-Length: 2"))
            async with asyncio.timeout(10):
                assert (await reader.readuntil(b"}")).startswith(b"HTTP/1.1 401")
            writer.write(b"{}")
            await writer.drain()
        assert await rest(reader) == b"", "and it has an end all the same"


async def test_case_hardening_X2_a_body_before_sign_in_is_small(served: Server) -> None:
    async with httpx2.AsyncClient(base_url=served.base, trust_env=False) as http:
        big = b'{"token": "' + b"x" * 4096 + b'"}'
        whole = await http.post("/api/login", content=big, headers={"content-type": "application/json"})

        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(big), 1000):
                yield big[start : start + 1000]

        chunked = await http.post("/api/login", content=pieces(), headers={"content-type": "application/json"})
        for answer in (whole, chunked):
            assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
        assert (await http.post("/api/login", json={"token": served.token})).status_code == 204


async def test_case_hardening_X2_a_refused_body_is_not_read_for_ever(served: Server) -> None:
    async with stranger(served) as (_, writer):
        writer.write(head(served, "POST /api/projects", JSON, f"Content-Length: {1 << 30}"))
        sent = 0
        with contextlib.suppress(ConnectionError):
            while sent < 64 << 20:
                writer.write(b" " * 65536)
                await writer.drain()
                sent += 65536
        assert sent < 64 << 20, "far less is taken than was promised"


async def test_case_hardening_X2_requests_that_wait_for_others_are_few(served: Server) -> None:
    async with stranger(served) as (reader, writer):
        writer.write(head(served, "GET /api/projects") * 2000)
        assert (await rest(reader)).count(b"HTTP/1.1 ") < 100


async def test_case_hardening_X2_strangers_hold_few_connections_and_keep_nobody_out(served: Server) -> None:
    before = descriptors(served.pid)
    async with contextlib.AsyncExitStack() as stack:
        held = [
            await stack.enter_async_context(stranger(served, f"127.0.0.{2 + number // 40}")) for number in range(120)
        ]
        ends = [asyncio.create_task(reader.read(1)) for reader, _ in held]
        answer = await asyncio.to_thread(served.call, "GET", "/api/projects")
        assert answer.status_code == 200, "the owner comes in whoever holds what"
        assert len(descriptors(served.pid) - before) <= STRANGERS + 2
        _, waiting = await asyncio.wait(ends, timeout=0)
        assert len(waiting) <= STRANGERS
        with contextlib.suppress(ConnectionError):
            await asyncio.wait_for(asyncio.gather(*ends, return_exceptions=True), 15)
    newest = [index for index, end in enumerate(ends) if end.done()]
    assert len(newest) == 120, "and all have an end"


async def test_X8_a_signed_in_client_has_time_for_its_body(served: Server) -> None:
    async with stranger(served) as (reader, writer):
        bearer = f"Authorization: Bearer {served.token}"
        writer.write(head(served, "POST /api/projects", JSON, bearer, "Content-Length: 4", "Connection: close"))
        for byte in b"nope":
            await asyncio.sleep(0.1)
            writer.write(bytes((byte,)))
            await writer.drain()
        assert (await rest(reader)).startswith(b"HTTP/1.1 400"), "it is no JSON; that was read"


async def test_X8_a_mounted_application_waits_no_longer_either() -> None:
    async def receive() -> dict[str, object]:
        await asyncio.sleep(0 if next(calls) % 2 == 0 else 3600)
        return {"type": "http.request", "body": b"x", "more_body": True}

    calls = itertools.count()
    bounds = Bounds(handshake_seconds=0.05, body_seconds=0.05)
    for stranger_asks in (True, False):
        body = LimitedBody(receive, bounds, stranger=stranger_asks)
        await body()
        with pytest.raises(BodyRefused):
            await body()
        assert body.refused == ("bad_message", "The request's body did not arrive in time.")


async def test_case_hardening_C8_garbage_of_strangers_is_few_lines(served: Server) -> None:
    before = served.errors.read_bytes().count(b"\n")
    for number in range(150):
        async with stranger(served) as (reader, writer):
            kinds = (
                b"\x00\xff no request \r\n\r\n",
                f"GET / HTTP/1.1\r\nHost: name-{number}.example\r\n\r\n".encode(),
                head(served, "GET /ws/terminal", f"Upgrade: websocket{number}", "Connection: Upgrade"),
                head(
                    served, "GET /ws/terminal", "Upgrade: websocket", "Connection: Upgrade", f"Origin: http://x{number}"
                ),
                head(served, "POST /api/projects", f"Origin: http://x{number}.example", "Content-Length: 0"),
            )
            writer.write(kinds[number % len(kinds)])
            async with asyncio.timeout(15):
                await reader.read(100)
    assert served.errors.read_bytes().count(b"\n") - before <= len(kinds) * 21
