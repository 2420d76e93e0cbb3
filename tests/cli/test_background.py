"""Servers in the background: up, down, status, restart (A5, P5)."""

import json
import os
import pty
import select
import signal
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import typer

from termwall.cli import background
from termwall.pty.rendezvous import look
from tests.support.command import Command
from tests.support.server import Server, running


def test_P5_up_down_status_restart(tmp_path: Path, work: Path) -> None:
    server = Server(tmp_path / "data")  # Never started: `up` does that.
    server.data_dir.mkdir()
    termwall = Command(server, work)
    try:
        assert "does not run" in termwall("status", ok=False, both=True)
        up = json.loads(termwall("up", "--port", "0", "--json"))
        assert f"termwall is up: {up['url']}" in termwall("up"), "it runs already"
        session = termwall("run", "--name", "agent", "--", "cat").strip()
        status = json.loads(termwall("status", "--json"))
        assert status["server"]["pid"] == up["pid"]
        assert status["holder"]["running"] == 1
        assert sum(status["attention"].values()) == 1
        assert "1 run, held by process" in termwall("status")
        assert f"data      {server.data_dir}" in termwall("status")

        assert up["url"].startswith(termwall("restart").split()[-1])
        again = json.loads(termwall("status", "--json"))["server"]
        assert again["pid"] != up["pid"]
        assert up["url"].startswith(again["url"]), "on the same port, so that pages find it"
        assert json.loads(termwall("ls", "--json"))["sessions"][0]["id"] == session

        assert "1 program goes on running" in termwall("down")
        assert "No server runs. 1 program goes on" in termwall("down")
        termwall("up", "--port", "0")
        assert json.loads(termwall("ls", "--json"))["sessions"][0]["status"] == "running"
        assert "1 program is still running; --yes" in termwall("down", "--all", ok=False)
        assert "1 program was ended" in termwall("down", "--all", "--yes")
        assert look(server.data_dir) is None
        termwall("up", "--port", "0")
        found = json.loads(termwall("ls", "--json"))["sessions"][0]
        assert (found["name"], found["status"], found["signal"]) == ("agent", "exited", "SIGHUP")
    finally:
        termwall("down", "--all", "--yes")


def test_P5_a_server_that_cannot_start_in_the_background_says_why(tmp_path: Path, work: Path) -> None:
    (tmp_path / "data").mkdir()
    with closing(sqlite3.connect(tmp_path / "data" / "termwall.sqlite")) as db:
        db.execute("PRAGMA user_version=99")
    said = Command(Server(tmp_path / "data"), work)("up", "--port", "0", ok=False)
    assert "written by a newer termwall" in said
    assert "move the file away" in said


