"""What a session is and decides, whichever way something comes to it: an act goes in, effects come out. Pure.

Who does its effects says what time it is, and what only the program can say: whether it takes more input.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, assert_never

from termwall.core.errors import TermwallError
from termwall.core.ids import ClientId
from termwall.core.modes import Modes
from termwall.core.osc import Asked, Copied, Marked, OscEvent, Sign
from termwall.core.session.acts import (
    Act,
    Claimed,
    Coloured,
    Held,
    Left,
    Person,
    Renamed,
    Reported,
    Reset,
    Resized,
    Saw,
    Typed,
)
from termwall.core.session.attention import Watch
from termwall.core.session.doings import Doing, doing_of, enters, focus_of
from termwall.core.session.driver import Seat
from termwall.core.session.effects import Effect, Keep, Name, Print, Refused, Reply, Report, Show, Steer, Taken, Write
from termwall.core.session.facts import Facts, Notification
from termwall.core.session.inputs import InputLog, gap, too_late
from termwall.core.session.surroundings import Surroundings
from termwall.core.theme import Theme

NO_MOUSE = b"\x1b[?9;1000;1001;1002;1003;1005;1006;1015;1016l"
"""Ends all reports of the mouse, and their forms."""
NO_FOCUS = b"\x1b[?1004l"
RESET = (
    b"\x18\x1b\\"  # out of any sequence
    + NO_MOUSE
    + NO_FOCUS
    + b"\x1b[<16u\x1b[=0u\x1b[?1047l\x1b[<16u\x1b[=0u\x1b[>4;0m\x1b[>4f"  # the keyboard's protocols, of either screen
    + b"\x1b[?2004;2026;2031;2048;1;5;12l\x1b>"  # pastes, what holds the screen back, reports, keys, looks
    + b"\x1b[?7;25h\x1b[4;20l"  # wrap, cursor, insert, new line
    + b"\x1b7\x1b[r\x1b8"  # the whole screen scrolls, and the cursor stays
    + b"\x1b[0m\x1b(B\x1b)B\x0f\x1b[0 q"  # colours, characters, the cursor's shape
    + b"\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\"
)
"""What "Reset terminal" puts into the output: modes and looks as a new terminal has them. The text stays."""


class Now(NamedTuple):
    """What time it is."""

    date: int
    """Milliseconds since 1970."""
    tick: int
    """Later than every one before, on all nodes about alike (F3)."""
    steady: int
    """Milliseconds of a clock that nobody sets: what deadlines are of."""


@dataclass(slots=True)
class Recency:
    """When things last happened to a session, in ticks: the order of eviction (F3)."""

    user: int = 0
    output: int = 0
    focused: int = 0

    @property
    def newest(self) -> int:
        """The last of them."""
        return max(self.user, self.output, self.focused)


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of newly drawn output: reported once, also when it had to be drawn again (S7, S9)."""

    events: list[OscEvent]
    bells: int
    replies: bytes
    modes: Modes
    """How they are by now."""
    new: bool
    """Whether the screen has text that it had not before, where that was asked."""


