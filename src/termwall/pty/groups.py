"""The process groups of a terminal's session (P3). Standard library only.

A shell without job control, a job, or a program that makes a group of its own: all are in the session that the program
on the terminal leads. What began a session of its own (`setsid`) is not.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable
from pathlib import Path

LOOK_SECONDS = 0.02
PS_SECONDS = 1.0


def groups_of(session: int) -> set[int]:
    """The process groups of a session: those of every process in it, also where its leader has ended.

    Args:
        session: the process id of its leader.
    """
    return groups_of_all((session,))[session]


def groups_of_all(sessions: Iterable[int]) -> dict[int, set[int]]:
    """The same of many sessions, which costs as much as of one: it is asked of every process there is."""
    found = {session: {session} for session in sessions}
    for pid in _processes():
        try:
            if (groups := found.get(os.getsid(pid))) is not None:
                groups.add(os.getpgid(pid))
        except OSError:  # It ended this moment, or is not ours to ask.
            continue
    return {session: groups - {0} for session, groups in found.items()}


def signal_groups(groups: set[int], number: int) -> set[int]:
    """Send a signal to each. Gives those that are there; 0 as the signal only looks."""
    there = set()
    for group in groups:
        try:
            os.killpg(group, number)
            there.add(group)
        except (ProcessLookupError, PermissionError):  # Gone, or another user's by now: not ours to end.
            continue
    return there


def said_by_ps(*options: str) -> bytes:
    """What `ps` prints; nothing where it cannot be run now: no descriptor or process is free."""
    try:
        return subprocess.run(
            ["ps", *options], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False, timeout=PS_SECONDS
        ).stdout
    except (OSError, subprocess.TimeoutExpired):
        return b""


def kill_held(holder: int, seconds: float) -> bool:
    """Kill a holder that does not end, and the programs that are its children. Whether it is gone after so long."""
    try:
        children = [int(pid) for pid in Path(f"/proc/{holder}/task/{holder}/children").read_text().split()]
    except OSError:  # macOS, or it has ended: programs lose their terminals, which ends most of them.
        children = []
    groups = {group for child in children for group in groups_of(child)}
    with contextlib.suppress(ProcessLookupError):
        os.kill(holder, signal.SIGKILL)
    signal_groups(groups, signal.SIGKILL)
    until = time.monotonic() + seconds
    while not gone(holder) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return gone(holder)


def gone(pid: int) -> bool:
    """Whether a process has ended, also where nobody has reaped it yet."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[:1] in ([b"Z"], [b"X"])
    except (FileNotFoundError, ProcessLookupError):
        if os.path.isdir("/proc/self"):
            return True
    except OSError:  # No descriptor is free.
        return False
    try:  # macOS has no /proc.
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


def _processes() -> list[int]:
    try:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    except OSError:  # macOS has no /proc.
        return [int(line) for line in said_by_ps("-axo", "pid=").split()]
