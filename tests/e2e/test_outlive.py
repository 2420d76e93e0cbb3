"""The page's side of outliving: lost terminals, recordings and their player, and the search in all terminals."""

import json
import os

import pytest
from playwright.sync_api import expect

from tests.e2e.test_sync import Open, shells
from tests.support.server import Server


def menu(page: object, session: str, item: str) -> None:
    """Choose from a pane's menu."""
    page.page.click(f".pane[data-session='{session}'] button[aria-haspopup=menu]")  # type: ignore[attr-defined]
    page.page.click(f"[role=menuitem]:has-text('{item}')")  # type: ignore[attr-defined]


def test_P5_a_lost_terminal_shows_its_last_screen_and_starts_again(server: Server, open_page: Open) -> None:
    session = server.session("wall", "sh", "-c", "echo; echo my last words; exec cat", name="agent")
    server.focus("wall", session)
    page = open_page()
    page.sees(session, "my last words")
    server.end()  # As a reboot: a clean stop, and every program is gone.
    server.start()
    page.until(lambda: page.badge(session) == "lost", "the badge")
    page.until(lambda: "its program ended while no server was there" in page.page.inner_text(".ended"), "the sentence")
    page.sees(session, "my last words")
    page.page.click(f".pane[data-session='{session}'] .screen .xterm-screen")
    page.page.keyboard.press("Enter")
    page.until(lambda: page.badge(session) != "lost", "another program")
    page.type(session, "hello\n")
    page.sees(session, "hello\nhello")


def test_case_command_line_15_what_was_lost_is_started_again_at_once(server: Server, open_page: Open) -> None:
    lost = shells(server, 5)
    server.focus("wall", lost[0])
    page = open_page()
    server.end()
    server.start()
    page.until(lambda: page.page.locator(".shelf button:has-text('Start all again')").count() == 1, "the offer")
    page.page.click(".shelf button:has-text('Start all again')")
    page.until(lambda: "Started 5 terminals again." in page.page.inner_text(".said"), "what was done")
    page.until(lambda: "lost" not in {page.badge(name) for name in lost}, "that all run")
    assert page.page.locator(".many").count() == 0


def test_case_command_line_12_the_player_is_where_it_was_asked_to_be(server: Server, open_page: Open) -> None:
    """End, then 20 times Left in a long recording gave 33 uncaught errors, and the wrong moment."""
    shells(server, 1)
    server.stop()
    place = server.data_dir / "recordings" / "long"
    place.mkdir(parents=True)
    about = {"id": "long", "projectId": "wall", "sessionId": "gone", "sessionName": "agent", "command": ["x"]}
    about |= {
        "startedAt": 1,
        "endedAt": 2,
        "bytes": 1,
        "firstPart": 1,
        "parts": 2,
        "cols": 80,
        "rows": 24,
        "error": None,
    }
    (place / "recording.json").write_text(json.dumps(about))
    filler = "x" * 70
    for part in range(2):
        header = {"version": 2, "width": 80, "height": 24}
        head = header | {"termwall": {"start": part * 1000.0, "continues": part > 0}}
        events = [[second, "o", f"{filler}\r\n" * 50 + f"second {part * 1000 + second}\r\n"] for second in range(1000)]
        lines = [head, [0, "o", "as it was"], *events]
        (place / f"{part + 1}.cast").write_text("".join(json.dumps(line) + "\n" for line in lines))
    server.start()
    page = open_page()
    errors: list[str] = []
    page.page.on("pageerror", lambda error: errors.append(str(error)))
    page.page.keyboard.press("Control+Shift+Enter")
    page.page.keyboard.type("Recordings")
    page.page.keyboard.press("Enter")
    page.page.click("button:has-text('Play')")
    page.page.click(".player button:has-text('Pause')")
    page.page.locator(".player input[type=range]").focus()
    shown = "[...document.querySelectorAll('.player .xterm-rows > div')].map(row => row.textContent).join('\\n')"

    def last() -> str:
        return str(page.page.evaluate(shown)).replace("\xa0", " ").split("second ")[-1].strip()

    page.page.keyboard.press("End")
    for _ in range(20):
        page.page.keyboard.press("ArrowLeft")
    page.until(lambda: last() == "1899", "the moment 100 s before the end")
    page.page.keyboard.press("Home")
    page.page.keyboard.press("ArrowRight")
    page.until(lambda: last() == "5", "the moment 5 s after the beginning")
    page.page.keyboard.press("End")
    page.until(lambda: last() == "1999", "the last line")
    assert errors == []


