"""A real server for all tests of the HTTP API in a worker, and a project of it for each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.server import Server, running


@pytest.fixture(scope="package")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this file; each uses a project of its own."""
    options = {"TERMWALL_MESSAGE_BYTES": "65536", "TERMWALL_SESSIONS": "4", "TERMWALL_INPUT_BYTES": "4096"}
    with running(tmp_path_factory.mktemp("rest"), env=options) as server:
        yield server


@pytest.fixture
def project(api: Server, tmp_path: Path) -> str:
    """A project of this test's own."""
    return api.project(tmp_path / "work")


def refused(answer: httpx2.Response, status: int, code: str, field: str | None = None) -> dict[str, Any]:
    """An error in its one shape (A3)."""
    body = answer.json()
    assert (answer.status_code, body["success"], body["code"]) == (status, False, code), answer.text
    assert isinstance(body["error"], str)
    assert body["error"].endswith((".", "?"))
    if field is not None:
        assert body["field"] == field
    return dict(body)
