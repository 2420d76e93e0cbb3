"""The commands about sessions, against a real server (A5)."""

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path

from tests.support.command import Command
from tests.support.server import Server

TRICK = "a\x1b[31mb\x1b]0;owned\x07\u202ec\x9b2Jd\n"


def test_A5_run_list_send_focus_blur_close(server: Server, termwall: Command, work: Path) -> None:
    session = termwall("run", "--name", "tests", "--", "cat", "-u").strip()
    assert server.call("GET", f"/api/sessions/{session}").json()["command"] == ["cat", "-u"]
    listed = json.loads(termwall("ls", "--json"))["sessions"]
    assert [one["id"] for one in listed] == [session]
    assert "tests" in termwall("ls")
    termwall("send", "tests", "hello")
    deadline = time.monotonic() + 10
    while server.call("GET", f"/api/sessions/{session}").json()["offset"] < 14:
        assert time.monotonic() < deadline
    assert json.loads(termwall("focus", "tests", "--json"))["focusedSessions"] == [session]
    assert json.loads(termwall("blur", session, "--json"))["focusedSessions"] == []
    assert "say --yes" in termwall("close", "tests", ok=False)
    termwall("close", "tests", "--yes")
    assert json.loads(termwall("ls", "--json", "--all"))["sessions"] == []


def test_A5_mistakes_are_sentences(server: Server, termwall: Command, tmp_path: Path) -> None:
    assert "no session `nope`" in termwall("send", "nope", "x", ok=False)
    assert "was not found on the server's PATH" in termwall("run", "--", "no-such-program", ok=False)
    for _ in range(2):
        termwall("run", "--name", "twin", "--", "cat")
    assert "2 sessions are named `twin`" in termwall("focus", "twin", ok=False)
    elsewhere = Command(server, tmp_path)
    assert "belongs to no project" in elsewhere("ls", ok=False)
    elsewhere.env["TERMWALL_DATA_DIR"] = str(tmp_path / "nothing")
    assert "no server runs" in elsewhere("ls", ok=False)
    assert "--port" in elsewhere("serve", "--port", "70000", ok=False)


def test_A5_attach_shows_a_session_and_types_into_it(server: Server, termwall: Command) -> None:
    session = termwall("run", "--name", "here", "--", "sh", "-c", "echo READY; exec cat").strip()
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(termwall.cwd)
        os.execvpe(sys.executable, [sys.executable, "-m", "termwall", "attach", "here"], termwall.env)
    seen = b""

    def until(text: bytes) -> None:
        nonlocal seen
        while text not in seen:
            seen += os.read(master, 65536)

    until(b"READY")
    os.write(master, b"typed\r")
    until(b"typed\r\ntyped")
    os.write(master, b"\x1c")
    until(b"it goes on running")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(master)
    assert server.call("GET", f"/api/sessions/{session}").json()["status"] == "running"


def test_case_command_line_5_send_types_presses_and_pastes(server: Server, termwall: Command) -> None:
    script = "stty raw -echo; printf '\\033[?2004hREADY'; exec cat -v"
    session = termwall("run", "--name", "agent", "--", "sh", "-c", script).strip()

    def shows(text: str) -> None:
        deadline = time.monotonic() + 30
        path = f"/api/sessions/{session}/screen?format=text"
        while text not in (shown := server.call("GET", path).text.replace("\n", "")):
            assert time.monotonic() < deadline, shown

    shows("READY")
    termwall("send", "agent", "hello")
    shows("READY^[[200~hello^[[201~^M")
    termwall("send", "agent", "two", "words", "--no-enter")
    shows("^M^[[200~two words^[[201~")
    termwall("send", "agent", "--keys", "C-c", "F5", "=:q", "Enter")
    shows("201~^C^[[15~:q^M")
    termwall("send", "agent", "--paste", "--no-enter", "1")
    shows("^M^[[200~1^[[201~")
    given = ((b"A\xff", (), "M-^?"), (b"ls\n", (), "200~ls^[[201~^M"), (b"\x1b\n", ("--raw",), "^M^["))
    for data, options, shown in given:
        words = [sys.executable, "-m", "termwall", "send", "agent", "-", *options]
        subprocess.run(words, cwd=termwall.cwd, env=termwall.env, input=data, check=True)
        shows(shown)
    assert "No key is named `Nope`" in termwall("send", "agent", "--keys", "Nope", ok=False)
    assert "exclude each other" in termwall("send", "agent", "--keys", "--raw", "x", ok=False)
    assert "a key has a name" in termwall("send", "agent", "--keys", "", ok=False)


def test_case_hardening_X6_nothing_that_others_named_acts_on_a_terminal(
    server: Server, work: Path, tmp_path: Path
) -> None:
    folder = tmp_path / f"work{TRICK.strip()}"
    folder.mkdir()
    project = server.call("POST", "/api/projects", {"id": "tricky", "path": str(folder)}).json()
    words = ["sh", "-c", f"printf 'x\\033[31my' > /proc/self/comm; read line # {TRICK}"]
    made = server.call("POST", "/api/projects/tricky/sessions", {"name": f"s{TRICK}", "command": words}).json()
    for name in ("one", TRICK):
        server.call("POST", "/api/tokens", {"name": name, "projectId": "tricky"})
    assert server.call("POST", "/api/tokens", {"name": "\x1b\u202e"}).json()["code"] == "invalid"
    server.call("POST", f"/api/sessions/{made['id']}/recording")
    server.call("POST", f"/api/sessions/{made['id']}/notify", {"message": f"m{TRICK}n", "source": f"x{TRICK}"})
    told = server.call("GET", f"/api/sessions/{made['id']}").json()
    assert (told["name"], told["command"]) == ("sa[31mb]0;ownedc2Jd", words), "what runs is told exactly"
    assert told["notification"]["body"] == "ma[31mb]0;ownedc2Jd n"
    for text in (project["name"], told["cwd"], told["foreground"] or "", told["attention"]["reason"]):
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202e]", text), text

    command = Command(server, work)
    lines = command("ls", "--project", "tricky")
    lines += command("recordings", "--project", "tricky")
    lines += command("token", "list")
    lines += command("wait", "--project", "tricky", made["id"], "--until", "needs-input")
    lines += command("close", "--project", "tricky", TRICK, ok=False)
    assert "owned" in lines
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", lines), repr(lines)
    assert server.call("DELETE", "/api/projects/tricky").status_code == 204
