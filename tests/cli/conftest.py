"""The command, in the folder of a project of a real server."""

from pathlib import Path

import pytest

from tests.support.command import Command
from tests.support.server import Server


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder that is a project."""
    folder = tmp_path / "work"
    folder.mkdir()
    return folder


@pytest.fixture
def termwall(server: Server, work: Path) -> Command:
    """The command in the project's folder."""
    server.project(work, id="work")
    return Command(server, work)
