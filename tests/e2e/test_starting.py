"""Starting terminals, starting them again, and clearing what ended."""

from collections.abc import Callable

import pytest

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]


def start(page: WallPage, command: str) -> None:
    """By the dialog."""
    page.page.keyboard.press("Control+Alt+n")
    page.page.fill("label:has-text('Command') input", command)
    page.page.click("dialog button[type=submit]")
    page.until(lambda: page.page.locator("dialog[open]").count() == 0, "the end of the dialog")


@pytest.mark.parametrize(
    ("size", "layout"),
    [
        ((1440, 900), "Grid"),
        ((1440, 900), "Single"),
        ((1440, 900), "Split"),
        ((1100, 800), "Grid"),
        ((800, 700), "Grid"),
        ((2200, 1000), "Grid"),
    ],
)
def test_case_terminal_8_a_program_begins_with_the_size_of_its_pane(
    server: Server, open_page: Open, size: tuple[int, int], layout: str
) -> None:
    page = open_page(size=size)
    page.page.click(f"button[aria-label='{layout}']")
    for count in range(1, 6):
        start(page, "sh -c 'stty size; exec cat'")
        page.until(lambda n=count: len(server.call("GET", "/api/projects/wall/sessions").json()["sessions"]) == n, "it")
        name = str(server.call("GET", "/api/projects/wall/sessions").json()["sessions"][-1]["id"])
        page.until(lambda n=name: n in page.stage(), "its pane")
        page.until(lambda n=name: "you drive" in page.driver(n), "who drives")
        page.until(lambda n=name: page.text(n) != "", "its first line")
        page.page.wait_for_timeout(150)  # What the pane tells of its size.
        cols, rows = page.size(name)
        assert page.text(name).split("\n")[0] == f"{rows} {cols}", f"terminal {count}"


def test_case_terminal_8_on_a_phone_too(server: Server, open_page: Open) -> None:
    server.session("wall", "cat")
    page = open_page(size=(390, 844), has_touch=True, is_mobile=True)
    page.page.tap(".shelf header button")
    page.page.fill("label:has-text('Command') input", "sh -c 'stty size; exec cat'")
    page.page.tap("dialog button[type=submit]")
    page.until(lambda: len(page.stage()) == 1, "the terminal")
    (name,) = page.stage()
    page.until(lambda: page.text(name) != "", "its first line")
    page.page.wait_for_timeout(150)
    cols, rows = page.size(name)
    assert page.text(name).split("\n")[0] == f"{rows} {cols}"


def test_case_words_a_command_line_of_a_shell_runs_in_one(server: Server, open_page: Open) -> None:
    page = open_page()
    start(page, "cd / && pwd && exec cat")
    page.until(lambda: len(page.stage()) == 1, "the terminal")
    page.sees(page.stage()[0], "/")
    session = server.call("GET", f"/api/sessions/{page.stage()[0]}").json()
    assert session["command"][1:] == ["-c", "cd / && pwd && exec cat"]


def test_case_command_line_15_what_ended_is_cleared_at_once(server: Server, open_page: Open) -> None:
    ended = [server.session("wall", "true", name=f"ended {index}") for index in range(6)]
    runs = server.session("wall", "cat", name="runs")
    server.focus("wall", ended[0], runs)
    page = open_page()
    page.page.click(".shelf button:has-text('Clear ended')")
    page.until(lambda: "Clear 6 ended terminals?" in page.page.inner_text("dialog"), "the question")
    page.page.keyboard.press("Enter")
    assert len(server.call("GET", "/api/projects/wall/sessions").json()["sessions"]) == 7, "Cancel is the default"
    page.page.click(".shelf button:has-text('Clear ended')")
    page.page.click("dialog button:has-text('Clear them')")
    page.until(lambda: page.stage() == [runs] and page.shelf() == [], "what runs alone")
    assert page.page.locator(".many").count() == 0


def test_case_terminal_11_reset_terminal_ends_what_a_program_left_on(server: Server, open_page: Open) -> None:
    name = server.session("wall", "sh", "-c", "printf '\\033[?1003;1006h\\033[31mleft on\\n'; exec cat -v")
    server.focus("wall", name)
    page, other = open_page(), open_page()
    for one in (page, other):
        one.sees(name, "left on")
        one.until(lambda p=one: p.page.locator(".xterm.enable-mouse-events").count() == 1, "the mouse of the program")
    page.type(name, "x")
    page.menu(name, "Reset terminal")
    for one in (page, other):
        one.until(lambda p=one: p.page.locator(".xterm.enable-mouse-events").count() == 0, "the page's mouse")
        one.sees(name, "left on")
    other.page.reload()
    other.sees(name, "left on")
    assert other.page.locator(".xterm.enable-mouse-events").count() == 0
