"""The page of a server that is one of several nodes: what it says while the others cannot be reached, and where it
starts programs."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.e2e.wall_page import WallPage
from tests.support.broker import Broker
from tests.support.server import Server

OpenAt = Callable[..., WallPage]
MEANING = (
    "The other nodes cannot be reached. Terminals of node one go on. The stage cannot be changed until they can be; "
    "terminals of other nodes show what was last seen."
)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "nats") as one:
        yield one


@pytest.fixture
def nodes(tmp_path: Path, broker: Broker) -> Iterator[tuple[Server, Server]]:
    """`one` brings the project `wall`; both know it, and each other's session: `here` runs on one, `there` on two."""
    made = [Server(tmp_path / name, "--nats", broker.url, "--node", name, cwd=tmp_path) for name in ("one", "two")]
    one, two = made
    try:
        for server in made:
            server.start()
        one.project(tmp_path / "work", id="wall")
        one.session("wall", "cat", id="here", name="here")
        for name in ("there", "more"):
            answer = one.call("POST", "/api/projects/wall/sessions", {"id": name, "command": ["cat"], "node": "two"})
            assert answer.status_code == 201, answer.text
        one.focus("wall", "here", "there")
        yield one, two
    finally:
        for server in made:
            server.end()
    for server in made:
        assert not server.tracebacks(), server.tracebacks()


def away(page: WallPage) -> str:
    """What the page says while the other nodes are away; empty while they are not."""
    return str(page.page.evaluate("document.querySelector('.bar p[role=status]')?.textContent ?? ''"))


def violations(page: WallPage, axe: str) -> list[str]:
    page.page.evaluate(axe)
    found = page.page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {[node['html'][:200] for node in one['nodes'][:3]]}"
        for one in found["violations"]
        if one["impact"] in ("serious", "critical")
    ]


def picture(page: WallPage, name: str) -> None:
    if folder := os.environ.get("E2E_PICTURES"):
        page.page.screenshot(path=f"{folder}/nodes-{name}.png")


def sizes(page: WallPage) -> list[tuple[int, int]]:
    return [page.size(name) for name in ("here", "there")]


def test_N7_the_page_says_what_is_stale_and_starts_programs_where_one_chooses(
    nodes: tuple[Server, Server], broker: Broker, open_at: OpenAt, axe: str
) -> None:
    one, two = nodes
    page = open_at(one, color_scheme="dark")
    phone = open_at(one, size=(390, 800), color_scheme="light", has_touch=True)
    for name in ("here", "there"):
        page.type(name, f"typed {name}\n")
        page.sees(name, f"typed {name}\ntyped {name}")
    assert away(page) == away(phone) == ""
    assert page.page.locator(".away").count() == 0
    before = sizes(page)

    broker.kill()
    for shown in (page, phone):
        shown.until(lambda s=shown: away(s) == MEANING, "what is stale")
    expect(page.page.locator(".bar .away")).to_be_visible()
    expect(phone.page.locator(".strip")).to_contain_text("show what was last seen")
    assert sizes(page) == before, "it takes no row from a terminal"
    page.type("here", "still\n")
    page.sees("here", "still\nstill")
    expect(page.page.locator(".pane[data-session=there] .ended")).to_contain_text("node two cannot be reached")
    assert "typed there" in page.text("there"), "its last screen"
    connected = {
        name: page.page.inner_text(f".pane[data-session={name}] .termwall-connection") for name in ("here", "there")
    }
    assert connected == {"here": "connected", "there": "disconnected"}
    for shown in (page, phone):
        shown.click_tile("more")
        expect(shown.page.locator(".said")).to_contain_text("Nothing was changed: the other nodes cannot be reached")
    assert "more" in phone.shelf(), "what was not done leads nowhere"
    page.page.hover(".pane[data-session=there]")
    page.page.click(".pane[data-session=there] button[aria-haspopup=menu]")
    expect(page.page.locator("[role=menu]")).to_contain_text("Search")
    assert "Restart" not in page.page.inner_text("[role=menu]")
    page.page.keyboard.press("Escape")
    for scheme in ("light", "dark"):
        page.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert violations(page, axe) == []
        picture(page, f"away-{scheme}")
    assert violations(phone, axe) == []
    picture(phone, "away-phone")
    phone.click_tile("here")
    expect(phone.page.locator(".bar h1")).to_contain_text("Other nodes are away")
    picture(phone, "away-phone-terminal")

    broker.start()
    for shown in (page, phone):
        shown.until(lambda s=shown: away(s) == "", "that it goes by itself")
    page.until(lambda: page.page.locator(".pane[data-session=there] .ended").count() == 0, "the other node's terminal")
    page.type("there", "again\n")
    page.sees("there", "again\nagain")

    page.page.keyboard.press("Control+Alt+n")
    choice = page.page.get_by_role("combobox", name="Node")
    expect(choice.locator("option")).to_have_text(["one, this page's", "two"])
    assert choice.input_value() == "one"
    choice.select_option("two")
    page.page.get_by_label("Command").fill("cat")
    page.page.get_by_label("Name").fill("chosen")
    assert violations(page, axe) == []
    picture(page, "choice")
    page.page.keyboard.press("Enter")
    pane = page.page.locator(".pane[aria-label=chosen]")
    expect(pane).to_contain_text("on two")
    made = str(pane.get_attribute("data-session"))
    page.until(lambda: page.has_keys() == made, "that it has the keys")
    page.page.keyboard.type("over there\n")
    page.sees(made, "over there\nover there")
    assert two.call("GET", f"/api/sessions/{made}").json()["node"] == "two"


def test_N7_the_nodes_are_listed_and_a_drained_one_is_marked(
    nodes: tuple[Server, Server], open_at: OpenAt, axe: str
) -> None:
    one, two = nodes
    page = open_at(one)
    page.page.focus("button.link")
    page.page.keyboard.press("Enter")
    listed = page.page.locator("dialog .nodes li")
    expect(listed).to_have_text(["one runs programs; this page is connected to it", "two runs programs"])
    assert two.call("POST", "/api/drain", {"draining": True}).status_code == 204
    expect(listed.nth(1)).to_have_text("two runs programs; draining: it sends its pages to other nodes")
    assert violations(page, axe) == []
    picture(page, "listed")
    page.page.keyboard.press("Escape")
    expect(page.page.locator("button.link")).to_be_focused()
    page.page.keyboard.press("Control+Alt+n")
    choice = page.page.get_by_role("combobox", name="Node")
    expect(choice.locator("option")).to_have_text(["one, this page's", "two, draining"])
    assert choice.input_value() == "one"
    page.page.keyboard.press("Escape")
    two.stop()
    page.page.keyboard.press("Control+Alt+n")
    expect(page.page.get_by_label("Command")).to_be_visible()
    expect(choice).to_have_count(0)


def test_N7_a_server_that_is_alone_shows_nothing_of_nodes(server: Server, open_page: OpenAt) -> None:
    server.session("wall", "cat")
    page = open_page()
    page.page.click("button[aria-label=Menu]")
    expect(page.page.locator("[role=menu]")).to_contain_text("Settings")
    assert "Nodes" not in page.page.inner_text("[role=menu]")
    page.page.keyboard.press("Escape")
    assert page.page.locator("button.link, .bar p[role=status]").count() == 0
    page.page.keyboard.press("Control+Alt+n")
    expect(page.page.get_by_label("Command")).to_be_visible()
    assert page.page.get_by_role("combobox", name="Node").count() == 0
