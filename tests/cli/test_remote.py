"""How the commands ask a server: again where too many calls came, and a sentence where nobody can answer (A5, L7)."""

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import typer

from termwall.cli import remote
from termwall.cli.remote import Remote
from tests.support.server import running


def test_case_hardening_L7_a_command_whose_call_came_too_soon_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remote, "RETRY_SECONDS", 0.1)
    env = {"TERMWALL_CALLS_PER_SECOND": "4"}
    with running(tmp_path / "data", env=env) as server, ThreadPoolExecutor(8) as threads:
        project, file = server.project(tmp_path / "work"), io.BytesIO()
        calls: list[Callable[[Remote], object]] = [
            lambda asked: asked.call("GET", "/api/projects"),
            lambda asked: asked.code(),
            lambda asked: asked.download("/api/openapi.json", file),
        ]

        def ask(call: Callable[[Remote], object]) -> list[int]:
            statuses: list[int] = []
            with Remote(server.data_dir) as asked:
                asked._http.event_hooks["response"].append(lambda answer: statuses.append(answer.status_code))
                call(asked)
            return statuses

        # Each counts as 16 calls: of three at once the last is refused, and four seconds' worth is owed.
        searches = [
            threads.submit(server.call, "GET", f"/api/projects/{project}/search?q=x", timeout=60) for _ in range(3)
        ]
        while not any(one.done() and one.result().status_code == 429 for one in searches):
            assert not all(one.done() for one in searches)
        for statuses in threads.map(ask, calls):
            assert statuses[0] == 429
            assert 200 <= statuses[-1] < 300
        assert file.getvalue().startswith(b"{")


def test_an_address_that_no_host_has_is_a_sentence_to_whatever_asks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with Remote(tmp_path, f"http://{'a' * 64}.example", "x" * 8) as asked:
        calls: list[Callable[[], object]] = [
            asked.code,
            lambda: asked.call("GET", "/api/projects"),
            lambda: asked.download("/api/recordings/r/cast", io.BytesIO()),
        ]
        for call in calls:
            with pytest.raises(typer.Exit):
                call()
            assert "does not answer" in capsys.readouterr().err
