"""Links of a terminal show where they lead before they open: to the pointer, to the keyboard, to a screen reader."""

from collections.abc import Callable

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]


def given(address: str, text: str) -> str:
    """A link that a program gives to its text (OSC 8), for `printf`."""
    return f"\\033]8;;{address}\\033\\\\{text}\\033]8;;\\033\\\\\\n"


def test_case_hardening_X8_a_link_shows_its_target_before_it_opens(server: Server, open_page: Open, axe: str) -> None:
    real = f"{server.base}/api/health?real"
    shown = "https://good.example/a"
    lines = given(real, shown) + given(real, real) + given("file:///etc/passwd", "no address of the web")
    name = server.session("wall", "sh", "-c", f"printf '{lines}'; exec cat")
    server.focus("wall", name)
    page = open_page()
    page.sees(name, "no address of the web")
    pane = f".pane[data-session='{name}']"
    screen, bar = page.page.locator(f"{pane} .xterm-screen"), page.page.locator(f"{pane} .termwall-target")
    height = page.page.eval_on_selector(f"{pane} .xterm-screen", "e => e.offsetHeight") / page.size(name)[1]

    def line(number: int) -> dict[str, float]:
        return {"x": 60, "y": height * (number + 0.5)}

    assert not bar.is_visible()
    screen.hover(position=line(0))
    page.until(bar.is_visible, "the target under the pointer")
    assert (bar.inner_text(), bar.get_attribute("role")) == (real, "status")
    assert bar.locator("b").inner_text() == f"127.0.0.1:{server.port}"
    assert page.page.get_attribute(f"{pane} .termwall-engine", "title") == real
    screen.hover(position=line(5))
    page.until(lambda: not bar.is_visible(), "that it goes with the pointer")

    screen.click(position=line(0), modifiers=["Control"])
    dialog = page.page.locator("dialog")
    dialog.wait_for()
    assert len(page.page.context.pages) == 1, "nothing was opened yet"
    assert shown in dialog.inner_text()
    assert real in dialog.inner_text()
    page.page.keyboard.press("Enter")
    dialog.wait_for(state="detached")
    assert len(page.page.context.pages) == 1, "Enter is no yes"
    screen.hover(position=line(5))
    screen.hover(position=line(0))
    page.until(bar.is_visible, "the target again")
    screen.click(position=line(0), modifiers=["Control"])
    with page.page.context.expect_page() as asked:
        dialog.get_by_role("button", name="Open it").click()
    assert asked.value.url == real

    with page.page.context.expect_page() as opened:
        screen.click(position=line(1), modifiers=["Control"])
    assert opened.value.url == real, "its text says where it leads"

    page.menu(name, "Links…")
    dialog.wait_for()
    links = dialog.get_by_role("link")
    assert [text.split() for text in links.all_inner_texts()] == [[shown, real], [real]]
    page.page.evaluate(axe)
    violations = "axe.run('dialog').then((found) => found.violations.map((one) => one.id))"
    assert page.page.evaluate(violations) == []
    links.first.focus()
    with page.page.context.expect_page() as chosen:
        page.page.keyboard.press("Enter")
    assert chosen.value.url == real
    dialog.wait_for(state="detached")
