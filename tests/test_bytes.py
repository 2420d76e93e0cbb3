"""Names that are no UTF-8: each is an error about that thing in one sentence, or does not matter (A8)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from termwall.cli.hook import notice_of
from termwall.config import Settings
from termwall.core.errors import ErrorCode, TermwallError
from termwall.hub.service import TerminalService
from tests.support import prepared
from tests.support.server import Server, running
from tests.support.wall import Wall

CAFE = os.fsdecode(b"caf\xe9")
"""A name in Latin-1, as old disks and archives have them."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server whose data folder, home, shell and own variables are no UTF-8, and a project that has such a folder."""
    root = tmp_path_factory.mktemp("bytes")
    (root / "work" / CAFE).mkdir(parents=True)
    odd = root / CAFE
    odd.mkdir()
    (odd / "sh").symlink_to("/bin/sh")
    env = {"HOME": str(odd), "SHELL": str(odd / "sh"), "ODD": os.fsdecode(b"\xff\xfe")}
    with running(odd / "data", env=env) as one:
        one.project(root / "work", id="p")
        one.session("p", "cat", id="s")
        yield one


def said(server: Server, *words: str, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What a command that fails says, in one line."""
    done = run(server, *words, cwd=cwd, env=env)
    assert done.returncode in (1, 2), done.stdout
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


def run(
    server: Server, *words: str, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """A command in the project's folder."""
    given = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
    given |= {"TERMWALL_DATA_DIR": str(server.data_dir), **(env or {})}
    return prepared.run(list(words), cwd=cwd or server.data_dir.parents[1] / "work", env=given)


def test_case_hardening_C6_a_server_with_such_names_around_it_works(server: Server) -> None:
    profiles = server.call("GET", "/api/profiles").json()["profiles"]
    assert CAFE not in str(profiles), "a shell that nobody can be told of is not offered"
    session = server.session("p", "sh", "-c", 'printf %s "$ODD" | od -An -tx1; read line')
    wanted = server.call("GET", f"/api/sessions/{session}")
    assert wanted.status_code == 200
    assert run(server, "wait", session, "--until", "text=ff fe", "--timeout", "60").returncode == 0
    for body in ({"path": "~"}, {"path": "~/x"}):
        problem = server.call("POST", "/api/projects", body).json()
        assert (problem["code"], problem["field"]) == ("invalid", "path")
        assert "UTF-8" in problem["error"]


WORDS = [
    ("run", "--", "echo", CAFE),
    ("run", "--name", CAFE, "--", "true"),
    ("send", "--keys", "s", f"={CAFE}"),
    ("grep", CAFE),
    ("notify", "x", "--session", "s", "--source", CAFE),
    ("token", "create", CAFE),
    ("ls", "--url", f"http://{CAFE}"),
]


@pytest.mark.parametrize("words", WORDS, ids=lambda words: words[0])
def test_case_hardening_C6_an_argument_that_cannot_be_sent_is_named(server: Server, words: tuple[str, ...]) -> None:
    assert "caf\ufffd` is not UTF-8" in said(server, *words)


def test_case_hardening_C6_a_folder_that_no_server_can_be_told_of(server: Server) -> None:
    folder = server.data_dir.parents[1] / "work" / CAFE
    for words in ((), ("up",), ("run", "--", "true")):
        assert "is not UTF-8" in said(server, *words, cwd=folder)
    assert run(server, "ls", cwd=folder).returncode == 0, "the project above it has a name that can be told"


def test_case_hardening_C6_what_no_id_is_and_no_address(server: Server) -> None:
    for project in (CAFE, "..", "a/b", "a?b"):
        assert "no project" in said(server, "ls", "-p", project)
    assert "no session" in said(server, "notify", "x", env={"TERMWALL_SESSION_ID": "../../x"})
    assert "no recording" in said(server, "export", CAFE)
    for address in ("http://a..b", "http://127.0.0.1:1/\x01", "http://" + "a" * 80):
        said(server, "ls", "--url", address)
    assert "token" in said(server, "ls", env={"TERMWALL_TOKEN": CAFE})
    assert "UTF-8" in said(server, "ls", env={"TERMWALL_PORT": CAFE})


def test_case_hardening_C6_bytes_that_are_typed_or_only_said_are_taken(server: Server) -> None:
    assert run(server, "send", "s", CAFE).returncode == 0
    assert run(server, "notify", CAFE, "--session", "s").returncode == 0
    assert "caf\ufffd" in server.call("GET", "/api/sessions/s").json()["attention"]["reason"]
    event = {"hook_event_name": "Notification", "message": "a\ud800b"}
    notice = notice_of(event)
    assert notice is not None
    assert notice["message"] == "a\ufffdb"


def test_case_hardening_C6_a_name_that_standard_output_has_no_bytes_for(server: Server) -> None:
    server.call("PATCH", "/api/sessions/s", {"name": "€"})
    env = {**os.environ, "PYTHONIOENCODING": "latin-1", "TERMWALL_DATA_DIR": str(server.data_dir)}
    listed = subprocess.run(
        [sys.executable, "-m", "termwall", "ls", "-p", "p"], env=env, capture_output=True, check=True
    )
    assert b"\\u20ac" in listed.stdout


async def test_case_hardening_C6_a_program_that_embeds_termwall_is_told_too(wall: Wall, tmp_path: Path) -> None:
    service: TerminalService = wall.service
    (tmp_path / CAFE).mkdir()
    with pytest.raises(TermwallError, match="UTF-8") as caught:
        service.create_project(path=str(tmp_path / CAFE))
    assert (caught.value.code, caught.value.field) == (ErrorCode.INVALID, "path")


@pytest.mark.parametrize(
    "given",
    [
        {"host": CAFE},
        {"host": "a..b"},
        {"host": "a" * 300},
        {"token": "é" * 8},
        {"token": "a b\n cccc"},
        {"public_url": "http://["},
        {"public_url": "http://x:99999999"},
        {"nats": "nats://["},
        {"allowed_hosts": CAFE},
    ],
    ids=str,
)
def test_case_hardening_C6_a_setting_that_is_no_such_thing(tmp_path: Path, given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=next(iter(given))):
        Settings(data_dir=tmp_path / CAFE, **given)  # type: ignore[arg-type]
