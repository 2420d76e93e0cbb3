"""A5: the commands for agents and scripts, against a real server."""

import json
import subprocess
import sys
import time
from pathlib import Path

from tests.support import prepared
from tests.support.command import Command
from tests.support.patience import PATIENCE
from tests.support.server import Server

ASKS = r"""echo "READY é"; read x; printf '\033[1mbold\033[0m\033]9;hello\007'; read x; echo BYE; exit 3"""


def code_of(command: Command, *words: str) -> tuple[int, str]:
    """Exit code and all that it says."""
    done = prepared.run(list(words), cwd=command.cwd, env=command.env)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout + done.stderr


def test_A5_wait_for_text_for_the_user_and_for_the_end(termwall: Command) -> None:
    termwall("run", "--name", "a", "--", "sh", "-c", ASKS)
    termwall("wait", "a", "--until", "text=^READY .$", "--timeout", "20")
    assert termwall("screen", "a") == "READY é\n"
    termwall("send", "a", "")
    said = termwall("wait", "a", "--until", "done", "--until", "needs-input", "--timeout", "20")
    assert said == "needs input: OSC 9: hello\n"
    assert "\x1b[1mbold" in termwall("screen", "a", "--format", "ansi").replace("\x1b[0;1m", "\x1b[1m")
    picture = json.loads(termwall("screen", "a", "--format", "json", "--scrollback", "10"))
    assert "".join(run["text"] for run in picture["lines"][0]) == "READY é"
    termwall("send", "a", "")
    termwall("wait", "a", "--until", "text=BYE", "--timeout", "20")
    assert termwall("wait", "a", "--until", "exit", "--timeout", "20") == "exited: exit code 3\n"
    assert termwall("wait", "a", "--until", "text=BYE") == "exited: exit code 3\n", "its last screen stays"


def test_A5_wait_finds_text_above_the_screen(termwall: Command) -> None:
    termwall("run", "--name", "a", "--", "sh", "-c", "echo BEGIN; seq 500; exec cat")
    termwall("wait", "a", "--until", "text=^500$", "--timeout", "20")
    termwall("wait", "a", "--until", "text=^BEGIN$", "--timeout", "20")
    assert "BEGIN" not in termwall("screen", "a")
    assert termwall("screen", "a", "--scrollback", "1000").startswith("BEGIN\n1\n2\n")


def test_A5_wait_tells_by_its_exit_code_why_it_ended(termwall: Command) -> None:
    termwall("run", "--name", "a", "--", "cat")
    assert code_of(termwall, "wait", "a", "--until", "text=NEVER", "--timeout", "0.5") == (
        124,
        "termwall: `a` did not get there within 0.5 s.\n",
    )
    assert code_of(termwall, "wait", "a", "--until", "text=(")[0] == 2
    assert "not one of idle" in code_of(termwall, "wait", "a", "--until", "asleep")[1]
    assert "no session `nope`" in code_of(termwall, "wait", "nope", "--until", "idle")[1]
    termwall("run", "--name", "b", "--", "true")
    termwall("wait", "b", "--until", "exit", "--timeout", "20")
    code, said = code_of(termwall, "wait", "b", "--until", "done", "--json")
    assert code == 1
    assert '"status": "exited"' in said
    assert "it has ended (exit code 0)" in said


def test_A5_wait_sees_that_a_session_is_closed(server: Server, termwall: Command) -> None:
    session = termwall("run", "--name", "a", "--", "cat").strip()
    words = [sys.executable, "-m", "termwall", "wait", "a", "--until"]
    ends, loses = (
        subprocess.Popen([*words, goal], env=termwall.env, cwd=termwall.cwd, stdout=-1, stderr=-1, text=True)
        for goal in ("exit", "text=NEVER")
    )
    try:
        deadline = time.monotonic() + PATIENCE
        while "\ntermwall_connections 2.0\n" not in server.call("GET", "/metrics").text:
            assert time.monotonic() < deadline, "they do not wait"
            time.sleep(0.02)
        server.call("DELETE", f"/api/sessions/{session}")
        assert (ends.communicate(timeout=20)[0], ends.returncode) == ("closed\n", 0)
        assert (loses.communicate(timeout=20)[1], loses.returncode) == ("termwall: `a`: it was closed.\n", 1)
    finally:
        for one in (ends, loses):
            one.kill()


def test_S9_notify_says_what_a_session_is(server: Server, termwall: Command) -> None:
    session = termwall("run", "--name", "a", "--", "cat").strip()
    assert "not a termwall session" in termwall("notify", "hello", ok=False)
    termwall("notify", "built", "--session", "a", "--state", "done", "--source", "make")
    shown = server.call("GET", f"/api/sessions/{session}").json()
    assert (shown["attention"]["state"], shown["attention"]["reason"]) == ("done", "make: built")
    assert shown["notification"]["body"] == "built"
    termwall.env["TERMWALL_SESSION_ID"] = session
    termwall("notify", "look")
    assert termwall("wait", session, "--until", "needs-input", "--timeout", "20") == "needs input: notify: look\n"
    termwall.env["TERMWALL_SESSION_ID"] = "gone"
    assert "(unknown_session)" in termwall("notify", "look", ok=False)


def test_A5_a_program_in_a_session_finds_its_own_server(server: Server, tmp_path: Path) -> None:
    script = f"{sys.executable} -m termwall notify hello; exec cat"
    environment = {"PYTHONPATH": str(Path(__file__).parents[2] / "src")}
    session = server.session(server.project(tmp_path / "work"), "sh", "-c", script, env=environment)
    said = Command(server, tmp_path)("wait", session, "--until", "needs-input", "--timeout", "20")
    assert said == "needs input: notify: hello\n"
