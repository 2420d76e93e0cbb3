"""C5, L10: a bad row, file or note is an error about that thing, never a server that does not start."""

import asyncio
import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from termwall.app import owner_token
from termwall.config import Settings, SettingsError, load_profiles
from termwall.pty.holder_client import HeldPrograms
from termwall.store.database import SCHEMA, StoreError
from termwall.store.folder import find_running
from termwall.store.projects import Store
from termwall.store.salvage import open_store
from tests.support.patience import until
from tests.support.server import Server

SESSION = (
    "INSERT INTO sessions"
    " (id, project_id, name, type, command, cwd, env, cols, rows, epoch, created_at, ended, position)"
    " VALUES (?, ?, CAST(? AS TEXT), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


@pytest.fixture
def stopped(tmp_path: Path) -> Iterator[Server]:
    """A server that was stopped, with a program that runs on."""
    server = Server(tmp_path / "data", env={"TERMWALL_CLOSE_SECONDS": "1"}).start()
    project = server.project(tmp_path / "work", id="work")
    server.session(project, "sh", "-c", "echo READY $$; exec cat", id="one", name="agent")
    server.focus(project, "one")
    server.stop()
    yield server
    server.end()
    assert not server.tracebacks(), server.tracebacks()


def sessions(server: Server, project: str) -> dict[str, dict[str, object]]:
    found = server.call("GET", f"/api/projects/{project}/sessions").json()["sessions"]
    return {one["id"]: one for one in found}


def shown(server: Server, session: str) -> str:
    return str(server.call("GET", f"/api/sessions/{session}/screen?format=text").text)


async def keep_in_the_holder(server: Server, note: bytes) -> None:
    """Replace the notes of all programs that run."""
    programs = HeldPrograms(server.data_dir, None)
    for found in await programs.open():
        programs.send("keep", found.program.key, note)
    await programs.close()


async def test_case_hardening_C5_L10_bad_rows_and_files_cost_themselves_only(stopped: Server, tmp_path: Path) -> None:
    data = stopped.data_dir
    db = sqlite3.connect(data / "termwall.sqlite")
    bad = {
        "command": ("work", "no JSON", "/", "{}", 80),
        "variables": ("work", '["cat"]', "/", "[]", 80),
        "empty": ("work", "[]", "/", "{}", 80),
        "size": ("work", '["cat"]', "/", "{}", 0),
        "orphan": ("gone", '["cat"]', "/", "{}", 80),
    }
    for position, (name, (project, command, cwd, env, cols)) in enumerate(bad.items(), 10):
        values = (name, project, name, "system", command, cwd, env, cols, 24, f"e{name}", 1, 0, position)
        db.execute(SESSION, values)
    values = ("bytes", "work", b"\xff", "system", '["cat"]', "/", "{}", 80, 24, "ebytes", 1, 0, 20)
    db.execute(SESSION, values)
    db.execute("INSERT INTO projects VALUES ('odd', 'odd', '/', 0, 1, 7, 'epoch', 'no JSON')")
    db.execute("INSERT INTO tokens VALUES ('t1', x'00', 'Mia', 'king', NULL, 1)")
    db.execute("INSERT INTO screens VALUES ('size', x'41', 0, 0, CAST(x'ff' AS TEXT), '/', 1, 1)")
    db.commit()
    db.close()
    (data / "token").write_bytes(b"\xff\xfe\n\n")
    (data / "instance").write_bytes(b"\xff")
    for name in ("server.json", "restart.json", "lock"):
        (data / name).write_bytes(b"[1, \xff")
    (data / "recordings" / "r1").mkdir(parents=True)
    (data / "recordings" / "r1" / "recording.json").write_bytes(b"\xff")

    await asyncio.to_thread(stopped.start)
    found = sessions(stopped, "work")
    assert found["one"]["status"] == "running"
    assert found["one"]["focused"]
    assert (found["size"]["status"], found["size"]["cols"]) == ("lost", 80)
    assert set(sessions(stopped, "gone")) == {"orphan"}, "its project is made again"
    for name in ("command", "variables", "empty", "bytes"):
        assert (found[name]["status"], bool(found[name]["sealed"])) == ("lost", True), name
        refused = stopped.call("POST", f"/api/sessions/{name}/restart")
        assert (refused.status_code, refused.json()["code"]) == (409, "other_version")
    assert stopped.call("GET", "/api/terminal/focus?projectId=odd").json()["focusedSessions"] == []
    assert stopped.call("GET", "/api/tokens").json() == {"tokens": []}
    problems = "\n".join(stopped.call("GET", "/api/problems").json()["problems"])
    for thing in ("session `command`", "session `bytes`", "token `t1`", "project `odd`", "screen `size`"):
        assert thing in problems
    assert stopped.call("DELETE", "/api/sessions/command").status_code == 204
    await asyncio.to_thread(stopped.stop)
    await asyncio.to_thread(stopped.start)
    assert set(found) - set(sessions(stopped, "work")) == {"command"}


@pytest.mark.parametrize(
    "spoil",
    [
        lambda note: b"\xff no JSON",
        lambda note: json.dumps({**note, "launch": None}).encode(),
        lambda note: json.dumps({**note, "id": "../../x"}).encode(),
        lambda note: json.dumps({**note, "id": "another"}).encode(),
        lambda note: json.dumps({**note, "state": {"cols": "wide", "watch": {"now": "noon"}, "sizes": [[1]]}}).encode(),
    ],
    ids=["bytes", "no-launch", "no-id", "another-id", "state"],
)
async def test_case_hardening_C5_L10_a_program_whose_note_is_bad_goes_on(stopped: Server, spoil: object) -> None:
    note = {
        "id": "one",
        "name": "agent",
        "home": {"id": "work", "name": "work", "path": "/"},
        "launch": {"type": "system", "command": ["cat"], "cwd": "/", "env": {}},
        "epoch": "x",
        "createdAt": 1,
        "state": {},
    }
    await keep_in_the_holder(stopped, spoil(note))  # type: ignore[operator]
    await asyncio.to_thread(stopped.start)
    assert [(one["id"], one["name"], one["status"]) for one in sessions(stopped, "work").values()] == [
        ("one", "agent", "running")
    ]
    stopped.call("POST", "/api/sessions/one/input", {"data": "typed\r"})
    await until(lambda: shown(stopped, "one").split()[2:] == ["typed", "typed"], "the echo")
    assert "is bad" in stopped.errors.read_text()


async def test_case_hardening_C5_P5_a_damaged_database_is_set_aside_and_programs_go_on(stopped: Server) -> None:
    path = stopped.data_dir / "termwall.sqlite"
    path.write_bytes(b"this is no database, but long enough to be looked at" * 100)
    await asyncio.to_thread(stopped.start)
    assert sessions(stopped, "work")["one"]["status"] == "running"
    (problem,) = stopped.call("GET", "/api/problems").json()["problems"]
    assert "termwall.sqlite.damaged-1" in problem
    assert (stopped.data_dir / "termwall.sqlite.damaged-1").read_bytes().startswith(b"this is no database")


def test_case_hardening_L5_P6_what_would_not_be_kept_whole_is_refused_and_the_rest_is_kept(tmp_path: Path) -> None:
    server = Server(
        tmp_path / "data", env={"TERMWALL_CLOSE_SECONDS": "1", "TERMWALL_MESSAGE_BYTES": str(8 << 20)}
    ).start()
    try:
        project = server.project(tmp_path / "work")
        # As the case has it, in characters of three bytes: the most that a system starts a program with.
        large = {f"V{number}": "\N{EURO SIGN}" * 40_000 for number in range(6)}
        session = server.session(project, "cat", env=large, id="large")
        server.call("POST", f"/api/sessions/{session}/resize", {"cols": 91, "rows": 27})
        server.call("POST", f"/api/sessions/{session}/notify", {"state": "needs input", "message": "look"})
        refused = server.call(
            "POST", f"/api/projects/{project}/sessions", {"env": {**large, "W": "x" * 70_000, "Z": "x" * 70_000}}
        )
        assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (422, "invalid", "env")
        assert "bytes" in refused.json()["error"]
        server.kill()
        server.start()
        found = sessions(server, project)["large"]
        assert (found["cols"], found["rows"]) == (91, 27)
    finally:
        server.end()
    assert os.path.exists(server.errors)
    assert not server.tracebacks()


@pytest.mark.parametrize(
    "script",
    [f"PRAGMA user_version={len(SCHEMA)}", "PRAGMA user_version=-1", "CREATE TABLE projects (other)"],
    ids=["no-tables", "no-version", "other-tables"],
)
def test_case_hardening_L4_L10_a_store_that_is_not_what_it_says_is_set_aside(tmp_path: Path, script: str) -> None:
    path = tmp_path / "termwall.sqlite"
    with sqlite3.connect(path) as db:
        db.execute(script)
    db.close()
    store = open_store(path)
    assert not (store.projects() or store.tokens() or store.sessions())
    assert "termwall.sqlite.damaged-1" in str(next(iter(store.faults.values())))
    assert path.with_name("termwall.sqlite.damaged-1").stat().st_size, "it is kept"
    store.close()


def test_case_hardening_L4_L8_a_store_of_a_newer_version_is_left_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "termwall.sqlite"
    Store(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version={len(SCHEMA) + 1}")
        db.execute(f"UPDATE readable SET since={len(SCHEMA) + 1}")
    db.execute("PRAGMA journal_mode=DELETE")  # As a later version may have chosen.
    db.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="newer termwall"):
        open_store(path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["termwall.sqlite"]


def test_case_hardening_L4_L10_a_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    for name in ("token", "termwall.toml", "server.json"):
        os.mkfifo(tmp_path / name)
    settings = Settings(data_dir=tmp_path)
    with pytest.raises(SettingsError, match="token` cannot be read: it is not a file"):
        owner_token(settings)
    with pytest.raises(SettingsError, match=r"termwall\.toml` cannot be read: it is not a file"):
        load_profiles(settings, {})
    assert find_running(tmp_path) is None
