"""Keys as a browser gets them from the system: real events through Chromium's own protocol, of any layout."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession

from tests.e2e.wall_page import WallPage

ALT, CTRL, META, SHIFT = 1, 2, 4, 8
NAMED = {"Enter": 13, "Tab": 9, "Backspace": 8, "Escape": 27, "ArrowLeft": 37, "ArrowUp": 38, "F3": 114}
HELD = {
    SHIFT: ("Shift", "ShiftLeft", 16),
    CTRL: ("Control", "ControlLeft", 17),
    ALT: ("Alt", "AltLeft", 18),
    META: ("Meta", "MetaLeft", 91),
}


class Keyboard:
    """Of one page, whose terminal runs a program that writes down each byte it reads."""

    def __init__(self, page: WallPage, log: Path, platform: str = "Linux x86_64") -> None:
        """`platform` is what the page learns of its system."""
        self.log = log
        self.page = page
        self.cdp: CDPSession = page.page.context.new_cdp_session(page.page)
        if platform != "Linux x86_64":
            agent = {"userAgent": page.page.evaluate("navigator.userAgent"), "platform": platform}
            self.cdp.send("Emulation.setUserAgentOverride", agent)
            page.page.reload()
            page.until(lambda: page.connection() == "connected", "the connection")

    def event(self, kind: str, key: str, code: str, held: int = 0, **more: Any) -> None:
        """One event."""
        value = {"type": kind, "key": key, "code": code, "modifiers": held, **more}
        self.cdp.send("Input.dispatchKeyEvent", value)

    def press(self, key: str, code: str, held: int = 0, *, right: bool = False, types: bool | None = None) -> None:
        """Press and release a key with modifiers; `types` says whether the system makes a character of it."""
        now, down = 0, []
        for bit, (name, place, number) in HELD.items():
            if held & bit:
                now |= bit
                place = place.replace("Left", "Right") if right else place
                down.append((bit, name, place, number))
                self.event("rawKeyDown", name, place, now, location=2 if right else 1, windowsVirtualKeyCode=number)
        single = len(key) == 1
        number = NAMED.get(key) or (ord(code[-1]) if code.startswith(("Key", "Digit")) else 0)
        more: dict[str, Any] = {"windowsVirtualKeyCode": number}
        text = key if single else "\r" if key == "Enter" else ""
        if types if types is not None else text and not held & (CTRL | ALT | META):
            self.event("keyDown", key, code, now, text=text, **more)
        else:
            self.event("rawKeyDown", key, code, now, **more)
        self.event("keyUp", key, code, now, **more)
        for bit, name, place, number in reversed(down):
            now &= ~bit
            self.event("keyUp", name, place, now, location=2 if right else 1, windowsVirtualKeyCode=number)

    def sent(self, key: str, code: str, held: int = 0, **more: Any) -> str:
        """What a key sends to the program, as hexadecimal numbers."""
        start = self.log.stat().st_size
        self.press(key, code, held, **more)
        return self.after(start)

    def after(self, start: int) -> str:
        """What came since, up to a letter that is typed now."""
        self.press("q", "KeyQ")
        self.page.until(lambda: self.log.read_bytes()[start:].endswith(b"q"), "the letter")
        return self.log.read_bytes()[start:-1].hex(" ")

    def all(self, wanted: bytes, act: Callable[[], None]) -> None:
        """Wait until something sent exactly this."""
        start = self.log.stat().st_size
        act()
        self.page.until(lambda: len(self.log.read_bytes()) >= start + len(wanted), f"{wanted!r}")
        assert self.log.read_bytes()[start:] == wanted
