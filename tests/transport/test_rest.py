"""The HTTP API over a real server: calls, every error's shape, who may, and where from (A1-A3, X1-X4)."""

import json
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.support.server import Server, running


@pytest.fixture(scope="module")
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


def test_A1_focus_over_http(api: Server, project: str) -> None:
    one, two = api.session(project, "cat"), api.session(project, "cat")
    state = api.call("GET", f"/api/terminal/focus?projectId={project}").json()
    assert set(state) == {
        "projectId",
        "focusedSessions",
        "totalFocused",
        "maxFocused",
        "version",
        "epoch",
        "timestamp",
    }
    put = {"projectId": project, "sessionId": one, "focused": True, "expectedVersion": 0}
    answer = api.call("PUT", "/api/terminal/focus", put)
    assert (answer.status_code, answer.json()["success"], answer.json()["focusedSessions"]) == (200, True, [one])
    conflict = refused(api.call("PUT", "/api/terminal/focus", {**put, "sessionId": two}), 409, "version_conflict")
    assert (conflict["version"], conflict["focusedSessions"], conflict["maxFocused"]) == (1, [one], 4)
    batch = api.call("PUT", "/api/terminal/focus", {"projectId": project, "sessionIds": [two, one]}).json()
    assert (batch["version"], batch["focusedSessions"]) == (2, [two, one])
    many = {"projectId": project, "sessionIds": [one, two, one, "a", "b", "c"]}
    refused(api.call("PUT", "/api/terminal/focus", many), 404, "unknown_session", "sessionIds")
    api.call("PATCH", f"/api/projects/{project}", {"maxFocused": 1})
    refused(
        api.call("PUT", "/api/terminal/focus", {"projectId": project, "sessionIds": [one, two]}),
        422,
        "too_many_focused",
    )
    for body in ({"projectId": project}, {"projectId": project, "sessionId": one, "sessionIds": [one]}):
        refused(api.call("PUT", "/api/terminal/focus", body), 422, "invalid")
    refused(api.call("GET", "/api/terminal/focus?projectId=nope"), 404, "unknown_project")
    refused(api.call("GET", "/api/terminal/focus"), 422, "invalid", "projectId")


def test_A2_projects(api: Server, tmp_path: Path) -> None:
    made = api.call("POST", "/api/projects", {"id": "p-1", "name": "One", "path": str(tmp_path), "maxFocused": 2})
    assert made.status_code == 201
    assert made.json() | {"createdAt": 0} == {
        "id": "p-1",
        "name": "One",
        "path": str(tmp_path),
        "maxFocused": 2,
        "createdAt": 0,
    }
    refused(api.call("POST", "/api/projects", {"id": "p-1", "path": str(tmp_path)}), 409, "already_exists", "id")
    refused(api.call("POST", "/api/projects", {"path": str(tmp_path / "nope")}), 422, "invalid", "path")
    refused(api.call("POST", "/api/projects", {"path": "relative"}), 422, "invalid", "path")
    refused(api.call("POST", "/api/projects", {"path": str(tmp_path), "id": "a b"}), 422, "invalid", "id")
    refused(api.call("POST", "/api/projects", {"path": str(tmp_path), "maxFocused": 65}), 422, "invalid", "maxFocused")
    assert "p-1" in [one["id"] for one in api.call("GET", "/api/projects").json()["projects"]]
    assert api.call("PATCH", "/api/projects/p-1", {"name": "Two", "maxFocused": 3}).json()["name"] == "Two"
    assert api.call("GET", "/api/projects/p-1").json()["maxFocused"] == 3
    assert api.call("DELETE", "/api/projects/p-1").status_code == 204
    refused(api.call("GET", "/api/projects/p-1"), 404, "unknown_project")


def test_A2_sessions(api: Server, project: str, tmp_path: Path) -> None:
    body = {"id": f"{project}.s", "name": "tests", "command": ["sh", "-c", "echo $COLOR; exec cat"], "cols": 100}
    made = api.call("POST", f"/api/projects/{project}/sessions", {**body, "env": {"COLOR": "blue"}, "rows": 30})
    assert made.status_code == 201
    session = made.json()
    assert {
        "id",
        "projectId",
        "name",
        "title",
        "type",
        "command",
        "cwd",
        "status",
        "exitCode",
        "signal",
        "cols",
        "rows",
        "focused",
        "attention",
        "createdAt",
        "lastActivity",
        "epoch",
        "offset",
    } <= set(session)
    assert (session["cols"], session["rows"], session["status"]) == (100, 30, "running")
    path = f"/api/sessions/{session['id']}"
    assert api.call("PATCH", path, {"name": "other"}).json()["name"] == "other"
    assert api.call("POST", f"{path}/resize", {"cols": 120, "rows": 40}).json()["cols"] == 120
    assert api.call("POST", f"{path}/input", {"data": "x\r"}).status_code == 204
    again = api.call("POST", f"{path}/restart", {}).json()
    assert again["id"] == session["id"]
    assert again["epoch"] != session["epoch"]
    assert [one["id"] for one in api.call("GET", f"/api/projects/{project}/sessions").json()["sessions"]] == [
        session["id"]
    ]
    assert api.call("DELETE", path).status_code == 204
    refused(api.call("GET", path), 404, "unknown_session")


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


