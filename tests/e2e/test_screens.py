"""Screens that are not streamed: pictures on the shelf, what a session wants, and full-screen programs coming back."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]

EDITOR = r"""
import os, signal, sys, termios, tty
tty.setraw(0)
def draw(*_):
    cols, rows = os.get_terminal_size(0)
    lines = [f"\x1b[{31 + i % 6}mline {i:03} of the draft\x1b[m" for i in range(rows - 1)]
    body = "".join(f"\x1b[{i + 1};1H\x1b[2K{line}" for i, line in enumerate(lines))
    os.write(1, f"{body}\x1b[{rows};1H\x1b[2K\x1b[7m-- INSERT -- \x1b[m\x1b[2;6H".encode())
os.write(1, b"\x1b[?1049h")
signal.signal(signal.SIGWINCH, draw)
draw()
while os.read(0, 1) != b"q":
    pass
os.write(1, b"\x1b[?1049l")
"""
"""A full-screen program: another screen, colours, drawn anew at each size; the cursor stands in its second row."""


def cats(server: Server, count: int) -> list[str]:
    """Sessions that echo lines."""
    return [server.session("wall", "cat", name=f"cat {index}") for index in range(count)]


def editor(server: Server, folder: Path) -> str:
    """A session in which a draft is edited: vim where there is one."""
    vim = shutil.which("vim")
    if vim is None:
        return server.session("wall", "python3", "-c", EDITOR, name="draft")
    draft = folder / "draft.txt"
    draft.write_text("".join(f"line {index:03} of the draft\n" for index in range(200)))
    return server.session("wall", vim, "-u", "NONE", "-N", "-n", "+set laststatus=2", "+2", str(draft), name="draft")


def test_S4_a_full_screen_program_is_back_exactly_from_the_shelf_and_after_a_reload(
    server: Server, open_page: Open, tmp_path: Path
) -> None:
    draft = editor(server, tmp_path)
    others = cats(server, 4)
    server.focus("wall", draft, *others[:3])
    one = open_page()
    one.type(draft, "")
    one.sees(draft, "line 001 of the draft")
    one.until(lambda: one.size(draft) != (80, 24), "the pane's own size")
    one.until(lambda: len(one.text(draft).splitlines()) >= one.size(draft)[1] - 1, "all rows, down to the last")
    before, size = one.text(draft), one.size(draft)

    one.page.reload()
    one.until(lambda: one.connection() == "connected", "the page again")
    one.until(lambda: one.text(draft) == before, "the same screen after a reload")

    two = open_page(size=(1000, 700))
    two.until(lambda: two.size(draft) == size and two.text(draft) == before, "the same screen in a smaller page")

    server.focus("wall", *others)
    for page in (one, two):
        page.until(lambda p=page: draft in p.shelf(), "the draft on the shelf")
        page.until(lambda p=page: "line 001 of the draft" in p.preview(draft), "its picture")
        page.until(lambda p=page: p.drawn(draft), "the picture on its tile")
    one.click_tile(draft)
    for page in (one, two):
        page.until(lambda p=page: draft in p.stage() and p.text(draft) == before, "the same screen, back again")


def test_S6_a_tile_shows_what_its_session_prints_without_being_on_the_stage(server: Server, open_page: Open) -> None:
    shown, tile = cats(server, 2)
    server.focus("wall", shown)
    page = open_page()
    page.until(lambda: page.shelf() == [tile], "the tile")
    for word in ("first", "second 日本語"):
        server.call("POST", f"/api/sessions/{tile}/input", {"data": f"{word}\n"})
        page.until(lambda w=word: w in page.preview(tile), f"{word} in the picture")
    page.until(lambda: page.drawn(tile), "the picture")
    assert page.text(tile) == "", "no stream for it"


ASKS_SOMEBODY = "read wait; sleep 1.5; printf 'Do you want to proceed?\\a'; read answer; echo got $answer; exec cat"

"""Rings a while after it was told to: a bell right after typing answers the typing."""


def test_S9_a_bell_gets_the_badge_the_count_and_the_key_leads_there(server: Server, open_page: Open) -> None:
    shown = cats(server, 4)
    server.focus("wall", *shown)
    agent = server.session("wall", "sh", "-c", ASKS_SOMEBODY, name="agent")
    page = open_page()
    page.until(lambda: page.has_keys() == shown[0], "the first pane's keys")
    assert page.page.title() == "wall · termwall"
    server.call("POST", f"/api/sessions/{agent}/input", {"data": "\n"})
    page.until(lambda: page.badge(agent) == "needs input", "the badge on its tile")
    page.until(lambda: page.page.title() == "(1) wall · termwall", "the count in the title")
    page.until(lambda: "1 needs you" in " ".join(page.page.inner_text(".bar").split()), "the count in the bar")
    icon = page.page.evaluate("document.querySelector('link[rel=icon]').href")
    assert "icon-waiting" in icon
    assert page.page.request.get(icon).headers["content-type"].startswith("image/svg")
    tile = page.page.locator(f".tile[data-session='{agent}']")
    assert "bell" in tile.inner_text()
    assert tile.get_attribute("data-look") == "needs"
    page.page.keyboard.press("Control+Alt+Enter")
    page.until(lambda: agent in page.stage() and page.has_keys() == agent, "the agent on the stage, with the keys")
    assert page.badge(agent) == "needs input"
    page.page.keyboard.type("yes\n")
    page.sees(agent, "got yes")
    page.until(lambda: page.page.title() == "wall · termwall", "nobody needs anything once it is answered")


def test_S9_the_palette_pressed_twice_leads_to_who_waits(server: Server, open_page: Open) -> None:
    shown = cats(server, 1)
    server.focus("wall", *shown)
    agent = server.session("wall", "sh", "-c", ASKS_SOMEBODY, name="agent")
    page = open_page()
    page.until(lambda: page.has_keys() == shown[0], "the first pane's keys")
    server.call("POST", f"/api/sessions/{agent}/input", {"data": "\n"})
    page.until(lambda: page.badge(agent) == "needs input", "the badge")
    page.page.keyboard.press("Control+Shift+Enter")
    page.until(lambda: page.page.locator("dialog.palette").count() == 1, "the palette")
    assert "needs input" in page.page.inner_text("dialog.palette .row:has-text('agent')")
    page.page.keyboard.press("Control+Shift+Enter")
    page.until(lambda: page.has_keys() == agent, "the agent's keys")


def test_S9_what_is_done_is_seen_after_two_seconds_before_somebodys_eyes(server: Server, open_page: Open) -> None:
    shown = cats(server, 1)
    server.focus("wall", *shown)
    (work,) = cats(server, 1)
    page, other = open_page(), open_page()
    server.call("POST", f"/api/sessions/{work}/notify", {"state": "done", "message": "tests pass", "source": "hook"})
    for one in (page, other):
        one.until(lambda p=one: p.badge(work) == "done, unseen", "the badge")
    page.click_tile(work)
    page.until(lambda: page.stage() == [*shown, work], "the pane")
    assert page.badge(work) == "done, unseen", "not before somebody had time to look"
    for one in (page, other):
        one.until(lambda p=one: p.badge(work) == "idle", "seen by one is seen for all")


def test_S9_progress_is_a_line_that_ends_with_it(server: Server, open_page: Open) -> None:
    script = "printf '\\033]9;4;1;40\\a'; read x; printf '\\033]9;4;0\\a'; exec cat"
    name = server.session("wall", "sh", "-c", script)
    server.focus("wall", name)
    page = open_page()
    bar = page.page.locator(".pane [role=progressbar]")
    page.until(lambda: bar.count() == 1 and bar.get_attribute("aria-valuenow") == "40", "40 percent")
    page.type(name, "\n")
    page.until(lambda: bar.count() == 0, "no line any more")


DESKTOP = """() => {
    window.told = [];
    window.Notification = class {
        static permission = 'default';
        static async requestPermission() { return window.Notification.permission = 'granted'; }
        constructor(title, options) { window.told.push([title, options.body]); window.last = this; }
        close() {}
    };
    document.hasFocus = () => false;
}"""
"""A desktop that can be asked what it was told, and a window that is not in front."""


def test_S9_who_looks_elsewhere_is_told_on_the_desktop_once_it_is_switched_on(server: Server, open_page: Open) -> None:
    shown, agent = server.session("wall", "cat", name="shown"), server.session("wall", "cat", name="agent")
    server.focus("wall", shown)
    page = open_page()
    page.page.evaluate(DESKTOP)
    news = {"state": "needs input", "message": "may I?", "source": "hook"}
    server.call("POST", f"/api/sessions/{shown}/notify", news)
    page.until(lambda: page.badge(shown) == "needs input", "the badge")
    page.page.click("button[aria-label='Menu']")
    page.page.click("[role=menuitem]:has-text('Settings')")
    page.page.click("label:has-text('Desktop notifications')")
    page.until(lambda: page.page.is_checked("label:has-text('Desktop notifications') input"), "the permission")
    page.page.click("dialog button[type=submit]")
    server.call("POST", f"/api/sessions/{agent}/notify", news)
    page.until(lambda: page.page.evaluate("window.told.length") > 0, "the notification")
    assert page.page.evaluate("window.told") == [["agent needs input", "may I?"]]
    page.page.evaluate("window.last.onclick()")
    page.until(lambda: agent in page.stage() and page.has_keys() == agent, "the agent on the stage, with the keys")


REPORTS = """
import os, tty
tty.setraw(0)
os.write(1, b'\\x1b[?1004h\\x1b[?1000h\\x1b[?1006h\\x1b[?2004hREADY\\r\\n')
while True:
    os.write(1, b'GOT ' + repr(os.read(0, 1024)).encode() + b'\\r\\n')
