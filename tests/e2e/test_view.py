"""What stands where: names, tabs, dividers, the font, and who only watches."""

from collections.abc import Callable

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]

CUT = "[...document.querySelectorAll('.pane:not([hidden]) h2, .tile b')].filter(e => e.scrollWidth > e.clientWidth)"
FONT = "getComputedStyle(document.querySelector('.pane:not([hidden]) .xterm-rows')).fontSize"


def cats(server: Server, count: int, name: str = "cat") -> list[str]:
    return [server.session("wall", "cat", name=f"{name} {index}", id=f"cat-{index}") for index in range(count)]


def asks(server: Server, session: str) -> None:
    """Let a session need its user."""
    body = {"state": "needs input", "message": "May I?", "source": "test"}
    assert server.call("POST", f"/api/sessions/{session}/notify", body).status_code == 200


def test_case_page_19_the_divider_lies_over_no_column(server: Server, open_page: Open) -> None:
    ids = cats(server, 4)
    server.focus("wall", *ids)
    page = open_page()
    page.until(lambda: page.stage() == ids, "four panes")
    for kind, side in (("column", "width"), ("row", "height")):
        box = page.page.locator(f".divider.{kind}").bounding_box()
        assert box is not None
        assert box[side] == 8
    for name in ids:
        screen = page.page.locator(f".pane[data-session='{name}'] .xterm-screen").bounding_box()
        assert screen is not None
        middle = screen["y"] + screen["height"] / 2
        for x in (screen["x"] + 1, screen["x"] + screen["width"] - 1):
            inside = "([x, y]) => document.elementFromPoint(x, y).closest('.xterm') !== null"
            assert page.page.evaluate(inside, [x, middle]), name


def test_case_page_20_a_narrow_window_reaches_all_of_the_stage_by_tabs(server: Server, open_page: Open) -> None:
    ids = cats(server, 4, "a terminal with a long name")
    server.focus("wall", *ids)
    page = open_page(size=(800, 700))
    page.until(lambda: page.stage() == ids[:2], "two panes")
    for index, name in enumerate(ids):
        tab = page.page.locator(f"#tab-{name}")
        box = tab.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 800
        tab.click()
        page.until(lambda n=name: n in page.stage() and page.has_keys() == n, f"tab {index}")
    page.page.set_viewport_size({"width": 1440, "height": 900})
    page.until(lambda: page.stage() == ids and page.page.locator("[role=tab]").count() == 0, "all of them, no tabs")
    page.page.keyboard.press("Control+Alt+z")
    page.until(lambda: len(page.stage()) == 1 and page.page.locator("[role=tab]").count() == 4, "zoomed, with tabs")


def test_case_page_21_the_second_of_two_equal_windows_is_not_smaller(server: Server, open_page: Open) -> None:
    (name,) = cats(server, 1)
    server.focus("wall", name)
    one, two = open_page(), open_page()
    one.type(name, "x")
    two.until(lambda: "driven by" in two.driver(name), "a spectator")
    scale = "getComputedStyle(document.querySelector('.termwall-host')).getPropertyValue('--termwall-scale')"
    two.page.wait_for_timeout(200)
    assert two.page.evaluate(scale) == "1"
    assert two.page.locator(".spectator").count() == 0, "there is no room for its line, and it takes none"
    two.page.set_viewport_size({"width": 1440, "height": 960})
    two.until(lambda: "their size" in two.page.inner_text(".spectator"), "the line where there is room")
    assert two.page.evaluate(scale) == "1"


def test_case_page_23_names_are_not_cut(server: Server, open_page: Open) -> None:
    ids = cats(server, 7, "agent that reviews")
    server.focus("wall", *ids[:4])
    for name in ids:
        asks(server, name)
    for size in ((1440, 900), (1200, 800), (1000, 800), (2000, 1000)):
        page = open_page(size=size)
        page.until(lambda p=page: p.badge(ids[6]) == "needs input", "what they want")
        assert page.page.evaluate(f"{CUT}.map(e => e.textContent)") == [], size
        page.page.close()


