"""Where programs run: in a holder of their own (`holder_client.py`), or as the server's children (`LocalPrograms`).

Either way a program comes with its PTY's master and its memory, which this process reads and writes itself: there is no
hop on a byte's way.
"""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from termwall.core.errors import ErrorCode, TermwallError
from termwall.ipc.memory import Memory, MemoryFault
from termwall.pty.spawn import CannotStart, spawn

POLL_SECONDS = 0.05
"""Between two looks for a child's end where the system has no pidfd."""


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How a program ended: by a code, or by a signal such as `SIGTERM`; neither is known where its holder was lost."""

    code: int | None
    signal: str | None

    @classmethod
    def of(cls, code: int) -> "ExitStatus":
        """From a return code as `subprocess` has them: a negative one is a signal's number."""
        return cls(code, None) if code >= 0 else cls(None, _signal_name(-code))


@dataclass(frozen=True, slots=True)
class Order:
    """What to start."""

    key: str
    """A name of this run that no other has."""
    command: Sequence[str]
    cwd: str
    env: Mapping[str, str]
    """All that the program gets."""
    cols: int
    rows: int
    ring_bytes: int
    input_bytes: int
    kept: bytes = b""
    """What the next server needs of it, should this one end at once."""


class Program:
    """A program that runs or ran. `master` is -1 where nothing can be read any more."""

    def __init__(self, pid: int, master: int, memory: Memory, ended: ExitStatus | None = None) -> None:
        self.pid = pid
        self.master = master
        self.memory = memory
        self.ended = ended
        self.closing = False
        """Whether somebody asked for its end before this server came."""
        self.sealed: str | None = None
        """Why nothing of it can be read here, if so: it runs on, and can only be closed (L9)."""
        self._on_end: Callable[[ExitStatus], None] | None = None

    @property
    def given(self) -> list[int]:
        """What goes along when it is handed on: its memory and terminal; nothing once it was read to its end."""
        return [self.memory.descriptor, self.master] if self.master >= 0 else []

    def watch(self, on_end: Callable[[ExitStatus], None]) -> None:
        """Call back once when it ends; at once, if it has."""
        self._on_end = on_end
        if self.ended is not None:
            on_end(self.ended)

    def end(self, status: ExitStatus) -> None:
        """It has ended."""
        if self.ended is None:
            self.ended = status
            if self._on_end is not None:
                self._on_end(status)

    def keep(self, state: bytes) -> None:
        """Keep this for whoever takes the program over. It replaces what was kept."""

    def close_begins(self) -> None:
        """Its end was asked for: whoever takes it over goes on with that."""

    def drained(self) -> None:
        """All its output was read: close the master."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def forget(self) -> None:
        """Nobody wants to know of it any more: give everything back."""
        self.drained()
        self.memory.close()


class Programs(Protocol):
    """The contract; both kinds pass the same tests."""

    @property
    def outlive(self) -> bool:
        """Whether programs go on when this process ends."""

    async def start(self, order: Order) -> Program:
        """Start a program on a PTY.

        Raises:
            TermwallError: `cannot_start`, with why (P4); `engine_away` while there is nothing to start it.
        """


class LocalPrograms:
    """Programs as this process's own children: they end with it."""

    outlive = False

    async def start(self, order: Order) -> Program:
        """As the contract says."""
        try:
            memory = Memory.create(order.ring_bytes, order.input_bytes)
        except MemoryFault as error:
            raise TermwallError(ErrorCode.CANNOT_START, str(error)) from None
        try:
            child, master = spawn(order.command, order.cwd, order.env, order.cols, order.rows)
        except CannotStart as error:
            memory.close()
            raise TermwallError(ErrorCode.CANNOT_START, str(error), field=error.field) from None
        except BaseException:
            memory.close()
            raise
        return _LocalProgram(child, master, memory)


class _LocalProgram(Program):
    def __init__(self, child: "subprocess.Popen[bytes]", master: int, memory: Memory) -> None:
        super().__init__(child.pid, master, memory)
        self._child = child
        self._loop = asyncio.get_running_loop()
        self._pidfd = -1
        pidfd_open = getattr(os, "pidfd_open", None)  # Linux has it, macOS does not.
        if pidfd_open is not None:
            try:
                self._pidfd = pidfd_open(self.pid)
            except OSError:  # No descriptor is free, or an old kernel: the program runs already, so look for its end.
                pass
        if self._pidfd >= 0:
            self._loop.add_reader(self._pidfd, self._reap)
        else:
            self._loop.call_later(POLL_SECONDS, self._poll)

    def _poll(self) -> None:
        self._reap()
        if self.ended is None:
            self._loop.call_later(POLL_SECONDS, self._poll)

    def _reap(self) -> None:
        code = self._child.poll()
        if code is None:
            return
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self.end(ExitStatus.of(code))


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # A real-time signal has no name of its own.
        return f"SIG{number}"
