"""How a session's size follows its seat (I4): at most once a frame, and no faster than its screen is drawn (L11).

Whatever asks for sizes, and how often: the newest counts. The program, the log of sizes, the viewers and the next
server learn of one size a frame; where the screen takes longer to be drawn anew, one whenever that is done.
"""

from collections.abc import Callable
from typing import Protocol

from termwall.core.ring import Ring
from termwall.core.session.sizes import SizeLog
from termwall.hub.paced import Paced
from termwall.hub.turns import Turns

FRAMES_PER_SECOND = 30
"""Sizes and drivers of one session that are reported in a second."""
FRAMES_AT_ONCE = 8
"""After a pause: who takes a session over by typing has its size before the key (I4)."""
UNDRAWN_SIZES = 2
"""Sizes that the screen does not have yet; another one waits for it."""
PATIENCE_SECONDS = 1.0
"""The screen is waited for no longer than this."""


class Steered(Protocol):
    """A session whose size follows its seat."""

    ring: Ring
    sizes: SizeLog

    @property
    def size(self) -> tuple[int, int]:
        """That of its seat."""

    @property
    def undrawn_sizes(self) -> int:
        """How many sizes its screen does not have yet, as far as it is drawn."""

    def take_size(self, cols: int, rows: int) -> None:
        """It has this size from here on: its program, its viewers and the next server learn of it."""


class Steering:
    """Of one session. `steered` is called when its driver or size is another; `turns` are the server's."""

    def __init__(self, session: Steered, steered: Callable[[], None], turns: Turns) -> None:
        self._session = session
        self._steered = steered
        self._changed = False
        self._frame = Paced(
            self._settle,
            rate=FRAMES_PER_SECOND,
            burst=FRAMES_AT_ONCE,
            ready=self._drawn,
            patience=PATIENCE_SECONDS,
            turns=turns,
        )

    def moved(self, changed: bool) -> None:
        """Something was asked of the seat. `changed`: its driver or size is another."""
        self._changed |= changed
        if changed or self._differs():
            self._frame()

    def cancel(self) -> None:
        """The session is gone: nobody needs its size."""
        self._frame.cancel()

    def rest(self) -> None:
        """The server goes: what was asked for is done now."""
        if self._frame.waits:
            self._frame.now()

    def _differs(self) -> bool:
        session = self._session
        return session.size != session.sizes.at(session.ring.end)

    def _drawn(self) -> bool:
        return self._session.undrawn_sizes < UNDRAWN_SIZES

    def _settle(self) -> None:
        if self._differs():
            session = self._session
            session.sizes.record(session.ring.end, *session.size)
            session.take_size(*session.size)
        changed, self._changed = self._changed, False
        if changed:
            self._steered()
