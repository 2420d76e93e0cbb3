"""What a session wants from its user, and why: a state machine fed with what happens to the session (S9).

The state is the first line that holds:

    exited, lost   the program ended; its server was lost                until `restarted`
    reported       an agent's hook or a script said any state            until the user types, it says another, or a
                                                                         shell's mark says that a command begins
                                                                         (a reported `working`: or ends, 10 min silence,
                                                                         or one of the next line)
    needs input    OSC 9, 99, 777: a sentence for the user               until the user types or a command begins
    needs input    bell, not within 1 s of typing (completion);          the same, or 10 s of new text without a pause;
                   progress reported as an error or as paused            progress ends with the next report of it
    needs input    the title says so: "Action Required", a raised hand   until another title, Enter, or a mark
    done           a command of a shell with marks ran 5 s or longer     until the user types or a command begins
    working        progress is reported                                  until it ends, a prompt, or 10 min silence
    working        a shell with marks runs a command, however quiet      until its next prompt
    working        output in the last 3 s, not at the prompt of a        until 3 s are quiet
                   shell that marks its commands
    idle           nothing of all that

Where the title asks, that is stronger than a reported `working` or `done`: it is how things are.

Output alone does not end a call for the user: an agent redraws its screen while it waits. But who only rang, or painted
its progress red, and then prints new text for 10 s without a pause, waits for nobody. New text is rows with words that
were not on the screen since the call (`screen/progress.py`): a title, a clock, a spinner or a blinking cursor is none.
A sentence stays all the same, unless the mouse was pressed in the program since: that may have been the answer.

What a program prints within 3 s of something that makes it draw anew (another size, a focus report, another colour
scheme, the mouse moved) is no work, if it was quiet before.

Progress that ended says nothing but that: an agent ends it when it asks, too.

Typing answers: it ends what waited or was done, and what was printed before it counts no more, so the state is idle
until the program prints again. Who types has seen the session. `seen` ends with the state, and with another call for
the user; nothing here depends on who looks. `since` is when the state began, for a quiet session its last output.

How well this does for agents, honestly: with hooks (`termwall notify --hook`) the state is what the agent says. Without
them, one that notifies its terminal (bell, OSC 9, 99 or 777, a title that asks) is seen to call, and to finish only
by its quiet; one that reports nothing is idle when it asks a question and when it is done alike, and working while it
draws a spinner for whatever reason. In a shell that marks its commands, every program is working until it ends, also an
editor, or an agent that waits. One that marks its prompts only says too little: there, output decides.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import IntEnum
from typing import Any, Literal, NamedTuple, assert_never

from termwall.core.osc import Marked, MarkKind, Notified, Progressed, ProgressState, Sign, Titled
from termwall.core.session.acts import ReportedState

State = Literal["working", "needs input", "done", "idle", "exited", "lost"]

QUIET_MS = 3_000
"""Without output for so long, a program is quiet."""
TYPED_MS = 1_000
"""A bell so soon after typing answers the typing."""
LASTING_MS = 5_000
"""What ends sooner is not reported as done: its user still looks."""
ONWARD_MS = 10_000
"""Output for so long without a pause goes on without the user."""
SILENCE_MS = 600_000
"""After such a silence, work that was reported and never renewed is believed no more."""
PROVOKED_MS = 3_000
"""For so long after a new size and the like, what a quiet program prints is a redraw."""
MAX_REASON = 120
"""Characters of a reason; a longer one is cut (X4)."""
_ASKS = re.compile("action required|^[\N{RAISED HAND}\N{RAISED HAND WITH FINGERS SPLAYED}]", re.IGNORECASE)
"""Titles by which programs say that they wait for their user: Gemini CLI, Codex."""


class Standing(NamedTuple):
    """What a session wants from its user (S9): `since` is ms since 1970, `seen` whether somebody saw it like this."""

    state: State
    reason: str
    since: int
    seen: bool


class _Rank(IntEnum):
    """How strong a claim is; one does not replace a stronger one."""

    COMMAND_DONE = 1
    CALLED = 2
    NOTIFIED = 3
    REPORTED = 4


@dataclass(slots=True)
class _Claim:
    """A state that somebody claimed, which stays until something ends it."""

    rank: _Rank
    state: State
    reason: str
    at: int
    of_progress: bool = False
    pressed: bool = False
    """Whether the mouse was pressed in the program since."""


class Watch:
    """Watches one session. All times are ms since 1970; where the clock was set back, the past moves with it."""

    def __init__(self, now: int) -> None:
        self._now, self._skew = now, 0
        self.restarted(now)

    @property
    def value(self) -> Standing:
        """The state as of the newest call."""
        return Standing(self._state, self._reason, self._since - self._skew, self._seen)

    @property
    def waiting(self) -> bool:
        """Whether the session waits for its user, and so leaves the stage last (F3)."""
        return self._state == "needs input"

    def restarted(self, now: int) -> None:
        """The program was started, again or for the first time."""
        now = self._since = self._advance(now)
        self._state: State = "working"
        self._reason = "started"
        self._seen = False
        self._over: tuple[State, str] | None = None
        self._claim: _Claim | None = None
        self._progress: str | None = None
        self._progress_at = now
        self._running_since: int | None = None
        self._at_prompt = self._marks_commands = False
        self._output: int | None = now
        """The newest output that counts, at first the start itself; None after an answer."""
        self._output_reason = "started"
        self._flow_since = self._moved = now
        """Since when there is new text without a pause, and the newest."""
        self._typed: int | None = None
        self._asks: str | None = None
        """The title by which the program asks."""
        self._provoked_until = now

    # ---- over a restart of the server

    def state(self) -> dict[str, Any]:
        """All of it, as JSON has it."""
        found = {name.lstrip("_"): value for name, value in vars(self).items()}
        return found | {"claim": None if self._claim is None else asdict(self._claim)}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> "Watch":
        """From the `state` of another one; what that did not know begins anew.

        Raises:
            KeyError, TypeError, ValueError: it is no such state.
        """
        watch = cls(state["now"])
        for name in vars(watch):
            if (key := name.lstrip("_")) in state:
                setattr(watch, name, state[key])
        claim = state["claim"]
        known = claim is not None and claim["rank"] in set(_Rank)
        watch._claim = _Claim(**{**claim, "rank": _Rank(claim["rank"])}) if known else None
        watch._over = None if watch._over is None else (watch._over[0], watch._over[1])
        return watch

    # ---- what happens

    @property
    def marks_commands(self) -> bool:
        """Whether its shell marks where commands begin."""
        return self._marks_commands

    @property
    def doubted(self) -> bool:
        """Whether new text on the screen ends what is claimed, so that the screen has to be looked at."""
        claim = self._claim
        return claim is not None and claim.state == "needs input" and (claim.rank is _Rank.CALLED or claim.pressed)

    def printed(self, now: int, *, judged: bool = False) -> None:
        """The program printed something. `judged`: whether it is new text is reported by `moved_on`."""
        now = self._advance(now)
        if now >= self._provoked_until:
            self._output, self._output_reason = now, "output"
        self._settle() if judged else self._flows(now)

    def moved_on(self, now: int) -> None:
        """The program's screen has text that it had not before."""
        self._flows(self._advance(now))

    def provoked(self, now: int) -> None:
        """Something made the program draw its screen anew, which is no work of its own (S9)."""
        now = self._advance(now)
        if self._output is None or now - self._output >= QUIET_MS:
            self._provoked_until = now + PROVOKED_MS

    def heard(self, now: int, sign: Sign) -> None:
        """The program said something."""
        match sign:
            case Titled(title):
                self.titled(now, title)
            case Notified(source, title, body):
                self.notified(now, source, title, body)
            case Progressed(state, percent):
                self.progressed(now, state, percent)
            case Marked(kind, exit_code):
                self.marked(now, kind, exit_code)
            case _:
                assert_never(sign)

    def titled(self, now: int, title: str) -> None:
        """The program set its title."""
        self._advance(now)
        if not _ASKS.search(title.strip()):
            self._asks = None
        elif self._asks is None:  # Else it blinks.
            self._asks = _cut(f"title: {title.strip()}")
        self._settle()

    def rang(self, now: int) -> None:
        """The program rang the bell."""
        now = self._advance(now)
        if self._typed is None or now - self._typed >= TYPED_MS:
            self._make(_Claim(_Rank.CALLED, "needs input", "bell", now))
        self._settle()

    def notified(self, now: int, source: str, title: str, body: str) -> None:
        """The program notified its user. `source` is the evidence: `OSC 9`."""
        now = self._advance(now)
        text = ": ".join(part for part in (source, title, body) if part)
        self._make(_Claim(_Rank.NOTIFIED, "needs input", _cut(text), now))
        self._settle()

    def progressed(self, now: int, state: ProgressState | None, percent: int | None) -> None:
        """The program reported how far it is; None ends its progress."""
        now = self._advance(now)
        if self._claim is not None and self._claim.of_progress:
            self._claim = None
        shown = "" if percent is None else f" {percent} %"
        self._progress_at = now
        self._progress = None if state is None else f"progress{shown}"
        if state in ("error", "paused"):
            self._make(_Claim(_Rank.CALLED, "needs input", f"progress {state}{shown}", now, of_progress=True))
        self._settle()

    def marked(self, now: int, kind: MarkKind, exit_code: int | None) -> None:
        """The shell marked a prompt, or the begin or end of a command."""
        now = self._advance(now)
        self._asks = None
        if kind == "running":
            self._claim = self._progress = None
            self._running_since, self._at_prompt, self._marks_commands = now, False, True
        else:
            self._prompted(now, exit_code)
        self._settle()

    def reported(self, now: int, state: ReportedState, source: str, message: str) -> None:
        """An agent's hook or a script says what the session is."""
        now = self._advance(now)
        reason = _cut(f"{source}: {message}" if message else source)
        self._claim = _Claim(_Rank.REPORTED, state, reason, now)
        self._settle()

    def typed(self, now: int, *, entered: bool = True) -> None:
        """Somebody typed into it; `entered`: Enter was in it."""
        now = self._advance(now)
        self._typed = self._provoked_until = now
        if entered and self._asks is not None:
            self._asks = self._output = None
        if self._claim is not None:
            if self._claim.state != "working":
                self._output = None
            self._claim = None
        self._settle()
        self._seen = True

    def pressed(self, now: int) -> None:
        """Somebody pressed the mouse in it."""
        self._advance(now)
        if self._claim is not None:
            self._claim.pressed = True
        self._settle()
        self._seen = True

    def saw(self, now: int) -> None:
        """Somebody had it visible for 2 s."""
        self._advance(now)
        self._settle()
        self._seen = True

    def ended(self, now: int, reason: str) -> None:
        """The program ended: `exit code 1`."""
        self._finish(now, "exited", reason)

    def lost(self, now: int, reason: str) -> None:
        """What became of the program cannot be known."""
        self._finish(now, "lost", reason)

    # ---- time

    def next_deadline(self) -> int | None:
        """When `ticked` must be called, if nothing happens before: ms since 1970. None: time alone alters nothing."""
        claim = self._claim
        if self._over is not None or (claim is not None and not _wears_off(claim)):
            return None
        if claim is not None or self._progress:
            return self._silent_since(self._progress_at if claim is None else claim.at) + SILENCE_MS - self._skew
        if self._state == "working" and self._running_since is None and self._output is not None:
            return self._output + QUIET_MS - self._skew
        return None

    def ticked(self, now: int) -> None:
        """Time passed. Early or late calls do no harm."""
        self._advance(now)
        self._settle()

    # ---- inside

    def _advance(self, now: int) -> int:
        """The time inside, which never goes back."""
        self._skew = max(self._skew, self._now - now)
        self._now = now + self._skew
        return self._now

    def _make(self, claim: _Claim) -> None:
        held = self._claim
        overrides = claim.rank is _Rank.NOTIFIED and held is not None and _wears_off(held)
        if held is None or claim.rank >= held.rank or overrides:
            self._claim = claim
            # What calls the user once more is news.
            self._seen = self._seen and (claim.of_progress or claim.state != "needs input")

    def _prompted(self, now: int, exit_code: int | None) -> None:
        begun, self._running_since = self._running_since, None
        self._at_prompt, self._progress = self._marks_commands, None
        if self._claim is not None and (_wears_off(self._claim) or self._claim.of_progress):
            self._claim = None
        if begun is not None and now - begun >= LASTING_MS:
            code = "" if exit_code is None else f", exit code {exit_code}"
            reason = f"command finished{code} after {_duration(now - begun)}"
            self._make(_Claim(_Rank.COMMAND_DONE, "done", reason, now))

    def _finish(self, now: int, state: State, reason: str) -> None:
        self._advance(now)
        self._asks = None
        if self._over is None:
            self._over = state, _cut(reason)
        self._settle()

    def _flows(self, now: int) -> None:
        if now - self._moved >= QUIET_MS:
            self._flow_since = now
        self._moved = now
        claim = self._claim
        if (
            claim is not None
            and self.doubted
            and not self._at_prompt
            and now - max(claim.at, self._flow_since) > ONWARD_MS
        ):
            self._claim = None
        self._settle()

    def _silent_since(self, at: int) -> int:
        return at if self._output is None else max(at, self._output)

    def _settle(self) -> None:
        """Let go of what has worn off, and take the first line of the table that holds."""
        now, claim = self._now, self._claim
        if claim is not None and _wears_off(claim) and now - self._silent_since(claim.at) >= SILENCE_MS:
            self._claim = None
        if self._progress and now - self._silent_since(self._progress_at) >= SILENCE_MS:
            self._progress = None
        state, reason = self._judge(now)
        if state != self._state:
            quiet_since = self._output if reason == "quiet" else None
            self._since = now if quiet_since is None else max(self._since, quiet_since)
            self._state, self._seen = state, False
        self._reason = reason

    def _judge(self, now: int) -> tuple[State, str]:
        if self._over is not None:
            return self._over
        claim = self._claim
        if self._asks is not None and (claim is None or claim.state != "needs input"):
            return "needs input", self._asks
        if claim is not None:
            return claim.state, claim.reason
        if self._progress:
            return "working", self._progress
        if self._running_since is not None:
            return "working", "prompt mark"
        if self._at_prompt:
            return "idle", "prompt mark"
        if self._output is not None and now - self._output < QUIET_MS:
            return "working", self._output_reason
        return "idle", "quiet"


def _wears_off(claim: _Claim) -> bool:
    """A reported `working` is the one claim whose claimant may vanish without anybody having to answer it."""
    return claim.rank is _Rank.REPORTED and claim.state == "working"


def _cut(text: str) -> str:
    return text if len(text) <= MAX_REASON else text[: MAX_REASON - 1] + "…"


def _duration(milliseconds: int) -> str:
    seconds = milliseconds // 1000
    if seconds < 120:
        return f"{seconds} s"
    return f"{seconds // 60} min" if seconds < 7200 else f"{seconds // 3600} h"
