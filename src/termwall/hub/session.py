"""One live terminal: its process, its ring, who views it and who drives it. Knows no socket and no stage."""

import asyncio
import mmap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from termwall.core.attention import Watch
from termwall.core.driver import Seat
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ClientId, ProjectId, SessionId
from termwall.core.inputs import InputLog
from termwall.core.limits import Bounds
from termwall.core.osc import Marked, Moved, Notified, OscEvent, Progressed, Titled
from termwall.core.ring import Ring
from termwall.core.sizes import SizeLog
from termwall.hub.viewer import Viewer
from termwall.protocol import messages
from termwall.protocol.bodies import NotifyState
from termwall.protocol.codec import stream_frame
from termwall.pty.pace import Pace
from termwall.pty.process import ExitStatus, PtyProcess
from termwall.screen.feed import News, Picture, ScreenFeed
from termwall.screen.screens import Screens
from termwall.screen.shared import SharedMemory

RESIZED_SECONDS = 0.25
"""After the last of a series of size changes, the primary screen is drawn anew for everybody (S3)."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What to run: the same for a restart (P2)."""

    type: str
    command: Sequence[str]
    cwd: str
    env: Mapping[str, str]


@dataclass(slots=True)
class Recency:
    """When things last happened to a session, in ticks of the service: the order of eviction (F3)."""

    user: int = 0
    output: int = 0
    focused: int = 0


