"""What a program is sent about those who look at it: who has the keys, and in which colours it is shown (S7).

Many may look at one session, and its program has one terminal: what is reported is merged, and each change once. Each
method returns what has to be written to the program now, often nothing.
"""

from collections.abc import Mapping
from typing import Any

from termwall.core.ids import ClientId
from termwall.core.modes import Modes
from termwall.core.theme import DARK, Theme

MOST_WITH_KEYS = 512
"""Clients of a session that are known to have the keys; of more, the one known longest is forgotten."""
FOCUS_IN, FOCUS_OUT = b"\x1b[I", b"\x1b[O"
_SCHEMES = {"dark": b"\x1b[?997;1n", "light": b"\x1b[?997;2n"}


class Surroundings:
    """Of one session. A program that turns focus reports on gets one at once, as xterm.js does."""

    def __init__(self) -> None:
        self.theme = DARK
        self.modes = Modes(0)
        self._with_keys: dict[ClientId, None] = {}
        self._sent: bool | None = None
        """What was last reported to the program about the focus; None while it did not ask."""
        self._patient = False

    # ---- over a restart of the server

    def state(self) -> dict[str, Any]:
        """All of it that outlives the server, as JSON has it."""
        return {"theme": self.theme.plain(), "modes": int(self.modes), "told": self._sent}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Surroundings":
        """From the `state` of another server, whose clients have some time to come back (`settle`)."""
        found = cls()
        try:
            found.theme = Theme.of(state["theme"])
        except (KeyError, TypeError, ValueError):
            pass
        found.modes = Modes(state.get("modes", 0))
        found._sent, found._patient = state.get("told"), True
        return found

    def settle(self) -> bytes:
        """Who has not come back by now does not."""
        self._patient = False
        return self._focus()

    # ---- what happens

    @property
    def reports_focus(self) -> bool:
        """Whether the program asked for reports of the focus."""
        return Modes.FOCUS in self.modes

    def asked(self, modes: Modes) -> bytes:
        """These modes are on now."""
        self.modes = modes
        return self._focus()

    def keys(self, client: ClientId, has: bool) -> bytes:
        """A client has the session's keys, or has them no more."""
        self._with_keys.pop(client, None)
        if has:
            self._patient = False  # Somebody came back.
            self._with_keys[client] = None
            if len(self._with_keys) > MOST_WITH_KEYS:
                del self._with_keys[next(iter(self._with_keys))]
        return self._focus()

    def themed(self, theme: Theme | None) -> bytes:
        """Who drives has these colours; None where they are not known."""
        if theme is None or theme == self.theme:
            return b""
        self.theme = theme
        return _SCHEMES[theme.scheme] if Modes.SCHEME in self.modes else b""

    def restarted(self) -> None:
        """Another run of the program: it asked for nothing yet."""
        self.modes, self._sent = Modes(0), None

    def _focus(self) -> bytes:
        if not self.reports_focus:
            self._sent = None
            return b""
        has = bool(self._with_keys)
        if has == self._sent or (self._patient and not has):
            return b""
        self._sent = has
        return FOCUS_IN if has else FOCUS_OUT
