"""What is deleted of a project or a person is gone from the data folder."""

from pathlib import Path

from tests.support.server import Server

SECRET = "zebra-of-a-secret-7431"


def test_X1_what_is_deleted_of_a_project_or_a_person_is_in_no_file(tmp_path: Path) -> None:
    server = Server(tmp_path / "data").start()
    try:
        project = server.project(tmp_path / "work")
        server.session(project, "cat", env={"SECRET": SECRET})
        token = server.call("POST", "/api/tokens", {"name": f"Mia {SECRET}", "role": "view"}).json()["id"]
        assert SECRET in everything(server.data_dir)
        assert server.call("DELETE", f"/api/projects/{project}").status_code == 204
        assert server.call("DELETE", f"/api/tokens/{token}").status_code == 204
        assert SECRET not in everything(server.data_dir)
    finally:
        server.end()


def everything(folder: Path) -> str:
    """All bytes of a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).decode("latin-1")
