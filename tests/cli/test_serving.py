"""Servers in the foreground: how they start, refuse and end (A5)."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.server import Server, running


def test_A5_a_second_server_on_the_data_folder_is_refused(server: Server, termwall: Command) -> None:
    assert "Another termwall server uses" in termwall("serve", "--port", "0", "--no-open", ok=False)


def test_A5_a_data_folder_that_cannot_be_is_named(termwall: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "in it"):
        said = termwall("serve", "--port", "0", "--no-open", "--data-dir", str(place), ok=False)
        assert f"`{place}` cannot be the data folder" in said
    folder = tmp_path / "broken"
    (folder / "termwall.sqlite").mkdir(parents=True)
    said = termwall("serve", "--port", "0", "--no-open", "--data-dir", str(folder), ok=False)
    assert "termwall.sqlite` cannot be used: " in said


def test_A5_termwall_in_a_folder_joins_the_running_server(server: Server, termwall: Command, tmp_path: Path) -> None:
    folder = tmp_path / "another"
    folder.mkdir()
    termwall.cwd = folder
    assert "this folder is a project of it now" in termwall("--no-open")
    projects = server.call("GET", "/api/projects").json()["projects"]
    assert str(folder) in [one["path"] for one in projects]


def test_L5_termwall_in_a_folder_that_can_be_no_project_now_serves_nevertheless(
    server: Server, termwall: Command, tmp_path: Path
) -> None:
    server.stop()
    env = {**termwall.env, "TERMWALL_PROJECTS": "1", "BROWSER": "true"}
    with subprocess.Popen(
        [sys.executable, "-m", "termwall", "--port", "0"], cwd=tmp_path, env=env, stdout=-1, stderr=-1, text=True
    ) as process:
        assert process.stdout is not None
        ready = process.stdout.readline()
        assert ready.startswith("termwall ready: http://")
        assert "&project=" not in ready
        running = termwall("status")
        process.terminate()
        said = process.communicate()[1]
    assert f"process {process.pid}" in running
    assert "this folder is not a project yet: " in said
    assert process.returncode == 0, said


def test_X1_what_a_server_notes_of_itself_is_for_its_owner_only(server: Server) -> None:
    """Its settings may hold a password of NATS."""
    assert (server.data_dir / "server.json").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_A5_signals_stop_the_server_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    with running(tmp_path / "data") as server:
        project = server.project(tmp_path / "work")
        server.session(project, "sleep", "600")
        process = server.process
        assert process is not None
        process.send_signal(number)
        assert process.wait(15) == 0
        assert not (server.data_dir / "server.json").exists()


def test_A5_settings_come_from_the_environment_too(tmp_path: Path) -> None:
    env = {"TERMWALL_MAX_FOCUSED": "2", "TERMWALL_TOKEN": "from-the-environment"}
    with running(tmp_path / "data", env=env) as server:
        assert server.token == "from-the-environment"
        project = server.project(tmp_path / "work")
        assert server.call("GET", f"/api/projects/{project}").json()["maxFocused"] == 2


def test_P5_a_second_server_refuses_or_takes_over(server: Server, termwall: Command, tmp_path: Path) -> None:
    session = termwall("run", "--", "cat").strip()
    said = termwall("serve", "--port", "0", "--no-open", ok=False)
    assert "Another termwall server uses" in said
    assert "--take-over" in said
    first = server.process
    assert first is not None
    second = Server(server.data_dir, "--take-over").start()
    try:
        assert first.wait(10) == 0
        assert second.call("GET", f"/api/sessions/{session}").json()["status"] == "running"
    finally:
        second.stop()


def test_case_words_a_port_that_is_taken_says_what_to_do(termwall: Command, server: Server, tmp_path: Path) -> None:
    call = ("serve", "--port", str(server.port), "--no-open", "--data-dir", str(tmp_path / "another"))
    termwall.env.pop("MAKELEVEL", None)  # `make test` runs this.
    said = termwall(*call, ok=False)
    assert f"Another program has it. `--port {server.port + 1}` takes the next one (0: any free one)." in said
    assert "make run" not in said
    termwall.env["MAKELEVEL"] = "1"
    assert f'make run ARGS="--port {server.port + 1}"' in termwall(*call, ok=False)
