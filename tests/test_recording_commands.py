"""The commands record, recordings, play, export and grep, against a real server (A5)."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.server import Server
from tests.test_cli import Command


@pytest.fixture
def termwall(server: Server, tmp_path: Path) -> Command:
    """The command in a project's folder."""
    work = tmp_path / "work"
    server.project(work, id="work")
    return Command(server, work)


def until(condition: object) -> None:
    deadline = time.monotonic() + 10
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_A5_record_list_export_and_play(server: Server, termwall: Command, tmp_path: Path) -> None:
    session = termwall("run", "--name", "agent", "--", "sh", "-c", "echo beginning; exec cat").strip()
    made = termwall("record", "agent").strip()
    assert "is being recorded" in termwall("record", "agent", ok=False)
    until(lambda: server.call("GET", f"/api/recordings/{made}/cast").status_code == 200)
    termwall("send", "agent", "the middle")
    until(lambda: "the middle" in server.call("GET", f"/api/sessions/{session}/screen?format=text").text)
    ended = json.loads(termwall("record", "agent", "--stop", "--json"))
    assert ended["endedAt"] >= ended["startedAt"]
    assert "is not being recorded" in termwall("record", "agent", "--stop", ok=False)
    assert made in termwall("recordings")
    assert json.loads(termwall("recordings", "--json"))["recordings"][0]["id"] == made
    file = tmp_path / "demo.cast"
    termwall("export", made, "-o", str(file))
    assert file.read_text() == termwall("export", made)
    played = termwall("play", made, "--speed", "100")
    assert "beginning" in played
    assert "the middle" in played
    assert termwall("play", str(file), "--idle-limit", "0.01") == played
    assert "There is no recording" in termwall("play", "nothing", ok=False)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: this is no JSON"),
        ('{"version": 3}', "no asciicast v2"),
        ('{"version":2,"width":1,"height":1}\n[1]', "line 2"),
    ],
)
def test_A5_a_file_that_cannot_be_played_says_where(termwall: Command, tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "bad.cast"
    file.write_text(text)
    assert says in termwall("play", str(file), ok=False)
    assert "cannot be read" in termwall("play", str(tmp_path / "missing.cast"), ok=False)


def test_A5_play_pauses_and_ends_by_keys(termwall: Command, tmp_path: Path) -> None:
    file = tmp_path / "long.cast"
    file.write_text(
        '{"version":2,"width":80,"height":24}\n[0.1,"o","first\\r\\n"]\n[1.0,"o","second\\r\\n"]\n[600,"o","never"]\n'
    )
    pid, master = pty.fork()
    if pid == 0:
        os.execve(sys.executable, [sys.executable, "-m", "termwall", "play", str(file)], termwall.env)
    seen = b""

    def read(seconds: float) -> None:
        nonlocal seen
        if select.select([master], [], [], seconds)[0]:
            seen += os.read(master, 65536)

    deadline = time.monotonic() + 15
    while b"first" not in seen:
        assert time.monotonic() < deadline
        read(0.1)
    os.write(master, b" ")
    for _ in range(15):
        read(0.1)
    assert b"second" not in seen, "it is paused"
    os.write(master, b" ")
    while b"second" not in seen:
        assert time.monotonic() < deadline
        read(0.1)
    os.write(master, b"q")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(master)


def test_A5_grep_finds_in_all_terminals(server: Server, termwall: Command, tmp_path: Path) -> None:
    one = termwall("run", "--name", "one", "--", "sh", "-c", "echo a Needle here; exec cat").strip()
    server.session(
        server.project(tmp_path / "other", id="other"), "sh", "-c", "echo needle there; exec cat", name="two"
    )
    until(lambda: found(termwall))
    assert termwall("grep", "needle") == "one: a Needle here\n"
    assert json.loads(termwall("grep", "needle", "--json"))["matches"][0]["sessionId"] == one
    assert len(termwall("grep", "needle", "--all").splitlines()) == 2
    assert termwall("grep", "nowhere", ok=False) == ""


def found(termwall: Command) -> bool:
    """Whether both programs have printed by now."""
    done = subprocess.run(
        [sys.executable, "-m", "termwall", "grep", "needle", "--all"],
        cwd=termwall.cwd,
        env=termwall.env,
        capture_output=True,
        text=True,
        check=False,
    )
    return len(done.stdout.splitlines()) == 2