def test_case_page_23_a_badge_without_room_shows_no_part_of_its_word(server: Server, open_page: Open) -> None:
    (name,) = cats(server, 1, "agent that reviews all that the others make")
    page = open_page(size=(390, 844))
    page.until(lambda: page.shelf() == [name], "its tile")
    script = """[...document.querySelectorAll('.tile .attention')].flatMap(badge => {
        const { top, bottom } = badge.getBoundingClientRect();
        return [...badge.children].map(child => child.getBoundingClientRect())
            .filter(box => box.top < bottom - 0.5 && box.bottom > bottom + 0.5 && box.top > top + 0.5);
    }).length"""
    assert page.page.evaluate(script) == 0


def test_case_page_23_a_phone_shows_the_whole_name_of_its_terminal(server: Server, open_page: Open) -> None:
    (name,) = cats(server, 1, "agent that reviews migrations")
    page = open_page(size=(390, 844))
    page.click_tile(name)
    line = ".bar h1 .muted"
    page.until(lambda: "connected" in page.page.inner_text(line), "how it is connected, below its name")
    cut = "[...document.querySelectorAll('.bar h1 > span')].filter(e => e.scrollWidth > e.clientWidth).length"
    page.until(lambda: "you drive" in page.page.inner_text(line), "who drives")
    assert page.page.evaluate(cut) == 0


def test_case_page_24_one_list_labels_the_shelf_and_answers_the_keys(server: Server, open_page: Open) -> None:
    ids = cats(server, 5)
    server.focus("wall", ids[0])
    page = open_page()
    label = "t => [t.querySelector('.position').textContent, t.dataset.session]"
    labels = f"[...document.querySelectorAll('.tile')].map({label})"
    page.page.hover(".tile >> nth=0")
    page.page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
    before = page.page.evaluate(labels)
    asks(server, before[3][1])
    page.until(lambda: page.badge(before[3][1]) == "needs input", "that the last one needs somebody")
    assert page.page.evaluate(labels) == before, "it holds still under the pointer"
    page.page.keyboard.press("Control+Alt+3")
    page.until(lambda: before[1] == ["3", page.has_keys()], "the one that is labelled 3")
    page.page.mouse.move(300, 300)
    page.until(lambda: page.shelf()[0] == before[3][1], "its new order")
    labelled = page.page.evaluate(labels)
    page.page.keyboard.press(f"Control+Alt+{labelled[0][0]}")
    page.until(lambda: page.has_keys() == labelled[0][1], "the one with that label")


def test_case_page_34_the_font_depends_on_what_is_shown_alone(server: Server, open_page: Open) -> None:
    (name,) = cats(server, 1)
    server.focus("wall", name)
    page = open_page(size=(1200, 760))
    page.until(lambda: page.size(name)[0] > 80, "its size")
    assert page.page.evaluate(FONT) == "14px", "one terminal alone has room"
    sizes = []
    for width, height in ((800, 480), (1440, 900), (1000, 700), (640, 480)):
        page.page.set_viewport_size({"width": width, "height": height})
        page.page.wait_for_timeout(400)
        before = page.size(name), page.page.evaluate(FONT)
        page.page.reload()
        page.until(lambda: page.stage() == [name], "the page again")
        page.page.wait_for_timeout(400)
        assert (page.size(name), page.page.evaluate(FONT)) == before, (width, height)
        sizes.append(page.size(name))
    # What the program hears: no size between that before and that after a reload.
    watch = server.session("wall", "sh", "-c", "trap 'stty size' WINCH; while :; do sleep 0.1; done", id="watch")
    server.focus("wall", watch)
    page.until(lambda: page.stage() == [watch], "another")
    page.page.wait_for_timeout(600)
    heard = page.text(watch)
    page.page.reload()
    page.until(lambda: page.stage() == [watch], "the page again")
    page.page.wait_for_timeout(600)
    assert page.text(watch) == heard, "a reload changes no size"


