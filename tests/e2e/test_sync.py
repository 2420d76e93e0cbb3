"""Two browsers on one project: in sync through focus, typing, reloads, cuts and conflicting clicks."""

import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e.wall_page import WallPage
from tests.support.link import pullable
from tests.support.server import Server

Open = Callable[..., WallPage]


def shells(server: Server, count: int) -> list[str]:
    """Sessions that echo what is typed, line by line."""
    return [server.session("wall", "cat", name=f"cat {index}") for index in range(count)]


def test_F8_focus_in_one_page_shows_in_the_other(server: Server, open_page: Open) -> None:
    ids = shells(server, 5)
    server.focus("wall", ids[0])
    one, two = open_page(), open_page()
    one.click_tile(ids[1])
    for page in (one, two):
        page.until(lambda p=page: p.stage() == ids[:2], "both on the stage")
        page.until(lambda p=page: ids[1] not in p.shelf(), "the tile gone")
    server.call("PUT", "/api/terminal/focus", {"projectId": "wall", "sessionIds": ids[2:4]})
    for page in (one, two):
        page.until(lambda p=page: p.stage() == ids[2:4], "the batch of the API")


def test_S10_what_is_typed_in_one_page_shows_in_both(server: Server, open_page: Open) -> None:
    (name,) = shells(server, 1)
    server.focus("wall", name)
    one, two = open_page(), open_page()
    one.type(name, "from one\n")
    two.sees(name, "from one\nfrom one")
    two.type(name, "from two\n")
    one.sees(name, "from two\nfrom two")
    one.until(lambda: one.text(name) == two.text(name), "the same text in both")


def test_I4_a_second_page_of_another_size_changes_nothing_until_it_types(server: Server, open_page: Open) -> None:
    (name,) = shells(server, 1)
    server.focus("wall", name)
    big = open_page()
    big.until(lambda: big.size(name) != (80, 24), "the first page's size")
    size = big.size(name)
    small = open_page(size=(800, 600))
    small.until(lambda: small.size(name) == size, "the driver's size in the second page")
    assert "driven by" in small.page.inner_text(".pane")
    assert big.size(name) == size
    small.type(name, "mine now\n")
    small.until(lambda: small.size(name) != size, "the second page's own size")
    big.until(lambda: big.size(name) == small.size(name), "the same size in the first")


def test_I4_who_brings_a_terminal_that_nobody_drives_drives_it(server: Server, open_page: Open) -> None:
    ids = shells(server, 6)
    pages = [open_page(), open_page(size=(1200, 700))]
    for number, name in enumerate(ids):
        page, other = pages[number % 2], pages[1 - number % 2]
        page.click_tile(name)
        page.until(lambda p=page, n=name: p.driver(n) == "you drive", "the seat")
        other.until(lambda o=other, n=name: o.driver(n).startswith("driven by"), "the other page to know")
    pages[0].click_tile(ids[1])
    pages[1].until(lambda: ids[1] in pages[1].stage(), "the stage")
    assert pages[1].driver(ids[1]) == "you drive", "who has the seat keeps it"


def test_S3_a_reload_keeps_the_screen(server: Server, open_page: Open) -> None:
    name = server.session("wall", "sh", "-c", "i=0; while [ $i -lt 300 ]; do echo line $i; i=$((i+1)); done; exec cat")
    server.focus("wall", name)
    page = open_page()
    page.sees(name, "line 299")
    page.type(name, "typed before\n")
    page.sees(name, "typed before\ntyped before")
    before = page.text(name)
    page.page.reload()
    page.sees(name, "typed before\ntyped before")
    page.until(lambda: page.text(name) == before, "exactly the same text")


def test_S3_a_pulled_connection_comes_back_with_nothing_lost_or_doubled(
    server: Server, open_page: Open, tmp_path: Path
) -> None:
    script = (
        "read go; i=0; while [ $i -lt 4000 ]; do echo line $i; i=$((i+1)); "
        "if [ $((i % 40)) = 0 ]; then sleep 0.05; fi; done; exec cat"
    )
    name = server.session("wall", "sh", "-c", script)
    server.focus("wall", name)
    with pullable(server.port) as link:
        page = open_page(port=link.port)
        page.type(name, "\n")
        for mark in ("line 200\n", "line 1200\n", "line 2400\n"):
            page.sees(name, mark)
            link.cut()
            page.until(lambda: page.connection() != "connected", "the page to notice")
            assert "Connection lost" in page.page.inner_text(".bar")
            assert page.page.locator(".pane .termwall-connection").first.inner_text() == "connecting"
            link.mend()
            page.until(lambda: page.connection() == "connected", "the page to come back")
        page.sees(name, "line 3999")
        lines = [int(found) for found in re.findall(r"^line (\d+)$", page.text(name), re.MULTILINE)]
        assert lines == list(range(lines[0], 4000)), "contiguous, each once"
        assert len(lines) >= 3900


