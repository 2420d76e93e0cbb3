"""Sessions over HTTP: what is done to them, and how many there may be (A2, I3, X4)."""

from pathlib import Path

from tests.support.server import Server
from tests.transport.conftest import refused


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
