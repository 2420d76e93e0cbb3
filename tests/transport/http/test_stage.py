"""The stage over HTTP, and its version over kills of the server (A1, F7)."""

from pathlib import Path

from tests.support.server import Server, running
from tests.transport.conftest import refused


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
