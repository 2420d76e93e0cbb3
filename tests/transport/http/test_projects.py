"""Projects over HTTP (A2)."""

from pathlib import Path

from tests.support.server import Server
from tests.transport.conftest import refused


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
