"""One live terminal: its process, its ring, and who views it. It does what `core.session` decides."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, assert_never

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ProjectId, SessionId
from termwall.core.limits import Bounds
from termwall.core.session.acts import NOBODY, Act, Person, Typed
from termwall.core.session.effects import Effect, Keep, Name, Print, Refused, Reply, Report, Show, Steer, Taken, Write
from termwall.core.session.session import Heard, Now, Session
from termwall.core.session.sizes import SizeLog
from termwall.core.theme import Theme
from termwall.hub.anysession import ActAnswer, AnySession, View, unanswered
from termwall.hub.echo import EchoWatch
from termwall.hub.paced import Paced
from termwall.hub.record import KEEPS_AT_ONCE, KEEPS_PER_SECOND, Record, dump
from termwall.hub.recorder import Recorder
from termwall.hub.sealed import must_be_open
from termwall.hub.starting import order_for
from termwall.hub.steering import Steering
from termwall.hub.turns import Turns
from termwall.protocol import messages, parts
from termwall.pty.environment import Outfit
from termwall.pty.pace import Pace
from termwall.pty.process import PtyProcess, is_interactive_shell
from termwall.pty.programs import ExitStatus, Order, Program, Programs
from termwall.screen.feed import Picture, ScreenFeed
from termwall.screen.screens import Screens

Occasion = Literal["printed", "changed", "steered", "echo", "named", "ended"]
"""What happened to a session: it printed, what is reported of it may be different (what its program said, what its user
did), its driver or size is another, its program takes what is typed in another way, it has another name (refused by
raising), and, once in each run, its program ended."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What a session needs of where it runs."""

    bounds: Bounds
    date: Callable[[], int]
    """Milliseconds since 1970."""
    now: Callable[[], Now]
    """Its tick is later each time (F3)."""
    programs: Programs
    outfit: Outfit
    screens: Screens | None
    """Without it nothing is drawn: who comes gets the log's tail, and titles and bells are not heard."""
    pace: Pace
    turns: Turns
    happened: Callable[["LiveSession", Occasion], None]


