"""Selecting, copying and links: without a secure context, on a Mac, and while a program uses the mouse."""

from collections.abc import Callable

import pytest

from tests.e2e.conftest import PLAIN_HOST
from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]

MAC = "Object.defineProperty(Navigator.prototype, 'platform', {get: () => 'MacIntel'})"
USES_MOUSE = "printf '\\033[?1000;1006hcopy these words\\n'; stty -echo; exec cat -v"
CLIPBOARD = "navigator.clipboard.readText()"


def drag(page: WallPage, name: str, *, held: str | None = None) -> None:
    """Over the beginning of the first line."""
    box = page.page.locator(f".pane[data-session='{name}'] .xterm-screen").bounding_box()
    assert box is not None
    x, y = box["x"], box["y"] + 6
    if held:
        page.page.keyboard.down(held)
    page.page.mouse.move(x + 1, y)
    page.page.mouse.down()
    page.page.mouse.move(x + 120, y, steps=4)
    page.page.mouse.up()
    if held:
        page.page.keyboard.up(held)


def test_case_page_14_copying_works_without_a_secure_context(server: Server, open_page: Open) -> None:
    name = server.session("wall", "sh", "-c", "echo copy these words; exec cat")
    server.focus("wall", name)
    page = open_page()
    page.page.goto(f"http://{PLAIN_HOST}:{server.port}/?token={server.token}&project=wall")
    page.sees(name, "copy these words")
    assert not page.page.evaluate("isSecureContext")
    page.type(name, "")
    drag(page, name)
    page.page.keyboard.press("Control+Shift+c")
    page.until(lambda: "Copied" in page.page.inner_text(".said"), "that it was copied")
    assert page.has_keys() == name
    page.page.keyboard.press("Control+Shift+v")
    page.sees(name, "\ncopy these")
    page.page.keyboard.press("Enter")
    page.page.mouse.click(400, 300)  # Nothing is selected any more.
    page.menu(name, "Copy selection")
    page.until(lambda: page.page.inner_text(".said") == "Nothing is selected.", "that nothing is")
    page.menu(name, "Paste")
    page.until(lambda: "Ctrl+Shift+V" in page.page.inner_text(".said"), "another way to paste")


def test_case_words_a_phone_says_how_to_paste_over_plain_http(server: Server, open_page: Open) -> None:
    name = server.session("wall", "cat")
    server.focus("wall", name)
    page = open_page(size=(390, 844), has_touch=True, is_mobile=True)
    page.page.goto(f"http://{PLAIN_HOST}:{server.port}/?token={server.token}&project=wall&session={name}")
    page.page.tap(".keybar button:has-text('Paste')")
    words = "Hold the terminal and choose Paste, or use https."
    page.until(lambda: page.page.inner_text(".said") == words, "how to paste")


@pytest.mark.parametrize(("platform", "held"), [("mac", "Alt"), ("other", "Shift")])
def test_case_page_16_text_is_selected_while_a_program_uses_the_mouse(
    server: Server, open_page: Open, platform: str, held: str
) -> None:
    name = server.session("wall", "sh", "-c", USES_MOUSE)
    server.focus("wall", name)
    page = open_page()
    page.opened(name)  # A picture would end a selection that is just being made.
    if platform == "mac":
        page.page.add_init_script(MAC)
        page.page.reload()
    page.sees(name, "copy these words")
    page.until(lambda: page.page.locator(".xterm.enable-mouse-events").count() == 1, "the program's mouse")
    page.type(name, "")
    page.page.evaluate("navigator.clipboard.writeText('nothing yet')")
    drag(page, name, held=held)
    box = page.page.locator(".xterm-screen").bounding_box()
    assert box is not None
    where = {"x": 40, "y": 6}
    page.page.click(".xterm-screen", button="right", modifiers=[held], position=where)  # type: ignore[list-item]
    page.page.click("[role=menuitem]:has-text('Copy selection')")
    page.until(lambda: page.page.evaluate(CLIPBOARD).startswith("copy the"), "the copy")
    page.until(lambda: page.has_keys() == name, "the keys")
    page.page.click(".xterm-screen", button="right", position=where)
    page.page.keyboard.press("Enter")
    page.sees(name, "^[[<2;")  # Without the key it is the program's.
    assert page.page.locator("[role=menu]").count() == 0


def test_case_page_16_a_selection_outlives_the_picture_of_another_width(server: Server, open_page: Open) -> None:
    name = server.session("wall", "sh", "-c", "echo copy these words; exec cat")
    server.focus("wall", name)
    page = open_page()
    page.opened(name)
    page.sees(name, "copy these words")
    page.type(name, "")
    drag(page, name)
    page.page.set_viewport_size({"width": 1300, "height": 900})
    page.picture(name)
    page.page.keyboard.press("Control+Shift+c")
    page.until(lambda: page.page.evaluate(CLIPBOARD).startswith("copy the"), "the copy")


def test_case_page_27_a_link_with_brackets_opens_whole(server: Server, open_page: Open) -> None:
    address = f"{server.base}/api/health?a(b)={'x' * 3000}"
    name = server.session("wall", "sh", "-c", f"echo '{address}'; exec cat")
    server.focus("wall", name)
    page = open_page()
    page.sees(name, "/api/health")
    place = {"x": 60, "y": 8}
    screen = page.page.locator(f".pane[data-session='{name}'] .xterm-screen")
    screen.hover(position=place)
    page.until(lambda: page.page.locator(".xterm-cursor-pointer").count() > 0, "the link under the pointer")
    with page.page.context.expect_page() as opened:
        screen.click(position=place, modifiers=["Control"])
    assert opened.value.url == address
