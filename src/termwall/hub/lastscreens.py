"""The last screen of each session, kept in the store for the day that its program is gone (P5).

A screen is drawn and kept soon after its program ended or came to rest, and again and again while it prints; so a
kill or a reboot at any moment leaves a recent one. What was printed since needs no drawing: a snapshot and the bytes
that follow it are the screen too (S4). So a server that stops has the very last screen without waiting for anybody.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from termwall.core.replay import RESET
from termwall.hub.session import LiveSession
from termwall.screen.feed import Picture
from termwall.store.database import StoreUnavailable
from termwall.store.sessions import SessionStore, StoredScreen

log = logging.getLogger("termwall.archive")

LOOK_SECONDS = 1.0
"""Between two looks at which screens changed."""
NEXT_SECONDS = 0.25
"""Between two screens, while there are more: a coloured one with its scrollback takes some milliseconds."""
REST_SECONDS = 1.0
"""A program that printed nothing for so long has come to rest."""
AGAIN_SECONDS, AGE_SECONDS = 10.0, 30.0
"""A screen is not kept again within so long, where its program came to rest and where it prints."""
TAIL_BYTES = 256 << 10
"""Most output that is kept behind a snapshot instead of another snapshot."""
LAST_SECONDS = 2.0
"""What a server that stops gives those sessions that need another snapshot."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Of which moment of a session a screen is. `serial`: the last size change that it includes."""

    epoch: str
    offset: int
    serial: int
    at: int
    """When it was kept, in milliseconds."""

    def same(self, other: "Shown") -> bool:
        """Whether both are of one moment."""
        return (self.epoch, self.offset, self.serial) == (other.epoch, other.offset, other.serial)


class LastScreens:
    """Those of one service."""

    def __init__(self, store: SessionStore, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self._kept: dict[LiveSession, Shown] = {}
        """What the store has; a snapshot, so that output can follow it."""
        self._drawing: LiveSession | None = None
        self._not_before = 0
        """After a failure: when the next is tried, in milliseconds."""
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, sessions: Callable[[], list["LiveSession"]]) -> None:
        """From now on, keep the screens of sessions that changed."""
        self._look_in(LOOK_SECONDS, sessions)

    def stop(self) -> None:
        """Keep no more by itself."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_in(self, seconds: float, sessions: Callable[[], list["LiveSession"]]) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look, sessions)

    def _look(self, sessions: Callable[[], list["LiveSession"]]) -> None:
        present, now = sessions(), self._clock()
        self._kept = {session: self._kept[session] for session in present if session in self._kept}
        due = [session for session in present if self._due(session, now)] if now >= self._not_before else []
        if due and self._drawing is None:
            # Of those that ended nothing newer will ever come; else whose screen is the oldest.
            session = min(due, key=lambda one: (one.ended is None, self._kept[one].at if one in self._kept else 0))
            self._drawing = session
            self._draw(session, self._drawn)
        self._look_in(NEXT_SECONDS if len(due) > 1 else LOOK_SECONDS, sessions)

    def _drawn(self, kept: bool) -> None:
        self._drawing = None
        if not kept:
            self._not_before = self._clock() + int(AGAIN_SECONDS * 1000)

    def _now(self, session: "LiveSession") -> Shown:
        return Shown(session.epoch, session.ring.end, session.sizes.last_serial, self._clock())

    def _stale(self, session: "LiveSession") -> bool:
        if session.process.program.sealed is not None:  # It shows a notice.
            return False
        if session.lost is not None or session.feed is None:
            return False
        kept = self._kept.get(session)
        return kept is None or not kept.same(self._now(session))

    def _due(self, session: "LiveSession", now: int) -> bool:
        if not self._stale(session):
            return False
        kept = self._kept.get(session)
        if kept is None or session.ended is not None:
            return True
        rests = now - session.last_output >= REST_SECONDS * 1000
        return now - kept.at >= (AGAIN_SECONDS if rests else AGE_SECONDS) * 1000

    async def keep_all(self, sessions: list["LiveSession"]) -> bool:
        """Keep the screens as they are, before the server goes. False if one of them could not be kept exactly."""
        self.stop()
        answers: dict[LiveSession, asyncio.Future[bool]] = {}
        for session in sessions:
            if self._stale(session) and not self._follow(session):
                answers[session] = asyncio.get_running_loop().create_future()
                self._draw(session, answers[session].set_result)
        if answers:
            await asyncio.wait(answers.values(), timeout=LAST_SECONDS)
        missed = [session for session, answer in answers.items() if not answer.done() or not answer.result()]
        for session in missed:
            self._scrape(session)
        return not missed

    # ---- one screen

    def _draw(self, session: "LiveSession", done: Callable[[bool], None]) -> None:
        assert session.feed is not None
        epoch = session.epoch

        def put(picture: Picture | None) -> None:
            kept = picture is not None and session.epoch == epoch
            if picture is not None and kept:
                shown = Shown(epoch, picture.offset, picture.serial, self._clock())
                kept = self._put(session, picture.data, (picture.cols, picture.rows), shown)
            done(kept)

        def drawn(picture: Picture | None) -> None:
            # In the next turn: then its title and folder were heard, which come with the same answer.
            asyncio.get_running_loop().call_soon(put, picture)

        session.feed.ask("snapshot", session.scrollback, drawn)

    def _follow(self, session: "LiveSession") -> bool:
        """Keep what is kept already with the output since then, or all output; False where that is not the screen."""
        now, ring, kept = self._now(session), session.ring, self._kept.get(session)
        if session.feed is None or session.feed.lost:
            return False
        data, since = b"", 0
        if kept is not None and kept.epoch == now.epoch and kept.serial == now.serial:
            since = kept.offset
            try:
                screen = self._store.screen(session.id)
            except StoreUnavailable:
                return False
            if screen is None or screen.offset != since:
                return False
            data = screen.data
        elif session.sizes.serial_at(0) != now.serial:
            return False
        if since < ring.start or now.offset - since > TAIL_BYTES:
            return False
        return self._put(session, data + ring.read(since, now.offset), session.sizes.at(now.offset), now)

    def _scrape(self, session: "LiveSession") -> None:
        """Nobody drew it in time: keep the end of its output, unless an earlier screen is there."""
        kept, ring = self._kept.get(session), session.ring
        if kept is None or kept.epoch != session.epoch:
            data = RESET + ring.read(ring.replay_start(TAIL_BYTES), ring.end)
            self._put(session, data, session.sizes.at(ring.end), self._now(session))

    def _put(self, session: "LiveSession", data: bytes, size: tuple[int, int], shown: Shown) -> bool:
        screen = StoredScreen(
            session_id=session.id,
            data=data,
            cols=size[0],
            rows=size[1],
            title=session.title,
            cwd=session.core.facts.cwd,
            offset=shown.offset,
            saved_at=shown.at,
        )
        try:
            self._store.put_screen(screen)
        except StoreUnavailable as error:
            log.warning("a screen is not saved: %s", error)
            return False
        self._kept[session] = shown
        return True
