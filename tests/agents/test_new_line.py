"""Shift+Enter makes a new line in real agents, and Enter sends both (case page 3). `make test-agents` runs this."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.agents.programs import AGENTS, furnish, running_model
from tests.e2e.conftest import browser, open_at, open_page, server, shared_server  # noqa: F401
from tests.e2e.key_events import SHIFT, Keyboard
from tests.e2e.wall_page import WallPage
from tests.support.server import Server

PACKAGES = Path(os.environ.get("TERMWALL_AGENTS", Path(__file__).parent / "node_modules"))
SLOW_SECONDS = 60


@pytest.mark.parametrize("name", AGENTS)
def test_case_page_3_shift_enter_makes_a_new_line(
    server: Server,  # noqa: F811
    open_page: Callable[..., WallPage],  # noqa: F811
    tmp_path: Path,
    name: str,
) -> None:
    if not (PACKAGES / ".bin" / name).exists():
        pytest.skip(f"{name} is not installed: make test-agents")
    agent = AGENTS[name]
    with running_model() as model:
        env = furnish(agent, tmp_path / "home", tmp_path / "wall", model.port, PACKAGES)
        session = server.session("wall", *agent.command, env=env)
        server.focus("wall", session)
        page = open_page()
        keys = Keyboard(page, tmp_path / "unused")
        page.until(lambda: agent.ready in page.text(session), f"{name} to take text", SLOW_SECONDS)
        page.page.click(f".pane[data-session='{session}'] .screen")
        page.until(lambda: page.has_keys() == session, "the keys")
        page.page.keyboard.type("first words")
        page.sees(session, "first words")
        keys.press("Enter", "Enter", SHIFT)
        page.page.keyboard.type("second words")
        page.sees(session, "second words")
        rows = [line for line in page.text(session).splitlines() if "words" in line]
        assert not any("first words" in row and "second words" in row for row in rows), rows
        assert not model.heard("first words")
        keys.press("Enter", "Enter")
        page.until(lambda: model.heard("first words\\nsecond words"), "both lines at the model", SLOW_SECONDS)
