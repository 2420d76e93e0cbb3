"""A page that never gets a connection says what is wrong."""

import pytest
from playwright.sync_api import Browser

from tests.e2e.wall_page import WallPage
from tests.support.proxy import Rewrite, proxied, unchanged, without_port, without_upgrade
from tests.support.server import Server


@pytest.mark.parametrize(
    ("rewrite", "says", "logs"),
    [
        (without_upgrade, "a proxy has to pass that on", "a WebSocket came without"),
        (without_port, "A proxy has to pass on the Host as it came, with its port", "a page of the Origin"),
    ],
)
def test_case_page_31_a_page_that_was_never_connected_says_what_is_wrong(
    server: Server, browser: Browser, rewrite: Rewrite, says: str, logs: str
) -> None:
    with proxied(server.port, rewrite) as port:
        context = browser.new_context()
        try:
            page = WallPage(context.new_page())
            page.page.goto(f"http://127.0.0.1:{port}/?token={server.token}&project=wall")
            page.until(lambda: says in page.page.inner_text("body"), "what is wrong")
            assert "Not connected." in page.page.inner_text(".bar")
            assert "Connection lost" not in page.page.inner_text("body")
        finally:
            context.close()
    assert logs in server.errors.read_text()


def test_case_page_31_a_websocket_that_is_let_in_and_then_silent_is_named(server: Server, browser: Browser) -> None:
    with proxied(server.port, unchanged, silent=True) as port:
        context = browser.new_context()
        try:
            page = WallPage(context.new_page())
            page.page.clock.install()
            page.page.goto(f"http://127.0.0.1:{port}/?token={server.token}&project=wall")
            page.until(lambda: page.connection() == "connecting", "the first try")

            def named() -> bool:
                page.page.clock.fast_forward(1_000)
                return "its WebSocket does not" in page.page.inner_text("body")

            page.until(named, "what is wrong", 30)
            assert "Not connected." in page.page.inner_text(".bar")
            assert "Connection lost" not in page.page.inner_text("body")
        finally:
            context.close()
