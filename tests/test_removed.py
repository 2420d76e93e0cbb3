"""Nothing that somebody removes from the data folder, and nobody who stops to read, takes a server down (L12)."""

import json
import os
import shutil
import signal
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from sqlite3 import connect

import pytest

from termwall.pty.rendezvous import SOCKET, look
from termwall.store.folder import DataFolderTaken, data_folder, find_running
from termwall.store.projects import Store
from tests.store.test_sessions import WALL
from tests.support import prepared
from tests.support.patience import wait_for
from tests.support.server import Server, running


def test_case_hardening_L12_lock_and_address_are_put_back(tmp_path: Path) -> None:
    with data_folder(tmp_path) as claim:
        claim.write_down(json.dumps({"url": "http://x", "pid": os.getpid()}))
        assert not claim.look_after()
        for name in ("lock", "server.json"):
            (tmp_path / name).unlink()
            assert claim.look_after()
        (tmp_path / "server.json").write_text("{")
        assert claim.look_after()
        found = find_running(tmp_path)
        assert found is not None
        assert found.pid == os.getpid()
        with pytest.raises(DataFolderTaken), data_folder(tmp_path):
            pass
        assert not claim.look_after()
    assert find_running(tmp_path) is None


def test_L12_who_came_meanwhile_keeps_the_lock(tmp_path: Path) -> None:
    with data_folder(tmp_path) as claim:
        (tmp_path / "lock").unlink()
        with data_folder(tmp_path):
            assert not claim.look_after()
            with pytest.raises(DataFolderTaken), data_folder(tmp_path):
                pass


@pytest.mark.parametrize("pid", [-1, 0, 1, "x", None, [], 1e300, float("inf"), 1 << 40])
def test_case_hardening_L10_a_note_of_no_process_ends_none(tmp_path: Path, pid: object) -> None:
    with data_folder(tmp_path):
        (tmp_path / "server.json").write_text(json.dumps({"url": "http://x", "pid": pid}))
        assert find_running(tmp_path) is None


@pytest.mark.parametrize(
    "removed", [("",), ("-wal",), ("-shm",), ("-wal", "-shm"), ("", "-wal", "-shm")], ids=lambda one: "+".join(one)
)
def test_case_hardening_L12_a_database_that_is_removed_is_put_back(tmp_path: Path, removed: tuple[str, ...]) -> None:
    path = tmp_path / "termwall.sqlite"
    with closing(Store(path)) as store:
        store.put_project(WALL)
        for suffix in removed:
            Path(f"{path}{suffix}").unlink()
        store.look_after()
        store.put_project(replace(WALL, id="new"))
        store.look_after()
        # As it is found after a kill -9, too.
        with closing(connect(path)) as other:
            assert other.execute("SELECT id FROM projects ORDER BY id").fetchall() == [("new",), (WALL.id,)]
        assert path.stat().st_mode & 0o777 == 0o600
        assert not store.faults
    store.look_after()  # It is closed: whoever has the file now, has it alone.
    with closing(Store(path)) as store:
        assert len(store.projects()) == 2


def test_L12_a_database_that_somebody_put_there_is_left_alone(tmp_path: Path) -> None:
    path, other = tmp_path / "termwall.sqlite", tmp_path / "other"
    with closing(Store(other)) as store:
        store.put_project(WALL)
    with closing(Store(path)) as store:
        other.replace(path)
        store.look_after()
        store.look_after()
        (fault,) = store.faults.values()
        assert "another file was put in its place" in fault.why


