"""What rooms, connections and viewers need of a session, wherever its program runs.

`LiveSession` has its program on this machine. One of another node is seen through a copy of its newest output.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Literal, Protocol

from termwall.core.errors import TermwallError
from termwall.core.focus import Activity
from termwall.core.ids import ProjectId, SessionId
from termwall.core.limits import Bounds
from termwall.core.ring import Ring
from termwall.core.session.acts import NOBODY, Act, Person
from termwall.core.session.session import Recency
from termwall.core.session.sizes import SizeLog
from termwall.protocol import messages, parts
from termwall.protocol.codec import encode, stream_frame

if TYPE_CHECKING:
    from termwall.screen.feed import Picture

ActAnswer = Callable[[int | TermwallError | None], None]
"""Called with the last number that was taken of this client, None where it has none, or why an act was refused."""


def unanswered(_: int | TermwallError | None) -> None:
    """Nobody waits for the answer."""


RESIZED_SECONDS = 0.25
"""After the last of a series of size changes, the screen is drawn anew for everybody (S3)."""


def raised(result: int | TermwallError | None) -> None:
    """Raises why an act was refused."""
    if isinstance(result, TermwallError):
        raise result


class Drawer(Protocol):
    """Draws a session's screen."""

    def ask(
        self,
        kind: Literal["snapshot", "runs", "ansi", "text"],
        lines: int,
        answer: "Callable[[Picture | None], None]",
    ) -> int:
        """Draw it as it is now, with so many lines above it; the offset that it will be of, as far as that is known.

        `answer` gets None where it cannot be drawn.
        """


class View(Protocol):
    """A stream of its output to one connection."""

    @property
    def live(self) -> bool:
        """Whether it sends at the moment."""

    def pump(self) -> None:
        """There is more, or more room for it."""

    def resized(self) -> None:
        """No more sizes follow: the screen is to be drawn anew (S3)."""

    def misplaced(self) -> None:
        """The output that is here goes back behind where it is."""

    def restart(self) -> None:
        """There is a new epoch (S1)."""


class AnySession(ABC):
    """A session as a project has it."""

    id: SessionId
    project_id: ProjectId
    name: str
    epoch: str
    bounds: Bounds
    scrollback: int
    ring: Ring
    """Its newest output, or of another node's session as much as was fetched."""
    sizes: SizeLog
    recency: Recency
    last_output: int
    viewers: set[View]
    attached: Collection[SessionId]
    """The sessions that `termwall attach` shows within it."""
    _frame: tuple[tuple[object, ...], bytes] = ((), b"")
    _size_text: tuple[tuple[object, ...], bytes] = ((), b"")
    _resized: asyncio.TimerHandle | None = None

    def frame(self, start: int, stop: int) -> bytes:
        """The binary frame of these bytes of the epoch, built once however many viewers want it (S8)."""
        place = self.epoch, start, stop
        if self._frame[0] != place:
            self._frame = place, stream_frame(self.id, stop, self.ring.read(start, stop))
        return self._frame[1]

    def size_text(self, offset: int, cols: int, rows: int, now: int) -> bytes:
        """The message that it has this size from that offset of the epoch on, built once as well (S3, L7)."""
        place = self.epoch, offset, cols, rows
        if self._size_text[0] != place:
            update = messages.SessionUpdate(
                session_id=self.id,
                project_id=self.project_id,
                timestamp=now,
                cols=cols,
                rows=rows,
                epoch=self.epoch,
                offset=offset,
            )
            self._size_text = place, encode(update)
        return self._size_text[1]

    def size_changed(self) -> None:
        """Its size is another one: once no more changes follow, it is drawn anew for everybody (S3)."""
        self.rest()
        self._resized = asyncio.get_running_loop().call_later(RESIZED_SECONDS, self._draw_anew)

    def rest(self) -> None:
        """It need not be drawn anew."""
        if self._resized is not None:
            self._resized.cancel()
            self._resized = None

    def _draw_anew(self) -> None:
        self._resized = None
        for viewer in tuple(self.viewers):
            viewer.resized()

    @property
    @abstractmethod
    def drawer(self) -> Drawer | None:
        """What draws it; another one after a restart; None where nothing does."""

    @property
    @abstractmethod
    def drawn(self) -> bool:
        """Whether pictures of the session can be had at the moment."""

    @property
    def shows(self) -> tuple[object, ...]:
        """Something else whenever its screen may have changed."""
        return self.epoch, self.ring.end, self.sizes.last_serial

    @property
    def known_end(self) -> int:
        """The offset up to which it is known to have printed."""
        return self.ring.end

    @property
    @abstractmethod
    def over(self) -> bool:
        """Whether its program ended."""

    @property
    @abstractmethod
    def waiting(self) -> bool:
        """Whether it waits for its user (S9)."""

    @property
    @abstractmethod
    def size(self) -> tuple[int, int]:
        """Its columns and rows (I4)."""

    @property
    def activity(self) -> Activity:
        """What decides who leaves a full stage (F3)."""
        recency = self.recency
        return Activity(recency.user, recency.output, recency.focused, ended=self.over, needs_input=self.waiting)

    @abstractmethod
    def describe(self, focused: bool) -> messages.Session:
        """The session as everybody sees it (A2)."""

    @abstractmethod
    def driver(self) -> parts.Driver | None:
        """Who drives, if anybody who is connected does."""

    @abstractmethod
    def keep(self) -> None:
        """Let the next server know it as it is now."""

    @abstractmethod
    def looked_at(self, place: int | None) -> None:
        """Somebody views it from now on, from that offset if any: what is not on this machine must be fetched."""

    def has(self, offset: int) -> bool:
        """Whether somebody can go on from that offset, as far as is known."""
        return self.ring.start <= offset <= self.ring.end

    # ---- what a client does to it

    @abstractmethod
    def do(self, act: Act, who: Person = NOBODY, answer: ActAnswer = unanswered) -> None:
        """Somebody, or nobody in particular, does something to it: the one way in.

        Args:
            answer: called once for what is typed, and for anything else at most once, if it was refused.
        """
