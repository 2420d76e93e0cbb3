"""Reading what was printed: the wheel goes as far as it says, and the place stays whatever happens to the size."""

from collections.abc import Callable

import pytest

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]


def reading(server: Server, open_page: Open, *, beside: int = 0, count: int = 400) -> tuple[WallPage, list[str]]:
    """A page that reads, somewhere in the middle, a session of 400 lines; so many others are there."""
    lines = f"i=1; while [ $i -le {count} ]; do echo row-$i; i=$((i+1)); done; exec cat"
    name = server.session("wall", "sh", "-c", "read x; " + lines, name="rows")
    others = [server.session("wall", "cat", name=f"cat {index}") for index in range(beside)]
    server.focus("wall", name)
    page = open_page()
    page.opened(name)
    page.type(name, "\n")
    page.sees(name, f"row-{count}")
    page.until(lambda: "row-1\n" in page.text(name), "all of its lines")
    end = page.top_line(name)
    page.wheel(name, -1200)
    page.until(lambda: page.top_line(name) != end, "a line")
    return page, [name, *others]


def settled(page: WallPage, name: str, size: tuple[int, int]) -> None:
    """Waits until a terminal has another size, and the picture that follows a size has come (S3)."""
    page.until(lambda: page.size(name) != size, "another size")
    page.picture(name)


def test_case_page_35_a_strong_turn_of_the_wheel_goes_as_far_as_it_says(server: Server, open_page: Open) -> None:
    page, (name,) = reading(server, open_page)
    screen = page.page.locator(f".pane[data-session='{name}'] .xterm-screen").bounding_box()
    assert screen is not None
    cell = screen["height"] / page.size(name)[1]
    first = int(page.top_line(name)[4:])
    bottom = 403 - page.size(name)[1]
    assert bottom - first == pytest.approx(1200 / cell, abs=2)
    page.wheel(name, 100)
    page.until(lambda: int(page.top_line(name)[4:]) - first == int(100 / cell), "a small turn")


def test_case_page_17_the_line_being_read_stays_on_top_in_another_window(server: Server, open_page: Open) -> None:
    page, (name,) = reading(server, open_page)
    line, size = page.top_line(name), page.size(name)
    for width, height in ((1440, 500), (1100, 500), (1440, 900), (800, 700)):
        page.page.set_viewport_size({"width": width, "height": height})
        settled(page, name, size)
        size = page.size(name)
        assert page.top_line(name) == line, (width, height)


def test_case_page_17_far_above_what_the_server_keeps_too(server: Server, open_page: Open) -> None:
    page, (name,) = reading(server, open_page, count=3000)
    for _ in range(22):
        page.wheel(name, -1500)
    page.until(lambda: 0 < int(page.top_line(name)[4:] or 0) < 1500, "a line far above")
    line, size = page.top_line(name), page.size(name)
    for width, height in ((1440, 500), (1100, 900)):
        page.page.set_viewport_size({"width": width, "height": height})
        settled(page, name, size)
        size = page.size(name)
        assert page.top_line(name) == line, (width, height)
    page.wheel(name, 100)
    page.until(lambda: 0 < int(page.top_line(name)[4:]) - int(line[4:]) < 12, "a small turn")
    page.type(name, "at the end\n")
    page.sees(name, "at the end\nat the end")
    page.page.set_viewport_size({"width": 1300, "height": 700})
    settled(page, name, size)
    page.wheel(name, -100)
    bottom = 3004 - page.size(name)[1]
    page.until(lambda: 0 < bottom - int(page.top_line(name)[4:]) < 12, "a small turn from the end")
    assert page.text(name).count("row-500\n") == 1


def test_case_page_17_it_stays_when_the_stage_or_the_font_changes(server: Server, open_page: Open) -> None:
    page, (name, other, third) = reading(server, open_page, beside=2)
    line, size = page.top_line(name), page.size(name)
    for one in (other, third):
        server.focus("wall", name, *([other] if one == third else []), one)
        settled(page, name, size)
        size = page.size(name)
        assert page.top_line(name) == line
    page.page.keyboard.press("Control+Alt+z")
    settled(page, name, size)
    assert page.top_line(name) == line, "zoomed"
    size = page.size(name)
    page.page.keyboard.press("Control+Shift+Enter")
    page.page.keyboard.type("font: larger")
    page.page.keyboard.press("Enter")
    settled(page, name, size)
    assert page.top_line(name) == line, "in another font"
    page.page.click("button[aria-label='Single']")
    page.page.click(f"#tab-{other}")
    page.until(lambda: page.stage() == [other], "another terminal")
    page.page.click(f"#tab-{name}")
    page.until(lambda: page.stage() == [name], "the first again")
    page.page.wait_for_timeout(300)
    assert page.top_line(name) == line, "after it was hidden"


def test_case_page_17_it_stays_while_others_type_and_print(server: Server, open_page: Open) -> None:
    page, (name,) = reading(server, open_page)
    line, size = page.top_line(name), page.size(name)
    other = open_page(size=(1000, 600))
    other.sees(name, "row-400")
    other.type(name, "from another window\n")
    page.sees(name, "from another window\nfrom another window")
    settled(page, name, size)
    page.until(lambda: page.size(name) == other.size(name), "the other's size")
    assert page.top_line(name) == line
    other.type(name, "more\n")
    page.sees(name, "more\nmore")
    assert page.top_line(name) == line


def test_case_page_18_a_spectators_mouse_takes_nothing_over(server: Server, open_page: Open) -> None:
    names = [
        server.session("wall", "sh", "-c", f"printf '\\033[?1049h{mode}full screen'; stty raw -echo; exec cat -v")
        for mode in ("", "\\033[?1000h\\033[?1006h", "\\033[?1002h", "\\033[?1003h\\033[?1015h")
    ]
    server.focus("wall", *names)
    driver, spectator = open_page(), open_page(size=(1200, 700))
    for name in names:
        spectator.sees(name, "full screen")
        driver.type(name, "k")
        spectator.until(lambda n=name: "driven by" in spectator.driver(n), "who drives")
        driver.until(lambda n=name: "you drive" in driver.driver(n), "that it is this page")
        size = driver.size(name)
        spectator.wheel(name, -1200)
        spectator.page.click(f".pane[data-session='{name}'] .xterm-screen")
        spectator.page.mouse.move(700, 200)
        driver.wheel(name, 300)
        driver.until(lambda n=name: any(c in driver.text(n) for c in ("^[[B", "^[OB", "^[[<65", "^[[M", "M^")), "wheel")
        assert driver.size(name) == size
        assert "you drive" in driver.driver(name)
        text = driver.text(name)
        assert "^[[<64" not in text
        assert "^[[A" not in text
        assert "^[OA" not in text
