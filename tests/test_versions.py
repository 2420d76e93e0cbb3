"""What another version of termwall left is kept, listed, never doubled and never forgotten (L8, L9)."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from termwall.pty.rendezvous import look
from termwall.store.database import SCHEMA
from termwall.store.folder import find_running
from tests.support.holder import gone
from tests.support.patience import until
from tests.support.server import Server

SOURCE = Path(__file__).parents[1] / "src" / "termwall"
ASKED = "echo pid $$; while [ ! -e {go} ]; do sleep 0.05; done; echo said while unseen; exec cat"


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A later version, whose sessions' memory is laid out in another way."""
    place = tmp_path_factory.mktemp("later")
    shutil.copytree(SOURCE, place / "termwall", ignore=shutil.ignore_patterns("__pycache__", "static"))
    memory = place / "termwall" / "ipc" / "memory.py"
    text = memory.read_text()
    assert "\nLAYOUT = 1\n" in text
    memory.write_text(text.replace("\nLAYOUT = 1\n", "\nLAYOUT = 2\n"))
    return place


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    one = Server(tmp_path / "data", env={"TERMWALL_CLOSE_SECONDS": "1"}).start()
    yield one
    one.end()
    assert not one.tracebacks(), one.tracebacks()


def become(server: Server, source: Path) -> None:
    """The server of another version, in place of this one."""
    server.stop()
    server.env["PYTHONPATH"] = str(source)
    server.start()


def described(server: Server, session: str) -> dict[str, object]:
    return dict(server.call("GET", f"/api/sessions/{session}").json())


def screen(server: Server, session: str) -> str:
    return str(server.call("GET", f"/api/sessions/{session}/screen?format=text").text)


