"""Starts a program on a new PTY, in a session and process group of its own (P1, P4). Standard library only."""

import errno
import fcntl
import os
import signal
import struct
import subprocess
import termios
from collections.abc import Mapping, Sequence
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit

from termwall.pty.place import NoPlace, enter, shown
from termwall.system import descriptors, shortage

DESCRIPTOR_LIMIT = descriptors.STARTED_WITH
"""Programs get what whoever started the server had: those that close every descriptor they may have would take long
with more, and `select` knows the first 1,024 only."""


OWN_SIGNALS = tuple(
    number for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP} if number < signal.SIGRTMIN
)
"""What a program may handle: `nohup` and shells start servers with some ignored, which a program would inherit."""


class CannotStart(Exception):
    """Why, as a sentence; `field` is the part of the request that is wrong."""

    def __init__(self, sentence: str, field: str | None = None) -> None:
        super().__init__(sentence)
        self.field = field


def spawn(
    command: Sequence[str],
    cwd: str,
    env: Mapping[str, str],
    cols: int,
    rows: int,
    files: tuple[int, int] = DESCRIPTOR_LIMIT,
) -> tuple["subprocess.Popen[bytes]", int]:
    """Start a command.

    Args:
        command: the program and its arguments; a bare name is looked up on the PATH of `env`.
        cwd: an absolute folder.
        env: all that the program gets.
        cols, rows: the window's size.
        files: how many it may have open: the soft and the hard limit; no more than this process may have.

    Returns:
        The child, and the PTY's master, which does not block.

    Raises:
        CannotStart: with why.
    """
    if lacking := descriptors.short():
        raise CannotStart(f"There is no room for another program. {lacking}")
    try:
        enter(cwd)
    except NoPlace as error:
        raise CannotStart(str(error), "cwd") from None
    if any("\0" in text for text in (*command, *env, *env.values())) or any(not name or "=" in name for name in env):
        raise CannotStart("A command or variable has a character that is not allowed there.")
    try:
        master, slave = os.openpty()
    except OSError as error:
        why = _NO_TERMINAL if error.errno in (errno.ENOSPC, errno.EAGAIN) else shortage.why(error)
        raise CannotStart(f"The machine has no free terminal: {why}.") from None
    allowed = _within(files, getrlimit(RLIMIT_NOFILE)[1])

    def prepare() -> None:
        # Between fork and exec: system calls only, so that no lock of another thread can be waited for.
        for number in OWN_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        setrlimit(RLIMIT_NOFILE, allowed)

    try:
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
        os.set_blocking(master, False)
        child = subprocess.Popen(
            list(command),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=dict(env),
            start_new_session=True,
            preexec_fn=prepare,
        )
    except BaseException as error:
        os.close(master)
        if shortage.is_shortage(error):
            raise CannotStart(f"{shown(command[0])} could not be started: {shortage.why(error)}.") from None
        if isinstance(error, OSError | ValueError | subprocess.SubprocessError):
            if isinstance(error, PermissionError) and error.filename == cwd:  # It changed since it was looked at.
                raise CannotStart(f"The server's user has no permission to enter {shown(cwd)}.", "cwd") from None
            raise CannotStart(_why(shown(command[0]), error), "command") from None
        raise
    finally:
        os.close(slave)
    return child, master


_NO_TERMINAL = "all that it may have are in use; end some programs, or raise `kernel.pty.max`"


def _within(files: tuple[int, int], most: int) -> tuple[int, int]:
    """Limits that may be set where the hard one is `most`: nobody may raise that again."""
    if most == RLIM_INFINITY:
        return files
    soft, hard = (most if one == RLIM_INFINITY else min(one, most) for one in files)
    return soft, hard


def _why(program: str, error: BaseException) -> str:
    if isinstance(error, FileNotFoundError):
        if "/" in program:
            return f"{program} does not exist on the server, or what its first line asks for does not."
        return f"{program} was not found on the server's PATH. Install it, or change the command."
    if isinstance(error, PermissionError):
        return f"{program} may not be run: it is not executable for the server's user."
    detail = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{program} could not be started: {detail}."