def test_I2_what_is_typed_offline_is_held_visibly_and_sent_once(server: Server, open_page: Open) -> None:
    (name,) = shells(server, 1)
    server.focus("wall", name)
    with pullable(server.port) as link:
        page = open_page(port=link.port)
        page.type(name, "before\n")
        page.sees(name, "before\nbefore")
        link.cut()
        page.until(lambda: page.connection() != "connected", "the page to notice")
        page.page.keyboard.type("held")
        page.until(
            lambda: "Held, not sent held" in " ".join(page.page.inner_text(".pane-header").split()), "the held text"
        )
        link.mend()
        page.until(lambda: page.connection() == "connected", "the page to come back")
        page.page.keyboard.type(" once\n")
        page.sees(name, "held once\nheld once")
        assert page.text(name).count("held") == 2


def test_I2_what_was_held_too_long_is_dropped_with_a_notice_and_never_typed(server: Server, open_page: Open) -> None:
    (name,) = shells(server, 1)
    server.focus("wall", name)
    with pullable(server.port) as link:
        page = open_page(port=link.port)
        page.type(name, "before\n")
        page.sees(name, "before\nbefore")
        link.cut()
        page.until(lambda: page.connection() != "connected", "the page to notice")
        page.page.keyboard.type("stale")
        page.until(lambda: "Not sent: 5 characters" in page.page.inner_text(".notices"), "the notice after 5 s")
        link.mend()
        page.until(lambda: page.connection() == "connected", "the page to come back")
        page.type(name, "fresh\n")
        page.sees(name, "fresh\nfresh")
        assert "stale" not in page.text(name)


def test_W9_P5_a_restarted_server_is_found_again_with_its_programs(server: Server, open_page: Open) -> None:
    (name,) = shells(server, 1)
    server.focus("wall", name)
    page = open_page()
    page.type(name, "before\n")
    page.sees(name, "before\nbefore")
    server.stop()
    page.until(lambda: page.connection() != "connected", "the page to notice")
    server.start()
    page.until(lambda: page.connection() == "connected", "the page to come back")
    page.type(name, "after\n")
    page.sees(name, "before\nbefore\nafter\nafter")


def test_F4_conflicting_clicks_end_in_one_stage_everywhere(server: Server, open_page: Open) -> None:
    server.call("PATCH", "/api/projects/wall", {"maxFocused": 2})
    ids = shells(server, 6)
    pages = [open_page(), open_page()]
    for round_number in range(6):
        for index, page in enumerate(pages):
            shelf = page.shelf()
            if shelf:
                page.page.evaluate(
                    "id => document.querySelector(`.tile[data-session='${id}']`)?.click()",
                    shelf[(round_number + index) % len(shelf)],
                )
    truth = server.call("GET", "/api/terminal/focus?projectId=wall").json()
    for page in pages:
        page.until(lambda p=page: p.stage() == truth["focusedSessions"], "the server's stage")
    assert len(truth["focusedSessions"]) == 2
    assert set(truth["focusedSessions"]) <= set(ids)


def test_F5_the_grid_focuses_what_it_shows_in_one_version(server: Server, open_page: Open) -> None:
    ids = shells(server, 5)
    page = open_page()
    page.page.click("button[aria-label='Single']")
    before = server.call("GET", "/api/terminal/focus?projectId=wall").json()["version"]
    page.page.click("button[aria-label='Grid']")
    page.until(lambda: page.stage() == ids[:4], "four panes")
    assert server.call("GET", "/api/terminal/focus?projectId=wall").json()["version"] == before + 1


ASKS = """
import os, sys, tty
tty.setraw(0)
os.write(1, b'READY\\r\\n')
while True:
    data = os.read(0, 1024)
    os.write(1, b'GOT ' + repr(data).encode() + b'\\r\\n')
    if data == b'?':
        os.write(1, b'\\x1b[6n')
"""


def test_S7_the_server_answers_a_programs_queries_and_no_page_does(server: Server, open_page: Open) -> None:
    """Two open pages must not answer as well, and a reload must not answer what was asked before."""
    name = server.session("wall", "python3", "-c", ASKS)
    server.focus("wall", name)
    one, two = open_page(), open_page()
    for page in (one, two):
        page.sees(name, "READY")
    one.type(name, "?")
    two.sees(name, "R'")
    one.page.reload()
    two.page.reload()
    for page in (one, two):
        page.sees(name, "R'")
    two.type(name, "x")
    for page in (one, two):
        page.sees(name, "GOT b'x'")
    got = re.findall(r"GOT b'(.*)'", one.text(name))
    assert len(got) == 3, got
    assert (got[0], got[2]) == ("?", "x")
    assert re.fullmatch(r"\\x1b\[\d+;\d+R", got[1]), "one answer"


