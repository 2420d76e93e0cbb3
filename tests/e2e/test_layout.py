"""What is each viewer's own: layout, sizes, zoom, looks. The stage stays everybody's."""

from collections.abc import Callable

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]


def cats(server: Server, count: int) -> list[str]:
    """Sessions that echo lines."""
    return [server.session("wall", "cat", name=f"cat {index}") for index in range(count)]


def version(server: Server) -> int:
    """The stage's version."""
    return int(server.call("GET", "/api/terminal/focus?projectId=wall").json()["version"])


def test_the_layout_is_each_viewers_own_and_is_kept(server: Server, open_page: Open) -> None:
    ids = cats(server, 4)
    server.focus("wall", *ids)
    one, two = open_page(), open_page()
    before = version(server)
    one.page.click("button[aria-label='Split']")
    one.until(lambda: one.stage() == ids[:2], "two panes")
    one.page.click(f"#tab-{ids[3]}")
    one.until(lambda: one.stage() == [ids[0], ids[3]], "the chosen tab beside the one before")
    one.page.reload()
    one.until(lambda: len(one.stage()) == 2, "the same layout after a reload")
    assert two.stage() == ids
    assert version(server) == before, "no layout changes the stage"


def test_tabs_go_by_arrows_and_change_places_for_everybody(server: Server, open_page: Open) -> None:
    ids = cats(server, 3)
    server.focus("wall", *ids)
    one, two = open_page(), open_page()
    one.page.click("button[aria-label='Single']")
    one.until(lambda: one.stage() == ids[:1], "one pane")
    one.page.focus(f"#tab-{ids[0]}")
    one.page.keyboard.press("ArrowRight")
    one.until(lambda: one.stage() == [ids[1]], "the next tab's pane")
    one.page.keyboard.press("Alt+Shift+ArrowRight")
    two.until(lambda: two.stage() == [ids[0], ids[2], ids[1]], "the new order in the other page")


def test_F3_who_had_to_leave_is_told_and_can_be_brought_back(server: Server, open_page: Open) -> None:
    ids = cats(server, 5)
    server.focus("wall", *ids[:4])
    one, two = open_page(), open_page()
    one.click_tile(ids[4])
    one.until(lambda: ids[4] in one.stage(), "the tile on the stage")
    (gone,) = set(ids) - set(one.stage())
    notice = f"cat {ids.index(gone)} left the stage for cat 4"
    for page in (one, two):
        page.until(lambda p=page: notice in p.page.inner_text(".notices"), "the notice in both pages")
    one.page.click(".notice button:has-text('Undo')")
    for page in (one, two):
        page.until(lambda p=page: p.stage() == ids[:4], "the stage as it was, in its order")


def test_80_columns_fit_four_times_at_1440_pixels(server: Server, open_page: Open) -> None:
    ids = cats(server, 4)
    server.focus("wall", *ids)
    page = open_page(size=(1440, 900))
    for name in ids:
        page.until(lambda n=name: page.size(n)[0] >= 80 and page.size(n) != (80, 24), "80 columns")


def test_dividers_move_by_pointer_and_by_arrows(server: Server, open_page: Open) -> None:
    ids = cats(server, 2)
    server.focus("wall", *ids)
    page = open_page()
    page.until(lambda: page.size(ids[0]) == page.size(ids[1]) != (80, 24), "two equal panes")
    before = page.size(ids[0])[0]
    divider = page.page.locator(".divider.column")
    box = divider.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.page.mouse.move(x, y)
    page.page.mouse.down()
    page.page.mouse.move(x + 150, y, steps=4)
    page.page.mouse.up()
    page.until(lambda: page.size(ids[0])[0] > before > page.size(ids[1])[0], "a wider left pane")
    divider.focus()
    for _ in range(12):
        page.page.keyboard.press("ArrowLeft")
    page.until(lambda: page.size(ids[0])[0] < page.size(ids[1])[0], "a wider right pane")


def test_I4_zoom_and_font_size_change_the_drivers_size_only(server: Server, open_page: Open) -> None:
    ids = cats(server, 2)
    server.focus("wall", *ids)
    page = open_page()
    page.type(ids[0], "x")
    page.until(lambda: page.size(ids[0]) != (80, 24), "the page's size")
    before, stage = page.size(ids[0]), version(server)
    page.page.keyboard.press("Control+Alt+z")
    page.until(lambda: page.stage() == [ids[0]] and page.size(ids[0])[0] > before[0], "a larger pane")
    page.page.keyboard.press("Control+Alt+z")
    page.until(lambda: page.size(ids[0]) == before, "the size before")
    page.page.keyboard.press("Control+Shift+Enter")
    page.page.keyboard.type("font: larger")
    page.page.keyboard.press("Enter")
    page.until(lambda: page.size(ids[0])[0] < before[0], "fewer, larger characters")
    assert version(server) == stage


