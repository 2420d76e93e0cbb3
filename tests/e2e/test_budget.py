"""A page that is used hard stays below all budgets: nothing of it is delayed or refused (L7)."""

import re
from collections.abc import Callable

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

TALLY = re.compile(r"^termwall_((?:messages|calls)_(?:delayed|refused))\S* (\S+)$", re.MULTILINE)
TYPED = "as fast as a hand never types " * 20
LAYOUTS = ("Single", "Split")


def tally(server: Server) -> dict[str, float]:
    """What budgets touched until now, of all clients."""
    return {name: float(value) for name, value in TALLY.findall(server.call("GET", "/metrics").text)}


def test_L7_a_page_that_is_used_hard_stays_below_all_budgets(
    server: Server, open_page: Callable[..., WallPage]
) -> None:
    before = tally(server)
    assert len(before) == 4, before
    ids = [server.session("wall", "cat") for _ in range(8)]
    ids += [
        server.session("wall", "sh", "-c", f"stty raw -echo; seq 1 20000; head -c {len(TYPED)} > /dev/null; echo ALL")
    ]
    server.focus("wall", *ids[-4:])
    wall = open_page()
    wall.sees(ids[-1], "20000")
    for number in range(60):
        wall.page.set_viewport_size({"width": 700 + number * 12, "height": 500 + number * 7})
    wall.page.set_viewport_size({"width": 1440, "height": 900})
    for number in range(6):
        wall.page.click(f"button[aria-label='{LAYOUTS[number % 2]}']")
    wall.page.click(f"#tab-{ids[-1]}")
    wall.type(ids[-1], TYPED)
    for _ in range(30):
        wall.page.mouse.wheel(0, -200)
    wall.sees(ids[-1], "ALL")
    for name in ids[:4]:
        wall.click_tile(name)
    wall.until(lambda: wall.connection() == "connected", "the connection")
    assert tally(server) == before