def test_a_recording_is_made_listed_played_and_deleted(server: Server, open_page: Open) -> None:
    (session,) = shells(server, 1)
    server.focus("wall", session)
    page = open_page()
    page.type(session, "before\n")
    page.sees(session, "before\nbefore")
    menu(page, session, "Record")
    page.until(lambda: page.page.query_selector(".pane .recording-mark"), "the mark")
    page.type(session, "while it records\n")
    page.sees(session, "while it records\nwhile it records")
    menu(page, session, "Stop recording")
    page.until(lambda: page.page.query_selector(".pane .recording-mark") is None, "the mark to go")
    page.page.keyboard.press("Control+Shift+Enter")
    page.page.keyboard.type("Recordings")
    page.page.keyboard.press("Enter")
    page.page.click("button:has-text('Play')")
    page.page.click(".player button:has-text('Pause')")
    slider = page.page.locator(".player input[type=range]")
    slider.focus()
    page.page.keyboard.press("End")
    shown = "[...document.querySelectorAll('.player .xterm-rows > div')].map(row => row.textContent).join('\\n')"
    page.until(lambda: "while it records" in page.page.evaluate(shown), "the end of the recording")
    page.page.keyboard.press("Home")
    page.until(lambda: "while it records" not in page.page.evaluate(shown), "its beginning")
    page.until(lambda: "before" in page.page.evaluate(shown), "the picture of the moment at which it began")
    with page.page.expect_download() as download:
        page.page.click("button:has-text('All recordings')")
        page.page.click("a:has-text('Download')")
    lines = download.value.path().read_text().splitlines()
    assert json.loads(lines[0])["version"] == 2
    page.page.click("button:has-text('Delete')")
    page.page.click("button:has-text('Really delete')")
    expect(page.page.locator("dialog")).to_contain_text("Nothing was recorded yet")


def test_search_in_all_terminals_jumps_to_the_line(server: Server, open_page: Open) -> None:
    far = server.session("wall", "sh", "-c", "echo the needle is here; seq 1 400; exec cat", name="far")
    (near,) = shells(server, 1)
    server.focus("wall", near)
    page = open_page()
    page.sees(near, "")
    page.page.keyboard.press("Control+Alt+f")
    page.page.keyboard.type("needle")
    expect(page.page.locator("dialog.everywhere mark")).to_have_text("needle")
    page.page.keyboard.press("Enter")
    page.until(lambda: far in page.stage(), "the terminal on the stage")
    visible = f"""[...document.querySelectorAll(".pane[data-session='{far}'] .xterm-rows > div")]
        .map(row => row.textContent).join('\\n')"""
    page.until(lambda: "the needle is here" in page.page.evaluate(visible), "the line in view")
    assert page.page.input_value("input[aria-label='Search this terminal']") == "needle"
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("Control+Alt+f")
    page.page.keyboard.type("nowhere at all")
    expect(page.page.locator("dialog.everywhere")).to_contain_text("Nothing was found.")


@pytest.mark.parametrize("scheme", ["dark", "light"])
def test_the_new_dialogs_are_accessible(server: Server, open_page: Open, axe: str, scheme: str) -> None:
    session = server.session("wall", "sh", "-c", "echo needle; exec cat")
    server.focus("wall", session)
    server.call("POST", f"/api/sessions/{session}/recording")
    page = open_page(color_scheme=scheme)
    page.page.evaluate(axe)

    def violations() -> list[str]:
        found = page.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        return [
            f"{one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
            for one in found["violations"]
            if one["impact"] in ("serious", "critical")
        ]

    page.sees(session, "needle")
    page.page.keyboard.press("Control+Alt+f")
    page.page.keyboard.type("needle")
    expect(page.page.locator("dialog.everywhere mark").first).to_have_text("needle")
    assert violations() == []
    if folder := os.environ.get("E2E_PICTURES"):
        page.page.screenshot(path=f"{folder}/everywhere-{scheme}.png")
    page.page.keyboard.press("Escape")
    page.page.keyboard.press("Control+Shift+Enter")
    page.page.keyboard.type("Recordings")
    page.page.keyboard.press("Enter")
    page.page.click("button:has-text('Play')")
    expect(page.page.locator(".player output")).to_contain_text("/")
    if folder := os.environ.get("E2E_PICTURES"):
        page.page.screenshot(path=f"{folder}/player-{scheme}.png")
    assert violations() == []
