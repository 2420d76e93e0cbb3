"""A program in the holder, as its owner has it."""

import asyncio
import contextlib
import os
import signal
from typing import Protocol

from termwall.ipc.memory import Memory
from termwall.pty.groups import gone
from termwall.pty.programs import ExitStatus, Program

POLL_SECONDS = 0.5
"""Between two looks for a program's end, where neither the holder nor a descriptor says it."""


class Link(Protocol):
    """The way to the holder."""

    def send(self, what: str, key: str, body: bytes = b"") -> None:
        """Say something of a program."""

    def forgotten(self, program: "HeldProgram") -> None:
        """A program's memory was given back."""


class HeldProgram(Program):
    """A program in the holder."""

    def __init__(self, link: Link, key: str, pid: int, master: int, memory: Memory, ended: ExitStatus | None) -> None:
        super().__init__(pid, master, memory, ended)
        self.key = key
        self.kept = b""
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._pidfd = -1
        self._poll: asyncio.TimerHandle | None = None

    def keep(self, state: bytes) -> None:
        """As the contract says."""
        if state != self.kept:
            self.kept = state
            self._link.send("keep", self.key, state)

    def close_begins(self) -> None:
        """As the contract says."""
        self.closing = True
        self._link.send("closing", self.key)

    def drained(self) -> None:
        """As the contract says."""
        if self.master >= 0:
            self._link.send("drained", self.key)
        super().drained()

    def end(self, status: ExitStatus) -> None:
        """As the contract says."""
        self.heed_no_more()
        super().end(status)

    def forget(self) -> None:
        """As the contract says."""
        self.heed_no_more()
        super().forget()
        self._link.forgotten(self)

    def heed(self) -> None:
        """Nobody else reports its end now: see to it here, until a holder has it again. How it ends is not known."""
        if self.ended is not None or self._pidfd >= 0 or self._poll is not None:
            return
        try:
            self._pidfd = os.pidfd_open(self.pid)
        except (AttributeError, OSError):  # macOS, no free descriptor, or it is gone.
            self._look()
        else:
            self._loop.add_reader(self._pidfd, self.end, ExitStatus(None, None))

    def heed_no_more(self) -> None:
        """Somebody else does."""
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None

    def _look(self) -> None:
        self._poll = self._loop.call_later(POLL_SECONDS, self._look)
        if gone(self.pid):
            self._poll.cancel()
            self._poll = self._loop.call_soon(self.end, ExitStatus(None, None))  # type: ignore[assignment]


def discard(program: Program) -> None:
    """A program that nobody wants: it ends at once, and everything is given back."""
    if program.ended is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(program.pid, signal.SIGKILL)
    program.forget()
