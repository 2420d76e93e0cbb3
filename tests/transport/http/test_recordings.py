"""Recordings over HTTP. What is recorded, listed and played is tested with the hub and the command line."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.types import Message, Scope

from termwall.transport.http.recordings import SteadyFile
from tests.support.server import Server


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


# ---- C5, L10: what is damaged


def damaged(server: Server, id: str, *texts: bytes) -> Path:
    """A recording that has ended, with these parts; the server is to be started after it."""
    place = server.data_dir / "recordings" / id
    place.mkdir(parents=True)
    about = {"id": id, "projectId": "p", "sessionId": "s", "sessionName": id, "command": ["cat"], "startedAt": 1}
    about |= {"endedAt": 2, "bytes": 1, "firstPart": 1, "parts": len(texts), "cols": 80, "rows": 24, "error": None}
    (place / "recording.json").write_text(json.dumps(about))
    for number, text in enumerate(texts, 1):
        (place / f"{number}.cast").write_bytes(text)
    return place


def part(number: int, *lines: bytes) -> bytes:
    """A part as ours are: the first event of a later one is a picture that repeats what was."""
    ours = {"start": (number - 1) * 10.0, "continues": number > 1}
    head = {"version": 2, "width": 80, "height": 24, "timestamp": 1, "termwall": ours}
    picture = b'[0.0,"o","picture %d"]' % number
    return b"".join(line + b"\n" for line in (json.dumps(head).encode(), picture, *lines))


HALF = part(1, b'[1.0,"o","one"]', b"\xff\xfe garbage", b'[2.0,"o","after it"]')


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with damaged recordings."""
    server = Server(tmp_path_factory.mktemp("recordings") / "data")
    damaged(server, "alone", b"\x00\xff garbage")
    damaged(server, "half", HALF)
    damaged(server, "middle", part(1, b'[1.0,"o","one"]'), b"garbage", part(3, b'[1.0,"o","three"]'))
    damaged(server, "first", b"[]", part(2, b'[1.0,"o","two"]'))
    damaged(server, "broken-off", HALF, part(2, b'[1.0,"o","two"]'))
    damaged(server, "folder", b"").joinpath("1.cast").unlink()
    (server.data_dir / "recordings" / "folder" / "1.cast").mkdir()
    pipe = damaged(server, "pipe", part(1, b'[1.0,"o","one"]'), b"")
    (pipe / "2.cast").unlink()
    for name in ("2.cast", "1.frames"):
        os.mkfifo(pipe / name)
    frames = damaged(server, "frames", part(1, b'[1.0,"o","one"]')) / "1.frames"
    frames.write_bytes(b'["x","y",1,2,3]\nabc\n[0,0.0,80,24,-20]\nabc\n')
    for name, text in {"list": b"[]", "other": b"", "many": b"", "nameless": b"\xff"}.items():
        (damaged(server, name, part(1)) / "recording.json").write_bytes(text)
    about = json.loads((server.data_dir / "recordings" / "half" / "recording.json").read_text())
    for name, change in {"other": {"id": "../half"}, "many": {"id": "many", "parts": 10**15}}.items():
        (server.data_dir / "recordings" / name / "recording.json").write_text(json.dumps(about | change))
    (server.data_dir / "recordings" / "nofile" / "recording.json").mkdir(parents=True)
    server.start()
    server.project(server.data_dir.parent / "work", id="p")
    yield server
    server.end()
    assert not server.tracebacks(), server.tracebacks()


def events(server: Server, path: str) -> list[tuple[float, str, str]]:
    answer = server.call("GET", f"/api/recordings/{path}")
    assert answer.status_code == 200, answer.text
    header, *lines = answer.text.splitlines()
    assert json.loads(header)["version"] in (2, 3)
    return [tuple(json.loads(line)) for line in lines]


GARBAGE = "Part {} of the recording is damaged: line {}: this is not JSON."


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("alone/cast", GARBAGE.format(1, 1)),
        ("alone/cast?part=1", GARBAGE.format(1, 1)),
        ("alone/cast?format=v3", GARBAGE.format(1, 1)),
        ("middle/cast?part=2", GARBAGE.format(2, 1)),
        ("first/cast?part=1", "Part 1 of the recording is damaged: this is not an asciicast recording."),
        ("folder/cast", "Part 1 of the recording is damaged: Is a directory."),
        ("folder/cast?part=1", "Part 1 of the recording is damaged: Is a directory."),
    ],
)
def test_case_hardening_C5_L10_a_garbage_part_is_an_error_about_that_part(
    broken: Server, path: str, error: str
) -> None:
    """It was served with 200, as if it were a recording."""
    for headers in ({}, {"range": "bytes=0-3"}):
        answer = broken.call("GET", f"/api/recordings/{path}", headers=headers)
        assert (answer.status_code, answer.json()["code"], answer.json()["error"]) == (404, "unknown_recording", error)


def test_case_hardening_C5_L10_what_is_around_a_damaged_part_is_served(broken: Server) -> None:
    one, three = (0.0, "o", "picture 1"), (20.0, "o", "picture 3")
    whole = [one, (1.0, "o", "one"), (20.0, "m", GARBAGE.format(2, 1)), three, (21.0, "o", "three")]
    assert events(broken, "middle/cast") == whole
    assert events(broken, "middle/cast?part=1") == whole[:2]
    assert events(broken, "middle/cast?part=3") == [(0.0, "o", "picture 3"), (1.0, "o", "three")]
    two = [(0.0, "o", "picture 2"), (1.0, "o", "two")]
    lost = "Part 1 of the recording is damaged: this is not an asciicast recording."
    assert events(broken, "first/cast") == [(0.0, "m", lost), *two]
    half = [one, (1.0, "o", "one"), (1.0, "m", GARBAGE.format(1, 4))]
    assert events(broken, "half/cast") == events(broken, "half/cast?part=1") == half
    later = [(10.0, "m", half[2][2]), (10.0, "o", "picture 2"), (11.0, "o", "two")]
    assert events(broken, "broken-off/cast") == [*half[:2], *later]
    lost = "Part 2 of the recording is damaged: it is not a file."
    assert events(broken, "pipe/cast") == [one, (1.0, "o", "one"), (1.0, "m", lost)]


def test_case_hardening_C5_L10_a_damaged_recording_costs_itself_only(broken: Server) -> None:
    for name in ("frames", "pipe"):
        assert broken.call("GET", f"/api/recordings/{name}/frame?time=1").json()["data"] == ""
    assert broken.call("GET", "/api/recordings/middle/timeline").json()["seconds"] == 21.0
    assert len(broken.call("GET", "/api/recordings/pipe/timeline").json()["parts"]) == 1
    listed = {one["id"] for one in broken.call("GET", "/api/projects/p/recordings").json()["recordings"]}
    assert listed == {"alone", "half", "middle", "first", "broken-off", "folder", "pipe", "frames"}
    problems = "\n".join(broken.call("GET", "/api/problems").json()["problems"])
    for name in ("list", "other", "many", "nameless", "nofile"):
        assert f"recording `{name}`: its `recording.json` cannot be read" in problems
    found = broken.call("GET", "/api/projects/p/search?q=three").json()
    assert [one["recordingId"] for one in found["matches"]] == ["middle"]
    assert not found["truncated"]
