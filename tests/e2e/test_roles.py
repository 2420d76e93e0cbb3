"""Links that were given to others: who may only watch, and what a revoked link shows."""

from collections.abc import Callable

from tests.e2e.wall_page import WallPage
from tests.support.server import Server

Open = Callable[..., WallPage]


def link_for(server: Server, role: str) -> tuple[str, str]:
    """A token for somebody else: its id, and the address with it."""
    answer = server.call("POST", "/api/tokens", {"name": "Mia", "role": role, "projectId": "wall"})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    return str(made["id"]), f"{server.base}/?token={made['token']}&project=wall"


def follow(page: WallPage, address: str) -> None:
    """Open the page as somebody else."""
    page.page.context.clear_cookies()
    page.page.goto(address)
    page.until(lambda: page.connection() == "connected", "the connection")


def test_X3_a_link_to_watch_shows_everything_and_changes_nothing(server: Server, open_page: Open) -> None:
    shown, hidden = (server.session("wall", "cat", name=name) for name in ("shown", "hidden"))
    server.focus("wall", shown)
    owner, guest = open_page(), open_page(size=(1000, 700))
    owner.type(shown, "from the owner\n")
    _, address = link_for(server, "view")
    follow(guest, address)
    guest.sees(shown, "from the owner")
    size = owner.size(shown)
    guest.until(lambda: guest.size(shown) == size, "the driver's size")
    assert "watching only" in guest.page.inner_text(".pane").lower()
    guest.type(shown, "from the guest\n")
    words = "Watching only. Ask the owner for a link that may type."
    guest.until(lambda: guest.page.inner_text(".notices").count(words) == 1, "why nothing is typed, once")
    guest.page.click("button[aria-label='Menu']")
    assert guest.page.locator("[role=menuitem]:has-text('New terminal')").count() == 0
    guest.page.keyboard.press("Escape")
    guest.click_tile(hidden)
    guest.until(lambda: "cannot change the stage" in guest.page.inner_text(".said"), "why nothing happens")
    assert guest.page.locator("button:has-text('New')").count() == 0
    assert guest.page.locator("button:has-text('Take over')").count() == 0
    owner.type(shown, "from the owner again\n")
    guest.sees(shown, "from the owner again\nfrom the owner again")
    assert "guest" not in owner.text(shown)
    assert owner.size(shown) == size
    assert owner.stage() == [shown]


def test_X1_a_revoked_link_ends_at_the_sign_in(server: Server, open_page: Open) -> None:
    name = server.session("wall", "cat")
    server.focus("wall", name)
    guest = open_page()
    token, address = link_for(server, "type")
    follow(guest, address)
    guest.type(name, "still here\n")
    guest.sees(name, "still here\nstill here")
    assert server.call("DELETE", f"/api/tokens/{token}").status_code == 204
    guest.until(lambda: guest.page.locator("input[type=password]").count() == 1, "the sign-in")
    assert "Your link has been ended. Ask for a new one." in guest.page.inner_text("body")
    guest.page.reload()
    guest.until(lambda: "Your link has been ended." in guest.page.inner_text("body"), "the same after a reload")
    assert guest.stage() == [], "nothing is left to be read"


def test_W1_a_removed_project_says_so(server: Server, open_page: Open) -> None:
    page = open_page()
    assert server.call("DELETE", "/api/projects/wall").status_code == 204
    page.until(lambda: "There is no project" in page.page.inner_text("body"), "what happened")
