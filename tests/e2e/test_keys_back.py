"""What lies over the page gives the keys back to the terminal that had them, and asks before it ends anything."""

from collections.abc import Callable

import pytest

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]


@pytest.fixture
def page(server: Server, open_page: Open) -> WallPage:
    """Two terminals on the stage, the second with the keys, and a tile in the shelf."""
    names = [server.session("wall", "cat", name=f"cat {index}", id=f"cat-{index}") for index in range(3)]
    server.focus("wall", *names[:2])
    page = open_page()
    page.until(lambda: page.stage() == names[:2], "the stage")
    page.type("cat-1", "")
    page.until(lambda: page.has_keys() == "cat-1", "its keys")
    return page


def pane_menu(page: WallPage) -> None:
    page.page.click(".pane[data-session='cat-1'] button[aria-label^='More about']")
    page.until(lambda: page.page.locator("[role=menu]").count() == 1, "the menu")


def chosen(item: str) -> Callable[[WallPage], None]:
    def choose(page: WallPage) -> None:
        pane_menu(page)
        page.page.click(f"[role=menuitem]:has-text('{item}')")
        if item in ("Close", "Restart"):  # The page asks the server what runs first.
            page.until(lambda: page.page.locator("dialog[open]").count() == 1, "the question")

    return choose


def escaped(begin: Callable[[WallPage], None]) -> Callable[[WallPage], None]:
    def leave(page: WallPage) -> None:
        begin(page)
        page.page.keyboard.press("Escape")

    return leave


def by_click(selector: str) -> Callable[[WallPage], None]:
    return lambda page: page.page.click(selector)


def page_menu(item: str) -> Callable[[WallPage], None]:
    def choose(page: WallPage) -> None:
        page.page.click("button[aria-label='Menu']")
        page.page.click(f"[role=menuitem]:has-text('{item}')")

    return choose


def rename(page: WallPage) -> None:
    chosen("Rename")(page)
    page.page.fill("dialog input", "renamed")
    page.page.keyboard.press("Enter")


def tile_menu(page: WallPage) -> None:
    page.page.click(".tile", button="right")
    page.until(lambda: page.page.locator("[role=menu]").count() == 1, "the menu")


def click_elsewhere(page: WallPage) -> None:
    pane_menu(page)
    page.page.click(".bar h1")


def dragged(page: WallPage) -> None:
    box = page.page.locator(".divider.column").bounding_box()
    assert box is not None
    page.page.mouse.move(box["x"] + 4, box["y"] + 100)
    page.page.mouse.down()
    page.page.mouse.move(box["x"] + 40, box["y"] + 100, steps=3)
    page.page.mouse.up()


WAYS: dict[str, Callable[[WallPage], None]] = {
    "pane menu, Escape": escaped(pane_menu),
    "pane menu, a click beside it": click_elsewhere,
    "Copy selection": chosen("Copy selection"),
    "Record": chosen("Record"),
    "Rename": rename,
    "Rename, Escape": escaped(chosen("Rename")),
    "Search, Escape": escaped(chosen("Search")),
    "Search, its button": lambda page: (chosen("Search")(page), page.page.click("button[aria-label='End the search']"))[
        0
    ],
    "Close, Cancel": lambda page: (chosen("Close")(page), page.page.keyboard.press("Enter"))[0],
    "Restart, Escape": escaped(chosen("Restart")),
    "tile menu": escaped(tile_menu),
    "Find or run by click": escaped(by_click(".find")),
    "Find or run by its key": escaped(lambda page: page.page.keyboard.press("Control+Shift+Enter")),
    "Settings": escaped(page_menu("Settings")),
    "Settings, Done": lambda page: (page_menu("Settings")(page), page.page.click("dialog button[type=submit]"))[0],
    "Keys": escaped(page_menu("Keys")),
    "Recordings": escaped(page_menu("Recordings")),
    "Search all": escaped(page_menu("Search all")),
    "New terminal": escaped(by_click(".shelf header button")),
    "a click on the bar": by_click(".bar h1"),
    "a click on a layout": by_click("button[aria-label='Split']"),
    "a divider that is dragged": dragged,
    "a click on its header": by_click(".pane[data-session='cat-1'] .position"),
}