def test_case_hardening_L12_a_running_server_puts_back_what_is_removed(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        names = ("lock", "server.json", "termwall.sqlite")
        for name in names:
            (server.data_dir / name).unlink()
        wait_for(lambda: all((server.data_dir / name).exists() for name in names), "they are back")
        project = server.project(tmp_path / "work")
        wait_for(lambda: find_running(server.data_dir) is not None, "commands find it")
        status_without_a_token(server)
        server.kill()
        server.start()
        assert [one["id"] for one in server.call("GET", "/api/projects").json()["projects"]] == [project]


def test_case_hardening_L12_a_data_folder_that_is_removed_is_put_back(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        project = server.project(tmp_path / "work")
        session = server.session(project, "cat")
        instance = (server.data_dir / "instance").read_text()
        shutil.rmtree(server.data_dir)
        names = ("lock", "server.json", "termwall.sqlite", "token", "instance", SOCKET, "bin/termwall")
        wait_for(lambda: all((server.data_dir / name).exists() for name in names), "it is back", 20)
        assert server.data_dir.stat().st_mode & 0o777 == 0o700
        assert (server.data_dir / "token").read_text() == server.token
        assert (server.data_dir / "instance").read_text() == instance
        running_one = find_running(server.data_dir)
        assert running_one is not None
        assert running_one.pid == server.pid
        held = look(server.data_dir, 20)
        server.kill()
        server.start()
        assert look(server.data_dir, 20) == {**(held or {}), "owner": server.pid}
        assert server.call("GET", f"/api/sessions/{session}").json()["status"] == "running"


def test_L12_a_data_folder_that_is_moved_is_not_made_again(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    with data_folder(before) as claim:
        claim.write_down("{}")
        before.rename(after)
        with pytest.raises(FileNotFoundError):
            claim.look_after()
        assert not before.exists()
        with pytest.raises(DataFolderTaken), data_folder(after):
            pass


def test_case_hardening_L12_a_moved_folder_s_server_leaves_who_is_at_its_old_place_alone(tmp_path: Path) -> None:
    """Both wrote `server.json` over the other's, once a second, and the first took it away when it ended."""
    before, after = tmp_path / "before", tmp_path / "after"
    with data_folder(before) as first:
        first.write_down("first")
        before.rename(after)
        before.mkdir()
        with pytest.raises(FileNotFoundError, match="moved"):
            first.look_after()
        assert not any(before.iterdir())
        with data_folder(before) as second:
            second.write_down("second")
            with pytest.raises(FileNotFoundError, match="moved"):
                first.look_after()
            first.leave()
            assert not second.look_after()
            assert (before / "server.json").read_text() == "second"


def test_case_hardening_L12_who_comes_into_a_removed_folder_is_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with data_folder(folder) as first:
        first.write_down("first")
        first.secrets = {"token": "first"}
        shutil.rmtree(folder)
        with data_folder(folder) as second:
            second.write_down("second")
            assert not first.look_after()
            first.leave()
            assert not second.look_after()
            assert (folder / "server.json").read_text() == "second"
            assert not (folder / "token").exists()


def test_case_hardening_L12_a_server_that_comes_at_once_into_a_removed_folder_takes_over(tmp_path: Path) -> None:
    """`rm -rf data; termwall up`, before the first server and its holder have looked: there were two of each."""
    first = Server(tmp_path / "data").start()
    second = Server(tmp_path / "data")
    try:
        project = first.project(tmp_path / "work")
        session = first.session(project, "cat")
        held = look(first.data_dir, 20) or {}
        for pid in (first.pid, held["pid"]):
            os.kill(pid, signal.SIGSTOP)
        shutil.rmtree(first.data_dir)
        second.begin()
        wait_for((second.data_dir / "server.json").parent.joinpath("lock").exists, "the second to begin")
        for pid in (held["pid"], first.pid):
            os.kill(pid, signal.SIGCONT)
        second.ready()
        assert look(second.data_dir, 20) == {**held, "owner": second.pid}, "there is one holder"
        assert second.call("GET", f"/api/sessions/{session}").json()["status"] == "running"
        assert first.process is not None
        wait_for(lambda: first.process.poll() is not None, "the first to end", 30)
        found = find_running(second.data_dir)
        assert found is not None
        assert found.pid == second.pid
    finally:
        second.end()
        first.end()


def status_without_a_token(server: Server) -> None:
    """It says what it can find out, and why that is not all."""
    token = server.data_dir / "token"
    token.write_bytes(b"\xff")
    env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
    done = prepared.run(["status"], cwd=server.data_dir, env={**env, "TERMWALL_DATA_DIR": str(server.data_dir)})
    assert done.returncode == 0, done.stderr
    assert "holds no token" in done.stderr
    assert f"server    {server.base}, process {server.pid}" in done.stdout
    assert "does not answer" not in done.stdout
    token.write_text(server.token)


def test_case_hardening_L12_a_server_whose_reader_is_gone_runs(tmp_path: Path) -> None:
    server = Server(tmp_path / "data").begin()
    server._output.close()
    try:
        wait_for(lambda: find_running(server.data_dir) is not None, "it runs")
        wait_for(lambda: "cannot be printed" in server.errors.read_text(), "it says so")
        assert server.stop() == 0
    finally:
        server.end()
    assert not server.tracebacks(), server.tracebacks()