def test_case_page_34_a_terminal_that_is_hidden_keeps_its_size(server: Server, open_page: Open) -> None:
    """A window that got smaller made 11x7 of each terminal that it did not show any more."""
    ids = cats(server, 4)
    server.focus("wall", *ids)
    page = open_page()
    page.until(lambda: {page.size(name)[0] for name in ids} == {80}, "four of 80 columns")

    def sizes() -> list[tuple[int, int]]:
        told = [server.call("GET", f"/api/sessions/{name}").json() for name in ids]
        return [(one["cols"], one["rows"]) for one in told]

    page.until(lambda: {cols for cols, _ in sizes()} == {80}, "that the programs know")
    before = sizes()
    page.page.set_viewport_size({"width": 1000, "height": 800})
    page.until(lambda: sizes()[0][0] > 80, "two that are wider")
    assert sizes()[2:] == before[2:]
    two = sizes()
    page.page.set_viewport_size({"width": 390, "height": 844})
    page.until(lambda: len(page.shelf()) == 4, "the wall")
    # What is typed over the same connection arrives after any size.
    page.click_tile(ids[3])
    page.until(lambda: sizes()[3][0] < 60, "that the one that is shown fits the phone")
    assert sizes()[:3] == two[:3]


def test_a_preview_is_drawn_for_the_size_that_it_has(server: Server, open_page: Open) -> None:
    (name,) = cats(server, 1)
    page = open_page()
    page.until(lambda: page.shelf() == [name], "its tile")
    drawn = """() => {
        const { width, height, clientWidth, clientHeight } = document.querySelector('.tile canvas');
        return width === clientWidth && height === clientHeight;
    }"""
    page.until(lambda: page.page.evaluate(drawn), "its picture")
    page.page.set_viewport_size({"width": 390, "height": 844})
    page.until(lambda: page.page.evaluate("document.querySelector('.shelf.wall') !== null"), "the wall")
    page.until(lambda: page.page.evaluate(drawn), "the picture at the wall's size")


def test_case_page_23_who_drives_is_said_whole_or_not_at_all(server: Server, open_page: Open) -> None:
    names = [*cats(server, 3, "agent that reviews all that others make"), server.session("wall", "cat", name="short")]
    server.focus("wall", *names)
    one, two = open_page(), open_page()
    one.type(names[0], "x")
    one.type(names[3], "x")
    for name in (names[0], names[3]):
        two.until(lambda name=name: "driven by" in two.driver(name), "who drives")
    seen = """id => {
        const driver = document.querySelector(`.pane[data-session='${id}'] .driver`);
        const [outer, who, button] = [driver, driver.querySelector('.who'), driver.querySelector('button')]
            .map(element => element.getBoundingClientRect());
        if (button.bottom > outer.bottom + 0.5 || button.right > outer.right + 0.5) return 'a button that is cut';
        if (who.top >= outer.bottom) return 'nothing';
        return who.bottom <= outer.bottom + 0.5 && who.left >= outer.left - 0.5 ? 'all' : 'a part';
    }"""
    assert two.page.evaluate(seen, names[0]) == "nothing"
    assert two.page.evaluate(seen, names[3]) == "all"
    for width in range(1200, 1600, 20):
        two.page.set_viewport_size({"width": width, "height": 900})
        two.page.hover(f".pane[data-session='{names[3]}'] .screen")
        two.page.evaluate("new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)))")
        profile = f"document.querySelector(`.pane[data-session='{names[3]}'] .profile`).clientWidth"
        shown = two.page.evaluate(seen, names[3])
        assert shown == "all" or (shown == "nothing" and two.page.evaluate(profile) == 0), f"room is left at {width}"
