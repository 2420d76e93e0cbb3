"""Plays a recording's events in the terminal of whoever calls `termwall play`."""

import os
import select
import sys
import time

from termwall.cli.tape import Tape
from termwall.cli.terminal import BorrowedTerminal, borrowed
from termwall.core.asciicast import Event
from termwall.core.caller import Caller
from termwall.core.typed import ANSWER_SECONDS, STYLE

SPEEDS = 0.01, 1000.0
"""The slowest and the fastest."""
KEYS = {
    b" ": "pause",
    b"q": "end",
    b"Q": "end",
    b"?": "help",
    b"h": "help",
    b"[": "slower",
    b"<": "slower",
    b"]": "faster",
    b">": "faster",
    b"=": "as recorded",
    b"\x1b[D": "-5",
    b"\x1bOD": "-5",
    b"\x1b[C": "+5",
    b"\x1bOC": "+5",
    b"\x1b[5~": "-60",
    b"\x1b[6~": "+60",
    b"\x1b[H": "begin",
    b"\x1bOH": "begin",
    b"\x1b[1~": "begin",
    b"\x1b[F": "last",
    b"\x1bOF": "last",
    b"\x1b[4~": "last",
}
HELP = (
    "termwall play",
    "",
    "space             pause, and go on",
    "Left, Right       5 seconds back, on",
    "PgUp, PgDn        60 seconds back, on",
    "Home, End         the beginning, the end",
    "[ or <, ] or >    half, twice as fast",
    "=                 as fast as it was recorded",
    "q                 end",
    "",
    "Any key goes back to the recording.",
)
_LAST = 1e10
"""Seconds; later than anything."""
_STEP = 0.02
"""Seconds in which a key's bytes come together."""


class _Keyboard:
    """Keys as they are pressed; the caller's terminal need not be one that has any."""

    def __init__(self, caller: Caller | None) -> None:
        self._caller = caller
        self._there = sys.stdin.isatty()
        self._data = b""

    def press(self, seconds: float | None) -> str:
        """What the next key is for, waiting so long, or for ever; empty where none came. Other keys are for nothing."""
        if not self._there:
            time.sleep(seconds or 0)
            return "" if seconds is not None else "end"
        if not self._data and not self._read(seconds):
            return ""
        if not self._data:
            return "end"  # The keyboard is gone.
        if self._data.startswith(b"\x1b") and len(self._data) < 4:
            self._read(_STEP)
        if self._data.startswith(b"\x1bP"):
            return self._answered()
        known = next((key for key in KEYS if self._data.startswith(key)), None)
        if known is not None:
            self._data = self._data[len(known) :]
            return KEYS[known]
        # One that is not known goes whole, so that no part of it is taken for a key.
        self._data = b"" if self._data.startswith(b"\x1b") else self._data[1:]
        return "other"

    def _answered(self) -> str:
        """What the terminal was asked for its cursor's style."""
        until = time.monotonic() + ANSWER_SECONDS
        while b"\x1b\\" not in self._data and (left := until - time.monotonic()) > 0 and self._read(left):
            pass
        found = STYLE.match(self._data)
        if found and self._caller is not None:
            self._caller.style = int(found[1])
        self._data = self._data.partition(b"\x1b\\")[2]
        return "other"

    def _read(self, seconds: float | None) -> bool:
        if not select.select([sys.stdin], [], [], seconds)[0]:
            return False
        self._data += os.read(sys.stdin.fileno(), 64)
        return True


def play(tape: Tape, speed: float, idle_limit: float | None) -> None:
    """Until its user has enough, or it has ended and nobody winds it back.

    A terminal gets what draws and nothing that asks it something (S7), and is as it was afterwards. Where the output is
    no terminal it gets every byte.

    Raises:
        CastError: the recording is damaged.
    """
    if not sys.stdout.isatty():
        _Player(tape, speed, idle_limit, _Keyboard(None), None).run()
        return
    caller = Caller(attached=False)
    try:
        with borrowed(caller, raw=False, resumed=lambda: None) as terminal:
            _Player(tape, speed, idle_limit, _Keyboard(caller), terminal).run()
    finally:
        tape.close()


class _Player:
    def __init__(
        self,
        tape: Tape,
        speed: float,
        idle_limit: float | None,
        keyboard: _Keyboard,
        terminal: BorrowedTerminal | None,
    ) -> None:
        self._tape = tape
        self._speed = self._own = speed
        self._idle_limit = idle_limit
        self._keyboard = keyboard
        self._terminal = terminal
        self._since = time.monotonic()
        """When the moment `tape.time` was shown."""
        self._ended = False

    def run(self) -> None:
        while not self._ended and (event := self._tape.peek()) is not None:
            if not self._wait(event):
                self._since += self._pause(event)
                taken = self._tape.take()
                if taken.code == "o":
                    self._show(taken.data)

    def _pause(self, event: Event) -> float:
        """Seconds from the moment that is shown to this event."""
        pause = max(0.0, event.time - self._tape.time) / self._speed
        return pause if self._idle_limit is None else min(pause, self._idle_limit)

    def _wait(self, event: Event) -> bool:
        """Until the event is due. Whether a key changed what comes next."""
        while (left := self._since + self._pause(event) - time.monotonic()) > 0:
            key = self._keyboard.press(left)
            if key:
                return self._obey(key)
        return False

    def _obey(self, key: str) -> bool:
        at = self._tape.time + max(0.0, time.monotonic() - self._since) * self._speed
        following = self._tape.peek()
        if following is not None:
            at = min(at, following.time)
        match key:
            case "end":
                self._ended = True
            case "pause":
                self._hold(at)
            case "help":
                self._help(at)
            case "slower" | "faster" | "as recorded":
                self._at(at)
                self._change_speed(key)
            case "other":
                return False
            case _:
                self._wind(key, at)
        return True

    def _at(self, at: float) -> None:
        """The moment that is shown now is that."""
        self._tape.time, self._since = at, time.monotonic()

    def _change_speed(self, key: str) -> None:
        factor = {"slower": 0.5, "faster": 2.0}.get(key)
        wanted = self._own if factor is None else self._speed * factor
        self._speed = min(SPEEDS[1], max(SPEEDS[0], wanted))

    def _hold(self, at: float) -> None:
        while (key := self._keyboard.press(None)) != "pause":
            if key == "end":
                self._ended = True
                return
            if key == "help":
                self._help(at)
            elif key in ("slower", "faster", "as recorded"):
                self._change_speed(key)
            elif key != "other":
                self._wind(key, at)
                at = self._tape.time
        self._at(at)

    def _wind(self, key: str, at: float) -> None:
        to = {"begin": 0.0, "last": _LAST}.get(key)
        self._draw(self._tape.wind(max(0.0, at + int(key)) if to is None else to))

    def _show(self, text: str) -> None:
        if self._terminal is None:
            sys.stdout.write(text)
            sys.stdout.flush()
        else:
            self._terminal.write(self._terminal.caller.feed(text))

    def _draw(self, picture: str) -> None:
        if self._terminal is not None:
            self._terminal.write(self._terminal.caller.snapshot())
        self._show(picture)
        self._since = time.monotonic()

    def _help(self, at: float) -> None:
        self._show("\x1bc" + "\r\n".join(HELP) + "\r\n")
        if self._keyboard.press(None) == "end":
            self._ended = True
            return
        self._draw(self._tape.wind(at))
