"""A session of another node, as this one's clients see it: a copy of its newest output, and its node for all else."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from termwall.core.ids import ProjectId, SessionId
from termwall.core.limits import Bounds
from termwall.core.relay import Copy, Receiver
from termwall.core.session.acts import NOBODY, Act, Person, Typed
from termwall.core.session.session import Recency
from termwall.core.session.sizes import SizeLog
from termwall.hub.anysession import ActAnswer, AnySession, View, unanswered
from termwall.protocol import messages, parts

if TYPE_CHECKING:
    from collections.abc import Callable

    from termwall.cluster.bus.parcel import OutFrame
    from termwall.screen.feed import Picture

UNUSED = 1
"""Bytes of a copy that nobody looks at."""


class Reach(Protocol):
    """Reaches the node of a session."""

    def act(self, session: "DistantSession", act: Act, who: Person, answer: ActAnswer) -> None:
        """Have something done to it."""

    def follow(self, session: "DistantSession") -> None:
        """Have its output."""

    def draw(
        self,
        session: "DistantSession",
        kind: Literal["snapshot", "runs", "ansi", "text"],
        lines: int,
        answer: "Callable[[Picture | None], None]",
    ) -> None:
        """Have it drawn."""


class DistantSession(AnySession):
    """One session of another node.

    Args:
        gateway: reaches its node.
        node: that node's name.
        shown: what the node says of it.
        bounds: this node's.
    """

    def __init__(self, gateway: Reach, node: str, shown: messages.Session, bounds: Bounds) -> None:
        self.node = node
        self.bounds = bounds
        self.scrollback = bounds.scrollback_lines
        self.viewers: set[View] = set()
        self.recency = Recency()
        self.away: str | None = None
        """Why its node cannot be reached, or None."""
        self.away_since = 0
        """Milliseconds since 1970."""
        self.reported_at: tuple[str, int] = ("", 0)
        """Its node's run, and the moment of it that is known here."""
        self.forgotten = False
        """Whether its node has it no more."""
        self.receiver: Receiver | None = None
        """Of the attachment, if there is one."""
        self.number = 0
        """Of the newest attachment."""
        self._gateway = gateway
        self._shown = shown
        self.attached = frozenset(map(SessionId, shown.attached))
        self.id = SessionId(shown.id)
        self.project_id = ProjectId(shown.project_id)
        self._begin()

    def _begin(self) -> None:
        self.epoch = self._shown.epoch
        self.ring: Copy = Copy(bytearray(UNUSED))
        self.ring.begin(self._shown.offset)
        self.sizes = SizeLog(self._shown.cols, self._shown.rows, self.bounds.size_marks)
        self.receiver = None
        self._reached: int | None = None
        """Where the first viewer goes on, before anything was fetched."""
        self._drawer = DistantDrawer(self._gateway, self)

    # ---- what its node reports

    def learn(self, shown: messages.Session, recency: list[int]) -> bool:
        """The node says what it is by now. True if it was restarted: everything before is over."""
        restarted = shown.epoch != self.epoch
        self._shown = shown
        self.attached = frozenset(map(SessionId, shown.attached))
        known = self.recency
        self.recency = Recency(*map(max, recency, (known.user, known.output, known.focused)))
        self.last_output = shown.last_activity
        if restarted:
            self._begin()
        elif self._sized():
            self._pump()
        return restarted

    def arrived(self, frame: "OutFrame") -> bool:
        """A piece of its output came. True if an ack is due."""
        receiver, ring = self.receiver, self.ring
        if receiver is None or frame.number != self.number:
            return False
        if frame.kind == "reset":
            before = ring.end
            if receiver.reset(frame.offset):
                ring.begin(frame.offset)
                self.sizes.begin(frame.offset, frame.cols, frame.rows)
            self._sized()
            if ring.end < before:
                for viewer in tuple(self.viewers):
                    viewer.misplaced()
        else:
            skip = receiver.data(frame.offset, len(frame.data))
            if skip is None:
                return receiver.offset is not None and frame.offset < receiver.offset
            self._record((frame.cols, frame.rows))
            ring.append(frame.data[skip:])
            self._sized()
        self._pump()
        return frame.kind == "reset" or receiver.due()

    def _pump(self) -> None:
        for viewer in tuple(self.viewers):
            viewer.pump()

    def _sized(self) -> bool:
        """Its node reported its size at an offset: once the copy is there it has that size, also if nothing follows."""
        return self.ring.end == self._shown.offset and self._record(self.size)

    def _record(self, size: tuple[int, int]) -> bool:
        end = self.ring.end
        if self.sizes.at(end) == size or end < self.sizes.last_offset:
            return False
        self.sizes.record(end, *size)
        self.size_changed()
        return True

    # ---- the copy

    @property
    def watched(self) -> bool:
        """Whether somebody here views it."""
        return any(viewer.live for viewer in self.viewers)

    @property
    def has_copy(self) -> bool:
        """Whether the copy has room for output."""
        return self.ring.capacity > UNUSED

    def follow(self) -> int | None:
        """Attach anew: from where the copy goes on; None takes what comes."""
        sure = self._sure
        if not self.has_copy:
            begin = self.ring.end
            self.ring = Copy(bytearray(self.bounds.ring_bytes))
            self.ring.begin(begin)
        self.number += 1
        offset = self.ring.end if sure else self._reached
        self.receiver = Receiver(offset, sure=sure)
        return offset

    def forget(self) -> None:
        """Nobody looks: give the copy back."""
        if not self.has_copy:
            return
        end = self.ring.end
        self.ring = Copy(bytearray(UNUSED))
        self.ring.begin(end)
        self.receiver = self._reached = None

    def looked_at(self, place: int | None) -> None:
        """Somebody views it from now on: its output must come, from that offset if nothing was fetched yet."""
        if place is not None and self._untouched:
            self._reached = place
            self.ring.begin(place)
            size = self.sizes.at(place) if place < self._shown.offset else self.size
            if place < self.sizes.last_offset or size != self.sizes.at(place):
                self.sizes.begin(place, *size)
        self._gateway.follow(self)

    def has(self, offset: int) -> bool:
        """Whether somebody can go on from there; its node knows about what was not fetched yet."""
        return self._untouched or super().has(offset)

    @property
    def _sure(self) -> bool:
        """Whether its node gave what the copy has: not if it only begins where a client said."""
        return self.receiver is not None and self.receiver.sure

    @property
    def _untouched(self) -> bool:
        return self.receiver is None and not self.watched

    # ---- what it is

    @property
    def name(self) -> str:  # type: ignore[override]
        """Its name."""
        return self._shown.name

    @property
    def drawer(self) -> "DistantDrawer":
        """Its node draws it."""
        return self._drawer

    @property
    def drawn(self) -> bool:
        """Its node is asked, and asked again; what a viewer has meanwhile is better than nothing."""
        return True

    @property
    def shows(self) -> tuple[object, ...]:
        """Something else whenever its screen may have changed, as far as is known here."""
        return self.epoch, self.known_end, self._shown.cols, self._shown.rows

    @property
    def known_end(self) -> int:
        """The offset up to which it is known to have printed: a place that a client named is not known."""
        return max(self.ring.end, self._shown.offset) if self._sure else self._shown.offset

    @property
    def over(self) -> bool:
        """Whether its program ended, as far as is known."""
        return self._shown.status != "running" or self.away is not None

    @property
    def waiting(self) -> bool:
        """Whether it waits for its user."""
        return self._shown.attention.state == "needs input"

    @property
    def size(self) -> tuple[int, int]:
        """Its columns and rows."""
        return self._shown.cols, self._shown.rows

    def driver(self) -> parts.Driver | None:
        """Who drives it."""
        return self._shown.driver

    def describe(self, focused: bool) -> messages.Session:
        """The session as everybody sees it; `lost` while its node cannot be reached."""
        changes: dict[str, Any] = {"focused": focused}
        if self.away is not None:
            unreachable = {"state": "lost", "reason": self.away, "since": self.away_since}
            attention = self._shown.attention.model_copy(update=unreachable)
            changes |= {"status": "lost", "attention": attention, "away": self.away}
        return self._shown.model_copy(update=changes)

    def keep(self) -> None:
        """Its node keeps it."""

    # ---- what is done to it

    def do(self, act: Act, who: Person = NOBODY, answer: ActAnswer = unanswered) -> None:
        """Its node does it."""
        self._gateway.act(self, act, self._as_known_there(act, who), answer)

    def _as_known_there(self, act: Act, who: Person) -> Person:
        """Whoever drives has sent its colours before: they need not go with each key."""
        drives = self._shown.driver is not None and self._shown.driver.client_id == who.client_id
        return replace(who, theme=None) if drives and isinstance(act, Typed) else who


class DistantDrawer:
    """Has its pictures drawn by its node."""

    def __init__(self, gateway: Reach, session: DistantSession) -> None:
        self._gateway = gateway
        self._session = session

    def ask(
        self,
        kind: Literal["snapshot", "runs", "ansi", "text"],
        lines: int,
        answer: "Callable[[Picture | None], None]",
    ) -> int:
        """Draw it as it is there now; the offset is at least the newest that is known here."""
        self._gateway.draw(self._session, kind, lines, answer)
        return self._session.ring.end