def test_a_narrow_window_shows_two_panes_one_above_the_other(server: Server, open_page: Open) -> None:
    ids = cats(server, 4)
    server.focus("wall", *ids)
    page = open_page(size=(800, 900))
    page.until(lambda: page.stage() == ids[:2], "two panes")
    upper, lower = (page.page.locator(f".pane[data-session='{name}']").bounding_box() for name in ids[:2])
    assert upper is not None
    assert lower is not None
    assert upper["x"] == lower["x"]
    assert upper["y"] + upper["height"] <= lower["y"]
    page.page.set_viewport_size({"width": 1440, "height": 900})
    page.until(lambda: page.stage() == ids, "the grid, where there is room")


def test_colours_follow_the_system_until_chosen(server: Server, open_page: Open) -> None:
    page = open_page(color_scheme="dark")
    theme = "document.documentElement.dataset.theme"
    assert page.page.evaluate(theme) == "dark"
    page.page.emulate_media(color_scheme="light")
    page.until(lambda: page.page.evaluate(theme) == "light", "the system's new colours")
    page.page.click("button[aria-label='Menu']")
    page.page.click("[role=menuitem]:has-text('Settings')")
    page.page.click("label:has-text('dark')")
    page.until(lambda: page.page.evaluate(theme) == "dark", "the chosen colours")
    page.page.reload()
    page.until(lambda: page.page.evaluate(theme) == "dark", "the choice after a reload")


def test_nothing_moves_for_those_who_asked_for_it(server: Server, open_page: Open) -> None:
    name = server.session("wall", "sh", "-c", "while :; do date; sleep 0.2; done")
    server.focus("wall", name)
    moving = "getComputedStyle(document.querySelector('.pane .turning')).animationName"
    page = open_page()
    page.until(lambda: page.page.locator(".pane .turning").count() == 1, "the ring of a working session")
    assert page.page.evaluate(moving) == "turn"
    page.page.emulate_media(reduced_motion="reduce")
    page.until(lambda: page.page.evaluate(moving) == "none", "a ring that stands")


def test_another_project_is_one_choice_away(server: Server, open_page: Open) -> None:
    cats(server, 1)
    server.project(server.data_dir / "other", id="other", name="other")
    there = server.session("other", "cat", name="over there")
    server.focus("other", there)
    page = open_page()
    page.page.select_option("select[aria-label='Project']", "other")
    page.until(lambda: page.stage() == [there], "the other project's stage")
    assert "project=other" in page.page.url
    page.until(lambda: page.page.title() == "other · termwall", "its name in the title")
    page.page.goto(f"{server.base}/?project=wall&session={there}")
    page.until(lambda: page.shelf() != [], "the first project again")
    assert there not in page.stage() + page.shelf(), "no session of another project"


def test_a_link_opens_with_control_held_only(server: Server, open_page: Open) -> None:
    address = f"{server.base}/api/health"
    name = server.session("wall", "sh", "-c", f"echo {address}; exec cat")
    server.focus("wall", name)
    page = open_page()
    page.sees(name, address)
    place = {"x": 60, "y": 8}
    screen = page.page.locator(f".pane[data-session='{name}'] .xterm-screen")
    screen.hover(position=place)
    page.until(lambda: page.page.locator(".xterm-cursor-pointer").count() > 0, "the link under the pointer")
    screen.click(position=place)
    assert len(page.page.context.pages) == 1, "a plain click belongs to the program"
    with page.page.context.expect_page() as opened:
        screen.click(position=place, modifiers=["Control"])
    assert opened.value.url == address


def test_the_palette_finds_by_letters_and_digits_and_twice_is_next(server: Server, open_page: Open) -> None:
    ids = cats(server, 3)
    server.focus("wall", *ids[:2])
    page = open_page()
    keys = page.page.keyboard
    palette = page.page.locator("dialog.palette")
    page.until(lambda: page.has_keys() == ids[0], "the first pane's keys")
    keys.press("Control+Shift+Enter")
    page.until(lambda: palette.count() == 1, "the palette")
    keys.press("2")
    page.until(lambda: page.has_keys() == ids[1], "position 2")
    keys.press("Control+Shift+Enter")
    keys.type("cat 2")
    keys.press("Enter")
    page.until(lambda: page.has_keys() == ids[2], "the found terminal, now on the stage")
    keys.press("Control+Shift+Enter")
    page.until(lambda: palette.count() == 1, "the palette")
    keys.press("Control+Shift+Enter")
    page.until(lambda: page.page.inner_text(".said") == "Nothing needs you.", "next that needs you")
    assert palette.count() == 0
