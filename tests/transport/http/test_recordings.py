"""Recordings over HTTP. What is recorded, listed and played is tested with the hub and the command line."""

from pathlib import Path

import pytest
from starlette.types import Message, Scope

from termwall.transport.http.recordings import SteadyFile


async def disconnected() -> Message:
    raise AssertionError("nobody goes")


@pytest.mark.parametrize(
    ("method", "range", "length"), [("GET", "", 100_000), ("GET", "bytes=10-", 99_990), ("HEAD", "", 0)]
)
async def test_A2_a_recording_that_runs_is_sent_as_long_as_it_was(
    tmp_path: Path, method: str, range: str, length: int
) -> None:
    """Once it was longer than its `Content-Length` by what was recorded meanwhile: the connection was broken off."""
    path = tmp_path / "part.cast"
    path.write_bytes(b"x" * 100_000)
    body = bytearray()
    headers: dict[bytes, bytes] = {}

    async def take(message: Message) -> None:
        headers.update(message.get("headers", ()))
        body.extend(message.get("body", b""))
        with path.open("ab") as file:
            file.write(b"y" * 50_000)
        assert len(body) <= length

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "method": method,
        "headers": [(b"range", range.encode())] if range else [],
    }
    await SteadyFile(path)(scope, disconnected, take)
    assert headers[b"content-length"] == (b"100000" if method == "HEAD" else str(length).encode())
    assert bytes(body) == b"x" * length
