"""What a page tells programs of itself, and what they put on its clipboard, with a real browser (S7)."""

import time
from collections.abc import Callable

from tests.e2e.wall_page import WallPage
from tests.hub.test_surroundings import PROBE
from tests.support.server import Server

Open = Callable[..., WallPage]


def probe(server: Server, begin: str = "") -> str:
    session = server.session("wall", "python3", "-c", PROBE, begin + "READY ", name="probe")
    server.focus("wall", session)
    return session


def test_case_page_15_what_a_program_copies_is_on_the_clipboard(server: Server, open_page: Open) -> None:
    session = probe(server)
    page, other = open_page(), open_page()
    for one in (page, other):
        one.sees(session, "READY")
        one.page.bring_to_front()
        one.page.evaluate("navigator.clipboard.writeText('mine')")
    page.page.bring_to_front()
    page.type(session, "k")
    page.until(lambda: "probe copied 5 characters." in page.page.inner_text(".notices"), "the notice")
    assert page.page.evaluate("navigator.clipboard.readText()") == "Hello"
    assert "copied" not in other.page.inner_text(".notices"), "the driver's only"
    page.page.evaluate("navigator.clipboard.writeText('mine')")
    page.page.reload()
    page.sees(session, "READY")
    page.type(session, "v")
    page.sees(session, "SGVsbG8=")
    assert page.page.evaluate("navigator.clipboard.readText()") == "mine", "no replay copies anything"


def test_case_page_15_where_nobody_sits_before_the_page_it_waits_for_a_click(server: Server, open_page: Open) -> None:
    session = probe(server)
    page = open_page()
    page.sees(session, "READY")
    page.page.evaluate("navigator.clipboard.writeText('mine')")
    page.type(session, "x")
    page.page.evaluate("document.hasFocus = () => false")
    server.call("POST", f"/api/sessions/{session}/input", {"data": "k"})
    page.until(lambda: page.page.locator("button:has-text('Copy it')").count(), "the button")
    assert page.page.evaluate("navigator.clipboard.readText()") == "mine"
    page.page.click("button:has-text('Copy it')")
    page.until(lambda: page.page.evaluate("navigator.clipboard.readText()") == "Hello", "the text")
    page.until(lambda: not page.page.locator("button:has-text('Copy it')").count(), "its end")


def test_case_agents_4_the_program_is_told_who_has_the_keys(server: Server, open_page: Open) -> None:
    session = probe(server, "\\x1b[?1004h")
    # Before the page gives its terminal the keys.
    deadline = time.monotonic() + 20
    while "x1b[O" not in server.call("GET", f"/api/sessions/{session}/screen?format=text").text:
        assert time.monotonic() < deadline, "the program is told nothing"
        time.sleep(0.02)
    page = open_page()
    page.sees(session, "x1b[O")
    page.type(session, "x")
    page.sees(session, "x1b[I")
    page.page.keyboard.press("Control+F6")
    page.until(lambda: page.text(session).count("x1b[O") == 2, "that nobody has them")
    assert page.text(session).count("x1b[I") == 1


def test_case_agents_10_a_light_page_is_told_to_be_light(server: Server, open_page: Open) -> None:
    session = probe(server, "\\x1b[?2031h")
    page = open_page(color_scheme="light")
    page.sees(session, "READY")
    page.type(session, "b")
    page.sees(session, "]11;rgb:ffff/ffff/ffff")
    page.page.emulate_media(color_scheme="dark")
    page.sees(session, "?997;1n")
    page.type(session, "b")
    page.sees(session, "]11;rgb:0d0d/0e0e/1010")
