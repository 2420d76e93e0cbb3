"""S9: what Claude Code's hooks say, and that a hook never fails, prints or hangs."""

import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from termwall.cli import hook
from tests.support.command import Command
from tests.support.server import Server

COPILOT = {
    "sessionId": "4df66d98-27aa-4962-b07a-c173c0c589fb",
    "timestamp": 1795831452153,
    "cwd": "/home/somebody/work",
    "message": "Run command: touch made-by-agent",
    "title": "Permission needed",
    "hook_event_name": "Notification",
    "notification_type": "permission_prompt",
}
"""What Copilot CLI 1.0.102 gave its `notification` hook as it asked, recorded; but for the folder."""


@pytest.mark.parametrize(
    ("event", "notice"),
    [
        (COPILOT, ("needs input", "Run command: touch made-by-agent")),
        ({"hook_event_name": "Notification", "message": "May I?"}, ("needs input", "May I?")),
        ({"hook_event_name": "Notification", "message": "in", "notification_type": "auth_success"}, None),
        ({"hook_event_name": "Notification", "message": 7}, ("needs input", "")),
        ({"hook_event_name": "Notification", "message": "x" * 9999}, ("needs input", "x" * hook.MAX_MESSAGE)),
        ({"hook_event_name": "PermissionRequest", "tool_name": "Bash"}, ("needs input", "")),
        ({"hook_event_name": "Stop", "stop_hook_active": False}, ("done", "")),
        ({"hook_event_name": "SubagentStop"}, None),
        ({"hook_event_name": "UserPromptSubmit", "prompt": "go"}, ("working", "")),
        ({"hook_event_name": "PreToolUse", "message": "no message of ours"}, ("working", "")),
        ({"hook_event_name": "PostToolUse"}, ("working", "")),
        ({"hook_event_name": "SessionStart", "source": "startup"}, ("idle", "")),
        ({"hook_event_name": "SessionStart", "source": "compact"}, None),
        ({"hook_event_name": "SessionEnd", "reason": "other"}, ("idle", "")),
        ({"hook_event_name": "SomethingNew"}, None),
        ({"hook_event_name": ["Stop"]}, None),
        ({}, None),
    ],
)
def test_S9_what_a_hook_says(event: dict[str, Any], notice: tuple[str, str] | None) -> None:
    said = hook.notice_of(event)
    if notice is None:
        assert said is None
    else:
        assert said == {
            "state": notice[0],
            "message": notice[1],
            "source": f"Claude hook: {event['hook_event_name']}",
        }


def test_S9_without_the_environment_the_data_folder_tells_the_server(server: Server) -> None:
    environ = {"TERMWALL_DATA_DIR": str(server.data_dir)}
    assert hook.find_server(environ) == (server.base, server.token)
    assert hook.find_server(environ | {"TERMWALL_URL": "http://x", "TERMWALL_TOKEN": "y"}) == ("http://x", "y")


def called(env: dict[str, str], text: str, *words: str) -> subprocess.CompletedProcess[str]:
    """`termwall notify --hook`, as an agent calls it."""
    command = [sys.executable, "-m", "termwall", "notify", "--hook", *words]
    return subprocess.run(command, env=env, input=text, capture_output=True, text=True, timeout=20)


STOP = json.dumps({"hook_event_name": "Stop"})


def test_S9_a_hook_tells_its_session(server: Server, tmp_path: Path) -> None:
    session = server.session(server.project(tmp_path / "work"), "cat")
    env = Command(server, tmp_path).env | {"TERMWALL_SESSION_ID": session}
    for event, state in [("Notification", "needs input"), ("Stop", "done"), ("UserPromptSubmit", "working")]:
        done = called(env, json.dumps({"hook_event_name": event, "message": "May I?"}))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        attention = server.call("GET", f"/api/sessions/{session}").json()["attention"]
        assert attention["state"] == state
        assert attention["reason"].startswith(f"Claude hook: {event}")
    other = server.session(server.project(tmp_path / "other"), "cat")
    assert called(env, STOP, "--session", other).returncode == 0
    assert server.call("GET", f"/api/sessions/{other}").json()["attention"]["state"] == "done"


