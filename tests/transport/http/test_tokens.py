"""Tokens for others over HTTP, and the owner's own (X1, X3)."""

import os
import stat
from pathlib import Path

import httpx2

from tests.support.server import Server, running
from tests.transport.conftest import refused


def test_X3_tokens_for_others_open_their_role_and_project_only(api: Server, project: str, tmp_path: Path) -> None:
    other = api.project(tmp_path / "other")
    session = api.session(project, "cat")
    made = {
        role: api.call("POST", "/api/tokens", {"name": "Mia", "role": role, "projectId": project}).json()
        for role in ("view", "type")
    }

    def as_role(role: str, method: str, path: str, body: object = None) -> httpx2.Response:
        headers = {"authorization": f"Bearer {made[role]['token']}"}
        return httpx2.request(method, api.base + path, json=body, headers=headers, trust_env=False)

    focus = {"projectId": project, "sessionId": session}
    assert [one["id"] for one in as_role("view", "GET", "/api/projects").json()["projects"]] == [project]
    assert as_role("view", "GET", f"/api/sessions/{session}").status_code == 200
    refused(as_role("view", "PUT", "/api/terminal/focus", focus), 403, "forbidden")
    refused(as_role("view", "POST", f"/api/sessions/{session}/input", {"data": "x"}), 403, "forbidden")
    refused(as_role("view", "DELETE", f"/api/sessions/{session}"), 403, "forbidden")
    refused(as_role("view", "GET", f"/api/projects/{other}"), 404, "unknown_project")
    assert as_role("type", "PUT", "/api/terminal/focus", focus).status_code == 200
    refused(as_role("type", "DELETE", f"/api/projects/{project}"), 403, "forbidden")
    refused(as_role("type", "POST", "/api/projects", {"path": str(tmp_path)}), 403, "forbidden")
    refused(as_role("type", "GET", "/api/tokens"), 403, "forbidden")
    listed = api.call("GET", "/api/tokens").text
    assert made["view"]["id"] in listed
    assert made["view"]["token"] not in listed
    assert made["view"]["token"].encode() not in (api.data_dir / "termwall.sqlite").read_bytes(), (
        "only its hash is kept"
    )
    assert api.call("DELETE", f"/api/tokens/{made['view']['id']}").status_code == 204
    refused(as_role("view", "GET", "/api/projects"), 401, "unauthorized")


def test_X1_the_owners_token_is_private_and_stays(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        token = server.token
        path = server.data_dir / "token"
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        server.kill()
        server.start()
        assert server.token == token
