"""What termwall needs of a terminal emulator. This file holds a contract and no code; `ghostty.py` is the first engine.

An engine is native code fed with hostile bytes: it runs in the screen worker and nowhere else. Sizes are at least 2x2.
One contract suite, `tests/screen/test_engine.py`, holds every engine.
"""

from typing import TYPE_CHECKING, Any, Protocol

from termwall.core.modes import Modes
from termwall.core.theme import Theme

if TYPE_CHECKING:
    from typing_extensions import Buffer


class EngineError(Exception):
    """The engine cannot do this now, or was given a checkpoint that it cannot read."""


class Engine(Protocol):
    """One session's terminal."""

    cols: int
    rows: int
    muted: bool
    """While True, queries in the output are not answered: a replay asks nothing again (S7)."""

    def feed(self, data: "Buffer") -> None:
        """Parse these bytes. They may end anywhere, also inside a sequence or a character."""

    def resize(self, cols: int, rows: int) -> None:
        """The window has another size; the primary screen reflows."""

    def take_replies(self) -> bytes:
        """What the terminal answered to queries since the last call: to be written to the program, once (S7)."""

    def take_bells(self) -> int:
        """How often the bell rang since the last call."""

    def set_theme(self, theme: Theme) -> None:
        """Queries for colours, and for the colour scheme, are answered with these (S7)."""

    @property
    def modes(self) -> Modes:
        """The modes that others must know of."""

    @property
    def keys(self) -> dict[str, Any]:
        """The fields of a `KeyState`: what the program asked of its keys."""

    @property
    def alternate(self) -> bool:
        """Whether a full-screen program shows its own screen."""

    @property
    def scrolls_plainly(self) -> bool:
        """Whether a line that scrolls out at the top leaves no trace but itself: primary screen, no margins, no origin
        mode, text wraps, a line feed keeps the column, the parser is outside of any sequence. Then lines that only
        scroll by need not be drawn (`skim.py`).
        """

    @property
    def title(self) -> str:
        """The title the program set, or an empty text."""

    @property
    def cursor(self) -> tuple[int, int, bool]:
        """Column and row from 0, and whether it is shown."""

    def snapshot(self, scrollback: int) -> bytes:
        """Bytes that rebuild the whole state in a fresh xterm.js of the same size (S4).

        They begin with a reset and end with the bytes of an unfinished sequence, so that the next byte of output fits.

        Args:
            scrollback: the most lines above the screen.
        """

    def ansi(self, scrollback: int) -> bytes:
        """The rows with their colours, one line each, for a person's terminal or a file."""

    def runs(self, scrollback: int) -> list[list[dict[str, Any]]]:
        """The rows as runs of cells that look the same: the fields of `protocol.parts.Run` that are set.

        Trailing blanks are left out; empty rows are empty lists, and none is left out.
        """

    def text(self, scrollback: int) -> str:
        """The rows as plain text, one line each, without trailing blanks."""

    def lines(self, scrollback: int) -> list[list[str]]:
        """The lines as plain text: of each the rows that it takes, where it wraps. Joined they are what was printed."""

    def checkpoint(self) -> bytes:
        """The whole state for `restore`."""

    def close(self) -> None:
        """Free the native terminal."""
