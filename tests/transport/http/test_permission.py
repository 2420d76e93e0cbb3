"""Who may what, over a real server: a link for one project, and what nobody is told (X3)."""

import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.server import Server, running


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all tests of this file."""
    with running(tmp_path_factory.mktemp("permission")) as server:
        yield server


@pytest.fixture
def as_guest(api: Server, tmp_path: Path) -> Callable[..., httpx2.Response]:
    """Asks with a link that may type, for a project of its own."""
    mine = api.project(tmp_path / "mine")
    made = api.call("POST", "/api/tokens", {"name": "Mia", "role": "type", "projectId": mine}).json()

    def ask(method: str, path: str, body: object = None) -> httpx2.Response:
        headers = {"authorization": f"Bearer {made['token']}"}
        return httpx2.request(method, api.base + path, json=body, headers=headers, trust_env=False)

    return ask


def said(answer: httpx2.Response, asked: str) -> tuple[int, dict[str, Any]]:
    """An answer, without the id that it was asked for."""
    return answer.status_code, {**answer.json(), "error": answer.json()["error"].replace(asked, "ID")}


def test_case_hardening_X8_a_link_for_one_project_learns_nothing_of_another(
    api: Server, as_guest: Callable[..., httpx2.Response], tmp_path: Path
) -> None:
    secret = api.project(tmp_path / "secret", id="the-secret-project")
    session = api.session(secret, "cat", id="a-session")
    recording = api.call("POST", f"/api/sessions/{session}/recording").json()["id"]
    api.focus(secret, session)
    calls = [
        ("GET", "/api/sessions/{}", session, None),
        ("PATCH", "/api/sessions/{}", session, {"name": "x"}),
        ("DELETE", "/api/sessions/{}", session, None),
        ("POST", "/api/sessions/{}/restart", session, {}),
        ("POST", "/api/sessions/{}/reset", session, {}),
        ("POST", "/api/sessions/{}/input", session, {"data": "x"}),
        ("POST", "/api/sessions/{}/notify", session, {"state": "done"}),
        ("POST", "/api/sessions/{}/resize", session, {"cols": 9, "rows": 9}),
        ("GET", "/api/sessions/{}/screen", session, None),
        ("POST", "/api/sessions/{}/recording", session, None),
        ("DELETE", "/api/sessions/{}/recording", session, None),
        ("GET", "/api/recordings/{}", recording, None),
        ("DELETE", "/api/recordings/{}", recording, None),
        ("GET", "/api/recordings/{}/cast", recording, None),
        ("GET", "/api/recordings/{}/timeline", recording, None),
        ("GET", "/api/recordings/{}/frame", recording, None),
        ("GET", "/api/projects/{}", secret, None),
        ("GET", "/api/projects/{}/sessions", secret, None),
        ("GET", "/api/projects/{}/recordings", secret, None),
        ("GET", "/api/projects/{}/search?q=x", secret, None),
        ("GET", "/api/terminal/focus?projectId={}", secret, None),
    ]
    for method, path, known, body in calls:
        real, none = (as_guest(method, path.format(one), body) for one in (known, "nobodys"))
        assert real.status_code == 404, (method, path, real.text)
        assert said(real, known) == said(none, "nobodys"), (method, path)
        assert path.startswith(("/api/projects", "/api/terminal")) or secret not in real.text
    assert secret not in as_guest("GET", "/api/projects").text
    for path in ("/metrics", "/api/nodes", "/api/tokens"):
        assert as_guest("GET", path).status_code == 403, path
    everywhere = api.call("POST", "/api/tokens", {"name": "Prometheus", "role": "view"}).json()["token"]
    headers = {"authorization": f"Bearer {everywhere}"}
    assert "termwall_projects" in httpx2.get(f"{api.base}/metrics", headers=headers, trust_env=False).text


def test_case_hardening_X8_what_cannot_be_kept_names_no_path_to_clients(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        project = server.project(tmp_path / "wall")
        session = server.session(project, "cat")
        _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, most))  # No file can grow: what a full disk does.
        for method, path, body in (
            ("POST", "/api/tokens", {"name": "Mia"}),
            ("PATCH", f"/api/projects/{project}", {"name": "other"}),
            ("POST", f"/api/sessions/{session}/recording", None),
        ):
            answer = server.call(method, path, body)
            assert answer.status_code == 503, answer.text
            assert str(tmp_path) not in answer.text
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))
