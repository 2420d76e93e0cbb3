"""The server's side of the screen worker: starts it, gives it work in a fair order, and starts it again when it dies.

At most two requests are under way, so that the worker never idles and nobody waits long: what is asked for or small
goes first, floods take turns. A worker that does not answer is killed. While there is none the sessions go on; they are
held back for at most `HOLD_SECONDS`, so that a quick restart loses nothing, and then run free. A session is held back
for at most `HELD_SECONDS` for any other reason: whatever it prints, its program goes on.
"""

import asyncio
import itertools
import logging
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from termwall.core.osc import COPIED_BYTES
from termwall.core.session.session import Heard
from termwall.core.session.sizes import SizeLog
from termwall.ipc.channel import Channel
from termwall.ipc.frames import BadFrame
from termwall.ipc.memory import Memory
from termwall.screen.feed import FLOOD_SECONDS, MAX_ASKS, ScreenFeed
from termwall.screen.starving import Turn
from termwall.system import shortage

log = logging.getLogger("termwall.screen")

IN_FLIGHT = 2
ANSWER_SECONDS = 5.0
"""A worker that takes longer for one request is stuck: 1 MiB of the worst output takes about 20 ms."""
START_SECONDS = 10.0
"""The same for its first answer: a busy machine may take long to start a process."""
STARVED_SECONDS = 30.0
"""What it waits for a processor does not count as long as this: killing it would only make it begin again."""
LOOK_SECONDS = 0.05
"""At least between two looks at it."""
HOLD_SECONDS = 5.0
"""A start takes 0.3 s, and on a machine that is busy with floods several times that."""
ASK_SECONDS = 15.0
"""Who asked for a picture that long ago does without: a viewer gets the end of the output, HTTP `engine_away`."""
HELD_SECONDS = 30.0
"""One session is held back at most this long without its screen getting any further."""
QUICK_RESTARTS = 8
"""So many starts within `STEADY_SECONDS` come at once; after them the delays grow."""
RESTART_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
STEADY_SECONDS = 30.0
END_SECONDS = 3.0
"""Until a worker that was killed is gone: its low priority makes that long on a busy machine, and so may a disk."""
ROOM_SECONDS = 2.0
"""Until a session is given to the worker again that it had no room for."""
SOURCE = Path(__file__).parents[2]
"""Where the worker finds this package, installed or not."""