def test_I3_input_that_nobody_reads_and_input_to_an_ended_session(api: Server, project: str) -> None:
    deaf = api.session(project, "sh", "-c", "stty raw -echo; exec sleep 60")
    path = f"/api/sessions/{deaf}/input"
    answers = [api.call("POST", path, {"data": "y" * 4000}).status_code for _ in range(40)]
    assert 204 in answers
    refused(api.call("POST", path, {"data": "y" * 4000}), 429, "input_overflow")
    ended = api.session(project, "true")
    for _ in range(500):
        if api.call("GET", f"/api/sessions/{ended}").json()["status"] == "exited":
            break
    refused(api.call("POST", f"/api/sessions/{ended}/input", {"data": "x"}), 409, "session_ended")


def test_X4_a_project_holds_a_limited_number_of_sessions(api: Server, project: str) -> None:
    for _ in range(4):
        api.session(project, "cat")
    refused(api.call("POST", f"/api/projects/{project}/sessions", {"command": ["cat"]}), 429, "limit_reached")


def test_X1_who_shows_no_token_gets_nothing(api: Server) -> None:
    for headers in ({}, {"authorization": "Bearer wrong"}, {"authorization": "Basic x"}, {"cookie": "termwall_x=y"}):
        for path in ("/api/projects", "/metrics", "/api/openapi.json", "/api/nope"):
            answer = httpx2.get(api.base + path, headers=headers, trust_env=False)
            refused(answer, 401, "unauthorized")
            assert answer.headers["www-authenticate"] == "Bearer"
    assert httpx2.get(f"{api.base}/api/health", trust_env=False).json()["status"] == "ok"
    assert httpx2.get(api.base, trust_env=False).status_code == 200, "the page holds nothing, and shows the sign-in"


def test_X1_the_page_trades_its_token_for_a_cookie(api: Server) -> None:
    answer = httpx2.get(f"{api.base}/?token={api.token}&project=p", trust_env=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "./?project=p")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert api.token not in cookie
    pair = cookie.partition(";")[0]
    assert httpx2.get(f"{api.base}/api/projects", headers={"cookie": pair}, trust_env=False).status_code == 200
    wrong = httpx2.get(f"{api.base}/?token=wrong", trust_env=False)
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (200, False)
    refused(httpx2.post(f"{api.base}/api/login", json={"token": "wrong"}, trust_env=False), 401, "unauthorized")
    login = httpx2.post(f"{api.base}/api/login", json={"token": api.token}, trust_env=False)
    assert login.headers["set-cookie"].partition(";")[0] != pair, "each browser has its own"
    refused(httpx2.post(f"{api.base}/api/login", json={}, trust_env=False), 422, "invalid")


def test_X2_state_changing_requests_check_origin_and_all_check_host(api: Server, tmp_path: Path) -> None:
    cookie = httpx2.get(f"{api.base}/?token={api.token}", trust_env=False).headers["set-cookie"].partition(";")[0]
    url, body = f"{api.base}/api/projects", {"path": str(tmp_path)}
    bearer = {"authorization": f"Bearer {api.token}"}
    table: list[tuple[dict[str, str], int]] = [
        (bearer, 201),
        ({**bearer, "origin": api.base}, 201),
        ({**bearer, "origin": "http://evil.example"}, 403),
        ({"cookie": cookie}, 403),
        ({"cookie": cookie, "origin": api.base}, 201),
        ({"cookie": cookie, "origin": "http://evil.example"}, 403),
        ({"cookie": cookie, "origin": "null"}, 403),
        ({**bearer, "host": "evil.example"}, 403),
        ({**bearer, "host": f"localhost:{api.port}"}, 201),
        ({**bearer, "host": f"[::1]:{api.port}"}, 201),
    ]
    for headers, status in table:
        answer = httpx2.post(url, json=body, headers=headers, trust_env=False)
        assert answer.status_code == status, (headers, answer.text)
    assert httpx2.get(api.base, headers={"host": "evil.example"}, trust_env=False).status_code == 403


def test_X1_the_owners_token_is_private_and_stays(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        token = server.token
        path = server.data_dir / "token"
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
        server.kill()
        server.start()
        assert server.token == token


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


def test_F7_the_version_never_goes_back_through_kills(tmp_path: Path) -> None:
    with running(tmp_path / "data") as server:
        project = server.project(tmp_path / "work")
        before = server.call("GET", f"/api/terminal/focus?projectId={project}").json()
        for _ in range(3):
            session = server.session(project, "cat")
            state = server.focus(project, session)
            server.kill()
            server.start()
            after = server.call("GET", f"/api/terminal/focus?projectId={project}").json()
            assert after["version"] == state["version"] > before["version"]
            assert after["epoch"] == before["epoch"]
            assert after["focusedSessions"] == [session]
            before = after


def test_A3_metrics_and_profiles(api: Server) -> None:
    text = api.call("GET", "/metrics").text
    assert "termwall_connections 0.0" in text
    assert api.call("GET", "/metrics").headers["content-type"].startswith("text/plain")
    profiles = api.call("GET", "/api/profiles").json()["profiles"]
    assert [one["type"] for one in profiles] == ["system", "claude"]