def status(server: Server) -> str:
    words = [sys.executable, "-m", "termwall", "status", "--data-dir", str(server.data_dir)]
    done = subprocess.run(words, env={**os.environ, **server.env}, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


async def test_case_hardening_L4_L9_a_program_of_another_layout_is_kept_listed_and_never_doubled(
    server: Server, later: Path, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    project = server.project(tmp_path / "work")
    session = server.session(project, "sh", "-c", ASKED.format(go=go), name="agent", cols=100, rows=30)
    server.focus(project, session)
    await until(lambda: "pid" in screen(server, session), "the program")
    pid = int(screen(server, session).split()[1])
    before = described(server, session)

    become(server, later)
    found = described(server, session)
    assert (found["status"], found["name"]) == ("running", "agent")
    assert "layout 1" in str(found["sealed"])
    assert found["attention"]["state"] == "needs input"  # type: ignore[index]
    await until(lambda: "runs on" in screen(server, session), "the notice on its screen")
    for method, path, body in (
        ("POST", "restart", None),
        ("POST", "input", {"data": "x"}),
        ("POST", "reset", None),
        ("POST", "recording", None),
        ("PATCH", "", {"name": "other"}),
    ):
        answer = server.call(method, f"/api/sessions/{session}/{path}".rstrip("/"), body)
        assert (answer.status_code, answer.json()["code"]) == (409, "other_version"), path
    # The holder of the earlier version makes memory that this one does not read.
    refused = server.call("POST", f"/api/projects/{project}/sessions", {"command": ["cat"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "cannot_start")
    assert "layout 1" in refused.json()["error"]
    assert look(server.data_dir)["running"] == 1  # type: ignore[index]
    assert not gone(pid)
    assert "agent: its memory has layout 1" in status(server)
    go.touch()  # Its output goes into its own memory meanwhile.

    become(server, SOURCE.parent)
    assert described(server, session)["sealed"] is None
    again = described(server, session)
    assert [again[one] for one in ("epoch", "name", "cols", "rows", "command")] == [
        before[one] for one in ("epoch", "name", "cols", "rows", "command")
    ]
    await until(lambda: "said while unseen" in screen(server, session), "what it said")
    assert "pid" in screen(server, session)

    become(server, later)
    assert server.call("DELETE", f"/api/sessions/{session}").status_code == 204
    await until(lambda: gone(pid), "its end")
    await until(lambda: look(server.data_dir)["sessions"] == 0, "that it is forgotten")  # type: ignore[index]
    become(server, SOURCE.parent)
    assert server.call("GET", f"/api/projects/{project}/sessions").json() == {"sessions": []}


async def test_L9_what_is_not_understood_is_handed_to_another_holder_whole(
    server: Server, later: Path, tmp_path: Path
) -> None:
    project = server.project(tmp_path / "work")
    session = server.session(project, "sh", "-c", "echo READY; exec cat", name="agent")
    await until(lambda: "READY" in screen(server, session), "the program")
    become(server, later)
    holder = look(server.data_dir)
    assert holder is not None
    os.kill(holder["pid"], signal.SIGKILL)
    await until(lambda: (look(server.data_dir) or {}).get("pid") not in (None, holder["pid"]), "another holder")
    await until(lambda: (look(server.data_dir) or {}).get("layouts") == {"1": 1}, "that it has the program")
    assert described(server, session)["status"] == "running"
    become(server, SOURCE.parent)
    found = described(server, session)
    assert (found["status"], found["sealed"]) == ("running", None)
    server.call("POST", f"/api/sessions/{session}/input", {"data": "typed\r"})
    await until(lambda: screen(server, session).split() == ["READY", "typed", "typed"], "the echo")
    refused = server.call("POST", f"/api/projects/{project}/sessions", {"command": ["cat"]})
    assert "layout 2" in refused.json()["error"], "the holder is the later version's now"


def test_case_hardening_L4_L8_a_restart_to_what_reads_neither_layout_nor_store_stops_nothing(
    server: Server, later: Path, tmp_path: Path
) -> None:
    session = server.session(server.project(tmp_path / "work"), "cat")
    before = server.pid

    def restart(source: Path) -> str:
        words = [sys.executable, "-m", "termwall", "restart", "--data-dir", str(server.data_dir)]
        env = {**os.environ, **server.env, "PYTHONPATH": str(source)}
        done = subprocess.run(words, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 1, done.stdout + done.stderr
        assert "the server was not stopped" in done.stderr
        assert described(server, session)["status"] == "running"
        found = find_running(server.data_dir)
        assert found is not None
        assert found.pid == before
        return done.stderr

    assert "1 program could not be shown by this version" in restart(later)
    with closing(sqlite3.connect(server.data_dir / "termwall.sqlite")) as db, db:
        db.execute(f"PRAGMA user_version={len(SCHEMA) + 1}")
        db.execute(f"UPDATE readable SET since={len(SCHEMA) + 1}")
    assert "newer termwall" in restart(SOURCE.parent)


def test_L8_a_holder_that_is_not_understood_is_left_alone(server: Server, later: Path, tmp_path: Path) -> None:
    project = server.project(tmp_path / "work")
    session = server.session(project, "cat")
    versions = later / "termwall" / "pty" / "versions.py"
    text = versions.read_text()
    holder = look(server.data_dir)
    try:
        versions.write_text(text.replace("PROTOCOL = 2", "PROTOCOL = 9").replace("OLDEST = 1", "OLDEST = 9"))
        checked = subprocess.run(
            [sys.executable, "-m", "termwall", "restart", "--data-dir", str(server.data_dir)],
            env={**os.environ, "PYTHONPATH": str(later)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert checked.returncode != 0
        assert "the server was not stopped" in checked.stderr
        assert "speaks version 2" in checked.stderr
        assert described(server, session)["status"] == "running", "nothing was stopped"
        server.stop()
        refused = subprocess.run(
            [sys.executable, "-m", "termwall", "serve", "--no-open", "--port", "0", "--data-dir", str(server.data_dir)],
            env={**os.environ, "PYTHONPATH": str(later)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert refused.returncode != 0
        assert "speaks version 2 of its protocol" in refused.stderr
        assert "Traceback" not in refused.stderr
        again = look(server.data_dir)
        assert again is not None
        assert holder is not None
        assert (again["pid"], again["running"]) == (holder["pid"], 1), "and nothing is ended"
    finally:
        versions.write_text(text)
        server.start()
    assert json.loads(server.call("GET", f"/api/sessions/{session}").text)["status"] == "running"
