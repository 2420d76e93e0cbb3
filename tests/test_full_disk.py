"""A disk that is really full keeps nothing from running (C3, L5): a small one of the test's own, where it may mount."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest

from termwall.pty.groups import gone
from tests.support import prepared
from tests.support.holder import end_holder
from tests.support.patience import wait_for
from tests.support.server import STOP_SECONDS, Server


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=4m", "none", str(place)]
    mounted = subprocess.run(command, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield place
    finally:
        end_holder(place / "data")
        subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def server(disk: Path, tmp_path: Path) -> Iterator[Server]:
    """A server whose data folder is there, and whose messages are not."""
    one = Server(disk / "data", cwd=tmp_path)
    one.errors = tmp_path / "stderr.log"
    yield one
    one.stop()
    assert not one.tracebacks(), one.tracebacks()


def fill(disk: Path) -> Path:
    """Leave no room; returns what takes it."""
    filler = disk / "filler"
    with suppress(OSError), open(filler, "ab", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return filler


def call(server: Server, status: int, method: str, path: str, body: object = None) -> Any:
    """A request that must be answered so."""
    answer = server.call(method, path, body)
    assert answer.status_code == status, answer.text
    if status == 503:
        assert answer.json()["code"] == "engine_away"
        assert "disk is full" in answer.json()["error"], answer.text
        assert answer.headers["retry-after"]
    return answer.json() if answer.content else None


def shown(server: Server, session: str) -> str:
    """A session's screen as text."""
    answer = server.call("GET", f"/api/sessions/{session}/screen?format=text")
    assert answer.status_code == 200, answer.text
    return answer.text


def test_case_hardening_C3_a_full_disk_keeps_no_server_from_starting_and_no_program_from_running(
    server: Server, disk: Path, tmp_path: Path
) -> None:
    server.start()
    project = server.project(tmp_path / "work")
    session = server.session(project, "sh", "-c", "stty -echo; echo hello; exec cat")
    server.focus(project, session)
    wait_for(lambda: "hello" in shown(server, session))
    sessions, recording = f"/api/projects/{project}/sessions", f"/api/sessions/{session}/recording"
    token = server.token

    def holds(*ids: str) -> None:
        """All run, what changes something is refused, and the program can be used."""
        assert server.token == token
        found = {one["id"]: one["status"] for one in call(server, 200, "GET", sessions)["sessions"]}
        assert found == dict.fromkeys(ids, "running")
        call(server, 503, "POST", "/api/projects", {"path": str(tmp_path)})
        call(server, 503, "POST", sessions, {"command": ["cat"]})
        call(server, 503, "POST", recording)
        call(server, 503, "PUT", "/api/terminal/focus", {"projectId": project, "sessionIds": []})
        word = f"with-{len(ids)}"
        call(server, 204, "POST", f"/api/sessions/{session}/input", {"data": f"{word}\n"})
        wait_for(lambda: word in shown(server, session))

    filler = fill(disk)
    holds(session)
    server.stop()
    fill(disk)  # Also what it left.
    server.start()
    holds(session)
    filler.unlink()
    kept = call(server, 201, "POST", sessions, {"command": ["cat"]})["id"]
    call(server, 201, "POST", recording)
    call(server, 200, "DELETE", recording)
    fill(disk)
    server.kill()
    server.start()
    holds(session, kept)
    filler.unlink()
    call(server, 204, "DELETE", f"/api/sessions/{kept}")


def test_case_hardening_C3_a_first_start_on_a_full_disk_says_what_is_not_kept(
    server: Server, disk: Path, tmp_path: Path
) -> None:
    filler = fill(disk)
    server.start()
    call(server, 503, "POST", "/api/projects", {"path": str(tmp_path)})
    assert call(server, 200, "GET", "/api/projects")["projects"] == []
    said = server.errors.read_text()
    for name in ("token", "termwall.sqlite", "server.json"):
        assert f"{name}`" in said, said
    assert "cannot listen" not in said
    filler.unlink()
    project = server.project(tmp_path / "work")
    session = server.session(project, "cat")
    server.kill()
    server.start()
    found = call(server, 200, "GET", f"/api/projects/{project}/sessions")["sessions"]
    assert [one["id"] for one in found] == [session]


def test_case_hardening_C3_up_on_a_full_disk_starts_a_server_and_says_how_to_reach_it(
    disk: Path, tmp_path: Path
) -> None:
    filler, work, data = fill(disk), tmp_path / "work", disk / "data"
    work.mkdir()
    env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
    env |= {"TERMWALL_DATA_DIR": str(data), "TERMWALL_PORT": "0"}
    first = prepared.run(["up", "--json"], cwd=work, env=env)
    assert first.returncode == 0, first.stderr
    assert "this folder is not a project yet" in first.stderr
    up = json.loads(first.stdout)
    base, _, token = up["url"].partition("/?token=")
    try:
        assert f"`--url {base}`" in first.stderr
        assert httpx2.get(f"{base}/api/projects", headers={"authorization": f"Bearer {token}"}).json() == {
            "projects": []
        }
        filler.unlink()
        wait_for((data / "server.json").exists, "commands find it, once there is room")
    finally:
        os.kill(up["pid"], signal.SIGTERM)
        wait_for(lambda: gone(up["pid"]), "its end", STOP_SECONDS)
