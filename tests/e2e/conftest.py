"""A real Chromium, once for all browser tests, and pages that a test can read like a user."""

import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, sync_playwright

from tests.e2e.wall_page import PATIENCE, WallPage
from tests.support.server import Server, running

PLAIN_HOST = "wall.test"
"""A name of the server where a browser knows no secure context: plain http to what looks like another machine."""
ARGUMENTS = [
    f"--host-resolver-rules=MAP {PLAIN_HOST} 127.0.0.1",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ROOT = Path(__file__).parent.parent.parent


def find_chromium() -> str | None:
    """The system's Chromium; None lets Playwright look for its own."""
    names = [
        os.environ.get("E2E_CHROMIUM", ""),
        "chromium-headless-shell",  # Without windows around its pages, a page costs a third of the processor time.
        "chromium",
        "chromium-browser",
        "google-chrome",
        "google-chrome-stable",
    ]
    return next((path for name in names if name and (path := shutil.which(name))), None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser."""
    assert (ROOT / "src/termwall/static/index.html").exists(), "the page is not built: make build"
    with sync_playwright() as playwright:
        path = find_chromium()
        try:
            one = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        except Exception as error:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"no Chromium: {error}")
        yield one
        one.close()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all browser tests."""
    with running(tmp_path_factory.mktemp("browser") / "data", "--allowed-hosts", PLAIN_HOST) as one:
        yield one


@pytest.fixture
def server(shared_server: Server, tmp_path: Path) -> Iterator[Server]:
    """The server, with one project, `wall`, in a folder of its own, and nothing that another test made."""
    shared_server.project(tmp_path / "wall", id="wall")
    yield shared_server
    if shared_server.process is None:
        shared_server.start()
    for kind in ("projects", "tokens"):
        for one in shared_server.call("GET", f"/api/{kind}").json()[kind]:
            assert shared_server.call("DELETE", f"/api/{kind}/{one['id']}").status_code == 204


@pytest.fixture
def open_at(browser: Browser) -> Iterator[Callable[..., WallPage]]:
    """Opens pages of servers, each in a browser profile of its own; they must log no error and break no policy."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_one(
        server: Server, query: str = "", *, port: int | None = None, size: tuple[int, int] = (1440, 900), **options: Any
    ) -> WallPage:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, permissions=["clipboard-read", "clipboard-write"], **options
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda m: problems.append(m.text) if "Content Security Policy" in m.text else None)
        base = server.base if port is None else f"http://127.0.0.1:{port}"
        page.goto(f"{base}/?token={server.token}&project=wall{query}")
        wall = WallPage(page)
        wall.until(lambda: wall.connection() == "connected", "the connection")
        return wall

    yield open_one
    for context in contexts:
        context.close()
    assert not problems, problems


@pytest.fixture
def open_page(server: Server, open_at: Callable[..., WallPage]) -> Callable[..., WallPage]:
    """Opens pages of the server."""
    return partial(open_at, server)


@pytest.fixture
def axe() -> str:
    """The source of axe-core."""
    return (ROOT / "web/node_modules/axe-core/axe.min.js").read_text()
