"""The caller's terminal, borrowed by `attach` and `play`: raw while they have it, and as it was after every end.

A signal that ends the process gives it back first, and so does one that stops it; when it goes on, it takes the
terminal again. Only SIGKILL leaves it as it is.
"""

import contextlib
import os
import select
import shutil
import signal
import sys
import termios
import time
import tty
from collections.abc import Callable, Iterator
from typing import Any

from termwall.core.caller import ASK_STYLE, Caller
from termwall.core.typed import STYLE

ENDS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT)
ANSWER_SECONDS = 2.0
"""How long the terminal, which may be far away, has to say that it knows of its modes' end: what it reported before
that is thrown away, and what comes later is typed at the caller's prompt."""
REPORTS_BYTES = 8192
"""Of what it reported, that are looked through for its answer of what the cursor's style was before."""
BUSY_SECONDS = 10.0
"""How long one has that has answered before: it does answer, and its machine is busy."""


class BorrowedTerminal:
    """Standard output, a terminal, and standard input where that is one, between `take` and `give_back`.

    Args:
        caller: what was done to it, and undoes that.
        raw: every key comes as it is typed; else Ctrl+C and the like still send signals.
        resumed: called after the process was stopped and goes on: the screen is empty.
    """

    def __init__(self, caller: Caller, *, raw: bool, resumed: Callable[[], None]) -> None:
        self.caller = caller
        self._raw = raw
        self._resumed = resumed
        self._taken = False
        self._giving = False
        self._signal = 0
        """The one that came while the terminal was given back."""
        self._output = sys.stdout.fileno()
        self._input = sys.stdin.fileno() if sys.stdin.isatty() else self._output
        self._asks = sys.stdin.isatty()
        """Whether somebody reads what the terminal answers."""
        self.answers = False
        """Whether it has answered a question."""
        self._before: list[Any] = termios.tcgetattr(self._input)

    def take(self) -> None:
        """Make it raw and tidy."""
        self._taken = True
        self._set_keys()
        if self._asks:
            self.write(ASK_STYLE)
        self.write(self.caller.enter(*shutil.get_terminal_size()))

    def _set_keys(self) -> None:
        (tty.setraw if self._raw else tty.setcbreak)(self._input)

    def write(self, text: str) -> None:
        """Show text; an `OSError` where the terminal is gone."""
        data = memoryview(text.encode("utf-8", "replace"))
        while data:
            try:
                data = data[os.write(self._output, data) :]
            except BlockingIOError:
                select.select([], [self._output], [])

    def give_back(self) -> None:
        """Undo all. A terminal that is gone is no fault; once it was given back, nothing is done."""
        if not self._taken:
            return
        self._taken, self._giving = False, True
        with contextlib.suppress(OSError, termios.error):
            self.write(self.caller.leave(shutil.get_terminal_size().columns))
            if self._asks:
                self._swallow_reports()
            termios.tcsetattr(self._input, termios.TCSADRAIN, self._before)
        self._giving = False
        if self._signal:
            os._exit(128 + self._signal)

    def _swallow_reports(self) -> None:
        """What the terminal reported until it read the end of its modes would be typed at the caller's prompt."""
        self.write("\x1b[5n")
        until = time.monotonic() + (BUSY_SECONDS if self.answers else ANSWER_SECONDS)
        seen = b""
        while b"\x1b[0n" not in seen and (left := until - time.monotonic()) > 0:
            if select.select([self._input], [], [], left)[0]:
                seen = seen[-REPORTS_BYTES:] + (os.read(self._input, 4096) or b"\x1b[0n")
        self.answers = b"\x1b[0n" in seen
        if (late := STYLE.search(seen)) is not None:  # It was asked a moment ago only.
            self.caller.style = int(late[1])
            self.write(f"\x1b[{self.caller.style} q")

    # ---- signals

    def _end(self, number: int, frame: object) -> None:
        # A second one ends at once, whatever hangs. With SIGHUP comes SIGCONT, which must take nothing again.
        for one in (*ENDS, signal.SIGTSTP, signal.SIGCONT):
            signal.signal(one, signal.SIG_DFL)
        if self._giving:
            self._signal = number
            return
        self.give_back()
        # An exception may be raised where nobody lets it through, such as a weak reference's callback.
        os._exit(128 + number)

    def _stop(self, number: int, frame: object) -> None:
        self.give_back()
        handler = signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTSTP,))
        os.kill(os.getpid(), signal.SIGTSTP)  # Nothing happens where no shell could let it go on again.
        signal.signal(signal.SIGTSTP, handler)
        self._go_on(number, frame)

    def _go_on(self, number: int, frame: object) -> None:
        """Also after SIGSTOP, which nobody hears of before: the shell has changed the terminal since."""
        if self._taken:
            self._set_keys()
        else:
            self.take()
        self._resumed()

    @contextlib.contextmanager
    def signals(self) -> Iterator[None]:
        """Give it back also where a signal ends or stops the process."""
        handlers = {**dict.fromkeys(ENDS, self._end), signal.SIGTSTP: self._stop, signal.SIGCONT: self._go_on}
        # An ignored one stays ignored: `nohup` meant it.
        before = {
            number: signal.signal(number, handler)
            for number, handler in handlers.items()
            if signal.getsignal(number) is not signal.SIG_IGN
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextlib.contextmanager
def borrowed(caller: Caller, *, raw: bool, resumed: Callable[[], None]) -> Iterator[BorrowedTerminal]:
    """The terminal for the length of a block."""
    terminal = BorrowedTerminal(caller, raw=raw, resumed=resumed)
    with terminal.signals():
        try:
            terminal.take()
            yield terminal
        finally:
            terminal.give_back()
