"""Every error's one shape, over a real server (A3)."""

import json
import resource
from pathlib import Path

import httpx2

from tests.support.server import Server, running
from tests.transport.conftest import refused


def test_A3_bodies_that_are_wrong(api: Server, project: str) -> None:
    sessions = f"/api/projects/{project}/sessions"
    refused(api.call("POST", sessions, {"command": []}), 422, "invalid", "command")
    refused(api.call("POST", sessions, {"command": [""]}), 422, "invalid", "command")
    refused(api.call("POST", sessions, {"cols": 1}), 422, "invalid", "cols")
    refused(api.call("POST", sessions, {"cols": "80"}), 422, "invalid", "cols")
    refused(api.call("POST", sessions, {"name": "x" * 257}), 422, "invalid", "name")
    refused(api.call("POST", sessions, {"type": "nope"}), 422, "invalid", "type")
    refused(api.call("POST", sessions, {"command": ["no-such-program"]}), 422, "cannot_start", "command")
    refused(api.call("POST", sessions, {"cwd": "nope"}), 422, "cannot_start", "cwd")
    assert api.call("GET", sessions).json() == {"sessions": []}, "nothing half-done is left behind"
    headers = {"authorization": f"Bearer {api.token}", "content-type": "application/json"}
    for text, code, status in (("{", "bad_message", 400), ("[]", "invalid", 422), ("1", "invalid", 422)):
        refused(httpx2.post(api.base + sessions, content=text, headers=headers, trust_env=False), status, code)
    refused(api.call("GET", "/api/nope"), 404, "invalid")
    refused(api.call("DELETE", "/api/projects"), 405, "invalid")


def test_A3_413_with_and_without_a_length(api: Server, project: str) -> None:
    url = f"{api.base}/api/projects/{project}/sessions"
    headers = {"authorization": f"Bearer {api.token}", "content-type": "application/json"}
    big = json.dumps({"name": "x" * 70_000}).encode()
    refused(httpx2.post(url, content=big, headers=headers, trust_env=False), 413, "too_large")
    chunks = iter([big[:40_000], big[40_000:]])
    refused(httpx2.post(url, content=chunks, headers=headers, trust_env=False), 413, "too_large")


def test_A3_on_a_full_disk_every_change_says_so_and_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        kept = server.call("POST", "/api/tokens", {"name": "Kim", "role": "view", "projectId": None}).json()["id"]
        project = server.project(tmp_path / "wall")
        _, most = resource.prlimit(server.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, most))  # No file can grow: what a full disk does.
        for method, path, body in (
            ("POST", "/api/tokens", {"name": "Mia", "role": "view", "projectId": None}),
            ("DELETE", f"/api/tokens/{kept}", None),
            ("POST", f"/api/projects/{project}/sessions", {"command": ["cat"]}),
            ("PATCH", f"/api/projects/{project}", {"name": "other"}),
        ):
            answer = server.call(method, path, body)
            refused(answer, 503, "engine_away")
            assert answer.headers["retry-after"]
            assert answer.json()["error"].startswith("Nothing was changed"), answer.text
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (most, most))
        assert [one["id"] for one in server.call("GET", "/api/tokens").json()["tokens"]] == [kept]
        assert server.call("DELETE", f"/api/tokens/{kept}").status_code == 204
