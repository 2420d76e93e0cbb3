"""One program on a PTY, in a session and process group of its own (P1-P4). It knows no session id and no viewer."""

import asyncio
import fcntl
import math
import os
import pty
import resource
import signal
import struct
import subprocess
import termios
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ring import Ring
from termwall.pty.pace import Pace
from termwall.pty.reader import PtyReader

QUIET_SECONDS = 0.1
"""A grandchild may keep the PTY open after the program's end: this long without output, and the end is told."""
DRAIN_SECONDS = 2.0
"""A grandchild that goes on printing delays the end at most this long."""
POLL_SECONDS = 0.05
"""Between two looks for a child's end where the system has no pidfd."""
GONE_SECONDS = 1.0
"""How long a killed group may take to go; where nobody reaps orphans, its zombies never do."""
SHELLS = frozenset({"sh", "bash", "zsh", "fish", "dash", "ksh", "tcsh", "csh", "nu", "elvish", "xonsh", "pwsh"})

_DESCRIPTOR_LIMIT = resource.getrlimit(resource.RLIMIT_NOFILE)


@dataclass(frozen=True, slots=True)
class ExitStatus:
    """How a program ended: by a code, or by a signal such as `SIGTERM`."""

    code: int | None
    signal: str | None


def environment(base: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """What a program sees: the server's variables without termwall's own secrets, a terminal's, and the given ones."""
    inherited = {name: value for name, value in base.items() if not name.startswith("TERMWALL_")}
    return {**inherited, "TERM": "xterm-256color", "COLORTERM": "truecolor", **given}


def is_interactive_shell(command: Sequence[str]) -> bool:
    """Whether a command is a shell at its prompt, not one that runs a script: closing it then ends no work."""
    words = [word for word in command[1:] if not word.startswith("-") or (not word.startswith("--") and "c" in word)]
    return Path(command[0]).name in SHELLS and not words


class PtyProcess:
    """A program that runs, or that ran: `ended` tells. Use `PtyProcess.start`."""

    def __init__(
        self,
        child: "subprocess.Popen[bytes]",
        master: int,
        *,
        shell: bool,
        ring: Ring,
        input_bytes: int,
        close_seconds: float,
        on_output: Callable[[], None],
        on_exit: Callable[[ExitStatus], None],
        pace: Pace,
        watched: Callable[[], bool],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._child = child
        self.pid = child.pid
        self._master = master
        self._shell = shell
        self._input_bytes = input_bytes
        self._close_seconds = close_seconds
        self._on_exit = on_exit
        self._waiting: deque[memoryview] = deque()
        self._waiting_bytes = 0
        self._status: ExitStatus | None = None
        self.ended: ExitStatus | None = None
        self._closed = asyncio.Event()
        self._killer: asyncio.TimerHandle | None = None
        self._groups: set[int] = set()
        self._gone_by = math.inf
        self._drain_until = 0.0
        self._drain_end = 0
        self._ring = ring
        self._pidfd = -1
        self._reader = PtyReader(self._loop, master, ring, on_output, self._output_ended, pace, watched)
        self._reader.start()
        self._watch()

    @classmethod
    def start(
        cls,
        *,
        command: Sequence[str],
        cwd: str,
        env: Mapping[str, str],
        cols: int,
        rows: int,
        ring: Ring,
        input_bytes: int,
        close_seconds: float,
        on_output: Callable[[], None],
        on_exit: Callable[[ExitStatus], None],
        pace: Pace,
        watched: Callable[[], bool],
    ) -> "PtyProcess":
        """Start a command on the running loop.

        Args:
            command: the program and its arguments; a bare name is looked up on PATH.
            cwd: an absolute folder.
            env: added to the server's own environment.
            ring: takes the output.
            input_bytes: most input that waits for a program that does not read (I3).
            close_seconds: from SIGHUP to SIGKILL (P3).
            on_output: the ring has new bytes.
            on_exit: called once, after all output is in the ring.
            pace: the server's.
            watched: whether somebody views it: else its floods make way for keys (`pace.py`).

        Raises:
            TermwallError: `cannot_start`, with why (P4).
        """
        if not Path(cwd).is_dir():
            raise TermwallError(ErrorCode.CANNOT_START, f"`{cwd}` is not a folder on the server.", field="cwd")
        if any("\0" in text for text in (*command, *env, *env.values())) or any("=" in name for name in env):
            raise TermwallError(ErrorCode.CANNOT_START, "A command or variable has a character that none may have.")
        try:
            master, slave = pty.openpty()
        except OSError as error:
            raise TermwallError(ErrorCode.CANNOT_START, f"The server has no free terminal: {error.strerror}.") from None
        try:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
            os.set_blocking(master, False)
            child = subprocess.Popen(
                list(command),
                stdin=slave,
                stdout=slave,
                stderr=slave,
                cwd=cwd,
                env=environment(os.environ, env),
                start_new_session=True,
                # Runs between fork and exec: one system call, so that no lock of another thread can be waited for.
                preexec_fn=_take_terminal,
            )
        except BaseException as error:
            os.close(master)
            if isinstance(error, OSError | ValueError | subprocess.SubprocessError):
                raise TermwallError(ErrorCode.CANNOT_START, _why(command[0], error), field="command") from None
            raise
        finally:
            os.close(slave)
        return cls(
            child,
            master,
            shell=is_interactive_shell(command),
            ring=ring,
            input_bytes=input_bytes,
            close_seconds=close_seconds,
            on_output=on_output,
            on_exit=on_exit,
            pace=pace,
            watched=watched,
        )

    # ---- input, size, state

    def write(self, data: bytes) -> None:
        """Type bytes into the program: all of them in order, or none (I1, I3).

        Raises:
            TermwallError: `session_ended`; `input_overflow` where too much waits already.
        """
        self.admit(len(data))
        view = memoryview(data)
        if not self._waiting:
            view = view[self._write_some(view) :]
            if not view:
                return
            self._loop.add_writer(self._master, self._writable)
        self._waiting.append(view)
        self._waiting_bytes += len(view)

    def admit(self, count: int) -> None:
        """Whether `write` would take so many bytes now.

        Raises:
            TermwallError: as `write`.
        """
        if self._status is not None or self._master < 0:
            raise TermwallError(ErrorCode.SESSION_ENDED, "The program has ended.")
        if self._waiting_bytes + count > self._input_bytes:
            raise TermwallError(
                ErrorCode.INPUT_OVERFLOW,
                f"The program does not read: {self._waiting_bytes} bytes wait, and {self._input_bytes} may.",
            )

    def _write_some(self, view: memoryview) -> int:
        try:
            return os.write(self._master, view)
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError:  # EIO: the program is gone; its end is told by the reader.
            return len(view)

    def _writable(self) -> None:
        while self._waiting:
            view = self._waiting[0]
            count = self._write_some(view)
            self._waiting_bytes -= count
            if count < len(view):
                self._waiting[0] = view[count:]
                return
            self._waiting.popleft()
        self._loop.remove_writer(self._master)

    def resize(self, cols: int, rows: int) -> None:
        """Set the window's size; the program gets SIGWINCH."""
        if self._master >= 0:
            fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))

    def limit(self, offset: int | None) -> None:
        """Take output up to this offset of the ring, then let the program wait; None: take all of it."""
        self._reader.limit(offset)

    def foreground(self) -> str | None:
        """The program a close would end; None for a shell that waits at its prompt, and after the end."""
        if self._status is not None or self._master < 0:
            return None
        try:
            group = os.tcgetpgrp(self._master)
        except OSError:
            return None
        if group == self.pid and self._shell:
            return None
        return _name_of(group)

    # ---- the end

    def close(self) -> None:
        """Ask the program to go: SIGHUP to its group, SIGKILL after `close_seconds` (P3). Returns at once."""
        if self._closed.is_set() or self._killer is not None or self._status is not None:
            return
        self._groups = {self.pid}
        try:
            self._groups.add(os.tcgetpgrp(self._master))
        except OSError:  # The terminal is closed already.
            pass
        self._groups.discard(0)
        self._signal(signal.SIGHUP)
        self._signal(signal.SIGCONT)  # A stopped program cannot hear the first.
        self._killer = self._loop.call_later(self._close_seconds, self._kill)

    async def wait_closed(self) -> None:
        """Until the program and, after a `close`, its groups are gone, and every descriptor is closed."""
        await self._closed.wait()

    def _signal(self, number: int) -> None:
        for group in tuple(self._groups):
            try:
                os.killpg(group, number)
            except ProcessLookupError:
                self._groups.discard(group)
            except PermissionError:  # It became another user's: not ours to end.
                self._groups.discard(group)

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._gone_by = self._loop.time() + GONE_SECONDS

    def _await_groups(self) -> None:
        """After the program's own end: those of its groups that stay behind have until SIGKILL (P3)."""
        self._signal(0)
        if self._groups and self._loop.time() < self._gone_by:
            self._loop.call_later(POLL_SECONDS, self._await_groups)
            return
        if self._killer is not None:
            self._killer.cancel()
        self._closed.set()

    def _watch(self) -> None:
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
        if self._status is None:
            self._loop.call_later(POLL_SECONDS, self._poll)

    def _reap(self) -> None:
        code = self._child.poll()
        if code is None:
            return
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
        self._status = ExitStatus(code, None) if code >= 0 else ExitStatus(None, _signal_name(-code))
        self._drain_until = self._loop.time() + DRAIN_SECONDS
        self._drain_end = -1
        self._drain()

    def _drain(self) -> None:
        """The rest of the output, until the PTY ends or has been quiet for a while."""
        if self.ended is None:
            while self._reader.drain() and self._loop.time() < self._drain_until:
                pass
        if self.ended is not None:
            return
        quiet = self._ring.end == self._drain_end and not self._reader.held
        # A reader that is held waits for the screen, which is bounded; what the program said last is not cut for it.
        late = self._loop.time() >= self._drain_until and not self._reader.held
        if self._master < 0 or quiet or late:
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
        if self._master >= 0:
            self._reader.stop()
            self._loop.remove_writer(self._master)
            os.close(self._master)
            self._master = -1
            self._waiting.clear()
            self._waiting_bytes = 0

    def _finish(self) -> None:
        if self.ended is None and self._status is not None:
            self._release()
            self.ended = self._status
            self._await_groups()
            self._on_exit(self._status)


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    # The server raised its own limit; programs that close every descriptor they may have would take long with it.
    resource.setrlimit(resource.RLIMIT_NOFILE, _DESCRIPTOR_LIMIT)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # A real-time signal has no name of its own.
        return f"SIG{number}"


def _why(program: str, error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        if "/" in program:
            return f"`{program}` does not exist on the server, or what its first line asks for does not."
        return f"`{program}` was not found on the server's PATH. Install it, or change the command."
    if isinstance(error, PermissionError):
        return f"`{program}` may not be run: it is not executable for the server's user."
    detail = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"`{program}` could not be started: {detail}."


def _name_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:  # No /proc, as on macOS, or the process ended this moment.
        found = subprocess.run(["ps", "-o", "comm=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return Path(found.stdout.strip()).name or str(pid)