def test_case_page_4_what_closes_gives_the_keys_back(page: WallPage) -> None:
    for name, way in WAYS.items():
        way(page)
        page.until(
            lambda: page.page.locator("dialog[open], [role=menu], .search").count() == 0 and page.has_keys() == "cat-1",
            f"the keys after {name}; they are at {page.page.evaluate('document.activeElement.outerHTML')[:200]}",
        )


def test_case_page_4_a_closed_terminal_leaves_its_keys_to_another(server: Server, page: WallPage) -> None:
    chosen("Close")(page)
    page.page.click("dialog button:has-text('End it')")
    page.until(lambda: page.stage() == ["cat-0"] and page.has_keys() == "cat-0", "the keys of the other")
    page.click_tile("cat-2")
    page.until(lambda: page.has_keys() == "cat-2", "the tile's keys")
    page.menu("cat-2", "Take from the stage")
    page.until(lambda: page.stage() == ["cat-0"] and page.has_keys() == "cat-0", "the keys of who is left")


def test_case_page_4_by_keyboard_alone_they_go_back_to_the_button(page: WallPage) -> None:
    page.page.focus("button[aria-label='Menu']")
    page.page.keyboard.press("Enter")
    page.until(lambda: page.page.locator("[role=menu]").count() == 1, "the menu")
    page.page.keyboard.press("Escape")
    label = "document.activeElement.getAttribute('aria-label')"
    page.until(lambda: page.page.evaluate(label) == "Menu", "the button")


def test_case_page_5_restart_asks_where_close_asks(server: Server, page: WallPage) -> None:
    def epoch() -> str:
        return str(server.call("GET", "/api/sessions/cat-1").json()["epoch"])

    before = epoch()
    palette = page.page.keyboard
    for begin in (
        chosen("Restart"),
        lambda p: (palette.press("Control+Shift+Enter"), palette.type("cat 1: Restart"), palette.press("Enter"))[0],
    ):
        begin(page)
        page.until(lambda: "Restart cat 1?" in page.page.inner_text("dialog"), "the question")
        assert "cat is running in it" in page.page.inner_text("dialog")
        page.page.keyboard.press("Enter")  # Cancel is the default.
        page.until(lambda: page.page.locator("dialog").count() == 0, "the end of the question")
        assert epoch() == before
    chosen("Restart")(page)
    page.page.click("dialog button:has-text('End it and restart')")
    page.until(lambda: epoch() != before, "another run")
    page.until(lambda: page.has_keys() == "cat-1", "its keys")


def test_case_page_28_enter_pastes_whatever_the_length(page: WallPage) -> None:
    for count in (2, 300):
        text = "\n".join(f"line {count} {index}" for index in range(count)) + "\n"
        page.page.evaluate("text => navigator.clipboard.writeText(text)", text)
        page.page.keyboard.press("Control+Shift+v")
        page.until(lambda c=count: f"Paste {c} lines?" in page.page.inner_text("body"), "the question")
        page.page.keyboard.press("Enter")
        page.sees("cat-1", f"line {count} {count - 1}")
        page.until(lambda: page.has_keys() == "cat-1", "the keys")


def test_case_page_28_what_is_too_large_is_said_before_anything_is_typed(server: Server, page: WallPage) -> None:
    page.page.evaluate("navigator.clipboard.writeText('x'.repeat((1 << 20) + 1))")
    page.page.keyboard.press("Control+Shift+v")
    page.until(lambda: "1 MB at most" in page.page.inner_text(".said"), "why not")
    assert "does not read" not in page.page.inner_text("body")
    assert "x" not in page.text("cat-1")
