"""One program on its PTY: read, typed into, sized and ended (P1-P3). It knows no session id and no viewer."""

import asyncio
import errno
import fcntl
import math
import os
import signal
import struct
import sys
import termios
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ClientId
from termwall.ipc.memory import NO_LIMIT
from termwall.pty.groups import gone, groups_of, groups_of_all, said_by_ps, signal_groups
from termwall.pty.pace import Pace
from termwall.pty.programs import ExitStatus, Program
from termwall.pty.reader import PtyReader

QUIET_SECONDS = 0.1
"""A grandchild may keep the PTY open after the program's end: this long without output, and the end is reported."""
DRAIN_SECONDS = 2.0
"""A grandchild that goes on printing delays the end at most this long."""
DRAIN_READS = 32
"""In one turn of the loop, which others wait for."""
POLL_SECONDS = 0.05
"""Between two looks whether a killed group is gone."""
GONE_SECONDS = 1.0
"""How long a killed group may take to go; where nobody reaps orphans, its zombies never do."""
_OPEN_PEER = 0x5441
"""TIOCGPTPEER: Linux's way to the other side of a PTY, wherever its device is mounted."""
SHELLS = frozenset({"sh", "bash", "zsh", "fish", "dash", "ksh", "tcsh", "csh", "nu", "elvish", "xonsh", "pwsh"})


def is_interactive_shell(command: Sequence[str]) -> bool:
    """Whether a command is a shell at its prompt, not one that runs a script: closing it then ends no work."""
    words = [word for word in command[1:] if not word.startswith("-") or (not word.startswith("--") and "c" in word)]
    return Path(command[0]).name in SHELLS and not words