"""


def test_S7_what_the_user_causes_still_reaches_the_program(server: Server, open_page: Open) -> None:
    name = server.session("wall", "python3", "-c", REPORTS)
    server.focus("wall", name)
    page = open_page()
    page.sees(name, "READY")
    page.page.click(f".pane[data-session='{name}'] .xterm-screen", position={"x": 40, "y": 40})
    page.sees(name, "[<0;")
    page.page.evaluate("navigator.clipboard.writeText('pasted')")
    page.page.keyboard.press("Control+Shift+v")
    page.sees(name, "x1b[200~pasted")
    page.page.focus("button[aria-label='Menu']")
    page.sees(name, "x1b[O")


FLOOD = "import sys\nwhile True: sys.stdout.write('\\x1b[32m' + 'flood ' * 12 + '\\x1b[m\\n' * 40)"


def test_W6_four_floods_at_once_leave_the_page_usable(server: Server, open_page: Open) -> None:
    floods = [server.session("wall", "python3", "-c", FLOOD, name=f"flood {index}") for index in range(4)]
    (name,) = cats(server, 1)
    server.focus("wall", *floods[:3], name)
    page = open_page()
    for flood in floods[:3]:
        page.sees(flood, "flood flood")
    page.until(lambda: "flood" in page.preview(floods[3]), "the fourth's picture")
    for round_number in range(3):
        page.page.click(f".pane[data-session='{name}'] .screen")
        page.page.keyboard.type(f"echo {round_number}\n")
        # The floods never end, so a page that had to work them off first would not show it.
        twice = f"echo {round_number}\necho {round_number}"
        page.until(lambda text=twice: text in page.text(name), "what was typed, beside the floods", 60)
    assert page.connection() == "connected"


@pytest.mark.parametrize(("scheme", "size"), [("dark", (1440, 900)), ("light", (390, 844)), ("light", (1440, 900))])
def test_axe_finds_nothing_serious_in_what_wants_somebody(
    server: Server, open_page: Open, axe: str, scheme: str, size: tuple[int, int]
) -> None:
    ids = cats(server, 5)
    server.focus("wall", ids[0])
    page = open_page(color_scheme=scheme, size=size)
    for state, name in [("needs input", ids[0]), ("needs input", ids[1]), ("done", ids[2]), ("working", ids[3])]:
        server.call("POST", f"/api/sessions/{name}/notify", {"state": state, "message": "may I?", "source": "hook"})
    server.call("POST", f"/api/sessions/{ids[4]}/input", {"data": "\x1b]9;4;1;40\x07\n"})
    page.until(lambda: page.badge(ids[2]) == "done, unseen", "the badges")
    page.page.evaluate(axe)
    found = page.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    serious = [one["id"] for one in found["violations"] if one["impact"] in ("serious", "critical")]
    assert serious == []
