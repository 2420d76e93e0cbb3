"""One live terminal: its process, its ring, who views it and who drives it. Knows no socket and no stage."""

import mmap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from termwall.core.driver import Seat
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ClientId, ProjectId, SessionId
from termwall.core.inputs import InputLog
from termwall.core.limits import Bounds
from termwall.core.ring import Ring
from termwall.core.sizes import SizeLog
from termwall.core.title import TitleScanner
from termwall.hub.viewer import Viewer
from termwall.protocol import messages
from termwall.protocol.codec import stream_frame
from termwall.pty.process import ExitStatus, PtyProcess

WORKING_MILLISECONDS = 3_000
"""A program that wrote within this time counts as working."""


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

    `on_output` is called after each batch of output with the title before it, `on_exit` once at the end of each run.
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
        now: int,
        on_output: Callable[["LiveSession", str], None],
        on_exit: Callable[["LiveSession"], None],
    ) -> None:
        self.id = id
        self.project_id = project_id
        self.name = name
        self.launch = launch
        self.bounds = bounds
        self.epoch = epoch
        self.title = ""
        self.created_at = now
        self.last_output = now
        self.since = now
        self.working = True
        self.seen = False
        self.recency = Recency()
        self.viewers: set[Viewer] = set()
        self.seat = Seat(cols, rows)
        self.driver_name: str | None = None
        self.inputs = InputLog(bounds.remembered_clients)
        # Anonymous pages: a session that prints little costs little, whatever the ring could hold.
        self._memory = mmap.mmap(-1, bounds.ring_bytes)
        self.ring = Ring(self._memory)
        self.sizes = SizeLog(cols, rows, bounds.size_marks)
        self._on_output = on_output
        self._on_exit = on_exit
        self._scanner = TitleScanner()
        self._scanned = 0
        self._frame: tuple[int, int, bytes] = (0, 0, b"")
        self.process = self._start()

    def _start(self) -> PtyProcess:
        cols, rows = self.seat.size
        return PtyProcess.start(
            command=self.launch.command,
            cwd=self.launch.cwd,
            env=self.launch.env,
            cols=cols,
            rows=rows,
            ring=self.ring,
            input_bytes=self.bounds.input_bytes,
            close_seconds=self.bounds.close_seconds,
            on_output=self._output,
            on_exit=self._exited,
        )

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
        old = self.ring, self._memory, self.sizes
        cols, rows = self.seat.size
        self._memory = mmap.mmap(-1, self.bounds.ring_bytes)
        self.ring = Ring(self._memory)
        self.sizes = SizeLog(cols, rows, self.bounds.size_marks)
        try:
            self.process = self._start()
        except TermwallError:
            self.ring, self._memory, self.sizes = old
            raise
        self.epoch = epoch
        self.title = ""
        self._scanner = TitleScanner()
        self._scanned = 0
        self._frame = (0, 0, b"")
        self.last_output = self.since = now
        self.working, self.seen = True, False

    def _output(self) -> None:
        end = self.ring.end
        start = max(self._scanned, self.ring.start)
        title = None
        if self._scanner.waiting or self.ring.holds(b"\x1b]", start, end):
            title = self._scanner.feed(self.ring.read(start, end))
        self._scanned = end
        before = self.title
        if title is not None:
            self.title = title
        for viewer in tuple(self.viewers):
            viewer.pump()
        self._on_output(self, before)

    def _exited(self, status: ExitStatus) -> None:
        self._on_exit(self)

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
        return changed

    # ---- what others see

    def frame(self, start: int, stop: int) -> bytes:
        """The binary frame of these bytes, built once however many viewers want it (S8)."""
        first, last, frame = self._frame
        if (first, last) != (start, stop):
            frame = stream_frame(self.id, stop, self.ring.read(start, stop))
            self._frame = (start, stop, frame)
        return frame

    def attention(self) -> messages.Attention:
        """What it wants from its user, as far as this version can know: that it works, is quiet, or has ended."""
        ended = self.ended
        if ended is not None:
            reason = f"killed ({ended.signal})" if ended.signal else f"exit code {ended.code}"
            return messages.Attention(state="exited", reason=reason, since=self.since, seen=self.seen)
        if self.working:
            return messages.Attention(state="working", reason="output", since=self.since, seen=self.seen)
        return messages.Attention(state="idle", reason="no output", since=self.since, seen=self.seen)

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
            title=self.title,
            type=self.launch.type,
            command=list(self.launch.command),
            cwd=self.launch.cwd,
            status="running" if ended is None else "exited",
            exit_code=None if ended is None else ended.code,
            signal=None if ended is None else ended.signal,
            cols=cols,
            rows=rows,
            focused=focused,
            attention=self.attention(),
            driver=self.driver(),
            created_at=self.created_at,
            last_activity=self.last_output,
            epoch=self.epoch,
            offset=self.ring.end,
            foreground=None if ended else self.process.foreground(),
        )