class LiveSession:
    """A session and everything that lives with it.

    `on_output` is called after each batch of output, `on_heard` when the screen worker has told what was in it,
    `on_exit` once at the end of each run. Without `screens` nothing is drawn: who comes gets the log's tail, and titles
    and bells are not heard.
    """

    def __init__(
        self,
        *,
        id: SessionId,
        project_id: ProjectId,
        name: str,
        launch: Launch,
        cols: int,
        rows: int,
        bounds: Bounds,
        epoch: str,
        clock: Callable[[], int],
        screens: Screens | None,
        pace: Pace,
        on_output: Callable[["LiveSession"], None],
        on_heard: Callable[["LiveSession"], None],
        on_exit: Callable[["LiveSession"], None],
    ) -> None:
        self.id = id
        self.project_id = project_id
        self.name = name
        self.launch = launch
        self.bounds = bounds
        self.epoch = epoch
        self.scrollback = bounds.scrollback_lines
        self._clock = clock
        self._screens = screens
        self._pace = pace
        self.created_at = self.last_output = clock()
        self.recency = Recency()
        self.viewers: set[Viewer] = set()
        self.seat = Seat(cols, rows)
        self.driver_name: str | None = None
        self.inputs = InputLog(bounds.remembered_clients)
        self.watch = Watch(self.created_at)
        self._on_output = on_output
        self._on_heard = on_heard
        self._on_exit = on_exit
        self._resized: asyncio.TimerHandle | None = None
        self._forget()
        self._begin()

    def _forget(self) -> None:
        """What a run of the program said about itself."""
        self.title = ""
        self.cwd = self.launch.cwd
        self.bell: int | None = None
        self.notification: messages.Notification | None = None
        self.progress: messages.Progress | None = None
        self.mark: messages.Mark | None = None

    def _begin(self) -> None:
        """A new log, the program that writes it, and its screen.

        Raises:
            TermwallError: `cannot_start`; everything is as it was.
        """
        cols, rows = self.seat.size
        viewers = self.viewers
        memory = None if self._screens is None else SharedMemory(self.bounds.ring_bytes)
        # Anonymous pages either way: a session that prints little costs little, whatever the ring could hold.
        ring = Ring(mmap.mmap(-1, self.bounds.ring_bytes) if memory is None else memory.map)
        try:
            process = PtyProcess.start(
                command=self.launch.command,
                cwd=self.launch.cwd,
                env=self.launch.env,
                cols=cols,
                rows=rows,
                ring=ring,
                input_bytes=self.bounds.input_bytes,
                close_seconds=self.bounds.close_seconds,
                on_output=self._output,
                on_exit=self._exited,
                pace=self._pace,
                watched=lambda: any(viewer.live for viewer in viewers),
            )
        except BaseException:
            self._give_back(None, ring, memory)
            raise
        self.ring, self.process = ring, process
        self.sizes = SizeLog(cols, rows, self.bounds.size_marks)
        self._memory = memory
        self._frame: tuple[int, int, bytes] = (0, 0, b"")
        self.feed: ScreenFeed | None = None
        if self._screens is not None and memory is not None:
            self.feed = self._screens.open(memory, ring, self.sizes, news=self._heard, limit=process.limit)

    async def end(self) -> None:
        """The session is removed: close its program, and when that is gone give back screen and memory (P3)."""
        if self._resized is not None:
            self._resized.cancel()
        self.process.close()
        await self.process.wait_closed()
        self._give_back(self.feed, self.ring, self._memory)

    def _give_back(self, feed: ScreenFeed | None, ring: Ring, memory: SharedMemory | None) -> None:
        if feed is not None and self._screens is not None:
            self._screens.close_feed(feed)
        if memory is not None:
            ring.release()
            memory.close()

    # ---- the program

    @property
    def ended(self) -> ExitStatus | None:
        """How the program ended, or None while it runs."""
        return self.process.ended

    def write(self, data: bytes) -> None:
        """Input for the program (I1, I3).

        Raises:
            TermwallError: `session_ended`, `input_overflow`.
        """
        self.admit(len(data))
        self._pace.key()
        self.process.write(data)

    def admit(self, count: int) -> None:
        """Raises what `write` would for so many bytes."""
        if self.ended is not None:
            raise TermwallError(ErrorCode.SESSION_ENDED, f"`{self.name}` has ended; restart it to type again.")
        self.process.admit(count)

    def restart(self, epoch: str, now: int) -> None:
        """Run the command again, in a new epoch with an empty log; the old run must have ended (P2, S1).

        Raises:
            TermwallError: `cannot_start`; the old log and exit status are then still there.
        """
        old = self.feed, self.ring, self._memory
        self._begin()
        self._give_back(*old)
        self.epoch = epoch
        self._forget()
        self.last_output = now
        self.watch.restarted(now)

    def _output(self) -> None:
        for viewer in tuple(self.viewers):
            viewer.pump()
        if self.feed is not None:
            self.feed.stirred()
        self._on_output(self)

    def _exited(self, status: ExitStatus) -> None:
        self._on_exit(self)

    # ---- what the program says of itself (S7, S9)

    def _heard(self, news: News) -> None:
        now = self._clock()
        if news.replies and self.ended is None:
            try:
                self.process.write(news.replies)
            except TermwallError:  # It does not read its answers, or is about to end: then it misses nothing.
                pass
        for event in news.events:
            self._apply_event(event, now)
        if news.bells:
            self.bell = now
            self.watch.rang(now)
        self._on_heard(self)

    def told(self, state: NotifyState, source: str, message: str) -> None:
        """An agent or a script says what it wants from its user."""
        now = self._clock()
        if message:
            self.notification = messages.Notification(title="", body=message, timestamp=now)
        self.watch.told(now, state, source, message)

    def _apply_event(self, event: OscEvent, now: int) -> None:
        match event:
            case Titled():
                self.title = event.title
            case Moved():
                self.cwd = event.directory
            case Notified():
                self.notification = messages.Notification(title=event.title, body=event.body, timestamp=now)
                self.watch.notified(now, event.source, event.title, event.body)
            case Progressed():
                state, percent = event.state, event.percent
                self.progress = None if state is None else messages.Progress(state=state, percent=percent)
                self.watch.progressed(now, state, percent)
            case Marked():
                self.mark = messages.Mark(kind=event.kind, exit_code=event.exit_code, timestamp=now)
                self.watch.marked(now, event.kind, event.exit_code)

    # ---- size and driver

    def typed(self, client: ClientId) -> bool:
        """A client typed: it drives now (I4). True if driver or size changed."""
        return self._apply(self.seat.typed(client))

    def claim(self, client: ClientId, size: tuple[int, int] | None) -> bool:
        """A client claimed the session (I4). True if driver or size changed."""
        return self._apply(self.seat.claim(client, size))

    def wanted(self, client: ClientId, size: tuple[int, int]) -> bool:
        """A client told its size; it counts if the client drives or nobody does (I4)."""
        return self._apply(self.seat.resize(client, size))

    def left(self, client: ClientId) -> bool:
        """The last connection of a client closed."""
        return self._apply(self.seat.leave(client))

    def set_size(self, cols: int, rows: int) -> bool:
        """The size once, from nobody's screen (HTTP)."""
        return self._apply(self.seat.set_size((cols, rows)))

    def _apply(self, changed: bool) -> bool:
        cols, rows = self.seat.size
        if (cols, rows) != self.sizes.at(self.ring.end):
            self.sizes.record(self.ring.end, cols, rows)
            self.process.resize(cols, rows)
            for viewer in tuple(self.viewers):
                viewer.pump()
            if self.feed is not None:
                self.feed.stirred()
                if self._resized is not None:
                    self._resized.cancel()
                self._resized = asyncio.get_running_loop().call_later(RESIZED_SECONDS, self._draw_anew)
        return changed

    def _draw_anew(self) -> None:
        self._resized = None
        for viewer in tuple(self.viewers):
            viewer.resized()

    # ---- what others see

    def frame(self, start: int, stop: int) -> bytes:
        """The binary frame of these bytes, built once however many viewers want it (S8)."""
        first, last, frame = self._frame
        if (first, last) != (start, stop):
            frame = stream_frame(self.id, stop, self.ring.read(start, stop))
            self._frame = (start, stop, frame)
        return frame

    @property
    def drawn(self) -> bool:
        """Whether pictures of the session can be had at the moment."""
        return self._screens is not None and not self._screens.away

    @property
    def screen(self) -> messages.ScreenState:
        """What the server knows of the session's screen."""
        if not self.drawn:
            return "rebuilding"
        return "lost" if self.feed is not None and self.feed.lost else "exact"

    def show(self, kind: Literal["runs", "ansi", "text"], lines: int, answer: Callable[[Picture | None], None]) -> None:
        """Have the screen as it is now, with so many lines above it; None where there is no engine."""
        if self.feed is None:
            answer(None)
        else:
            self.feed.ask(kind, min(lines, self.scrollback), answer)

    def attention(self) -> messages.Attention:
        """What it wants from its user, and why we think so (S9)."""
        state, reason, since, seen = self.watch.value
        return messages.Attention(state=state, reason=reason, since=since, seen=seen)

    def facts(self) -> dict[str, Any]:
        """What output and time change about the session: told where it differs from what was told last."""
        return {
            "title": self.title,
            "cwd": self.cwd,
            "bell": self.bell,
            "notification": self.notification,
            "progress": self.progress,
            "mark": self.mark,
            "screen": self.screen,
            "attention": self.attention(),
        }

    def driver(self) -> messages.Driver | None:
        """Who drives, if anybody who is connected does."""
        if self.seat.driver is None:
            return None
        return messages.Driver(client_id=self.seat.driver, name=self.driver_name)

    def describe(self, focused: bool) -> messages.Session:
        """The session as everybody sees it (A2)."""
        ended = self.ended
        cols, rows = self.seat.size
        return messages.Session(
            id=self.id,
            project_id=self.project_id,
            name=self.name,
            type=self.launch.type,
            command=list(self.launch.command),
            status="running" if ended is None else "exited",
            exit_code=None if ended is None else ended.code,
            signal=None if ended is None else ended.signal,
            cols=cols,
            rows=rows,
            focused=focused,
            driver=self.driver(),
            created_at=self.created_at,
            last_activity=self.last_output,
            epoch=self.epoch,
            offset=self.ring.end,
            foreground=None if ended else self.process.foreground(),
            **self.facts(),
        )
