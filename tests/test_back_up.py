"""What is backed up, restored and moved is as it was, and what is deleted is in no file: docs/how-to/back-up.md."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from termwall.pty.rendezvous import look
from termwall.store.folder import stop_running
from tests.support.holder import end_holder
from tests.support.server import Server

ROOT = Path(__file__).parents[1]
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


def test_case_hardening_L4_L8_P5_X1_every_command_of_the_page_on_backups(tmp_path: Path) -> None:
    if shutil.which("curl") is None:
        pytest.skip("NOT TESTED: the page on backups: there is no curl")
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs/how-to/back-up.md").read_text(), re.DOTALL)
    back_up, restore, move, delete_project, delete_person = blocks
    command = tmp_path / "bin" / "termwall"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m termwall "$@"\n')
    command.chmod(0o700)
    data, moved = tmp_path / "data", tmp_path / "moved"
    quick = {"TERMWALL_PORT": "0", "TERMWALL_CLOSE_SECONDS": "1"}
    env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
    env |= {"PATH": f"{command.parent}:{env['PATH']}", "PYTHONPATH": str(ROOT / "src"), "SHELL": "/bin/sh", **quick}
    env |= {"DATA": str(data), "BACKUP": str(tmp_path / "kept"), "MOVED": str(moved), "TERMWALL_DATA_DIR": str(data)}

    def run(script: str, **more: str) -> str:
        done = subprocess.run(
            ["sh", "-euc", script], env=env | more, cwd=tmp_path / "work", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    before = Server(data, env=quick).start()
    try:
        project = before.project(tmp_path / "work")
        session = before.session(project, "cat", name="agent", env={"SECRET": SECRET})
        recorded = before.session(project, "cat", name="recorded")
        assert before.call("POST", f"/api/sessions/{recorded}/recording").status_code == 201
        mia = before.call("POST", "/api/tokens", {"name": f"Mia {SECRET}", "role": "view"}).json()["id"]
        run(back_up)
        assert (tmp_path / "kept").stat().st_mode & 0o077 == 0
        assert before.call("DELETE", f"/api/sessions/{session}").status_code == 204
        assert before.call("DELETE", f"/api/tokens/{mia}").status_code == 204

        run(restore)
        before.stop()
        restored = found_in(data)
        assert restored.token == before.token
        found = restored.call("GET", f"/api/sessions/{session}").json()
        assert (found["name"], found["status"]) == ("agent", "lost"), "its program had been ended"
        assert restored.call("GET", f"/api/sessions/{recorded}").json()["status"] == "running", "its program was not"
        assert restored.call("POST", f"/api/sessions/{session}/restart").json()["status"] == "running"

        run(move)
        assert not data.exists()
        there = found_in(moved)
        for one in (session, recorded):
            assert there.call("GET", f"/api/sessions/{one}").json()["status"] == "running"
        assert (look(moved) or {}).get("running") == 2

        now = {"DATA": str(moved), "TERMWALL_DATA_DIR": str(moved), "URL": there.base, "PROJECT": project, "ID": mia}
        assert SECRET in everything(moved)
        run(delete_project, **now)
        assert there.call("GET", "/api/projects").json()["projects"] == []
        assert list((moved / "recordings").glob("*/*")) == []
        assert (look(moved) or {}).get("running") == 0
        assert f"Mia {SECRET}" in run(delete_person, **now)
        assert there.call("GET", "/api/tokens").json() == {"tokens": []}
        assert SECRET not in everything(moved)
    finally:
        before.end()
        for folder in (data, moved):
            if folder.exists():
                stop_running(folder)
                end_holder(folder)


def found_in(folder: Path) -> Server:
    """The server that runs there."""
    found = Server(folder)
    found.base = json.loads((folder / "server.json").read_text())["url"]
    found.token = (folder / "token").read_text().strip()
    return found


def everything(folder: Path) -> str:
    """All bytes of a folder."""
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file()).decode("latin-1")
