"""What everybody does first, in Firefox: type, reload, two pages, copy, paste, and the page's chords."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.e2e.wall_page import PATIENCE
from tests.support.firefox import Firefox, FirefoxPage, find_firefox
from tests.support.server import Server

pytestmark = pytest.mark.xdist_group("firefox")
"""One Firefox for all."""


@pytest.fixture(scope="module")
def firefox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    """One for this file."""
    path = find_firefox()
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("there is no Firefox; on Debian: apt install firefox-esr")
        pytest.skip("there is no Firefox")
    with Firefox(path, tmp_path_factory.mktemp("firefox")) as one:
        yield one


def until(condition: Callable[[], Any], what: str) -> Any:
    """Waits until the condition is true, and returns its value."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.02)
    return value


def opened(firefox: Firefox, server: Server) -> FirefoxPage:
    """The workspace, connected."""
    page = firefox.page(f"{server.base}/?token={server.token}&project=wall")
    connected = "document.querySelector('.workspace')?.dataset.connection === 'connected'"
    until(lambda: page.evaluate(connected), "the connection")
    page.activate()
    return page


def text(page: FirefoxPage, session: str) -> str:
    """What a terminal of the page holds."""
    return str(page.evaluate(f"window.__terms?.get('{session}')?.text() ?? ''"))


def stage(page: FirefoxPage) -> list[str]:
    """The sessions that the page shows as panes, in order."""
    panes = "[...document.querySelectorAll('.pane')].filter(p => !p.hidden).map(p => p.dataset.session)"
    return list(page.evaluate(panes))


def test_case_firefox_type_reload_and_two_pages(firefox: Firefox, server: Server) -> None:
    one, two = (server.session("wall", "cat", name=name) for name in ("one", "two"))
    server.focus("wall", one)
    page = opened(firefox, server)
    until(lambda: stage(page) == [one], "the pane")
    page.click(f".pane[data-session='{one}'] .screen")
    page.type("früh & spät\n")
    until(lambda: text(page, one).count("früh & spät") == 2, "the echo")
    other = opened(firefox, server)
    until(lambda: text(other, one).count("früh & spät") == 2, "the same in another page")
    other.click(f".tile[data-session='{two}']")
    until(lambda: stage(page) == stage(other) == [one, two], "both on both stages")
    page.activate()
    page.reload()
    until(lambda: text(page, one).count("früh & spät") == 2, "the screen after a reload")
    assert "token=" not in page.evaluate("location.href")


def test_case_firefox_copy_and_paste(firefox: Firefox, server: Server) -> None:
    session = server.session("wall", "cat", name="one")
    server.focus("wall", session)
    page = opened(firefox, server)
    page.click(f".pane[data-session='{session}'] .screen")
    page.type("to be copied\n")
    until(lambda: text(page, session).count("to be copied") == 2, "the echo")
    page.evaluate(f"window.__terms.get('{session}').selectAll()")
    page.press("Control+Shift+c")
    until(lambda: "Copied" in page.evaluate("document.body.innerText"), "the notice")
    assert "to be copied" in page.evaluate("navigator.clipboard.readText()")
    page.evaluate("navigator.clipboard.writeText('pasted text')")
    page.click(f".pane[data-session='{session}'] .screen")
    page.press("Control+Shift+v")
    until(lambda: "pasted text" in text(page, session), "the paste")


def test_case_firefox_chords_are_the_pages_and_are_not_typed(firefox: Firefox, server: Server) -> None:
    one, two = (server.session("wall", "cat", "-v", name=name) for name in ("one", "two"))
    server.focus("wall", one, two)
    page = opened(firefox, server)
    keys = "document.activeElement?.closest('.pane')?.dataset.session ?? ''"
    page.click(f".pane[data-session='{one}'] .screen")
    page.press("Control+Alt+ArrowRight")
    until(lambda: page.evaluate(keys) == two, "the keys in the right pane")
    page.press("Control+Shift+Enter")
    until(lambda: page.evaluate("!!document.querySelector('dialog[open], [role=dialog]')"), "the palette")
    page.press("Escape")
    until(lambda: page.evaluate(keys) == two, "the terminal again")
    page.press("Control+Alt+n")
    until(lambda: page.evaluate("!!document.querySelector('dialog[open]')"), "the dialog")
    page.press("Escape")
    until(lambda: page.evaluate(keys) == two, "the terminal after it")
    page.type("nothing but this\n")
    until(lambda: text(page, two).count("nothing but this") == 2, "the echo")
    assert text(page, two).splitlines()[0] == "nothing but this"
    assert text(page, one) == ""
