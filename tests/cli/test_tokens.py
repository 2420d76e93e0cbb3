"""The commands about tokens for others (A5, X1)."""

import json
import re
from pathlib import Path

from tests.support.command import Command
from tests.support.server import running


def test_X1_tokens_are_made_listed_and_revoked(termwall: Command) -> None:
    made = json.loads(termwall("token", "create", "Mia", "--role", "type", "--json"))
    assert "Mia" in termwall("token", "list")
    assert made["token"] not in termwall("token", "list")
    termwall("token", "revoke", made["id"])
    assert "Mia" not in termwall("token", "list")


def test_case_command_line_13_a_link_has_the_address_that_others_use(tmp_path: Path, work: Path) -> None:
    options = ("--host", "0.0.0.0", "--allowed-hosts", "wall.example.org")
    with running(tmp_path / "data", *options) as server:
        server.project(work, id="work")
        termwall = Command(server, work)
        made = termwall("token", "create", "Mia", "--project", "work").strip()
        assert re.fullmatch(rf"http://wall\.example\.org:{server.port}/\?token=[\w-]+&project=work", made)
        assert json.loads(termwall("token", "create", "Mia", "--json"))["url"].startswith("http://wall.example.org:")
        said = termwall("token", "create", "Mia", "--project", "nowhere", ok=False)
        assert "There is no project `nowhere`" in said
        assert "there is no token `nope`; `termwall token list` shows them" in termwall(
            "token", "revoke", "nope", ok=False
        )
        assert server.call("DELETE", "/api/tokens/nope").json()["code"] == "unknown_token"
        for wrong in ("wrong", "wrong-but-long-enough"):
            said = termwall("ls", "--token", wrong, ok=False)
            assert f"this token is not known to the server at {server.base}" in said
        assert len(termwall("token", "list").splitlines()) == 2, "what was refused made none"
