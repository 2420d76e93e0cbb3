"""I1, I2 over HTTP: what comes after its `until` is not typed, in whichever mode, and its caller learns it."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from termwall.cluster.calls.forward import _on_clock
from termwall.system import clock
from tests.support.command import Command
from tests.support.server import Server, running

BODIES: list[dict[str, Any]] = [
    {"data": "stale\n"},
    {"data": "stale", "mode": "text", "enter": True},
    {"data": "stale", "mode": "paste"},
    {"keys": ["=stale", "Enter"]},
    {"base64": "c3RhbGUK"},
    {"enter": True},
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("in-time") / "data") as one:
        one.project(one.data_dir.parent / "work", id="work")
        one.session("work", "sh", "-c", "stty -echo; exec cat -v", id="s", name="s")
        yield one


def screen(server: Server) -> str:
    return str(server.call("GET", "/api/sessions/s/screen?format=text").text)


def test_I1_what_comes_too_late_over_http_is_not_typed(server: Server) -> None:
    shown = int(server.call("GET", "/api/projects").headers["x-termwall-clock"])
    assert 0 <= clock.milliseconds() - shown < 60_000
    for body in BODIES:
        answer = server.call("POST", "/api/sessions/s/input", body | {"until": shown - 1})
        assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (408, "too_late", "until")
    assert server.call("POST", "/api/sessions/s/input", {"data": "x", "until": "soon"}).json()["code"] == "invalid"
    answer = server.call("POST", "/api/sessions/s/input", {"data": "in time\n", "until": shown + 600_000})
    assert answer.status_code == 204
    deadline = time.monotonic() + 30
    while "in time" not in screen(server):
        assert time.monotonic() < deadline
    assert screen(server).strip() == "in time"


def test_I1_strangers_are_not_given_the_clock(server: Server) -> None:
    for path in ("/api/health", "/api/projects"):
        assert "x-termwall-clock" not in httpx2.get(f"http://127.0.0.1:{server.port}{path}", trust_env=False).headers


def test_I2_send_says_until_when_it_may_be_typed(server: Server) -> None:
    command = Command(server, server.data_dir.parent / "work")
    hasty = "from termwall.cli import main, sessions; sessions.TYPED_MILLISECONDS = -60_000; main.app()"
    words = [sys.executable, "-c", hasty, "send", "s", "stale"]
    done = subprocess.run(words, cwd=command.cwd, env=command.env, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "later than its client allowed. (too_late)" in done.stderr
    assert "stale" not in screen(server)


@pytest.mark.parametrize("body", [b"", b"[1]", b"null", b"{", b'{"until": "x"}', b'{"until": null}', b'{"data": "x"}'])
def test_N4_a_carried_input_without_a_deadline_goes_as_it_is(body: bytes) -> None:
    assert _on_clock(body, 5.0) == body


def test_N4_a_carried_input_has_its_deadline_on_the_other_nodes_clock() -> None:
    ours = clock.milliseconds()
    carried = json.loads(_on_clock(json.dumps({"data": "\ud800é", "until": ours + 4000}).encode(), 100.0))
    assert carried["data"] == "\ud800é"
    assert 100_000 < carried["until"] <= 104_000
    assert _on_clock(b'{"until": 7}', None) == b'{"until": 7}'
    assert json.loads(_on_clock(b'{"until": 7}', 1.0))["until"] == 0