def test_P5_a_start_that_takes_too_long_is_told_as_that(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(background, "START_SECONDS", 0.0)
    with pytest.raises(typer.Exit):
        background._start(tmp_path / "data", {"TERMWALL_PORT": "0"}, "starting")
    assert "the server did not start in 0 s; see" in capsys.readouterr().err


def test_P5_who_is_attached_stays_so_over_a_restart(server: Server, termwall: Command, work: Path) -> None:
    termwall("run", "--name", "shell", "--", "cat")
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(work)
        os.execve(sys.executable, [sys.executable, "-m", "termwall", "attach", "shell"], termwall.env)
    seen = b""

    def sees(text: bytes) -> None:
        nonlocal seen
        deadline = time.monotonic() + 20
        while text not in seen:
            assert time.monotonic() < deadline, seen
            if select.select([master], [], [], 0.1)[0]:
                seen += os.read(master, 65536)

    try:
        sees(b"\x1b[2J\x1b7")  # Its first picture; the terminal is raw by then.
        os.write(master, b"before\r")
        sees(b"before\r\nbefore")
        server.kill()
        server.start()
        seen = b""
        deadline = time.monotonic() + 20
        while b"after" not in seen:  # What is typed while the server is away is not sent later (I2).
            assert time.monotonic() < deadline, seen
            os.write(master, b"after\r")
            if select.select([master], [], [], 0.5)[0]:
                seen += os.read(master, 65536)
        assert b"before" not in seen, "it goes on where it was, without drawing anew"
        os.write(master, b"\x1c")
        sees(b"left; it goes on running")
    finally:
        os.close(master)
        os.waitpid(pid, 0)


def test_case_terminal_6_a_server_started_in_tmux_by_an_agent_tells_its_sessions_nothing_of_it(tmp_path: Path) -> None:
    starter = {
        "TMUX": "/tmp/x,1,0",
        "COLUMNS": "60",
        "LINES": "10",
        "TERM_PROGRAM": "tmux",
        "STY": "1",
        "NO_COLOR": "1",
    }
    starter |= {"VSCODE_IPC_HOOK_CLI": "/x", "CLAUDECODE": "1", "PWD": "/starter", "KEPT": "yes", "SSH_TTY": "/dev/x"}
    with running(tmp_path / "data", env={**starter, "TERMWALL_KEEP_ENV": "SSH_TTY"}) as server:
        project = server.project(tmp_path / "work")
        path = f"{server.data_dir}/bin"
        script = (
            "env; tput cols; command -v termwall; termwall --version; termwall status | head -1; echo END; exec cat"
        )
        session = server.session(project, "sh", "-c", script, cols=120)
        deadline = time.monotonic() + 30
        while "\nEND" not in (
            text := server.call("GET", f"/api/sessions/{session}/screen?format=text&scrollback=500").text
        ):
            assert time.monotonic() < deadline, text
        lines = [line.strip() for line in text.split("\n")]
        names = {line.partition("=")[0] for line in lines if "=" in line}
        assert names.isdisjoint(starter.keys() - {"TERM_PROGRAM", "KEPT", "SSH_TTY", "PWD"})
        assert f"PWD={tmp_path / 'work'}" in lines, "as the shell itself says"
        assert {"TERM_PROGRAM=termwall", "KEPT=yes", "SSH_TTY=/dev/x", "120", f"{path}/termwall"} <= set(lines)
        assert any(line.startswith(f"server    {server.base}") for line in lines)


def test_case_command_line_14_a_broken_file_is_refused_before_anything_is_stopped(tmp_path: Path, work: Path) -> None:
    server = Server(tmp_path / "data")
    server.data_dir.mkdir()
    termwall = Command(server, work)
    try:
        up = json.loads(termwall("up", "--port", "0", "--json"))
        for broken in ("profiles = [", "[profiles.x]\nlabel = 'no command'", "[nonsense]", "[env]\n'A=B' = ''"):
            (server.data_dir / "termwall.toml").write_text(broken)
            said = termwall("restart", ok=False)
            assert "the server was not stopped" in said
            assert "termwall.toml" in said
            said = termwall("serve", "--take-over", "--port", "0", "--no-open", ok=False)
            assert "termwall.toml" in said
            assert json.loads(termwall("status", "--json"))["server"]["pid"] == up["pid"]
        (server.data_dir / "termwall.toml").unlink()
        assert up["url"].startswith(termwall("restart").split()[-1])
        # A restart that got no further than the stop: `up` comes where the server was.
        known = {"TERMWALL_PORT": up["url"].partition("/?")[0].rpartition(":")[2], "TERMWALL_MAX_FOCUSED": "2"}
        termwall("down")
        (server.data_dir / "restart.json").write_text(json.dumps(known))
        again = json.loads(termwall("up", "--json"))
        assert again["url"].partition("/?")[0] == up["url"].partition("/?")[0]
        assert not (server.data_dir / "restart.json").exists()
        # One that was killed: `up` comes where the pages that are open look for it.
        os.kill(again["pid"], signal.SIGKILL)
        once_more = json.loads(termwall("up", "--json"))
        assert once_more["pid"] != again["pid"]
        assert once_more["url"].partition("/?")[0] == up["url"].partition("/?")[0]
    finally:
        termwall("down", "--all", "--yes")
