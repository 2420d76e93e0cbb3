"""What the page lets one person do: layouts, keys alone, dialogs, a phone, and that everybody can use it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]


def shells(server: Server, count: int, *command: str) -> list[str]:
    """Sessions that echo lines."""
    return [server.session("wall", *(command or ("cat",)), name=f"cat {index}") for index in range(count)]


def test_A5_the_page_takes_the_token_out_of_its_address(server: Server, open_page: Open) -> None:
    page = open_page()
    assert "token" not in page.page.url
    cookies = page.page.context.cookies()
    assert [(c["httpOnly"], c["sameSite"]) for c in cookies] == [(True, "Strict")]
    assert server.token not in json.dumps(cookies)


def test_X1_without_a_token_there_is_a_sign_in(server: Server, open_page: Open) -> None:
    page = open_page()
    page.page.context.clear_cookies()
    page.page.goto(server.base)
    page.page.fill("input[type=password]", "wrong token")
    page.page.click("button[type=submit]")
    page.until(lambda: "not known here" in page.page.inner_text("body"), "the refusal")
    page.page.fill("input[type=password]", server.token)
    page.page.click("button[type=submit]")
    page.until(lambda: page.connection() == "connected", "the workspace")


def test_a_project_that_somebody_else_makes_opens_by_itself(server: Server, open_page: Open, tmp_path: Path) -> None:
    page = open_page()
    page.page.goto(f"{server.base}/?project=later")
    page.until(lambda: "There is no project “later” here" in page.page.inner_text("main"), "the sentence")
    server.project(tmp_path / "later", id="later")
    page.until(lambda: page.connection() == "connected", "the workspace")


def test_everything_goes_by_keyboard_alone(server: Server, open_page: Open) -> None:
    ids = shells(server, 5)
    server.focus("wall", *ids[:4])
    page = open_page()
    keys = page.page.keyboard
    page.until(lambda: page.has_keys() == ids[0], "the first pane's keys")
    keys.press("Control+Alt+ArrowRight")
    page.until(lambda: page.has_keys() == ids[1], "the right pane")
    keys.press("Control+Alt+ArrowDown")
    page.until(lambda: page.has_keys() == ids[3], "the pane below")
    keys.type("hello\n")
    page.sees(ids[3], "hello\nhello")
    keys.press("Control+Alt+z")
    page.until(lambda: page.stage() == [ids[3]], "the zoomed pane")
    keys.press("Control+Alt+z")
    page.until(lambda: page.stage() == ids[:4], "the grid again")
    keys.press("Control+Alt+5")
    page.until(lambda: ids[4] in page.stage() and page.has_keys() == ids[4], "position 5 on the stage")
    keys.press("Control+Shift+Enter")
    keys.type("layout single")
    keys.press("Enter")
    page.until(lambda: page.stage() == [ids[4]], "one pane")
    keys.press("Control+F6")
    page.until(lambda: page.page.evaluate("!!document.activeElement.closest('.shelf')"), "the shelf")
    keys.press("Control+F6")
    page.until(lambda: page.page.evaluate("!!document.activeElement.closest('.bar')"), "the bar")
    keys.press("Control+F6")
    page.until(lambda: page.has_keys() == ids[4], "the terminal again")
    keys.press("Control+Alt+n")
    page.until(lambda: page.page.evaluate("!!document.querySelector('dialog[open]')"), "the dialog")
    keys.press("Escape")
    page.until(lambda: page.has_keys() == ids[4], "the terminal after the dialog")
    keys.press("Control+c")
    page.until(
        lambda: server.call("GET", f"/api/sessions/{ids[4]}").json()["status"] == "exited", "Ctrl+C in the program"
    )


def test_new_rename_restart_and_close(server: Server, open_page: Open) -> None:
    page = open_page()
    page.page.click("text=New terminal")
    page.page.fill("label:has-text('Command') input", "sh -c 'echo hello; read x; exit 4'")
    page.page.fill("label:has-text('Name') input", "first")
    page.page.click("dialog button[type=submit]")
    (name,) = page.until(page.stage, "the pane")
    page.sees(name, "hello")
    page.page.click("button[aria-label='More about first']")
    page.page.click("[role=menuitem]:has-text('Rename')")
    page.page.fill("dialog input", "second")
    page.page.keyboard.press("Enter")
    page.until(lambda: page.page.inner_text(".pane-header h2") == "second", "the new name")
    page.type(name, "\n")
    page.until(lambda: "Exited 4" in page.page.inner_text(".pane"), "the exit code")
    page.page.click(f".pane[data-session='{name}'] .xterm-screen")
    page.page.keyboard.press("Enter")
    page.until(lambda: "Exited" not in page.page.inner_text(".pane"), "the restart")
    page.sees(name, "hello")
    page.page.click("button[aria-label='More about second']")
    page.page.click("[role=menuitem]:has-text('Close')")
    page.until(lambda: "will be ended" in page.page.inner_text("dialog"), "the question, while a program runs")
    page.page.click("dialog button:has-text('End it')")
    page.until(lambda: "No terminals" in page.page.inner_text("body"), "the empty project")


def test_P4_a_command_that_cannot_start_says_why(server: Server, open_page: Open) -> None:
    page = open_page()
    page.page.click("text=New terminal")
    page.page.fill("label:has-text('Command') input", "no-such-program")
    page.page.click("dialog button[type=submit]")
    page.until(lambda: "not found on the server's PATH" in page.page.inner_text("dialog"), "the reason")


def test_search_counts_and_copies(server: Server, open_page: Open) -> None:
    name = server.session("wall", "sh", "-c", "for i in 1 2 3; do echo needle $i; echo Needle; done; exec cat")
    server.focus("wall", name)
    page = open_page()
    page.sees(name, "needle 3")
    page.page.click(f".pane[data-session='{name}'] .xterm-screen")
    page.page.keyboard.press("Control+Shift+f")
    page.page.keyboard.type("needle")
    page.until(lambda: page.page.inner_text(".search output").endswith("of 6"), "six matches")
    page.page.click("button[aria-label='Match case']")
    page.until(lambda: page.page.inner_text(".search output").endswith("of 3"), "three with the case")
    page.page.click("button[aria-label='Regular expression']")
    page.page.fill(".search input", r"needle [23]")
    page.until(lambda: page.page.inner_text(".search output").endswith("of 2"), "two by expression")
    page.page.keyboard.press("Control+Shift+c")
    page.until(lambda: page.page.evaluate("navigator.clipboard.readText()").startswith("needle "), "the copy")
    page.page.keyboard.press("Escape")
    page.until(lambda: page.has_keys() == name, "the terminal")


def test_pasting_lines_asks_first(server: Server, open_page: Open) -> None:
    (name,) = shells(server, 1)
    server.focus("wall", name)
    page = open_page()
    page.page.click(f".pane[data-session='{name}'] .xterm-screen")
    page.page.evaluate("navigator.clipboard.writeText('one\\ntwo\\x1b[31m\\n')")
    page.page.keyboard.press("Control+Shift+v")
    page.until(lambda: "Paste 2 lines?" in page.page.inner_text("body"), "the question")
    page.page.click("dialog button:has-text('Paste as one line')")
    page.until(lambda: page.text(name).startswith("one two[31m"), "one line, without the control character")


def test_a_phone_shows_the_wall_then_a_terminal_with_keys(server: Server, open_page: Open) -> None:
    ids = shells(server, 3)
    server.focus("wall", ids[0])
    page = open_page(size=(390, 844), has_touch=True, is_mobile=True)
    assert page.stage() == []
    assert set(page.shelf()) == set(ids)
    page.page.tap(f".tile[data-session='{ids[2]}']")
    page.until(lambda: page.stage() == [ids[2]], "the terminal")
    page.page.tap(".keybar button:has-text('y')")
    page.page.tap(".keybar button[aria-label='Enter']")
    page.sees(ids[2], "y\ny")
    page.page.tap(".keybar button:has-text('^C')")
    page.until(lambda: server.call("GET", f"/api/sessions/{ids[2]}").json()["status"] == "exited", "Ctrl+C")
    page.page.tap("button[aria-label='All terminals']")
    page.until(lambda: page.stage() == [] and len(page.shelf()) == 3, "the wall again")


def test_W10_connection_and_attention_are_words_not_only_colours(server: Server, open_page: Open) -> None:
    ids = shells(server, 2)
    server.focus("wall", ids[0])
    page = open_page()
    assert "connected" in page.page.inner_text(".pane-header")
    tile = page.page.locator(f".tile[data-session='{ids[1]}']")
    words = tile.inner_text().split()
    assert words[:3] == ["2", "cat", "1"]
    assert "connected" in words
    assert {"idle", "working"} & set(words)
    named = re.compile("^cat 1, (working for .*|idle), connected, position 2$")
    assert page.page.get_by_role("button", name=named).count() == 1


@pytest.mark.parametrize(
    ("scheme", "size"), [("dark", (1440, 900)), ("light", (1440, 900)), ("light", (390, 844)), ("dark", (900, 700))]
)
def test_axe_finds_nothing_serious(
    server: Server, open_page: Open, axe: str, scheme: str, size: tuple[int, int]
) -> None:
    ids = shells(server, 4)
    failed = server.session("wall", "sh", "-c", "exit 3", name="failed")
    server.focus("wall", *ids[:2], failed)
    page = open_page(color_scheme=scheme, size=size)
    page.until(lambda: len(page.stage()) >= 2 or size[0] < 600, "the stage")
    page.page.evaluate(axe)

    def serious() -> list[str]:
        found = page.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    assert serious() == []
    page.page.keyboard.press("Control+Shift+Enter")
    page.until(lambda: page.page.evaluate("!!document.querySelector('dialog.palette')"), "the palette")
    assert serious() == []
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("Control+Alt+n")
    page.until(lambda: page.page.evaluate("!!document.querySelector('dialog.dialog')"), "the dialog")
    assert serious() == []


def test_screen_reader_mode_puts_the_text_into_the_page(server: Server, open_page: Open) -> None:
    name = server.session("wall", "sh", "-c", "echo read me aloud; exec cat")
    server.focus("wall", name)
    page = open_page()
    page.sees(name, "read me aloud")
    page.page.click("button[aria-label='Menu']")
    page.page.click("[role=menuitem]:has-text('Settings')")
    page.page.check("label:has-text('Screen reader') input")
    page.page.click("dialog button[type=submit]")
    trees = "[...document.querySelectorAll('.xterm-accessibility-tree')]"
    tree = f"{trees}.map(t => t.textContent).join('').replaceAll('\\u00a0', ' ')"
    page.until(lambda: "read me aloud" in page.page.evaluate(tree), "the text in the accessibility tree")
    page.page.reload()
    page.until(lambda: "read me aloud" in page.page.evaluate(tree), "the same after a reload: it is kept")
