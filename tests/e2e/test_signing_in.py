"""How a browser signs in, and who signs it out: where a browser's own rules decide (X1, X4, X5, X6)."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.e2e.conftest import PLAIN_HOST
from tests.e2e.test_roles import link_for
from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]


@pytest.fixture
def other_port(tmp_path: Path) -> Iterator[int]:
    """Somebody else's site on another port of the same host, which a browser sends the same cookies."""
    (tmp_path / "index.html").write_text("<!doctype html><title>another</title>")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path))) as site:
        Thread(target=site.serve_forever, daemon=True).start()
        yield site.server_port
        site.shutdown()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own."""
    one = browser.new_context()
    yield one
    one.close()


def shown(page: Page) -> WallPage:
    """The page, once it is connected."""
    wall = WallPage(page)
    wall.until(lambda: wall.connection() == "connected", "the connection")
    return wall


LOADS = """address => new Promise(done => {
    const loaded = kind => {
        const one = document.createElement(kind);
        const ready = new Promise(end => { one.onload = one.onerror = end; setTimeout(end, 3000); });
        one[kind === "link" ? "href" : "src"] = address;
        if (kind === "link") one.rel = "stylesheet";
        document.body.append(one);
        return ready;
    };
    const how = {mode: "no-cors", credentials: "include", headers: {accept: "text/html"}};
    const asked = fetch(address, how).catch(() => 0);
    Promise.all([...["img", "script", "link", "iframe"].map(loaded), asked]).then(() => done(true));
})"""


@pytest.mark.parametrize("host", ["127.0.0.1", PLAIN_HOST])
def test_case_hardening_X4_what_another_ports_page_loads_replaces_no_sign_in(
    server: Server, context: BrowserContext, other_port: int, host: str
) -> None:
    """To a name that is not this machine's the browser says over plain http not what it loads an address for."""
    base = f"http://{host}:{server.port}"
    page = context.new_page()
    page.goto(f"{base}/?token={server.token}&project=wall")
    shown(page)
    (before,) = context.cookies(base)
    _, address = link_for(server, "view")
    elsewhere = context.new_page()
    elsewhere.goto(f"http://{host}:{other_port}/")
    elsewhere.evaluate(LOADS, address.replace(server.base, base))
    assert context.cookies(base) == [before]
    page.reload()
    shown(page)
    assert page.evaluate("fetch('api/browsers').then(answer => answer.status)") == 200, "still the owner's"
    # Somebody who follows the link is signed in with it, whether the server or the page does it.
    page.goto(address.replace(server.base, base))
    shown(page)
    assert page.evaluate("fetch('api/browsers').then(answer => answer.status)") == 403
    assert "token" not in page.url


def test_case_hardening_X1_a_code_opens_the_page_signed_in_once(server: Server, context: BrowserContext) -> None:
    code = server.call("POST", "/api/codes").json()["code"]
    address = f"{server.base}/?project=wall#code={code}"
    page = context.new_page()
    page.goto(address)
    shown(page)
    assert page.url == f"{server.base}/?project=wall"
    page.goto("about:blank")
    page.goto(address)
    shown(page)  # Who is signed in already loses nothing by it.
    context.clear_cookies()
    page.goto("about:blank")
    page.goto(address)
    page.get_by_text("opened with a code that was used or is too old").wait_for()
    assert code not in page.url
    page.fill("input[type=password]", server.token)
    page.click("button[type=submit]")
    shown(page)


def test_case_hardening_X5_the_owner_signs_another_browser_out_in_the_settings(
    server: Server, open_page: Open, context: BrowserContext
) -> None:
    owner = open_page()
    _, address = link_for(server, "type")
    guest = context.new_page()
    guest.goto(address)
    shown(guest)
    keys = owner.page.keyboard
    owner.page.click("button[aria-label='Menu']")
    owner.page.get_by_role("menuitem", name=re.compile("^Settings")).click()
    owner.page.get_by_text("Browsers that are signed in").click()
    mias = owner.page.locator(".browsers li", has_text="Mia (type)")
    owner.until(lambda: mias.count() == 1, "the guest's browser")
    assert owner.page.locator(".browsers li", has_text="this one").get_by_role("button").count() == 0
    mias.get_by_role("button").click()
    owner.until(lambda: mias.count() == 0, "its end")
    guest.get_by_role("heading", name="Sign in to termwall").wait_for()
    assert "Your link has been ended" not in guest.inner_text("body"), "the link still opens"
    keys.press("Escape")
    guest.goto(address)
    shown(guest)


def test_case_hardening_X5_signing_out_ends_all_tabs_of_the_browser_and_its_cookie(
    server: Server, context: BrowserContext
) -> None:
    one, two = context.new_page(), context.new_page()
    for page in (one, two):
        page.goto(f"{server.base}/?token={server.token}&project=wall")
        shown(page)
    (cookie,) = context.cookies()
    one.evaluate("fetch('api/logout', {method: 'POST'})")
    for page in (one, two):
        page.get_by_role("heading", name="Sign in to termwall").wait_for()
    assert context.cookies() == []
    context.add_cookies([cookie])
    one.reload()
    one.get_by_role("heading", name="Sign in to termwall").wait_for()