class Screens:
    """One screen worker and the sessions it draws. It runs on the event loop on which the first session is opened.

    Args:
        scrollback: lines above the screen that are kept for each session.
        clipboard: bytes of a text that a program may copy; 0: none, and it is not promised.
    """

    def __init__(self, *, scrollback: int, clipboard: int = COPIED_BYTES) -> None:
        self.scrollback = scrollback
        self._clipboard = clipboard
        self.changed: Callable[[], None] | None = None
        """Called when `away`, or a feed's `lost`, is another one."""
        self._ids = itertools.count(1)
        self._feeds: dict[int, ScreenFeed] = {}
        self._urgent: deque[ScreenFeed] = deque()
        self._floods: deque[ScreenFeed] = deque()
        self._busy: deque[ScreenFeed] = deque()
        self._timers: dict[ScreenFeed, asyncio.TimerHandle] = {}
        self._held: dict[ScreenFeed, asyncio.TimerHandle] = {}
        """Sessions that are held back, until they are let go."""
        self._asked: dict[ScreenFeed, asyncio.TimerHandle] = {}
        """Sessions whose picture is waited for."""
        self._process: subprocess.Popen[bytes] | None = None
        """Workers that were killed and have not ended yet."""
        self._channel: Channel | None = None
        self._watchdog: asyncio.TimerHandle | None = None
        self._restart: asyncio.TimerHandle | None = None
        self._hold: asyncio.TimerHandle | None = None
        self._deaths: deque[float] = deque(maxlen=QUICK_RESTARTS + len(RESTART_SECONDS))
        self._ready = False
        self._cautious = False
        self._closed = False
        self.away = False
        """Whether there has been no worker for so long that sessions run free: nobody gets a picture."""
        self.restarts = 0
        """How often a worker was started again."""

    # ---- sessions

    def open(
        self,
        memory: Memory,
        sizes: SizeLog,
        *,
        heard: int = 0,
        news: Callable[[Heard], None],
        limit: Callable[[int | None], None],
    ) -> ScreenFeed:
        """Draw a session from now on, from its memory's last checkpoint.

        Args:
            memory: its own.
            sizes: its size changes.
            heard: the offset up to which its news were reported, by whoever drew it before.
            news: gets what came of the output (S7, S9), each once.
            limit: gets the offset up to which the PTY may be read; None: as far as it likes.
        """
        self._loop = asyncio.get_running_loop()
        feed = ScreenFeed(
            next(self._ids),
            memory,
            sizes,
            self.scrollback,
            heard=heard,
            clipboard=self._clipboard,
            news=news,
            limit=limit,
            wake=self._wake,
        )
        self._feeds[feed.handle] = feed
        if self.away:
            feed.let_go()
        else:
            feed.hold()
            self._start()
            self._wake(feed)
        return feed

    def close_feed(self, feed: ScreenFeed, *, free: bool = True) -> None:
        """The session is gone, or begins anew. Who still waits for its picture gets None.

        Args:
            free: whether the program may run on without being drawn; else the next one to draw it goes on.
        """
        if feed.closed:
            return
        feed.closed = True
        del self._feeds[feed.handle]
        for timers in (self._timers, self._held, self._asked):
            timer = timers.pop(feed, None)
            if timer is not None:
                timer.cancel()
        self._shut(feed)
        feed.give_up(free=free)

    def start(self) -> None:
        """Start the worker before the first session needs it."""
        self._loop = asyncio.get_running_loop()
        self._start()

    @property
    def pid(self) -> int | None:
        """The worker's process, while there is one."""
        return None if self._process is None else self._process.pid

    async def close(self) -> None:
        """End the worker."""
        self._closed = True
        for feed in tuple(self._feeds.values()):
            self.close_feed(feed)
        for timer in (self._restart, self._hold):
            if timer is not None:
                timer.cancel()
        self._drop()
        until = time.monotonic() + END_SECONDS
        while _killed and time.monotonic() < until:
            await asyncio.sleep(0.005)
            _reap()

    # ---- the order of work

    def _wake(self, feed: ScreenFeed) -> None:
        if feed.closed:
            return
        if feed.held is not None and feed not in self._held:
            self._held[feed] = self._loop.call_later(HELD_SECONDS, self._held_long, feed, feed.held)
        if feed.waited_for and feed not in self._asked:
            self._asked[feed] = self._loop.call_later(ASK_SECONDS, self._asked_long, feed)
        if feed.queued or feed.busy:
            return
        if self.away:  # Whoever asks is answered each time; the worker, once it is there, takes all of them up.
            if feed.asks:
                self._loop.call_soon(self._give_up, feed)
            return
        if len(feed.asks) > MAX_ASKS:
            self._loop.call_soon(feed.asks.pop().answer, None)
        if not feed.behind or feed.resting:
            return
        if feed.crashes:  # Perhaps it was the cause: the others go first.
            self._enqueue(feed, self._floods)
        elif feed.urgent and not feed.can_wait:
            self._enqueue(feed, self._urgent)
        elif feed.floods:
            self._enqueue(feed, self._floods)
        elif feed not in self._timers:
            self._timers[feed] = self._loop.call_later(FLOOD_SECONDS, self._waited, feed)

    def _give_up(self, feed: ScreenFeed) -> None:
        if not feed.closed:  # Else everybody had an answer, and its memory may be given back.
            feed.give_up()

    def _waited(self, feed: ScreenFeed) -> None:
        del self._timers[feed]
        if not feed.queued and not feed.busy:
            self._enqueue(feed, self._floods)

    def _held_long(self, feed: ScreenFeed, limit: int) -> None:
        del self._held[feed]
        if feed.held == limit:
            log.warning("a program waited %.0f s for its screen; it goes on without", HELD_SECONDS)
            feed.let_go()
        elif feed.held is not None:
            self._held[feed] = self._loop.call_later(HELD_SECONDS, self._held_long, feed, feed.held)

    def _asked_long(self, feed: ScreenFeed) -> None:
        del self._asked[feed]
        feed.weary(time.monotonic() - ASK_SECONDS)
        if feed.waited_for:
            self._asked[feed] = self._loop.call_later(ASK_SECONDS, self._asked_long, feed)

    def _enqueue(self, feed: ScreenFeed, queue: deque[ScreenFeed]) -> None:
        timer = self._timers.pop(feed, None)
        if timer is not None:
            timer.cancel()
        feed.queued = True
        queue.append(feed)
        self._dispatch()

    def _dispatch(self) -> None:
        if not self._ready:
            return
        # After a crash one at a time, so that it is known which session it was.
        most = 1 if self._cautious else IN_FLIGHT
        while len(self._busy) < most and (self._urgent or self._floods):
            feed = (self._urgent or self._floods).popleft()
            feed.queued = False
            if feed.closed or not feed.behind:
                continue
            if feed.overtaken or feed.late:
                self._shut(feed)
                feed.skip()
            if not feed.opened:
                self._open(feed)
            self._busy.append(feed)
            self._send(feed.request())
            if self._watchdog is None:
                self._watch(ANSWER_SECONDS)

    def _open(self, feed: ScreenFeed) -> None:
        feed.rebase()
        feed.hold()
        self._send(feed.opening(), feed.memory.descriptor)
        self._report_anew(feed)

    def _shut(self, feed: ScreenFeed) -> None:
        if feed.opened and self._channel is not None:
            self._send({"op": "close", "id": feed.handle})
        feed.opened = False

    def _report_anew(self, feed: ScreenFeed) -> None:
        why, feed.anew = feed.anew, ""
        if why:
            log.warning("a screen was begun anew: %s", why)
            self._report()

    def _watch(self, seconds: float) -> None:
        self._watchdog = self._loop.call_later(seconds, self._stuck, seconds, self._turn())

    def _unwatch(self) -> None:
        if self._watchdog is not None:
            self._watchdog.cancel()
            self._watchdog = None

    def _turn(self) -> Turn:
        return Turn.of(0 if self._process is None else self._process.pid)

    def _stuck(self, seconds: float, before: Turn) -> None:
        now = self._turn()
        left = seconds - now.idle_since(before)
        starved = left > 0
        if starved and now.at - before.at < STARVED_SECONDS:
            self._watchdog = self._loop.call_later(max(left, LOOK_SECONDS), self._stuck, seconds, before)
            return
        self._watchdog = None
        log.warning("the screen worker does not answer")
        self._died(blamed=not starved)

    def _began(self) -> None:
        """The worker can be used."""
        self._unwatch()
        self._ready = True
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
        if self.away:
            self.away = False
            for feed in self._feeds.values():
                feed.hold()
            self._report()
        for feed in tuple(self._feeds.values()):
            self._wake(feed)
        self._dispatch()

    def _answered(self, header: dict[str, Any], body: bytes) -> None:
        self._unwatch()
        feed = self._busy.popleft()
        if feed.handle != header["id"]:
            raise BadFrame(f"an answer for {header['id']} where {feed.handle} was asked")
        if "short" in header:
            self._rest(feed, header["short"])
        elif "broken" in header:
            self._broke(feed, header["broken"])
        elif not feed.closed:
            feed.answered(header, body)
            if "unseen" in header:
                log.warning("a picture of a screen cannot be made: %s", header["unseen"])
            if not feed.waited_for and feed in self._asked:
                self._asked.pop(feed).cancel()
            self._report_anew(feed)
            self._wake(feed)
        if not self._busy and not self._urgent and not self._floods:
            self._cautious = False
        self._dispatch()
        if self._busy and self._watchdog is None:
            self._watch(ANSWER_SECONDS)

    def _rest(self, feed: ScreenFeed, why: str) -> None:
        """The worker has no room for a session: it is opened again in a while; the others go on (L4)."""
        if feed.closed:
            return
        log.warning("a screen cannot be drawn for now: %s", why)
        self._shut(feed)
        feed.refused()
        feed.give_up(free=False)
        self._timers[feed] = self._loop.call_later(ROOM_SECONDS, self._rested, feed)

    def _broke(self, feed: ScreenFeed, why: str) -> None:
        """The worker cannot go on from a session's checkpoint: it is opened again where its output begins."""
        if feed.closed:
            return
        self._shut(feed)
        feed.broken(why)
        self._report_anew(feed)
        self._wake(feed)

    def _rested(self, feed: ScreenFeed) -> None:
        del self._timers[feed]
        feed.resting = False
        self._wake(feed)

    # ---- the process

    def _start(self) -> None:
        if self._channel is not None or self._restart is not None or self._closed:
            return
        try:
            ours, theirs = socket.socketpair()
        except OSError as error:
            log.error("the screen worker cannot be started: %s", shortage.why(error))
            self._again()
            return
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "termwall.screen.worker", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env={**os.environ, "PYTHONPATH": _path()},
            )
        except OSError as error:
            ours.close()
            log.error("the screen worker cannot be started: %s", shortage.why(error))
            self._again()
            return
        finally:
            theirs.close()
        self._channel = Channel(ours, self._take, self._ended, descriptors=False)
        self._watch(START_SECONDS)

    def _send(self, header: dict[str, Any], descriptor: int = -1) -> None:
        """Bounded by the requests under way."""
        assert self._channel is not None
        self._channel.put(header, given=(lambda: (descriptor,)) if descriptor >= 0 else None)

    def _take(self, header: dict[str, Any], body: bytes, given: list[int]) -> None:
        if header.get("op") == "ready":
            self._began()
        else:
            self._answered(header, body)

    def _ended(self, fault: str | None) -> None:
        if fault is not None:
            log.warning("the screen worker is ended: %s", fault)
        self._died()

    def _drop(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        self._ready = False
        self._unwatch()
        if self._process is not None:
            self._process.kill()
            _killed.append(self._process)
            self._process = None
            self._reap_soon()

    def _reap_soon(self) -> None:
        _reap()
        if _killed and not self._loop.is_closed():
            self._loop.call_later(0.005, self._reap_soon)

    def _died(self, *, blamed: bool = True) -> None:
        """`blamed`: whether it may have died of what it drew, not of a busy machine."""
        self._drop()
        self._busy.clear()
        self._urgent.clear()
        self._floods.clear()
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for feed in self._feeds.values():
            feed.crashed(blamed=blamed)
            feed.queued = False
        if self._closed:
            return
        self.restarts += 1
        self._cautious = True
        self._again()

    def _again(self) -> None:
        if self._hold is None and not self.away:
            self._hold = self._loop.call_later(HOLD_SECONDS, self._let_go)
        now = self._loop.time()
        self._deaths.append(now)
        recent = sum(now - death < STEADY_SECONDS for death in self._deaths) - QUICK_RESTARTS
        delay = 0.0 if recent <= 0 else RESTART_SECONDS[min(recent, len(RESTART_SECONDS)) - 1]
        log.warning("the screen worker has ended; it is started again in %.0f s", delay)
        self._restart = self._loop.call_later(delay, self._retry)

    def _retry(self) -> None:
        self._restart = None
        self._start()

    def _let_go(self) -> None:
        self._hold = None
        self.away = True
        for feed in tuple(self._feeds.values()):
            feed.give_up()
        self._report()

    def _report(self) -> None:
        if self.changed is not None:
            self.changed()


def _path() -> str:
    given = os.environ.get("PYTHONPATH")
    return f"{SOURCE}{os.pathsep}{given}" if given else str(SOURCE)


_killed: list[subprocess.Popen[bytes]] = []
"""Workers that are not gone yet: kept here, because whoever killed them may be gone before (L2)."""


def _reap() -> None:
    _killed[:] = [process for process in _killed if process.poll() is None]