class PtyProcess:
    """A program that runs, or that ran: `ended` says which.

    Args:
        program: the program, its PTY and its memory; also one that another server started.
        shell: whether a close ends no work while it is at its prompt.
        close_seconds: from SIGHUP to SIGKILL (P3).
        on_output: the ring has new bytes.
        on_exit: called once, after all output is in the ring; not for one that had ended before, and was read.
        pace: the server's.
        watched: whether somebody views it: else its floods make way for keys (`pace.py`).
    """

    def __init__(
        self,
        program: Program,
        *,
        shell: bool,
        close_seconds: float,
        on_output: Callable[[], None],
        on_exit: Callable[[ExitStatus], None],
        pace: Pace,
        watched: Callable[[], bool],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self.program = program
        self.pid = program.pid
        self._shell = shell
        self._close_seconds = close_seconds
        self._on_exit = on_exit
        self._journal = program.memory.journal
        self._writing = False
        self._closing = self._left = False
        self._status: ExitStatus | None = None
        self.ended: ExitStatus | None = None
        self._closed = asyncio.Event()
        self._killer: asyncio.TimerHandle | None = None
        self._groups: set[int] = set()
        self._gone_by = math.inf
        self._drain_until = 0.0
        self._drain_end = 0
        self._ring = program.memory.ring
        self._reader: PtyReader | None = None
        if program.master < 0 and program.ended is not None:
            self._status = self.ended = program.ended
            self._closed.set()
            return
        if program.master >= 0:
            ring, limit = self._ring, program.memory.limit
            self._reader = PtyReader(self._loop, program.master, ring, on_output, self._output_ended, pace, watched)
            self._reader.limit(None if limit == NO_LIMIT else limit)
            self._reader.start()
        # What another server left undone, once who made this knows of it.
        self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        if self.program.master >= 0:
            self._type()
        if self.program.closing:
            self.close()
        self.program.watch(self._program_ended)

    # ---- input, size, state

    def write(self, data: bytes, client: ClientId | None = None, seq: int = 0) -> None:
        """Type bytes into the program: all of them in order, or none (I1, I3). `seq` is the client's number for them.

        Raises:
            TermwallError: `session_ended`; `input_overflow` where too much waits already.
        """
        if (refusal := self.refusal(len(data))) is not None:
            raise refusal
        self._journal.append(data, client, seq)
        if not self._writing:
            self._type()

    def refusal(self, count: int) -> TermwallError | None:
        """Why `write` would not take so many bytes now, if that is so."""
        if self.program.sealed is not None:
            return TermwallError(
                ErrorCode.OTHER_VERSION, f"The program keeps running, but cannot be shown: {self.program.sealed}."
            )
        if self._status is not None or self.program.master < 0:
            return TermwallError(ErrorCode.SESSION_ENDED, "The program has ended.")
        if self._journal.room(count):
            return None
        waits = f"The program does not read: {self._journal.waiting} bytes wait, and no more are taken."
        return TermwallError(ErrorCode.INPUT_OVERFLOW, waits)

    def _type(self) -> None:
        """Write what waits, as far as the program takes it."""
        journal = self._journal
        while data := journal.next():
            try:
                count = self._put(data)
            except (BlockingIOError, InterruptedError):
                count = 0
            except OSError:  # EIO: the program is gone; its end is reported by the reader.
                count = len(data)
            journal.wrote(count)
            if count < len(data):
                self._wait_to_write(True)
                return
        self._wait_to_write(False)

    def _put(self, data: bytes) -> int:
        """Write what the journal gave: so that the kernel counts it, where it can, for who comes after a kill."""
        master, memory = self.program.master, self.program.memory
        if self._journal.counted:
            try:
                return os.sendfile(master, memory.descriptor, None, len(data))
            except (BlockingIOError, InterruptedError):
                raise
            except OSError as error:
                if error.errno == errno.EIO:
                    raise
                # Not on Linux 5.10, and not where there is no memory for the pipe within: that is no death (L4).
                self._journal.uncounted()
        return os.write(master, data)

    def _wait_to_write(self, wanted: bool) -> None:
        if wanted != self._writing:
            self._writing = wanted
            if wanted:
                self._loop.add_writer(self.program.master, self._type)
            else:
                self._loop.remove_writer(self.program.master)

    def print(self, data: bytes) -> None:
        """Put bytes into its output, as if it had printed them: for all that draw it, and in its log (S1)."""
        if self._reader is not None:
            self._reader.insert(data)

    def unread(self) -> bool:
        """Whether input waits until the program reads, here or in its terminal.

        A line that is not complete is not waited for: no program that reads lines can have it.
        """
        if self._journal.waiting or self.program.master < 0:
            return self._journal.waiting > 0
        try:
            slave = fcntl.ioctl(self.program.master, _OPEN_PEER, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK)
        except OSError:  # Not Linux, or the program is gone.
            return False
        try:
            return fcntl.ioctl(slave, termios.FIONREAD, bytes(4)) != bytes(4)
        except OSError:
            return False
        finally:
            os.close(slave)

    def resize(self, cols: int, rows: int) -> None:
        """Set the window's size; the program gets SIGWINCH."""
        if self.program.master >= 0:
            fcntl.ioctl(self.program.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def limit(self, offset: int | None) -> None:
        """Take output up to this offset of the ring, then let the program wait; None: take all of it."""
        if self._closing:
            offset = None
        self.program.memory.limit = NO_LIMIT if offset is None else offset
        if self._reader is not None:
            self._reader.limit(offset)

    def echo(self) -> Literal["on", "off", "prompt", "raw"] | None:
        """Whether the terminal shows what is typed; `off`: a line is read and not shown. Else a program, or a shell's
        prompt, takes each key.
        """
        if self._status is not None or self.program.master < 0:
            return None
        try:
            flags = _local_modes(self.program.master)
            if flags & termios.ECHO:
                return "on"
            if flags & termios.ICANON:
                return "off"
            prompt = self._shell and os.tcgetpgrp(self.program.master) == self.pid
        except (OSError, termios.error):  # The program is gone.
            return None
        return "prompt" if prompt else "raw"

    def foreground(self) -> str | None:
        """The program a close would end; None for a shell that waits at its prompt, and after the end."""
        if self.program.sealed is not None and self._status is None:
            return _name_of(self.pid)
        if self._status is not None or self.program.master < 0:
            return None
        try:
            group = os.tcgetpgrp(self.program.master)
        except OSError:
            return None
        if group == self.pid and self._shell:
            return None
        return _name_of(group)

    # ---- the end

    def close(self, within: float = math.inf, groups: set[int] | None = None) -> None:
        """Ask the program to go: SIGHUP to all groups of its session, SIGKILL after `close_seconds` (P3).

        Returns at once.

        Args:
            within: seconds, for who cannot wait so long; also where it was asked before.
            groups: those of its session, where they are known.
        """
        if self._closed.is_set():
            return
        if self._killer is not None:
            if self._killer.when() > self._loop.time() + within:
                self._killer.cancel()
                self._killer = self._loop.call_later(within, self._kill)
            return
        # Nobody waits for the picture of what it still says, and it must not wait for that itself.
        self._closing = True
        if not self._left:
            self.limit(None)
        if self._status is not None:
            return
        self.program.close_begins()
        self._groups = groups_of(self.pid) if groups is None else groups
        self._signal(signal.SIGHUP)
        self._signal(signal.SIGCONT)  # A stopped program cannot hear the first.
        self._killer = self._loop.call_later(min(self._close_seconds, within), self._kill)

    async def wait_closed(self) -> None:
        """Until the program and, after a `close`, its groups are gone, and every descriptor is closed."""
        await self._closed.wait()

    async def closed_within(self, seconds: float) -> bool:
        """Whether that comes in so many seconds."""
        try:
            await asyncio.wait_for(self._closed.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _signal(self, number: int) -> None:
        self._groups = signal_groups(self._groups, number)

    def _kill(self) -> None:
        if self._status is None:  # While its leader is there, the session's number is nobody else's.
            self._groups |= groups_of(self.pid)
        self._signal(signal.SIGKILL)
        self._gone_by = self._loop.time() + GONE_SECONDS
        self._loop.call_later(GONE_SECONDS, self._unreported)

    def _unreported(self) -> None:
        """It was killed, and nobody says that it has ended: who would may hang. How it ended is not known then."""
        if self._status is None:
            if gone(self.pid):
                self.program.end(ExitStatus(None, None))
            else:  # It waits for a disk, which no signal ends.
                self._loop.call_later(GONE_SECONDS, self._unreported)

    def _await_groups(self) -> None:
        """After the program's own end: those of its groups that stay behind have until SIGKILL (P3)."""
        self._signal(0)
        if self._groups and self._loop.time() < self._gone_by:
            self._loop.call_later(POLL_SECONDS, self._await_groups)
            return
        if self._killer is not None:
            self._killer.cancel()
        self._closed.set()

    def _program_ended(self, status: ExitStatus) -> None:
        self._status = status
        self._drain_until = self._loop.time() + DRAIN_SECONDS
        self._drain_end = -1
        self._drain()

    def _drain(self) -> None:
        """The rest of the output, until the PTY ends or has been quiet for a while."""
        reader = self._reader
        if self.ended is None and reader is not None:
            for _ in range(DRAIN_READS):
                if not reader.drain():
                    break
        if self.ended is not None:
            return
        held = reader is not None and reader.held
        quiet = self._ring.end == self._drain_end and not held
        # A reader that is held waits for the screen, which is bounded; what the program said last is not cut for it.
        late = self._loop.time() >= self._drain_until and not held
        if self.program.master < 0 or quiet or late:
            self._finish()
        else:
            self._drain_end = self._ring.end
            self._loop.call_later(QUIET_SECONDS, self._drain)

    def _output_ended(self) -> None:
        # The program may have closed its terminal and go on; then its end is awaited.
        self._release()
        if self._status is not None:
            self._finish()

    def _release(self) -> None:
        if self._reader is not None:
            self._reader.stop()
            self._reader = None
            self._wait_to_write(False)
            self._journal.drop()
            self.program.drained()

    def leave(self) -> None:
        """Read and write no more: the server goes, the program stays, and its memory is closed."""
        self._left = True
        if self._reader is not None:
            self._reader.stop()
            self._wait_to_write(False)
        if self._killer is not None:
            self._killer.cancel()

    def _finish(self) -> None:
        if self.ended is None and self._status is not None:
            self._release()
            self.ended = self._status
            self._await_groups()
            self._on_exit(self._status)


def _local_modes(descriptor: int) -> int:
    """A terminal's `c_lflag`, read with each key and each output: `tcgetattr` makes a list of 40 objects besides."""
    if sys.platform != "linux":
        return int(termios.tcgetattr(descriptor)[3])
    fcntl.ioctl(descriptor, termios.TCGETS, found := bytearray(64))
    return int.from_bytes(found[12:16], sys.byteorder)


def close_all(processes: Sequence[PtyProcess], within: float = math.inf) -> None:
    """Ask many programs to go, in a moment that does not grow with their number times that of all processes (L6)."""
    groups = groups_of_all(one.pid for one in processes)
    for one in processes:
        one.close(within, groups[one.pid])


def _name_of(pid: int) -> str:
    """A process's name; its number where nobody can say it now. Linux cuts names at 15 bytes, amid a character too."""
    try:
        with open(f"/proc/{pid}/comm", "rb", buffering=0) as file:  # Each new connection asks it of all sessions.
            name = file.read()
    except OSError:  # No /proc, as on macOS, or the process ended this moment.
        name = os.path.basename(said_by_ps("-o", "comm=", "-p", str(pid)).strip())
    return name.decode("utf-8", "replace").strip() or str(pid)
