"""What one session wants from its user, and why we think so (S9). Never does it depend on who looks.

The strongest that holds is the state; what ends it is in the third column. Times are milliseconds since 1970.

    what was heard                               state         ends with
    the program ended, or was lost               exited, lost  restart
    bell (not right after a key)                 needs input   typing; a new command; 10 s of steady output
    OSC 9, 99, 777; progress: error, paused      needs input   as a bell
    a hook or `termwall notify`: needs input     needs input   typing; a new command; being told something else
    told: working, idle                          as told       the same; working: after 10 minutes of silence too
    mark: a command runs (OSC 133 C)             working       mark: it finished, or a new prompt
    progress: normal, indeterminate              working       progress ended
    a command finished after 5 s or more,        done          typing; a new command; being told something else
      a progress of 5 s or more ended, told: done
    mark: a prompt, or a shorter command ended   idle          mark: a command runs
    output within 3 s                            working       3 s of quiet
    nothing                                      idle

A bell within a second after a key is the shell's answer to it (no completion, end of the line). Steady output is output
without a pause of 3 s: who goes on printing does not wait. An agent that neither rings nor tells is working while it
prints and idle when it is quiet; that it waits for an answer cannot be seen from that, so let it tell by a hook.
"""

from typing import Literal

from termwall.core.osc import MarkKind, ProgressState

State = Literal["working", "needs input", "done", "idle", "exited", "lost"]

QUIET = 3_000
"""Output counts as working for so long after it."""
KEY = 1_000
"""A bell so soon after a key counts for nothing."""
STEADY = 10_000
"""Steady output for so long ends what a bell or a notification asked for."""
LONG = 5_000
"""A command or progress that took so long is worth telling that it is done."""
SILENCE = 600_000
"""Told to be working, and then neither output nor another word for so long: it is not believed any more."""
MAX_REASON = 120
"""Characters of the evidence; more is cut."""


class Watch:
    """One session's attention: tell it what happens, read `value`."""

    def __init__(self, now: int) -> None:
        self.restarted(now)

    def restarted(self, now: int) -> None:
        """A new run begins: nothing of the old one holds."""
        self._final: tuple[State, str] | None = None
        self._asked: str | None = None
        self._asked_by_word = False
        self._run_since = now
        self._told: tuple[State, str] | None = None
        self._told_at = now
        self._command_since: int | None = None
        self._progress: str | None = None
        self._progress_since = now
        self._done: str | None = None
        self._at_prompt = False
        self._last_output = now
        self._typed_at: int | None = None
        self._state: State = "working"
        self._reason = "started"
        self._since = now
        self._seen = False

    @property
    def value(self) -> tuple[State, str, int, bool]:
        """The state, its evidence, since when, and whether somebody has seen it."""
        return self._state, self._reason, self._since, self._seen

    @property
    def waiting(self) -> bool:
        """Whether it waits for its user: then it is evicted last (F3)."""
        return self._state == "needs input"

    # ---- what happens

    def printed(self, now: int) -> None:
        """The program wrote something."""
        if now - self._last_output > QUIET:
            self._run_since = now
        self._last_output = now
        if self._asked is not None and not self._asked_by_word and now - self._run_since >= STEADY:
            self._asked = None
        self._settle(now)

    def rang(self, now: int) -> None:
        """The bell."""
        if self._typed_at is None or now - self._typed_at > KEY:
            self._ask(now, "bell")

    def notified(self, now: int, source: str, title: str, body: str) -> None:
        """News for the user, by an operating system command such as `OSC 9`."""
        self._ask(now, f"{source}: {title or body}")

    def progressed(self, now: int, state: ProgressState | None, percent: int | None) -> None:
        """The program told how far it is; None: no more."""
        if state is None:
            if self._progress is not None and now - self._progress_since >= LONG:
                self._done = "progress ended"
            self._progress = None
        elif state in ("error", "paused"):
            self._progress = None
            self._ask(now, f"progress: {state}")
        else:
            if self._progress is None:
                self._progress_since = now
            self._progress = "progress" if percent is None else f"progress {percent} %"
        self._settle(now)

    def marked(self, now: int, kind: MarkKind, exit_code: int | None) -> None:
        """A shell told where it is (OSC 133)."""
        running = self._command_since
        if kind == "running":
            self._forget()
            self._command_since, self._at_prompt = now, False
        else:
            self._command_since, self._at_prompt = None, True
            if kind == "finished" and running is not None and now - running >= LONG:
                ended = "" if exit_code is None else f", exit code {exit_code}"
                self._done = f"command finished after {(now - running) // 1000} s{ended}"
        self._settle(now)

    def told(self, now: int, state: State, source: str, message: str) -> None:
        """An agent's hook or a script says what the session wants."""
        self._forget()
        reason = f"{source}: {message}" if message else source
        if state == "needs input":
            self._ask(now, reason, by_word=True)
        elif state == "done":
            self._done = reason
        else:
            self._told, self._told_at = (state, reason), now
        self._settle(now)

    def typed(self, now: int) -> None:
        """Its user typed: whatever it asked for is answered, whatever was done is seen."""
        self._typed_at = now
        self._forget()
        self._settle(now)
        self._seen = True

    def saw(self, now: int) -> None:
        """Somebody had it visible for a while."""
        self._settle(now)
        self._seen = True

    def ended(self, now: int, reason: str) -> None:
        """The program ended."""
        self._final = "exited", reason
        self._settle(now)

    def lost(self, now: int, reason: str) -> None:
        """The program is gone, and nobody knows how it ended."""
        self._final = "lost", reason
        self._settle(now)

    # ---- time

    def next_deadline(self) -> int | None:
        """When `ticked` must be called, or None."""
        if self._final is not None or self._asked is not None:
            return None
        if self._told is not None:
            return self._silent_at if self._told[0] == "working" else None
        if self._state == "working" and self._command_since is None and self._progress is None:
            return self._last_output + QUIET
        return None

    def ticked(self, now: int) -> None:
        """Time went by."""
        self._settle(now)

    # ---- parts

    @property
    def _silent_at(self) -> int:
        return max(self._told_at, self._last_output) + SILENCE

    def _ask(self, now: int, reason: str, *, by_word: bool = False) -> None:
        self._asked, self._asked_by_word = reason, by_word
        self._run_since = now
        self._settle(now)
        if self._final is None:
            self._seen = False

    def _forget(self) -> None:
        self._asked = self._told = self._done = None

    def _settle(self, now: int) -> None:
        if self._told is not None and self._told[0] == "working" and now >= self._silent_at:
            self._told = None
        state, reason, since = self._strongest(now)
        if state != self._state:
            self._state, self._since, self._seen = state, since, False
        self._reason = reason[:MAX_REASON]

    def _strongest(self, now: int) -> tuple[State, str, int]:
        if self._final is not None:
            return *self._final, now
        if self._asked is not None:
            return "needs input", self._asked, now
        if self._told is not None:
            return *self._told, now
        if self._command_since is not None:
            return "working", "a command runs", now
        if self._progress is not None:
            return "working", self._progress, now
        if self._done is not None:
            return "done", self._done, now
        if self._at_prompt:
            return "idle", "at its prompt", now
        if now - self._last_output < QUIET:
            return "working", "started" if self._reason == "started" else "output", now
        return "idle", "quiet", self._last_output
