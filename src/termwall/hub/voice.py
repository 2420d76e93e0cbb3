"""What a session's terminal says to its program by itself: answers, reports of the focus and of colours, and the
clipboard (S7). It decides nothing of the session's user and size.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from termwall.core.errors import TermwallError
from termwall.core.ids import ClientId
from termwall.core.modes import Modes
from termwall.core.osc import Asked, Copied
from termwall.core.surroundings import Surroundings
from termwall.core.theme import Theme

if TYPE_CHECKING:
    from termwall.hub.session import LiveSession

NO_MOUSE = b"\x1b[?9;1000;1001;1002;1003;1005;1006;1015;1016l"
"""Ends all reports of the mouse, and their forms."""
NO_FOCUS = b"\x1b[?1004l"
RESET = (
    b"\x18\x1b\\"  # out of any sequence
    + NO_MOUSE
    + NO_FOCUS
    + b"\x1b[<16u\x1b[=0u\x1b[?1047l\x1b[<16u\x1b[=0u\x1b[>4;0m\x1b[>4f"  # the keyboard's protocols, of either screen
    + b"\x1b[?2004;2026;2031;2048;1;5;12l\x1b>"  # pastes, what holds the screen back, reports, keys, looks
    + b"\x1b[?7;25h\x1b[4;20l"  # wrap, cursor, insert, new line
    + b"\x1b7\x1b[r\x1b8"  # the whole screen scrolls, and the cursor stays
    + b"\x1b[0m\x1b(B\x1b)B\x0f\x1b[0 q"  # colours, characters, the cursor's shape
    + b"\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\"
)
"""What "Reset terminal" puts into the output: modes and looks as a new terminal has them. The text stays."""


class Voice:
    """Of one session.

    Args:
        session: whose program is spoken to.
        kept: the `state` of another server; None for a new session.
        theme: the colours of those who look at the project, for a new one.
    """

    def __init__(self, session: "LiveSession", kept: Mapping[str, Any] | None, theme: Theme | None) -> None:
        self._session = session
        self._surroundings = Surroundings() if kept is None else Surroundings.restore(kept)
        if theme is not None:
            self._surroundings.theme = theme
        self._clipboard = ""
        """What the program put on the clipboard last: what it reads there. Not kept over a restart of the server."""
        self.copied: str | None = None
        """What is still to be told its driver of that."""
        self._tidy_due = False

    def state(self) -> dict[str, Any]:
        """All of it that outlives the server, as JSON has it."""
        return self._surroundings.state()

    def restarted(self) -> None:
        """Another run of the program."""
        self._surroundings.restarted()
        self._clipboard, self.copied, self._tidy_due = "", None, False

    @property
    def theme(self) -> Theme:
        """The colours that its queries are answered with."""
        return self._surroundings.theme

    @property
    def reports_focus(self) -> bool:
        """Whether the program asked to be told of the focus."""
        return self._surroundings.reports_focus

    def answer(self, data: bytes) -> None:
        """Write an answer to the program."""
        session = self._session
        if data and session.ended is None:
            try:
                session.process.write(data)
            except TermwallError:  # It does not read its answers, or is about to end: then it misses nothing.
                pass

    def _report(self, data: bytes) -> None:
        if data:
            self._session.provoked()
            self.answer(data)
            self._session.keep()  # The next server must not tell it again.

    # ---- the focus and the colours

    def keys(self, client: ClientId, has: bool) -> None:
        """A client has the session's keys, or has them no more."""
        self._report(self._surroundings.keys(client, has))

    def settle(self) -> None:
        """Whose clients have not come back since the server was started again will not."""
        self._report(self._surroundings.settle())

    def look(self, theme: Theme | None) -> None:
        """Who drives has these colours; None where they are not known."""
        before, session = self.theme, self._session
        self._report(self._surroundings.themed(theme))
        if self.theme != before:
            if session.feed is not None:
                session.feed.show_in(self.theme)
            session.keep()

    # ---- what the screen worker heard

    def clip(self, event: Copied | Asked) -> None:
        """The program wrote or read the clipboard."""
        if isinstance(event, Asked):
            self.answer(event.answer(self._clipboard))
            return
        self._clipboard = event.text
        if event.text and self._session.bounds.clipboard_bytes:
            self.copied = event.text

    def prompted(self, prompt: bool) -> None:
        """A shell that marks its commands came to its prompt, or left it."""
        self._tidy_due = prompt

    def asked(self, modes: Modes) -> None:
        """These modes are on now."""
        self._report(self._surroundings.asked(modes))
        if self._tidy_due:
            self._tidy(modes)

    def _tidy(self, modes: Modes) -> None:
        """End the reports that a program which is gone left on, as if the shell had printed that.

        Only between two sequences, and not where the shell has set them itself.
        """
        session = self._session
        feed = session.feed
        if feed is None:
            return
        left = NO_MOUSE if Modes.MOUSE in modes and Modes.OWN_MOUSE not in modes else b""
        left += NO_FOCUS if Modes.FOCUS in modes and Modes.OWN_FOCUS not in modes else b""
        if not left:
            self._tidy_due = False
        elif Modes.GROUND in modes and feed.position == session.ring.end:
            self._tidy_due = False
            session.process.print(left)
        feed.attentive = self._tidy_due
