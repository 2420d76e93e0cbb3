"""A real Firefox, as its distributions ship it, driven over WebDriver BiDi: the part of it that a few tests need."""

import itertools
import json
import re
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from websockets.sync.client import connect

START_SECONDS = 60.0
"""The first start makes a profile; on a busy machine that takes long."""
ANSWER_SECONDS = 30.0

PREFERENCES = {
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.safebrowsing.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.disable_open_during_load": True,
    # Reading the clipboard asks its user with a button of the browser's own; here it is answered with yes.
    "dom.events.testing.asyncClipboard": True,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}

KEYS = {
    "Control": "\ue009",
    "Shift": "\ue008",
    "Alt": "\ue00a",
    "Enter": "\ue007",
    "Escape": "\ue00c",
    "F6": "\ue036",
    "ArrowRight": "\ue014",
}


def find_firefox() -> str | None:
    """The system's."""
    return shutil.which("firefox-esr") or shutil.which("firefox")


class Firefox:
    """One process with a profile of its own."""

    def __init__(self, path: str, folder: Path) -> None:
        self._stack = ExitStack()
        self._numbers = itertools.count(1)
        profile = folder / "profile"
        profile.mkdir(parents=True)
        lines = [f'user_pref("{name}", {json.dumps(value)});\n' for name, value in PREFERENCES.items()]
        (profile / "user.js").write_text("".join(lines))
        self._log = folder / "log"
        command = [path, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "about:blank"], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        try:
            address = f"{self._address()}/session"
            opening = connect(address, max_size=None, open_timeout=START_SECONDS, proxy=None)
            self._socket = self._stack.enter_context(opening)
            self.call("session.new", capabilities={})
        except BaseException:
            self._end()
            raise

    def _address(self) -> str:
        deadline = time.monotonic() + START_SECONDS
        while not (
            found := re.search(r"WebDriver BiDi listening on (ws://\S+)", self._log.read_text(errors="replace"))
        ):
            assert self._process.poll() is None and time.monotonic() < deadline, self._log.read_text(errors="replace")
            time.sleep(0.05)
        return found[1]

    def call(self, method: str, **params: Any) -> Any:
        """One command's result."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(ANSWER_SECONDS))
            if answer.get("id") == number:
                assert answer["type"] == "success", answer
                return answer["result"]

    def page(self, url: str, *, width: int = 1440, height: int = 900) -> "FirefoxPage":
        """A page with cookies and storage of its own."""
        user = self.call("browser.createUserContext")["userContext"]
        page = FirefoxPage(self, self.call("browsingContext.create", type="tab", userContext=user)["context"])
        self.call("browsingContext.setViewport", context=page.context, viewport={"width": width, "height": height})
        page.goto(url)
        return page

    def close(self) -> None:
        """End it."""
        self._stack.close()
        self._end()

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> "Firefox":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class FirefoxPage:
    """One tab."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self.context = context

    def goto(self, url: str) -> None:
        """Navigate, and wait for it to be loaded."""
        self._firefox.call("browsingContext.navigate", context=self.context, url=url, wait="complete")

    def reload(self) -> None:
        """As its button does."""
        self._firefox.call("browsingContext.reload", context=self.context, wait="complete")

    def activate(self) -> None:
        """Bring the tab to the front: it gets the keys."""
        self._firefox.call("browsingContext.activate", context=self.context)

    def evaluate(self, expression: str) -> Any:
        """A JavaScript expression's value, as JSON has it."""
        result = self._firefox.call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})) ?? 'null')()",
            target={"context": self.context},
            awaitPromise=True,
            userActivation=True,
        )
        assert result["type"] == "success", result
        return json.loads(result["result"]["value"])

    def click(self, selector: str) -> None:
        """With the mouse, in the middle of the first element."""
        middle = "(r => [r.x + r.width / 2, r.y + r.height / 2])"
        script = f"{middle}(document.querySelector({json.dumps(selector)}).getBoundingClientRect())"
        x, y = (int(value) for value in self.evaluate(script))
        self._perform(
            {
                "type": "pointer",
                "id": "mouse",
                "actions": [
                    {"type": "pointerMove", "x": x, "y": y},
                    {"type": "pointerDown", "button": 0},
                    {"type": "pointerUp", "button": 0},
                ],
            }
        )

    def type(self, text: str) -> None:
        """Real keys, one after the other."""
        keys = [KEYS["Enter"] if character == "\n" else character for character in text]
        self._keys([step for key in keys for step in (("keyDown", key), ("keyUp", key))])

    def press(self, chord: str) -> None:
        """Such as `Control+Shift+c`."""
        keys = [KEYS.get(name, name) for name in chord.split("+")]
        self._keys([*(("keyDown", key) for key in keys), *(("keyUp", key) for key in reversed(keys))])

    def _keys(self, steps: list[tuple[str, str]]) -> None:
        self._perform({"type": "key", "id": "keyboard", "actions": [{"type": t, "value": key} for t, key in steps]})

    def _perform(self, source: dict[str, Any]) -> None:
        self._firefox.call("input.performActions", context=self.context, actions=[source])