class Session:
    """One session.

    Args:
        name: what people call it.
        cwd: where its program was started.
        state: what another server knew of it; of a new one its `cols` and `rows`.
        now: milliseconds since 1970.
        theme: the colours of those who look at the project, for a new one.
        lost: why nobody knows what became of its program, or None.
    """

    def __init__(
        self, name: str, cwd: str, state: Mapping[str, Any], now: int, *, theme: Theme | None, lost: str | None
    ) -> None:
        self.name = name
        self._cwd = cwd
        self.seat = Seat(state["cols"], state["rows"])
        driver = state.get("driver")
        self.seat.driver = None if driver is None else ClientId(driver)
        self.driver_name: str | None = state.get("driverName")
        self.last_output: int = state.get("lastOutput", now)
        """Milliseconds since 1970."""
        self.recency = Recency(*state.get("recency", ()))
        self.facts = Facts.restore(state, cwd)
        self.watch = Watch.restore(state["watch"]) if "watch" in state else Watch(now)
        kept = state.get("surroundings")
        self.surroundings = Surroundings() if kept is None else Surroundings.restore(kept)
        if theme is not None:
            self.surroundings.theme = theme
        if lost is not None:
            self.watch.lost(now, lost)
        self.copied: str | None = None
        """What its driver is still to be sent of what the program put on the clipboard."""
        self.attentive = False
        """Whether it wants to hear when the next output is drawn, whatever is in it."""
        self._clipboard = ""
        """What the program put on the clipboard last: what it reads there. Not kept over a restart of the server."""
        self.inputs = InputLog(1)
        self.refusal: Callable[[int], TermwallError | None] = lambda count: None
        """Why its program takes no more bytes of input, if that is so."""

    def state(self) -> dict[str, Any]:
        """All of it that outlives the server, as JSON has it (P5)."""
        recency = self.recency
        return {
            **self.facts.plain(),
            "driver": self.seat.driver,
            "driverName": self.driver_name,
            "surroundings": self.surroundings.state(),
            "watch": self.watch.state(),
            "recency": [recency.user, recency.output, recency.focused],
            "lastOutput": self.last_output,
        }

    # ---- what is done to it

    def do(self, act: Act, who: Person, now: Now) -> list[Effect]:
        """Somebody, or `NOBODY` in particular, does something."""
        client = who.client_id
        match act:
            case Typed():
                return self._typed(act, who, now)
            case Resized(size):
                return self._steered(
                    who, self.seat.resize(client, size) if client else self.seat.set_size(size), now.date
                )
            case Claimed(wanted):
                return self._steered(who, self.seat.claim(client, wanted), now.date)
            case Held(has):
                return self._reply(self.surroundings.keys(client, has), now.date)
            case Coloured():
                return self._look(who.theme, now.date) if self.seat.driver == client else []
            case Saw():
                self.watch.saw(now.date)
                return [Report()]
            case Left():
                left = self._reply(self.surroundings.keys(client, False), now.date)
                return [*left, *self._steered(who, self.seat.leave(client), now.date)]
            case Renamed(name):
                before, self.name = self.name, name
                return [] if name == before else [Name(before), Report()]
            case Reported(state, source, message):
                if message:
                    self.facts = replace(self.facts, notification=Notification("", message, now.date))
                self.watch.reported(now.date, state, source, message)
                return [Report()]
            case Reset():
                refusal = self.refusal(0)
                return [Print(RESET)] if refusal is None else [Refused(refusal)]
            case _:
                assert_never(act)

    def _typed(self, act: Typed, who: Person, now: Now) -> list[Effect]:
        data, seq, client = act.data, act.seq, who.client_id
        writer = act.log or client or None
        effects: list[Effect] = []
        focus = focus_of(data) if client and self.surroundings.reports_focus else None
        if focus is not None:
            data = b""
            effects += self._reply(self.surroundings.keys(client, focus), now.date)
        try:
            verdict = "write" if seq is None or writer is None else self.inputs.accept(writer, seq)
        except TermwallError as error:
            return [*effects, Refused(error)]
        if isinstance(verdict, int):
            return [*effects, Refused(gap(seq, verdict))]
        if verdict == "write":
            refusal = self.refusal(len(data))  # What is refused takes nothing over.
            if refusal is None and act.until is not None and now.steady > act.until:
                refusal = too_late(seq)
            if refusal is not None:
                return [*effects, Refused(refusal)]
            doing = doing_of(data)
            # The size first: what is typed is then answered at the size of who typed it.
            if client and focus is None and doing == "typed" and client != self.seat.driver:
                effects += self._steered(who, self.seat.typed(client), now.date)
            effects.append(Write(data, writer, seq or 0, doing if focus is None else None))
        effects.append(Taken(None if seq is None else writer))
        return effects

    def wrote(self, data: bytes, doing: Doing, now: Now) -> list[Effect]:
        """Input was written: what it says of its user (S9), the one judgement for every door. No key waits for it."""
        if doing == "reported":
            self.watch.provoked(now.date)
            return []
        self.recency.user = now.tick
        if doing == "typed":
            self.watch.typed(now.date, entered=enters(data))
        else:
            self.watch.pressed(now.date)
        return [Report()]

    def _steered(self, who: Person, changed: bool, date: int) -> list[Effect]:
        look: list[Effect] = []
        if changed and who.client_id and self.seat.driver == who.client_id:
            self.driver_name = who.name
            look = self._look(who.theme, date)
        return [*look, Steer(changed)]

    def _reply(self, data: bytes, date: int) -> list[Effect]:
        """A report of the terminal's, which makes a program draw anew (S9), and is not made again (P5)."""
        if not data:
            return []
        self.watch.provoked(date)
        return [Reply(data), Keep()]

    def _look(self, theme: Theme | None, date: int) -> list[Effect]:
        """Who drives has these colours; None where they are not known."""
        before = self.surroundings.theme
        effects = self._reply(self.surroundings.themed(theme), date)
        after = self.surroundings.theme
        return effects if after == before else [*effects, Show(after), Keep()]

    # ---- what its program does

    def printed(self, date: int, tick: int, *, running: bool, judged: bool) -> None:
        """It printed something, perhaps its last words.

        Args:
            judged: whether it is new text is known only once it is drawn (`Heard.new`).
        """
        self.recency.output, self.last_output = tick, date
        if running:
            self.watch.printed(date, judged=judged)

    def heard(self, heard: Heard, date: int, *, newest: bool) -> list[Effect]:
        """What came of output that was drawn. `newest`: nothing was printed behind it."""
        effects: list[Effect] = []
        for event in heard.events:
            self.facts = self.facts.after(event, date)
            effects += self._clip(event)
            if isinstance(event, Sign):
                self.watch.heard(date, event)
            if isinstance(event, Marked):
                self.attentive = event.kind != "running" and self.watch.marks_commands
        if heard.replies:
            effects.append(Reply(heard.replies))
        if heard.bells:
            self.facts = replace(self.facts, bell=date)
            self.watch.rang(date)
        if heard.new:
            self.watch.moved_on(date)
        effects += self._reply(self.surroundings.asked(heard.modes), date)
        if self.attentive:
            effects += self._tidied(heard.modes, newest)
        return [*effects, Report()]

    def _clip(self, event: OscEvent) -> list[Effect]:
        """A program that wrote or read the clipboard; it reads what it wrote last, and nothing else (S7)."""
        if isinstance(event, Asked):
            return [Reply(event.answer(self._clipboard))]
        if isinstance(event, Copied):
            self._clipboard = event.text
            self.copied = event.text or self.copied
        return []

    def _tidied(self, modes: Modes, newest: bool) -> list[Effect]:
        """End the reports that a program which is gone left on, at the prompt of a shell that marks its commands.

        Only between two sequences, and not where the shell has set them itself.
        """
        left = NO_MOUSE if Modes.MOUSE in modes and Modes.OWN_MOUSE not in modes else b""
        left += NO_FOCUS if Modes.FOCUS in modes and Modes.OWN_FOCUS not in modes else b""
        if left and not (newest and Modes.GROUND in modes):
            return []
        self.attentive = False
        return [Print(left)] if left else []

    def resized(self, date: int) -> None:
        """Its program has another size, and draws itself anew (S9)."""
        self.watch.provoked(date)

    def settled(self, date: int) -> list[Effect]:
        """Whose clients have not come back since the server was started again will not."""
        return self._reply(self.surroundings.settle(), date)

    def ended(self, date: int, how: str) -> None:
        """Its program ended: `exit code 1`."""
        self.watch.ended(date, how)

    def restarted(self, date: int) -> None:
        """Another run of its program, which said nothing yet."""
        self.facts = Facts(self._cwd)
        self.surroundings.restarted()
        self._clipboard, self.copied, self.attentive = "", None, False
        self.last_output = date
        self.watch.restarted(date)
