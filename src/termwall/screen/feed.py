"""The screen's cursor on one session's ring: what has to be drawn, what is asked for, and how far the PTY may go on.

The screen is rebuilt from its last checkpoint and the ring, so it *is* at that checkpoint as far as the ring goes: the
bytes after it must stay. `limit` is the offset up to which the PTY may be read without losing one; the screen worker
moves it each half ring. That is the only thing that ever holds a program back, and only while there is a worker, for
at most `HELD_SECONDS` at a time: then the program runs on, and if that costs bytes which are not drawn yet, the screen
begins anew and is reported as lost.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from termwall.core.modes import Modes
from termwall.core.osc import Asked, Copied, decode_events
from termwall.core.session.session import Heard
from termwall.core.session.sizes import SizeLog
from termwall.core.theme import DARK, Theme
from termwall.ipc.memory import Base, Memory

Kind = Literal["snapshot", "runs", "ansi", "text", "lines", "keys"]

SOON_BYTES = 16 << 10
"""Less than this is drawn at once: typing, prompts, queries."""
FLOOD_SECONDS = 0.025
"""A flood is drawn each 5/8 of a ring, or after this time: the more at once, the more lines only scroll by."""
MAX_ASKS = 1_024
"""Pictures of a session that are waited for; one more is answered with None, as if there were no engine."""
_REPORTS = Modes.FOCUS | Modes.SCHEME | Modes.MOUSE
LATE_SECONDS = 10.0
"""A screen that would take the worker longer than this to catch up begins anew with the newest output."""
REPLAY_SECONDS = 1.0
"""Of the newest output, what the worker draws in this time: there such a screen begins."""
LOOKED_SECONDS = 0.25
"""Drawing that took less says nothing of what is to come."""
MAX_CRASHES = 3
"""A session that was being drawn at so many crashes in a row is taken for their cause: it starts with a new screen."""


@dataclass(frozen=True, slots=True)
class Picture:
    """What was asked for: `data` shows the session at exactly `offset`."""

    offset: int
    """Bytes that the program had printed in this epoch."""
    serial: int
    """The last size change that it includes (`core.session.sizes`)."""
    cols: int
    rows: int
    title: str
    alternate: bool
    """Whether a full-screen program shows its own screen."""
    cursor: dict[str, Any]
    """`x` and `y` in cells from 0, and whether it is `visible`."""
    data: bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """A picture that somebody waits for, at an offset."""

    at: int
    kind: Kind
    lines: int
    answer: Callable[[Picture | None], None]
    since: float
    """On the monotonic clock."""

    def alike(self, other: "Ask") -> bool:
        """Whether one picture serves both."""
        return (self.at, self.kind, self.lines) == (other.at, other.kind, other.lines)


class ScreenFeed:
    """One session's place in the screen worker. Made by `Screens.open`."""

    def __init__(
        self,
        handle: int,
        memory: Memory,
        sizes: SizeLog,
        scrollback: int,
        *,
        heard: int,
        clipboard: int,
        news: Callable[[Heard], None],
        limit: Callable[[int | None], None],
        wake: Callable[["ScreenFeed"], None],
    ) -> None:
        self.handle = handle
        self.memory = memory
        self.ring = memory.ring
        self.sizes = sizes
        self.scrollback = scrollback
        self.news = news
        self.report_limit = limit
        self._wake = wake
        self.base = memory.base
        if not self.base.length:
            # A fresh terminal, at the beginning of the log or where the screen had to be begun anew.
            offset = self.base.offset
            cols, rows = sizes.at(offset)
            self.base = self.base._replace(serial=sizes.serial_at(offset), cols=cols, rows=rows)
        self.position = self.base.offset
        """Drawn up to here by the present worker."""
        self.serial = self.base.serial
        self.heard = heard
        """What came of the output up to here has been reported."""
        self.replied = max(heard, memory.answered)
        """Queries in the output up to here have been answered."""
        self.look = False
        """Whether new text on the screen is looked for."""
        self.attentive = False
        """Whether news are wanted though there are none."""
        self._clipboard = clipboard
        self._theme = DARK
        self._theme_sent = True
        self._modes = Modes(0)
        self.reported = sizes.serial_at(heard)
        """The last size change that the program got a report of, if it wants any."""
        self.ahead: Callable[[], None] | None = None
        """Called before more is drawn: whoever reads on by the log asks then for the pictures that it will need."""
        self.asks: deque[Ask] = deque()
        self.opened = False
        self.busy = False
        self.queued = False
        self.closed = False
        self.resting = False
        """Whether the worker had no room for it, until it is tried again."""
        self.lost = False
        """Whether some output never reached the screen, because it could not be rebuilt."""
        self.crashes = 0
        self._crashed_at = 0
        """Where the request ended that was being drawn at the last crash."""
        self._to = 0
        """Where the present request ends."""
        self._drawn, self._seconds = 0, 0.0
        """How long the worker took to draw how many of the last bytes."""
        self.anew = ""
        """Why the screen was begun anew, until it is reported."""
        self._limit: int | None = None
        self._overwritten = False
        """Whether what was being drawn was overwritten at that moment: the program ran free."""
        self._alike: list[Ask] = []

    # ---- what the session calls

    def stirred(self) -> None:
        """The ring has new bytes, or the size changed."""
        self._wake(self)

    def show_in(self, theme: Theme) -> None:
        """Colour queries in what is not drawn yet are answered with these."""
        self._theme, self._theme_sent = theme, False

    def ask(
        self,
        kind: Kind,
        lines: int,
        answer: Callable[[Picture | None], None],
        *,
        at: int | None = None,
    ) -> int:
        """Ask for a picture of the session as it is now: `answer` gets it, or None where there is no engine.

        Args:
            kind: what `data` will be: a snapshot (S4), JSON of the rows (S6), the rows with colours, their text, or
                JSON of the lines as the texts of the rows that each takes.
            lines: how much scrollback.
            answer: called later, never from within this call.
            at: the offset to show, where that is not the end; not before `reached`.

        Returns:
            The offset that the picture will be of.
        """
        end = self.ring.end
        at = end if at is None else min(end, max(at, self.reached))
        place = len(self.asks)
        while place and self.asks[place - 1].at > at:
            place -= 1
        self.asks.insert(place, Ask(at, kind, lines, answer, time.monotonic()))
        self._wake(self)
        return at

    @property
    def reached(self) -> int:
        """No picture can be had any more of what is before this offset."""
        return max(self.position, self._to)

    # ---- what the host of the worker calls

    @property
    def pending(self) -> int:
        """Bytes that are not drawn yet."""
        return self.ring.end - self.position

    @property
    def behind(self) -> bool:
        """Whether there is anything to draw, also without new bytes."""
        return self.pending > 0 or self.serial != self.sizes.last_serial or bool(self.asks)

    @property
    def undrawn_sizes(self) -> int:
        """How many size changes its screen does not have yet."""
        return self.sizes.count_after(self.serial)

    @property
    def waited_for(self) -> bool:
        """Whether somebody waits for a picture."""
        return bool(self.asks or self._alike)

    @property
    def floods(self) -> bool:
        """Whether so much waits that it should be drawn without waiting for more."""
        return self.pending >= self.ring.capacity * 5 // 8

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for it, or it costs next to nothing."""
        return bool(self.asks) or self.pending < SOON_BYTES

    @property
    def can_wait(self) -> bool:
        """Whether what is new is plain text, as the echo of a key: nobody waits for an answer to that."""
        if self.asks or not self.pending:
            return False
        ring, start, end = self.ring, self.position, self.ring.end
        return not ring.contains(b"\x1b", start, end) and not ring.contains(b"\x05", start, end)

    def opening(self) -> dict[str, Any]:
        """The request that gives the session to a new worker: it begins at the last checkpoint."""
        base = self.base
        self.position, self.serial, self.opened, self.busy = base.offset, base.serial, True, False
        self._theme_sent = True
        return {
            "op": "open",
            "id": self.handle,
            "capacity": self.ring.capacity,
            "slot": base.slot,
            "length": base.length,
            "scrollback": self.scrollback,
            "clipboard": self._clipboard,
            "theme": self._theme.plain(),
            "at": base.offset,
            "cols": base.cols,
            "rows": base.rows,
        }

    def request(self) -> dict[str, Any]:
        """What to draw next: up to the next picture asked for, or the end, at most 3/4 of a ring."""
        self.busy = True
        if self.ahead is not None:
            self.ahead()
        to = min(self.ring.end, self.position + self.ring.capacity * 3 // 4)
        for known in (self.heard, self.replied):
            if self.position < known:
                to = min(to, known)
        if self.asks:
            to = min(to, self.asks[0].at)
        # A mark at an offset comes after the bytes before it; all at `to` itself are included.
        sizes: list[list[int]] = []
        serial = self.serial
        # One that the program got no report of (mode 2048) is not drawn as if it had.
        known = self.reported if self.position < self.heard else self.sizes.last_serial
        while (mark := self.sizes.next_after(serial)) is not None and mark.offset <= to and mark.serial <= known:
            offset = max(self.position, mark.offset)
            if sizes and sizes[-1][0] == offset:
                sizes.pop()  # The last one counts: nothing is drawn between them.
            sizes.append([offset, mark.cols, mark.rows, mark.serial])
            serial = mark.serial
        self._to = to
        header: dict[str, Any] = {
            "op": "draw",
            "id": self.handle,
            "to": to,
            "serial": self.serial,
            "sizes": sizes,
            "quiet": self.position < self.heard,
            "look": self.look,
        }
        if not self._theme_sent:
            header["theme"], self._theme_sent = self._theme.plain(), True
        self._alike = []
        if self.asks and self.asks[0].at <= to:
            first = self.asks[0]
            while self.asks and self.asks[0].alike(first):
                self._alike.append(self.asks.popleft())
            header |= {"want": first.kind, "lines": first.lines}
        return header

    def answered(self, header: dict[str, Any], body: bytes) -> None:
        """The worker has drawn what the last request said, or as much of it as it could in a moment."""
        self.busy = False
        again = self.position < self.replied
        self._measure(header["to"] - self.position, header["seconds"])
        self._overwritten = self.position < self.ring.start
        self.position, self.serial = header["to"], header["serial"]
        if "anew" in header:
            self.lost, self.anew = True, header["anew"]
        length = header["checkpoint"]
        if length:
            self.base = Base(header["slot"], self.position, self.serial, header["cols"], header["rows"], length)
            self.memory.base = self.base
            self.hold()
        alike, self._alike = self._alike, []
        if not header["done"]:
            self.asks.extendleft(reversed(alike))
            alike = []
        if self.position >= self._crashed_at and not self.asks:
            self.crashes = 0
        news = None
        modes = Modes(header["modes"])
        if self.position >= self.heard:
            self.heard = self.position
            if "replies" in header:
                self.reported = self.serial
            events = decode_events(header.get("events", ()))
            replies = header.get("replies", "").encode("latin-1")
            if again:  # What was done with the clipboard was done, as what was asked was answered.
                events, replies = [event for event in events if not isinstance(event, (Asked, Copied))], b""
            news = Heard(events, header.get("bells", 0), replies, modes, header["new"])
        if not again:
            self.replied = self.memory.answered = self.position
        if alike:
            picture = None if "unseen" in header else self._picture(header, body)
            for ask in alike:
                ask.answer(picture)
        if news is None:
            return
        changed, self._modes = (news.modes ^ self._modes) & _REPORTS, news.modes
        if news.events or news.bells or news.replies or news.new or changed or self.attentive:
            self.news(news)

    def _measure(self, drawn: int, seconds: float) -> None:
        if self._seconds >= LOOKED_SECONDS:
            self._drawn, self._seconds = self._drawn // 2, self._seconds / 2
        self._drawn, self._seconds = self._drawn + drawn, self._seconds + seconds

    @property
    def late(self) -> bool:
        """Whether it would take the worker too long to draw what is still to be drawn, as slow as that was lately."""
        return self._seconds >= LOOKED_SECONDS and self.pending * self._seconds > LATE_SECONDS * self._drawn

    @property
    def overtaken(self) -> bool:
        """Whether bytes that are still to be drawn are not there any more."""
        return self._overwritten or self.position < self.ring.start

    def crashed(self, *, blamed: bool = True) -> None:
        """The worker is gone. What was asked of it is asked again.

        Args:
            blamed: whether it may have died of what it drew.
        """
        if self.busy and blamed:
            self.crashes += 1
            self._crashed_at = max(self._crashed_at, self._to)
        self.asks.extendleft(reversed(self._alike))
        self._alike = []
        self.busy = self.opened = self.resting = False
        self._to = 0
        self.position, self.serial = self.base.offset, self.base.serial

    def refused(self) -> None:
        """The worker has no room for it now; it is drawn from its checkpoint once it has (L4)."""
        self.crashed(blamed=False)
        self.resting = True

    def broken(self, why: str) -> None:
        """The worker cannot go on from the checkpoint: it draws all output that is there."""
        self.crashed(blamed=False)
        self.begin_anew(self.ring.replay_start(self.ring.capacity), why)

    def skip(self) -> None:
        """What is to be drawn is gone or takes too long: go on with the newest output, as a replay does (S3)."""
        ring, most = self.ring, self.ring.capacity // 2
        if self._seconds >= LOOKED_SECONDS:
            most = min(most, int(REPLAY_SECONDS * self._drawn / self._seconds))
        shown = ring.tail_start(most)
        # A picture of an offset just behind would lack the rows above it: for that as much is drawn before it.
        first = next((ask.at for ask in self.asks if ask.at >= shown), ring.end)
        begin = ring.tail_start(most + ring.end - first)
        self.begin_anew(begin, "its output took too long to draw", shown=shown)

    def rebase(self) -> None:
        """Before a new worker takes it: begin anew where the checkpoint cannot be gone on from."""
        if self.crashes >= MAX_CRASHES:  # What it died of is left out, and no more.
            begin = min(max(self._crashed_at, self.ring.start), self.ring.end)
            self.begin_anew(begin, f"the screen worker ended {self.crashes} times over it")
        elif self.base.offset < self.ring.start:
            self.begin_anew(self.ring.replay_start(self.ring.capacity), "its output went on without a screen worker")

    def begin_anew(self, offset: int, why: str, *, shown: int = 0) -> None:
        """Go on with a new screen at this offset; it must be opened again. Pictures before `shown` are not had."""
        cols, rows = self.sizes.at(offset)
        self.base = Base(1 - self.base.slot, offset, self.sizes.serial_at(offset), cols, rows)
        self.memory.base = self.base
        self.opened = False
        self.position, self.serial = offset, self.base.serial
        self.heard = max(self.heard, offset)
        self.replied = max(self.replied, offset)
        # From the very beginning, with all sizes, it is what it was.
        self.lost, self.anew = offset > 0 or not self.sizes.whole, why
        self.crashes, self._drawn, self._seconds, self._overwritten = 0, 0, 0.0, False
        for _ in range(len(self.asks)):
            ask = self.asks.popleft()
            if ask.at >= max(offset, shown):
                self.asks.append(ask)
            else:
                ask.answer(None)

    def give_up(self, *, free: bool = True) -> None:
        """There is no engine for now: nobody gets a picture, and if it is `free` nothing holds the program back."""
        if free:
            self.let_go()
        asks, self.asks = [*self._alike, *self.asks], deque()
        self._alike = []
        for ask in asks:
            ask.answer(None)

    def weary(self, before: float) -> None:
        """Who asked before a time on the monotonic clock, and still has no picture, gets None."""
        waiting = [*self._alike, *self.asks]
        self._alike = [ask for ask in self._alike if ask.since >= before]
        self.asks = deque(ask for ask in self.asks if ask.since >= before)
        for ask in waiting:
            if ask.since < before:
                ask.answer(None)

    # ---- how far the PTY may go on

    def hold(self) -> None:
        """Let the program print a ring of output beyond the checkpoint, if that is still there to go on from."""
        if self.base.offset >= self.ring.start:
            self._limit = self.base.offset + self.ring.capacity
            self.report_limit(self._limit)

    def let_go(self) -> None:
        """Let the program run free."""
        self._limit = None
        self.report_limit(None)

    @property
    def held(self) -> int | None:
        """The offset at which the program is held back, if it is."""
        return self._limit if self._limit is not None and self.ring.end >= self._limit else None

    def _picture(self, header: dict[str, Any], data: bytes) -> Picture:
        return Picture(
            offset=header["to"],
            serial=self.serial,
            cols=header["cols"],
            rows=header["rows"],
            title=header["title"],
            alternate=header["alternate"],
            cursor=header["cursor"],
            data=data,
        )
