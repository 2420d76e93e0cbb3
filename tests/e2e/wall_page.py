"""The workspace page as a test sees it: what stands where, and how to act on it."""

import time
from collections.abc import Callable
from typing import Any

from playwright.sync_api import Page

PATIENCE = 30.0
"""Seconds until a condition that never comes fails a test."""
MOST_PAUSE = 60.0
"""Milliseconds between two looks at the page."""


class WallPage:
    """One open page. It polls with `evaluate`: the page's Content-Security-Policy forbids `wait_for_function`."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.pictures: dict[str, int] = {}

    def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
        """Waits until the condition is true, and returns its value."""
        deadline, pause = time.monotonic() + seconds, 10.0
        while not (value := condition()):
            assert time.monotonic() < deadline, (
                f"{what} did not come; the page shows {self.page.inner_text('body')[:800]!r}"
            )
            # Each look takes 4 ms of processor time, in four processes.
            self.page.wait_for_timeout(pause)
            pause = min(MOST_PAUSE, pause * 1.5)
        return value

    def connection(self) -> str:
        """The state of the connection."""
        return str(self.page.evaluate("document.querySelector('.workspace')?.dataset.connection ?? ''"))

    def text(self, session: str) -> str:
        """What a terminal of the page holds, scrollback included."""
        return str(self.page.evaluate("id => window.__terms?.get(id)?.text() ?? ''", session))

    def size(self, session: str) -> tuple[int, int]:
        """The columns and rows that a terminal has in this page."""
        cols, rows = self.page.evaluate("id => { const t = window.__terms.get(id); return [t.cols, t.rows] }", session)
        return int(cols), int(rows)

    def top_line(self, session: str) -> str:
        """The text of the first line that a terminal shows."""
        return str(self.page.evaluate("id => window.__terms.get(id).topLine()", session))

    def drawn_pictures(self, session: str) -> int:
        """How many pictures that followed another size a terminal has drawn (S3)."""
        return int(self.page.evaluate("id => window.__terms.get(id)?.pictures ?? 0", session))

    def opened(self, session: str) -> None:
        """Waits until a terminal has its first size here, and what may follow it has come: no picture, or one."""
        self.until(lambda: session in self.stage() and self.size(session) != (80, 24), "its size")
        self.page.wait_for_timeout(600)
        self.pictures[session] = self.drawn_pictures(session)

    def picture(self, session: str) -> None:
        """Waits until a terminal has drawn the picture that follows another size, once more than before (S3)."""
        before = self.pictures.get(session, 0)
        self.until(lambda: self.drawn_pictures(session) > before, f"a picture of {session}")
        self.pictures[session] = self.drawn_pictures(session)

    def wheel(self, session: str, delta: float) -> None:
        """Turn the wheel over a terminal, down by so many pixels."""
        self.page.hover(f".pane[data-session='{session}'] .xterm-screen")
        self.page.mouse.wheel(0, delta)

    def menu(self, session: str, item: str) -> None:
        """Choose from the menu of a pane."""
        self.page.click(f".pane[data-session='{session}'] button[aria-label^='More about']")
        self.page.click(f"[role=menuitem]:has-text('{item}')")

    def sees(self, session: str, text: str) -> None:
        """Waits until a terminal shows a text."""
        self.until(lambda: text in self.text(session), f"{text!r} in {session}")

    def stage(self) -> list[str]:
        """The sessions that the page shows as panes, in order."""
        script = "[...document.querySelectorAll('.pane')].filter(p => !p.hidden).map(p => p.dataset.session)"
        return list(self.page.evaluate(script))

    def shelf(self) -> list[str]:
        """The sessions that the page shows as tiles."""
        return list(self.page.evaluate("[...document.querySelectorAll('.tile')].map(t => t.dataset.session)"))

    def preview(self, session: str) -> str:
        """What a tile's picture shows, as text; empty while there is none."""
        return str(self.page.evaluate("id => window.__previews?.get(id)?.() ?? ''", session))

    def drawn(self, session: str) -> bool:
        """Whether a tile's picture has anything on it."""
        script = """id => {
            const canvas = document.querySelector(`.tile[data-session='${id}'] canvas`);
            const image = canvas?.getContext('2d').getImageData(0, 0, canvas.width || 1, canvas.height || 1);
            return !!image && image.data.some(value => value > 0);
        }"""
        return bool(self.page.evaluate(script, session))

    def badge(self, session: str) -> str:
        """What a session wants, as its pane or its tile says it, without the time."""
        script = """id => document.querySelector(
            `:is(.pane, .tile)[data-session='${id}'] .attention span:not(.timer)`
        )?.textContent ?? ''"""
        return str(self.page.evaluate(script, session))

    def driver(self, session: str) -> str:
        """Who drives a pane's session, as it says there."""
        script = "id => document.querySelector(`.pane[data-session='${id}'] .driver`)?.innerText ?? ''"
        return str(self.page.evaluate(script, session))

    def click_tile(self, session: str) -> None:
        """Bring a session to the stage."""
        self.page.click(f".tile[data-session='{session}']")

    def type(self, session: str, text: str) -> None:
        """Click into a terminal and type."""
        self.page.click(f".pane[data-session='{session}'] .screen")
        self.page.keyboard.type(text)

    def has_keys(self) -> str:
        """The session whose terminal has the keyboard; empty where none has."""
        script = (
            "document.activeElement?.closest('.xterm') ? document.activeElement.closest('.pane').dataset.session : ''"
        )
        return str(self.page.evaluate(script))
