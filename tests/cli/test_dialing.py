"""X12: to whom the commands show a token: the owner's, from the data folder, to that folder's server only."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from websockets.exceptions import InvalidStatus

from termwall.cli import hook
from termwall.cli.dialing import connect
from termwall.store.folder import Running
from tests.support.command import Command
from tests.support.server import Server


class Stranger:
    """Another web server, which keeps what it was shown."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.shown: list[str | None] = []
        """The `Authorization` of each request."""
        self.leads_to: str | None = None
        """Where it sends everybody on to."""


@contextmanager
def stranger() -> Iterator[Stranger]:
    """One on a port of its own."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            found.shown.append(self.headers["authorization"])
            self.rfile.read(int(self.headers["content-length"] or 0))
            self.send_response(307 if found.leads_to else 404)
            if found.leads_to:
                self.send_header("location", found.leads_to + self.path)
            self.send_header("content-length", "0")
            self.end_headers()

        do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815  The library's names.

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        found = Stranger(f"http://127.0.0.1:{site.server_port}")
        thread = Thread(target=site.serve_forever, daemon=True)
        thread.start()
        yield found
        site.shutdown()
        thread.join()


@pytest.fixture
def termwall(server: Server, tmp_path: Path) -> Command:
    """The command with a server's data folder, in a folder that is a project of it."""
    work = tmp_path / "work"
    server.project(work)
    return Command(server, work)


def test_case_hardening_X1_another_server_is_not_shown_the_token_of_the_data_folder(
    termwall: Command, server: Server
) -> None:
    calls = (
        ("ls",),
        ("run", "--", "true"),
        ("wait", "s1", "--until", "exit"),
        ("token", "create", "Mia"),
        ("play", "r1"),
        ("notify", "needs-input", "--session", "s1"),
    )
    with stranger() as other:
        termwall.env["TERMWALL_URL"] = other.base
        for words in calls:
            said = termwall(*words, ok=False)
            assert f"no token is known for {other.base} (`{server.data_dir}` names the server at {server.base})" in said
            assert "--token-file or TERMWALL_TOKEN" in said
        assert other.shown == [], "it was not even asked"


def test_case_hardening_X1_a_server_of_ones_own_is_shown_it_by_its_address(termwall: Command, server: Server) -> None:
    for url in (server.base, server.base + "/", server.base.upper(), f"http://localhost:{server.port}"):
        termwall("ls", "--url", url)
    assert server.base + "/?token=" in termwall("token", "create", "Mia", "--url", f"http://localhost:{server.port}")
    termwall.env["TERMWALL_DATA_DIR"] += "-of-another"
    assert "names no server that runs" in termwall("ls", "--url", server.base, ok=False)
    termwall("ls", "--url", server.base, "--token", server.token)


@pytest.mark.parametrize(
    ("url", "own"),
    [
        ("http://127.0.0.1:7070", True),
        ("HTTP://LOCALHOST:7070/", True),
        ("https://127.0.0.1:7070", False),
        ("http://127.0.0.1:7071", False),
        ("http://127.0.0.1", False),
        ("http://[::1]:7070", False),
        ("http://127.0.0.1:7070@evil.example", False),
        ("http://127.0.0.1:7070.evil.example", False),
        ("http://127.0.0.1:7070/below", False),
        ("http://127.0.0.1:port", False),
        ("http://[", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_X12_what_is_an_address_of_the_server(url: str, own: bool) -> None:
    assert Running("http://127.0.0.1:7070", 1).is_at(url) is own


def test_X12_only_a_server_on_loopback_is_localhost() -> None:
    assert Running("http://[::1]:7070", 1).is_at("http://localhost:7070")
    assert not Running("http://192.0.2.1:7070", 1).is_at("http://localhost:7070")
    assert Running("http://192.0.2.1:80", 1).is_at("http://192.0.2.1")


def test_case_hardening_X1_a_hook_shows_it_to_its_own_server_only(server: Server, tmp_path: Path) -> None:
    folder = {"TERMWALL_DATA_DIR": str(server.data_dir)}
    with stranger() as other:
        with pytest.raises(hook.HookError, match=f"no token is known for {other.base}"):
            hook.find_server(folder | {"TERMWALL_URL": other.base})
        secret = tmp_path / "secret"
        secret.write_text("another\n")
        given = {"TERMWALL_URL": other.base, "TERMWALL_TOKEN_FILE": str(secret)}
        assert hook.find_server(folder | given) == (other.base, "another")
        # A server that was killed leaves its address behind, on which somebody else may listen by now.
        (tmp_path / "server.json").write_text(json.dumps({"url": other.base, "pid": 1}))
        (tmp_path / "lock").touch()
        (tmp_path / "token").write_text("the-owners-token")
        with pytest.raises(hook.HookError, match="no server is known"):
            hook.find_server({"TERMWALL_DATA_DIR": str(tmp_path)})


def test_case_hardening_X1_no_token_goes_where_a_redirect_leads(termwall: Command) -> None:
    termwall.env["TERMWALL_TOKEN"] = "a-token-for-the-first"
    with stranger() as first, stranger() as second:
        first.leads_to = second.base
        termwall.env["TERMWALL_URL"] = first.base
        for words in (("ls",), ("run", "--", "true"), ("play", "r1")):
            assert f"{first.base} redirects to {second.base}/api" in termwall(*words, ok=False)

        async def open_socket() -> None:
            headers = {"Authorization": "Bearer a-token-for-the-first"}
            async with connect(first.base.replace("http", "ws") + "/ws/terminal", additional_headers=headers):
                pass

        with pytest.raises(InvalidStatus):
            asyncio.run(open_socket())
        assert set(first.shown) == {"Bearer a-token-for-the-first"}
        assert second.shown == []