def test_case_page_29_a_server_that_hangs_is_shown_and_what_was_typed_meanwhile_is_never_typed(
    server: Server, open_page: Open
) -> None:
    (name,) = shells(server, 1)
    server.focus("wall", name)
    page = open_page()
    page.type(name, "before\n")
    page.sees(name, "before\nbefore")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        page.page.keyboard.type("stale\n")
        typed = time.monotonic()
        page.until(lambda: page.connection() != "connected", "a sign within 5 s")
        page.until(lambda: "The server does not answer" in page.page.inner_text(".bar"), "words")
        page.page.keyboard.type("held\n")
        page.until(lambda: "Not sent: 5 characters" in page.page.inner_text(".notices"), "what was held to expire")
        assert time.monotonic() - typed > 5
    finally:
        os.kill(server.pid, signal.SIGCONT)
    page.until(lambda: page.connection() == "connected", "the page to come back")
    page.until(lambda: "Not typed: 6 characters" in page.page.inner_text(".notices"), "what was not typed")
    assert "stale" in page.page.inner_text(".notices")
    page.type(name, "after\n")
    page.sees(name, "after\nafter")
    assert "stale" not in page.text(name)
    assert "held" not in page.text(name)


def test_case_page_30_the_machines_clock_is_set_back_while_the_page_is_offline(server: Server, open_page: Open) -> None:
    (name,) = shells(server, 1)
    server.focus("wall", name)
    with pullable(server.port) as link:
        page = open_page(port=link.port)
        page.type(name, "before\n")
        page.sees(name, "before\nbefore")
        link.cut()
        page.until(lambda: page.connection() != "connected", "the page to notice")
        page.page.keyboard.type("stale")
        page.page.evaluate("const now = Date.now; Date.now = () => now() - 3600_000")
        page.until(lambda: "Held, not sent" in page.page.inner_text(".pane-header"), "the held text")
        found = re.search(r"dropped in (\d+) s", page.page.inner_text(".pane-header"))
        assert found is None or int(found[1]) <= 5
        page.until(lambda: "Not sent: 5 characters" in page.page.inner_text(".notices"), "the notice after 5 s")
        link.mend()
        page.until(lambda: page.connection() == "connected", "the page to come back")
        page.type(name, "after\n")
        page.sees(name, "after\nafter")
        assert "stale" not in page.text(name)


def test_case_page_32_who_types_keeps_the_terminal_that_somebody_takes_from_the_stage(
    server: Server, open_page: Open
) -> None:
    ids = shells(server, 2)
    server.focus("wall", *ids)
    owner, other = open_page(), open_page()
    owner.page.get_by_role("button", name="Single").click()
    owner.until(lambda: owner.stage() == ids[:1], "one pane")
    owner.type(ids[0], "a sentence ")
    owner.sees(ids[0], "a sentence")
    other.page.locator(f".pane[data-session='{ids[0]}']").get_by_title("More").click()
    other.page.get_by_role("menuitem", name="Take from the stage").click()
    other.until(lambda: other.stage() == ids[1:], "the stage")
    notice = "cat 0 was taken from the stage by somebody else. What you type still reaches it."
    owner.until(lambda: notice in owner.page.inner_text(".notices"), "the notice")
    owner.page.keyboard.type("goes on\n")
    owner.until(
        lambda: "a sentence goes on" in server.call("GET", f"/api/sessions/{ids[0]}/screen").text,
        "the whole sentence",
    )
    assert "goes" not in server.call("GET", f"/api/sessions/{ids[1]}/screen").text
    assert owner.page.locator(f'.pane[data-session="{ids[0]}"]').is_visible()
    assert not owner.page.locator(f'.pane[data-session="{ids[1]}"]').is_visible()
    owner.page.get_by_role("button", name="Bring it back").click()
    other.until(lambda: sorted(other.stage()) == sorted(ids), "the stage")
    owner.sees(ids[0], "a sentence goes on")


def test_case_page_33_a_password_typed_while_disconnected_is_not_shown(server: Server, open_page: Open) -> None:
    script = "stty -echo; printf 'Password: '; read x; stty echo; echo thanks; exec cat"
    name = server.session("wall", "sh", "-c", script, name="what asks for a password, with a long name")
    server.focus("wall", name, *shells(server, 3))
    with pullable(server.port) as link:
        page = open_page(port=link.port)
        page.sees(name, "Password:")
        page.type(name, "")
        link.cut()
        page.until(lambda: page.connection() != "connected", "the page to notice")
        page.page.keyboard.type("hunter2")
        page.until(lambda: "•••••••" in page.page.inner_text(".pane-header"), "the dots")
        assert "hunter2" not in page.page.content()
        cut = "[...document.querySelectorAll('.held, .held > *')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
        assert page.page.evaluate(cut) == 0, "how long it is held, and the button, are seen"
        page.until(lambda: "Not sent: 7 characters" in page.page.inner_text(".notices"), "the notice")
        assert "hunter2" not in page.page.content()
        link.mend()