def test_S9_a_session_finds_its_own_server(server: Server, tmp_path: Path) -> None:
    said = json.dumps({"hook_event_name": "Notification", "message": "May I?"})
    script = 'printf %s "$1" | exec "$2" -m termwall notify --hook'
    environment = {"PYTHONPATH": str(Path(hook.__file__).parents[2])}
    project = server.project(tmp_path / "work")
    session = server.session(project, "sh", "-c", f"{script}; cat", "-", said, sys.executable, env=environment)
    waited = Command(server, tmp_path)("wait", session, "--until", "needs-input", "--timeout", "20")
    assert waited == "needs input: Claude hook: Notification: May I?\n"


@pytest.mark.parametrize("text", ["", "no JSON", "[]", "7", STOP])
def test_S9_a_hook_outside_of_a_session_does_nothing(text: str, tmp_path: Path) -> None:
    done = called({"PATH": "/usr/bin", "PYTHONPATH": str(Path(hook.__file__).parents[2])}, text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_S9_a_hook_never_fails(server: Server, tmp_path: Path) -> None:
    env = Command(server, tmp_path).env | {"TERMWALL_SESSION_ID": "gone"}
    for changes, text, said in [
        ({}, STOP, "answered 404"),
        ({}, "no JSON", "not a hook's JSON"),
        ({"TERMWALL_URL": "http://127.0.0.1:1", "TERMWALL_TOKEN": "t"}, STOP, "does not answer"),
        ({"TERMWALL_URL": "nonsense", "TERMWALL_TOKEN": "t"}, STOP, "does not answer"),
        ({"TERMWALL_DATA_DIR": str(tmp_path / "nothing")}, STOP, "no server is known"),
    ]:
        done = called(env | changes, text)
        assert (done.returncode, done.stdout) == (0, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr


def test_S9_a_hook_does_not_wait_for_a_server_that_hangs(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        env = {
            "PYTHONPATH": str(Path(hook.__file__).parents[2]),
            "TERMWALL_SESSION_ID": "s",
            "TERMWALL_TOKEN": "t",
            "TERMWALL_URL": f"http://127.0.0.1:{silent.getsockname()[1]}",
        }
        begun = time.monotonic()
        assert called(env, STOP).returncode == 0
        assert time.monotonic() - begun < 10


def test_S9_a_hook_imports_nothing_heavy() -> None:
    heavy = ("httpx2", "pydantic", "typer", "asyncio")
    code = f"import sys, termwall.cli.hook; print([m for m in sys.modules if m in {heavy}])"
    env = {"PYTHONPATH": str(Path(hook.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


PAGE = Path(__file__).parents[2] / "docs/how-to/attention.md"


def block(language: str) -> str:
    """The first code block in a language of the page about attention."""
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    return found[1]


def test_S9_the_page_has_hooks_that_say_something() -> None:
    hooks = json.loads(block("json"))["hooks"]
    assert set(hooks) <= set(hook.STATES)
    for [entry] in hooks.values():
        assert entry == {"hooks": [{"type": "command", "command": "termwall notify --hook"}]}


def test_S9_the_pages_bash_marks_its_commands(server: Server, tmp_path: Path) -> None:
    (tmp_path / "bashrc").write_text("PROMPT_COMMAND='last=$?'\nPS1='$last> '\n" + block("bash"))
    project = server.project(tmp_path / "work")
    session = server.session(project, "bash", "--rcfile", str(tmp_path / "bashrc"), "-i")
    termwall = Command(server, tmp_path)
    termwall("wait", session, "--until", "text=^0>", "--timeout", "20")
    termwall("send", session, "read x; (exit 3)")
    deadline = time.monotonic() + 20
    while (attention := server.call("GET", f"/api/sessions/{session}").json()["attention"])["reason"] != "prompt mark":
        assert time.monotonic() < deadline, attention  # `output` at first: what was typed is shown.
        time.sleep(0.02)
    assert attention["state"] == "working"
    termwall("send", session, "")
    termwall("wait", session, "--until", "text=^3>", "--timeout", "20")
    shown = server.call("GET", f"/api/sessions/{session}").json()
    assert (shown["mark"]["kind"], shown["mark"]["exitCode"]) == ("finished", 3)
    assert shown["attention"]["state"] in ("idle", "done"), "done where this machine took 5 s for it"
