"""A terminal as a person has one: a PTY, and our own engine that draws it and answers what it is asked."""

import os
import pty
import select
import signal
import sys
import time
from pathlib import Path

from termwall.screen.ghostty import GhosttyEngine

SECONDS = 120
"""That the slowest machine may take for what is waited for; all ends sooner by the event."""


class OuterTerminal:
    """Runs one command of termwall's after the other in one terminal, of 80 columns and 24 rows."""

    def __init__(self, env: dict[str, str], cwd: Path) -> None:
        self.env = {**env, "COLUMNS": "80", "LINES": "24"}
        self.cwd = cwd
        self.engine = GhosttyEngine(80, 24, 1000)
        self.engine.feed(b"\x1b[4 q")  # A style that no program of the tests chooses, and that can be asked for.
        self.output = b""
        """All that was written to it since `start`."""
        self.pid = self.master = -1

    def start(self, *words: str) -> None:
        """Run `termwall WORDS` in it."""
        self.run(sys.executable, "-m", "termwall", *words)

    def run(self, *command: str) -> None:
        """Run a program in it."""
        self.output = b""
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            # Who runs the tests in the background ignores these, and attach leaves what is ignored alone.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            os.chdir(self.cwd)
            os.execve(command[0], list(command), self.env)

    def child(self) -> int:
        """The process that the command started."""
        return int(Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()[0])

    def type(self, data: bytes) -> None:
        """Press keys."""
        os.write(self.master, data)

    def signal(self, number: int) -> None:
        """Send the command a signal."""
        os.kill(self.pid, number)

    def sees(self, text: bytes) -> None:
        """Wait until this was written to it."""
        until = time.monotonic() + SECONDS
        while text not in self.output:
            assert time.monotonic() < until, self.output[-2000:]
            assert self._read(0.1), (text, self.output[-2000:])

    def shows(self, text: str) -> None:
        """Wait until this stands on its screen."""
        until = time.monotonic() + SECONDS
        while text not in self.engine.text(0):
            assert time.monotonic() < until, self.engine.text(0)
            assert self._read(0.1), self.engine.text(0)

    def shows_soon(self, text: str) -> bool:
        """Whether this stands on its screen within two seconds."""
        until = time.monotonic() + 2
        while text not in self.engine.text(0) and time.monotonic() < until:
            assert self._read(0.1), self.engine.text(0)
        return text in self.engine.text(0)

    def draw(self) -> None:
        """Draw and answer what comes within a tenth of a second."""
        self._read(0.1, ready=True)

    def wait(self) -> int:
        """Until the command ends, or stops; its exit code, or a signal's number below 0."""
        until = time.monotonic() + SECONDS
        pid = status = 0
        while self._read(0.1):
            assert time.monotonic() < until, (self._whereabouts(), self.output[-2000:])
            if not pid:
                pid, status = os.waitpid(self.pid, os.WNOHANG | os.WUNTRACED)
            if pid and os.WIFSTOPPED(status):
                while self._read(0.0, ready=True):
                    pass
                return -os.WSTOPSIG(status)
        if not pid:
            status = os.waitpid(self.pid, 0)[1]
        os.close(self.master)
        self.master = -1
        return os.waitstatus_to_exitcode(status)

    def _whereabouts(self) -> list[str]:
        """What its threads wait in."""
        return [f"{one.name} {(one / 'wchan').read_text()}" for one in Path(f"/proc/{self.pid}/task").glob("*")]

    def _read(self, seconds: float, ready: bool = False) -> bool:
        """Draw what comes; False at the end."""
        if not select.select([self.master], [], [], seconds)[0]:
            return not ready
        try:
            data = os.read(self.master, 65536)
        except OSError:  # EIO: nobody has the other side open.
            data = b""
        self.output += data
        self.engine.feed(data)
        replies = self.engine.take_replies()
        if replies:
            os.write(self.master, replies)
        return bool(data)

    def state(self) -> bytes:
        """Everything about it but its title and its saved cursor."""
        self.engine.feed(b"\x1b7")
        lines = self.engine.snapshot(1000).split(b"\x1b]2;")
        return lines[0] + lines[1].partition(b"\x1b\\")[2]

    def close(self) -> None:
        """Its window is closed."""
        if self.master >= 0:
            os.close(self.master)
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        self.engine.close()
