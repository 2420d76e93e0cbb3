"""One live terminal: its process, its ring, who views it and who drives it. Knows no socket and no stage."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from termwall import clock
from termwall.core.attention import Watch
from termwall.core.doings import doing_of, enters, focus_of
from termwall.core.driver import Seat
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ClientId, ProjectId, SessionId
from termwall.core.inputs import gap, too_late
from termwall.core.limits import Bounds
from termwall.core.osc import Asked, Copied, Marked, Moved, Notified, OscEvent, Progressed, Titled
from termwall.core.sizes import SizeLog
from termwall.core.theme import Theme
from termwall.hub.anysession import AnySession, InputAnswer, Person, Recency
from termwall.hub.echo import EchoWatch
from termwall.hub.kept import KEEPS_AT_ONCE, KEEPS_PER_SECOND, Kept, dump, facts_of, state_of
from termwall.hub.paced import Paced
from termwall.hub.recorder import Recorder
from termwall.hub.starting import order_for
from termwall.hub.steering import Steering
from termwall.hub.viewer import Viewer
from termwall.hub.voice import RESET, Voice
from termwall.protocol import messages
from termwall.protocol.bodies import NotifyState
from termwall.pty.environment import Outfit
from termwall.pty.pace import Pace
from termwall.pty.process import PtyProcess, is_interactive_shell
from termwall.pty.programs import ExitStatus, Order, Program, Programs
from termwall.screen.feed import News, Picture, ScreenFeed
from termwall.screen.screens import Screens


class LiveSession(AnySession):
    """A session whose program runs on this machine, and everything that lives with it.

    `on_output` is called after each batch of output, `on_heard` when there is news of it (what the screen worker heard,
    what its user did), `on_exit` once at the end of each run, `on_drive` when its driver or size is another, `on_echo`
    when its program takes what is typed in another way. Without `screens` nothing is drawn: who comes gets the log's
    tail, and titles and bells are not heard.
    """

    def __init__(
        self,
        kept: Kept,
        *,
        bounds: Bounds,
        clock: Callable[[], int],
        programs: Programs,
        outfit: Outfit,
        screens: Screens | None,
        pace: Pace,
        on_output: Callable[["LiveSession"], None],
        on_heard: Callable[["LiveSession"], None],
        on_exit: Callable[["LiveSession"], None],
        on_drive: Callable[["LiveSession"], None],
        on_echo: Callable[["LiveSession"], None],
        tick: Callable[[], int],
        theme: Theme | None = None,
        program: Program,
        lost: str | None = None,
    ) -> None:
        self.id = SessionId(kept.id)
        self.project_id = ProjectId(kept.home.id)
        self.home = kept.home
        self.name = kept.name
        self.launch = kept.launch
        self.resume: Sequence[str] | None = None
        self.node: str | None = None
        """The name of this node, where there are several."""
        self.bounds = bounds
        self.epoch = kept.epoch
        self.scrollback = bounds.scrollback_lines
        self._clock = clock
        self._programs = programs
        self._outfit = outfit
        self._screens = screens
        self._pace = pace
        self.created_at = kept.created_at
        self.viewers: set[Viewer] = set()
        self.cursors: dict[object, Callable[[], None]] = {}
        """Others that follow the output: called when there is more."""
        self._on_output = on_output
        self._on_heard = on_heard
        self._on_exit = on_exit
        self._on_echo = on_echo
        self._tick = tick
        self.restarting = asyncio.Lock()
        """Held while its program is started anew: one at a time, each with a deadline."""
        self.recorder: Recorder | None = None
        self.recording_error: str | None = None
        """Why its last recording ended, if that was not wanted."""
        self.attached: frozenset[SessionId] = frozenset()
        """What `termwall attach` shows within it."""
        self.lost = lost
        """Why nobody knows what became of its program, or None."""
        self.steering = Steering(self, lambda: on_drive(self))
        self._keeping = Paced(self._keep, rate=KEEPS_PER_SECOND, burst=KEEPS_AT_ONCE)
        self._restore(kept.state)
        self.voice = Voice(self, kept.state.get("surroundings"), theme)
        self._take(program, kept.state)

    def _restore(self, state: Mapping[str, Any]) -> None:
        """What another server knew of it; of a new session nothing."""
        now = self._clock()
        self.seat = Seat(state["cols"], state["rows"])
        driver = state.get("driver")
        self.seat.driver = None if driver is None else ClientId(driver)
        self.driver_name: str | None = state.get("driverName")
        self.last_output: int = state.get("lastOutput", now)
        self.recency = Recency(*state.get("recency", ()))
        self._forget()
        self.watch = Watch.restore(state["watch"]) if "watch" in state else Watch(now)
        if "title" in state:
            for name, value in facts_of(state).items():
                setattr(self, name, value)
        if self.lost is not None:
            self.watch.lost(now, self.lost)

    def _forget(self) -> None:
        """What a run of the program said about itself."""
        self.title = ""
        self.cwd = self.launch.cwd
        self.bell: int | None = None
        self.notification: messages.Notification | None = None
        self.progress: messages.Progress | None = None
        self.mark: messages.Mark | None = None

    def order(self, epoch: str) -> Order:
        """What a restart starts: the same command in its present size, or what goes on with a session that was lost."""
        cols, rows = self.seat.size
        kept = self._kept({"cols": cols, "rows": rows}, epoch)
        return order_for(kept, self._outfit, self.bounds, self.resume if self.lost is not None else None)

    def _take(self, program: Program, state: Mapping[str, Any]) -> None:
        """Go on with a program: a new one, or one that runs since before this server."""
        memory, viewers, cursors = program.memory, self.viewers, self.cursors
        cols, rows = self.seat.size
        marks = self.bounds.size_marks
        self.sizes = SizeLog.restore(state["sizes"], marks) if "sizes" in state else SizeLog(cols, rows, marks)
        self.ring = memory.ring
        self.inputs = memory.journal.log
        self.feed: ScreenFeed | None = None
        self.process = PtyProcess(
            program,
            shell=is_interactive_shell(self.launch.command),
            close_seconds=self.bounds.close_seconds,
            on_output=self._output,
            on_exit=self._exited,
            pace=self._pace,
            watched=lambda: bool(cursors) or any(viewer.live for viewer in viewers),
        )
        self._echoes = EchoWatch(lambda: self.echo, lambda: self._on_echo(self))
        if self._screens is not None:
            heard = state.get("heard", 0)
            limit = self.process.limit
            self.feed = self._screens.open(memory, self.sizes, heard=heard, news=self._heard, limit=limit)
            self.feed.ahead = self.record
            self.feed.show_in(self.voice.theme)
        else:
            self.process.limit(None)
        if self.ended is None and state:
            self.process.resize(cols, rows)

    def looked_at(self, place: int | None) -> None:
        """All of it is here already."""

    def keep(self) -> None:
        """Let the next server know it as it is now, or as it is at most 50 ms later."""
        self._keeping()

    def keep_now(self) -> None:
        """Let the next server know it as it is now."""
        self._keeping.now()

    def _keep(self) -> None:
        if self._programs.outlive:
            self.process.program.keep(dump(self._kept(state_of(self))))

    def _kept(self, state: Mapping[str, Any], epoch: str | None = None) -> Kept:
        return Kept(self.id, self.name, self.home, self.launch, epoch or self.epoch, self.created_at, state)

    async def end(self) -> None:
        """The session is removed: close its program, and when that is gone give back screen and memory (P3)."""
        self.rest()
        self.steering.cancel()
        self._keeping.cancel()
        self._echoes.stop()
        self.process.close()
        await self.process.wait_closed()
        self._give_back(self.feed, self.process.program)

    def leave(self) -> None:
        """Let go of it: the program stays for the next server."""
        self.rest()
        self.steering.rest()
        self._echoes.stop()
        self.keep_now()
        self.process.leave()
        if self.feed is not None and self._screens is not None:
            self._screens.close_feed(self.feed, free=False)

    def _give_back(self, feed: ScreenFeed | None, program: Program) -> None:
        if feed is not None and self._screens is not None:
            self._screens.close_feed(feed)
        program.forget()

    # ---- the program

    @property
    def over(self) -> bool:
        """Whether its program ended."""
        return self.ended is not None

    @property
    def waiting(self) -> bool:
        """Whether it waits for its user (S9)."""
        return self.watch.waiting

    @property
    def size(self) -> tuple[int, int]:
        """Its columns and rows (I4)."""
        return self.seat.size

    @property
    def ended(self) -> ExitStatus | None:
        """How the program ended, or None while it runs."""
        return self.process.ended

    def write(self, data: bytes, client: ClientId | None = None, seq: int = 0) -> None:
        """Input for the program (I1, I3); `seq` is the client's number for it.

        Raises:
            TermwallError: `session_ended`, `input_overflow`.
        """
        self.admit(len(data))
        self._pace.key()
        self.process.write(data, client, seq)

    def type(self, data: bytes) -> None:
        """Input of nobody's seat (HTTP): it makes nobody driver. Raises as `write`."""
        self.write(data)
        self._done(data)

    def _done(self, data: bytes) -> None:
        """What input that was written says of its user (S9): the one judgement for every door."""
        now, doing = self._clock(), doing_of(data)
        if doing == "reported":
            self.provoked()
            return
        self.recency.user = self._tick()
        if doing == "typed":
            self.watch.typed(now, entered=enters(data))
        else:
            self.watch.pressed(now)
        self._on_heard(self)

    def reset_terminal(self) -> None:
        """End what a program left on in the terminal, as if it had printed that. Raises `session_ended`."""
        self.admit(0)
        self.process.print(RESET)

    def admit(self, count: int) -> None:
        """Raises what `write` would for so many bytes."""
        if self.ended is not None:
            raise TermwallError(ErrorCode.SESSION_ENDED, f"`{self.name}` has ended; restart it to type again.")
        self.process.admit(count)

    def restart(self, program: Program, epoch: str, now: int) -> None:
        """Go on with a program that was started anew, in a new epoch with an empty log; the old one has ended (P2, S1).

        Args:
            program: of `order`, with the same epoch.
        """
        old = self.feed, self.process.program
        self.epoch = epoch
        self._take(program, {})
        self._give_back(*old)
        self.lost = None
        self._forget()
        self.voice.restarted()
        self.last_output = now
        self.watch.restarted(now)
        self.keep_now()

    def _output(self) -> None:
        self._echoes.stirred()  # Whoever sees a program ask for a password knows by then that it is one.
        for viewer in tuple(self.viewers):
            viewer.pump()
        for wake in self.cursors.values():
            wake()
        self.record()
        if self.feed is not None:
            self.feed.stirred()
        self._on_output(self)

    def record(self) -> None:
        """Before more is drawn: a recording needs pictures of where it has come to."""
        if self.recorder is not None:
            self.recorder.pump()

    def _exited(self, status: ExitStatus) -> None:
        self._echoes.stop()
        self._on_exit(self)

    # ---- what the program says of itself (S7, S9)

    def _heard(self, news: News) -> None:
        now = self._clock()
        for event in news.events:
            self._apply_event(event, now)
        self.voice.answer(news.replies)
        if news.bells:
            self.bell = now
            self.watch.rang(now)
        if news.new:
            self.watch.moved_on(now)
        self.voice.asked(news.modes)
        self._on_heard(self)

    def provoked(self) -> None:
        """Something makes its program draw anew, which is no work (S9)."""
        self.watch.provoked(self._clock())

    def printed(self, now: int) -> None:
        """It printed something."""
        self.last_output = now
        if self.ended is None:
            judged = self.feed is not None and self.drawn and self.watch.doubted
            self.watch.printed(now, judged=judged)
            if self.feed is not None:
                self.feed.look = judged

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
                self.watch.titled(now, event.title)
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
                self.voice.prompted(event.kind != "running" and self.watch.marks_commands)
            case Copied() | Asked():
                self.voice.clip(event)

    # ---- what a client does

    def input(
        self,
        who: Person,
        data: bytes,
        seq: int | None,
        answer: InputAnswer,
        log: ClientId | None = None,
        *,
        until: int | None = None,
    ) -> None:
        """A client types: it drives from then on (I4); the mouse and reports claim nothing.

        `log`: whose numbers these are, if they are not the client's.
        """
        writer = log or who.client_id
        focus = focus_of(data) if self.voice.reports_focus else None
        if focus is not None:
            data = b""
            self.keys(who, focus)
        try:
            verdict = "write" if seq is None else self.inputs.accept(writer, seq)
            if isinstance(verdict, int):
                raise gap(seq, verdict)
            if verdict == "write":
                self.admit(len(data))  # What is refused takes nothing over.
                if until is not None and clock.milliseconds() > until:
                    raise too_late(seq)
                # The size first: what is typed is then answered at the size of who typed it.
                if focus is None and doing_of(data) == "typed":
                    self.steering.moved(who, self.seat.typed(who.client_id))
                self.write(data, writer, seq or 0)
                # The program has its key by now; the rest costs it no time.
                self._echoes.stirred()
                if focus is None:
                    self._done(data)
        except TermwallError as error:
            answer(error)
        else:
            answer(None if seq is None else self.inputs.last(writer))

    def resize(self, who: Person, size: tuple[int, int]) -> None:
        """A client tells its size; it counts if the client drives or nobody does (I4)."""
        self.steering.moved(who, self.seat.resize(who.client_id, size))

    def drive(self, who: Person, size: tuple[int, int] | None) -> None:
        """A client claims the session (I4)."""
        self.steering.moved(who, self.seat.claim(who.client_id, size))

    def keys(self, who: Person, has: bool) -> None:
        """A client has its keys, or has them no more: merged over all, its program is told each change (S7)."""
        self.voice.keys(who.client_id, has)

    def themed(self, who: Person) -> None:
        """Who drives it has other colours (S7)."""
        if self.seat.driver == who.client_id:
            self.voice.look(who.theme)

    def saw(self) -> None:
        """Somebody has seen what it wants."""
        self.watch.saw(self._clock())
        self._on_heard(self)

    def leave_seat(self, client: ClientId) -> None:
        """The last connection of a client closed."""
        self.voice.keys(client, False)
        self.steering.moved(None, self.seat.leave(client))

    # ---- what others see

    @property
    def drawer(self) -> ScreenFeed | None:
        """Its part of the screen worker's work."""
        return self.feed

    @property
    def drawn(self) -> bool:
        """Whether pictures of the session can be had at the moment."""
        return self._screens is not None and not self._screens.away

    @property
    def echo(self) -> messages.EchoState | None:
        """Whether what is typed may be shown, now; a shell that is not at its prompt may be asking for a secret."""
        echo = self.process.echo()
        if echo == "prompt":
            return "unsure" if self.mark is not None and self.mark.kind == "running" else "on"
        return "unsure" if echo == "raw" else echo

    @property
    def screen(self) -> messages.ScreenState:
        """What the server knows of the session's screen."""
        if not self.drawn:
            return "rebuilding"
        return "lost" if self.feed is not None and self.feed.lost else "exact"

    def show(
        self,
        kind: Literal["runs", "ansi", "text", "lines", "keys"],
        lines: int,
        answer: Callable[[Picture | None], None],
    ) -> None:
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
            "echo": self.echo,
            "recording": None if self.recorder is None else self.recorder.id,
            "recording_error": self.recording_error,
            "attached": sorted(self.attached),
            "attention": self.attention(),
        }

    def driver(self) -> messages.Driver | None:
        """Who drives, if anybody who is connected does."""
        if self.seat.driver is None:
            return None
        return messages.Driver(client_id=self.seat.driver, name=self.driver_name)

    def describe(self, focused: bool) -> messages.Session:
        """The session as everybody sees it (A2)."""
        ended, (cols, rows) = self.ended, self.seat.size
        return messages.Session(
            id=self.id,
            project_id=self.project_id,
            name=self.name,
            type=self.launch.type,
            command=list(self.launch.command),
            status="running" if ended is None else "exited" if self.lost is None else "lost",
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
            resume=list(self.resume) if self.resume and self.lost is not None else None,
            sealed=self.process.program.sealed,
            foreground=None if ended else self.process.foreground(),
            node=self.node,
            **self.facts(),
        )