class LiveSession(AnySession):
    """A session whose program runs on this machine, and everything that lives with it.

    Args:
        kept: what is known of it.
        program: a new one, or the one that it has.
        machine: where it runs.
        theme: the colours of those who look at the project, for a new one.
        lost: why nobody knows what became of its program, or None.
    """

    def __init__(
        self, kept: Record, program: Program, machine: Machine, *, theme: Theme | None = None, lost: str | None = None
    ) -> None:
        self.id = SessionId(kept.id)
        self.project_id = ProjectId(kept.home.id)
        self.home = kept.home
        self.launch = kept.launch
        self.resume: Sequence[str] | None = None
        self.node: str | None = None
        """The name of this node, where there are several."""
        self.bounds = bounds = machine.bounds
        self.epoch = kept.epoch
        self.scrollback = bounds.scrollback_lines
        self._machine = machine
        self._screens = machine.screens
        self.created_at = kept.created_at
        self.viewers: set[View] = set()
        self.cursors: dict[object, Callable[[], None]] = {}
        """Others that follow the output: called when there is more."""
        self.restarting = asyncio.Lock()
        """Held while its program is started anew: one at a time, each with a deadline."""
        self.recorder: Recorder[LiveSession] | None = None
        self.recording_error: str | None = None
        """Why its last recording ended, if that was not wanted."""
        self.attached: frozenset[SessionId] = frozenset()
        """What `termwall attach` shows within it."""
        self.lost = lost
        """Why nobody knows what became of its program, or None."""
        self.core = Session(kept.name, kept.launch.cwd, kept.state, machine.date(), theme=theme, lost=lost)
        self.core.refusal = self.refusal
        self.recency = self.core.recency
        self.steering = Steering(self, self._steered, machine.turns)
        self._keeping = Paced(self._keep, rate=KEEPS_PER_SECOND, burst=KEEPS_AT_ONCE)
        self._sent: dict[str, Any] = {}
        self._take(program, kept.state)
        if self.ended is not None:
            self.core.ended(machine.date(), how(self.ended))

    @property
    def name(self) -> str:  # type: ignore[override]
        """What people call it."""
        return self.core.name

    @property
    def last_output(self) -> int:  # type: ignore[override]
        """When it last printed: milliseconds since 1970."""
        return self.core.last_output

    @property
    def title(self) -> str:
        """What its program calls it."""
        return self.core.facts.title

    def _happened(self, what: Occasion) -> None:
        self._machine.happened(self, what)

    def order(self, epoch: str) -> Order:
        """What a restart starts: the same command in its present size, or what goes on with a session that was lost."""
        cols, rows = self.size
        kept = self._kept({"cols": cols, "rows": rows}, epoch)
        return order_for(kept, self._machine.outfit, self.bounds, self.resume if self.lost is not None else None)

    def _take(self, program: Program, state: Mapping[str, Any]) -> None:
        """Go on with a program: a new one, or one that runs since before this server."""
        memory, viewers, cursors = program.memory, self.viewers, self.cursors
        cols, rows = self.size
        marks = self.bounds.size_marks
        self.sizes = SizeLog.restore(state["sizes"], marks) if "sizes" in state else SizeLog(cols, rows, marks)
        self.ring = memory.ring
        self.core.inputs = memory.journal.log
        self.feed: ScreenFeed | None = None
        self.process = PtyProcess(
            program,
            shell=is_interactive_shell(self.launch.command),
            close_seconds=self.bounds.close_seconds,
            on_output=self._output,
            on_exit=self._exited,
            pace=self._machine.pace,
            watched=lambda: bool(cursors) or any(viewer.live for viewer in viewers),
        )
        self._echoes = EchoWatch(lambda: self.echo, lambda: self._happened("echo"))
        if self._screens is not None:
            heard = state.get("heard", 0)
            limit = self.process.limit
            self.feed = self._screens.open(memory, self.sizes, heard=heard, news=self._heard, limit=limit)
            self.feed.ahead = self.record
            self.feed.show_in(self.core.surroundings.theme)
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
        if self._machine.programs.outlive:
            self.process.program.keep(dump(self._kept(self.state())))

    def state(self) -> dict[str, Any]:
        """What another owner needs to go on with it, besides its program's memory (P5)."""
        cols, rows = self.sizes.at(self.ring.end)
        return {
            **self.core.state(),
            "cols": cols,
            "rows": rows,
            "boundClients": True,
            "sizes": self.sizes.marks,
            "heard": 0 if self.feed is None else self.feed.heard,
            "recording": None if self.recorder is None else self.recorder.state(),
        }

    def _kept(self, state: Mapping[str, Any], epoch: str | None = None) -> Record:
        return Record(self.id, self.name, self.home, self.launch, epoch or self.epoch, self.created_at, state)

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
        self.core.restarted(now)
        self.keep_now()

    # ---- what is done to it: the one door

    def do(self, act: Act, who: Person = NOBODY, answer: ActAnswer = unanswered) -> None:
        """As `AnySession.do` says."""
        machine = self._machine
        if isinstance(act, Typed):
            machine.pace.key()
        self._carry_out(self.core.do(act, who, machine.now()), answer)

    def _carry_out(self, effects: Sequence[Effect], answer: ActAnswer = unanswered) -> None:
        """Do what was decided, in its order. What cannot be done ends it, and is the answer."""
        try:
            for effect in effects:
                match effect:
                    case Write(data, writer, seq, doing):
                        self.process.write(data, writer, seq)
                        if doing is not None:
                            self._carry_out(self.core.wrote(data, doing, self._machine.now()))
                        self._echoes.stirred()  # The program has its key by now; the rest costs it no time.
                    case Taken(writer):
                        answer(None if writer is None else self.core.inputs.last(writer))
                    case Report():
                        self._happened("changed")
                    case Steer(changed):
                        self.steering.moved(changed)
                    case Keep():
                        self.keep()
                    case Reply(data):
                        self._reply(data)
                    case Refused(error):
                        raise error
                    case Print(data):
                        self.process.print(data)
                    case Show(theme):
                        if self.feed is not None:
                            self.feed.show_in(theme)
                    case Name(before):
                        self._named(before)
                    case _:
                        assert_never(effect)
        except TermwallError as error:
            answer(error)

    def _reply(self, data: bytes) -> None:
        if self.ended is None:
            try:
                self.process.write(data)
            except TermwallError:  # It does not read its answers, or is about to end: then it misses nothing.
                pass

    def _named(self, before: str) -> None:
        try:
            must_be_open(self.name, self.process.program)
            self._happened("named")
        except TermwallError:
            self.core.name = before
            raise
        self.keep()

    def refusal(self, count: int) -> TermwallError | None:
        """Why its program takes no more bytes of input, if that is so."""
        if self.ended is not None:
            return TermwallError(ErrorCode.SESSION_ENDED, f"`{self.name}` has ended; restart it to type again.")
        return self.process.refusal(count)

    @property
    def undrawn_sizes(self) -> int:
        """How many sizes its screen does not have yet, as far as it is drawn."""
        return 0 if self.feed is None or not self.drawn else self.feed.undrawn_sizes

    def take_size(self, cols: int, rows: int) -> None:
        """It has this size from here on: its program, its viewers and the next server learn of it."""
        self.core.resized(self._machine.date())
        self.process.resize(cols, rows)
        for viewer in tuple(self.viewers):
            viewer.pump()
        self.record()
        self.keep_now()
        if self.feed is not None:
            self.feed.stirred()
            self.size_changed()

    def _steered(self) -> None:
        self.keep()
        self._happened("steered")

    def settle(self) -> None:
        """Whose clients have not come back since the server was started again will not."""
        self._carry_out(self.core.settled(self._machine.date()))

    # ---- the program

    @property
    def over(self) -> bool:
        """Whether its program ended."""
        return self.ended is not None

    @property
    def waiting(self) -> bool:
        """Whether it waits for its user (S9)."""
        return self.core.watch.waiting

    @property
    def size(self) -> tuple[int, int]:
        """Its columns and rows (I4)."""
        return self.core.seat.size

    @property
    def ended(self) -> ExitStatus | None:
        """How the program ended, or None while it runs."""
        return self.process.ended

    def _output(self) -> None:
        self._echoes.stirred()  # Whoever sees a program ask for a password knows by then that it is one.
        for viewer in tuple(self.viewers):
            viewer.pump()
        for wake in self.cursors.values():
            wake()
        self.record()
        if self.feed is not None:
            self.feed.stirred()
        self._printed()
        self._happened("printed")

    def _printed(self) -> None:
        core, machine = self.core, self._machine
        judged = self.feed is not None and self.drawn and core.watch.doubted
        now = machine.now()
        core.printed(now.date, now.tick, running=self.ended is None, judged=judged)
        if self.feed is not None:
            self.feed.look = judged

    def record(self) -> None:
        """Before more is drawn: a recording needs pictures of where it has come to."""
        if self.recorder is not None:
            self.recorder.pump()

    def _exited(self, status: ExitStatus) -> None:
        self._echoes.stop()
        self.core.ended(self._machine.date(), how(status))
        self._happened("ended")

    def _heard(self, heard: Heard) -> None:
        feed = self.feed
        assert feed is not None
        newest = feed.position == self.ring.end
        self._carry_out(self.core.heard(heard, self._machine.date(), newest=newest))
        feed.attentive = self.core.attentive

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
    def echo(self) -> parts.EchoState | None:
        """Whether what is typed may be shown, now; a shell that is not at its prompt may be asking for a secret."""
        echo = self.process.echo()
        if echo == "prompt":
            mark = self.core.facts.mark
            return "unsure" if mark is not None and mark.kind == "running" else "on"
        return "unsure" if echo == "raw" else echo

    @property
    def screen(self) -> parts.ScreenState:
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

    def attention(self) -> parts.Attention:
        """What it wants from its user, and why we think so (S9)."""
        state, reason, since, seen = self.core.watch.value
        return parts.Attention(state=state, reason=reason, since=since, seen=seen)

    def _shown(self) -> dict[str, Any]:
        """What output and time change about it: reported where it differs from what was reported last."""
        return {
            **self.core.facts.shown(),
            "screen": self.screen,
            "echo": self.echo,
            "recording": None if self.recorder is None else self.recorder.id,
            "recording_error": self.recording_error,
            "attached": sorted(self.attached),
            "attention": self.attention(),
        }

    def news(self) -> dict[str, Any]:
        """The fields of `messages.Session` that differ from those reported before; from now on they are reported."""
        before, self._sent = self._sent, self._shown()
        return {name: value for name, value in self._sent.items() if value != before.get(name, _NEVER)}

    def news_of_echo(self) -> dict[str, Any]:
        """The same of how its program takes what is typed alone, which is reported before what is printed next."""
        echo = self.echo
        if self._sent.get("echo", _NEVER) == echo:
            return {}
        self._sent["echo"] = echo
        return {"echo": echo}

    def driver(self) -> parts.Driver | None:
        """Who drives, if anybody who is connected does."""
        driver = self.core.seat.driver
        return None if driver is None else parts.Driver(client_id=driver, name=self.core.driver_name)

    def describe(self, focused: bool) -> messages.Session:
        """The session as everybody sees it (A2)."""
        ended, (cols, rows) = self.ended, self.size
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
            **self._shown(),
        )


_NEVER = object()


def how(status: ExitStatus) -> str:
    """How a program ended, in words."""
    if status.signal:
        return f"killed ({status.signal})"
    return "ended, nobody saw how" if status.code is None else f"exit code {status.code}"
