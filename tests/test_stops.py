"""A stop comes to its end whatever hangs, and no death of a holder is the last one (L2, L3). Real processes."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from websockets.sync.client import connect

from termwall.cli import background, status
from termwall.pty.rendezvous import look
from termwall.store import folder as folders
from termwall.store.folder import find_running, stop_running
from tests.support.holder import end_holder, gone
from tests.support.patience import until, wait_for
from tests.support.server import Server

DEAF = "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_IGN); print('DEAF', flush=True); signal.pause()"


@pytest.fixture
def outlived(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path / "data").start()
    yield server
    server.kill()
    end_holder(server.data_dir)


def holder_of(server: Server) -> int:
    """Its process; 0 where there is none now."""
    found = look(server.data_dir, 30.0)
    return 0 if found is None else int(found["pid"])


def programs_of(holder: int) -> list[int]:
    """The programs that it started."""
    return [int(pid) for pid in Path(f"/proc/{holder}/task/{holder}/children").read_text().split()]


def worker_of(server: Server) -> int:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
    return next(int(pid) for pid in children if b"screen.worker" in Path(f"/proc/{pid}/cmdline").read_bytes())


async def test_case_hardening_L2_after_many_deaths_of_the_holder_the_server_can_be_stopped(
    outlived: Server, tmp_path: Path
) -> None:
    project = outlived.project(tmp_path / "work")
    session = outlived.session(project, "cat")
    (pid,) = programs_of(holder_of(outlived))
    for _ in range(5):
        before = holder_of(outlived)
        os.kill(before, signal.SIGKILL)
        await until(lambda b=before: holder_of(outlived) not in (0, b), "another holder", 30)  # type: ignore[misc]
    assert outlived.stop() == 0
    assert not gone(pid)
    outlived.start()
    assert outlived.call("GET", f"/api/sessions/{session}").json()["status"] == "running"


def test_L3_a_stop_waits_neither_for_a_hung_holder_nor_a_hung_worker_nor_clients_that_read_nothing(
    outlived: Server, tmp_path: Path
) -> None:
    project = outlived.project(tmp_path / "work")
    session = outlived.session(project, "sh", "-c", "yes | head -c 3000000; echo READY; exec cat")
    outlived.focus(project, session)
    holder, worker = holder_of(outlived), worker_of(outlived)
    headers = {"Authorization": f"Bearer {outlived.token}"}
    url = f"ws://127.0.0.1:{outlived.port}/ws/terminal?projectId={project}"
    asks = f"GET /api/sessions/{session}/screen HTTP/1.1\r\nHost: 127.0.0.1:{outlived.port}\r\n"
    asks += f"Authorization: {headers['Authorization']}\r\n\r\n"
    ws = connect(url, additional_headers=headers, max_queue=1, proxy=None)
    with socket.create_connection(("127.0.0.1", outlived.port)) as silent:
        os.kill(holder, signal.SIGSTOP)
        os.kill(worker, signal.SIGSTOP)
        silent.sendall(asks.encode() * 20)
        assert outlived.stop() == 0
    ws.socket.close()
    os.kill(holder, signal.SIGCONT)
    outlived.start()
    assert outlived.call("GET", f"/api/sessions/{session}").json()["status"] == "running"


def test_L3_a_stop_waits_for_no_program(tmp_path: Path) -> None:
    server = Server(tmp_path / "data", "--no-outlive").start()
    project = server.project(tmp_path / "work")
    server.session(project, "python3", "-c", DEAF)
    stopped = server.session(project, "python3", "-c", DEAF)

    def deaf() -> list[int]:
        pids = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        return [int(pid) for pid in pids if b"SIG_IGN" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    # Looked for once: one that runs another, as pyenv's python3 does, is no child for a moment.
    programs = wait_for(lambda: len(found := deaf()) == 2 and found, "both programs")
    os.kill(programs[1], signal.SIGSTOP)
    assert server.call("GET", f"/api/sessions/{stopped}").json()["status"] == "running"
    assert server.stop() == 0
    assert all(gone(pid) for pid in programs)


def test_L3_a_server_that_hangs_is_ended(outlived: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folders, "STOP_SECONDS", 0.2)
    os.kill(outlived.pid, signal.SIGSTOP)
    assert stop_running(outlived.data_dir)
    assert find_running(outlived.data_dir) is None


def test_case_hardening_L3_a_server_that_hangs_is_ended_though_nobody_reads_what_it_says() -> None:
    """Where it hung is written to standard error: a full pipe held that up for ever, and so the end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while os.write(writing, bytes(4096)):
            pass
    os.set_blocking(writing, True)
    code = "import time; from termwall import server; server.END_SECONDS = 0.1; server.end_at_last(); time.sleep(60)"
    hung = subprocess.Popen([sys.executable, "-c", code], stderr=writing)
    try:
        assert hung.wait(30) == 1
    finally:
        hung.kill()
        hung.wait()
        os.close(reading)
        os.close(writing)


def test_L3_status_and_down_take_no_longer_than_they_say_whatever_hangs(
    outlived: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    project = outlived.project(tmp_path / "work")
    outlived.session(project, "python3", "-c", DEAF)
    folder, holder = outlived.data_dir, holder_of(outlived)
    programs = programs_of(holder)
    for module, name in ((status, "ASK_SECONDS"), (background, "END_SECONDS"), (folders, "STOP_SECONDS")):
        monkeypatch.setattr(module, name, 0.2)
    os.kill(holder, signal.SIGSTOP)
    os.kill(outlived.pid, signal.SIGSTOP)
    status.status_command(as_json=True, data_dir=folder)
    said = json.loads(capsys.readouterr().out)
    assert (said["server"]["answers"], said["holder"]) == (
        False,
        {"pid": holder, "running": None, "answers": False},
    )
    with pytest.raises(typer.Exit):
        background.restart_command(data_dir=folder)
    assert "was not stopped" in capsys.readouterr().err
    assert find_running(folder) is not None
    background.down_command(every=True, yes=True, data_dir=folder)
    assert find_running(folder) is None
    assert look(folder) is None
    assert all(gone(pid) for pid in (holder, *programs))


async def test_case_hardening_L2_a_holder_that_dies_while_a_caretaker_has_the_sessions_is_replaced(
    outlived: Server, tmp_path: Path
) -> None:
    project = outlived.project(tmp_path / "work")
    session = outlived.session(project, "cat")
    (program,) = programs_of(holder_of(outlived))
    outlived.kill()

    def owner() -> tuple[int, int]:
        found = look(outlived.data_dir, 30.0) or {}
        return found.get("pid", 0), found.get("owner") or 0

    await until(lambda: owner()[1], "a caretaker", 30)
    holder, caretaker = owner()
    os.kill(holder, signal.SIGKILL)
    await until(
        lambda: owner()[0] not in (0, holder) and owner()[1] == caretaker, "another holder of the same caretaker", 30
    )
    outlived.start()
    assert outlived.call("GET", f"/api/sessions/{session}").json()["status"] == "running"
    assert not gone(program)


def test_L3_a_stop_that_is_done_succeeds_whatever_python_still_waits_for(tmp_path: Path) -> None:
    hung = "import threading; threading.Thread(target=threading.Event().wait).start()\n"
    (tmp_path / "hung").mkdir()
    (tmp_path / "hung" / "sitecustomize.py").write_text(hung)
    root = Path(__file__).parent.parent / "src"
    server = Server(tmp_path / "data", env={"PYTHONPATH": f"{tmp_path / 'hung'}:{root}"})
    server.start()
    try:
        assert server.stop() == 0
    finally:
        server.end()
