"""Ends the holder of a test's data folder, and sees whether processes are gone."""

import contextlib
import os
import signal
import time
from pathlib import Path

from termwall.pty.rendezvous import look, reap

END_SECONDS = 10.0


def gone(pid: int) -> bool:
    """Whether a process has ended; a zombie has."""
    reap()
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def end_holder(folder: Path) -> None:
    """End it with all its programs, if there is one, and wait for that."""
    found = look(folder)
    if found is None:
        return
    pid = found["pid"]
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + END_SECONDS
    while not gone(pid):
        if time.monotonic() > until:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            raise AssertionError("the holder did not end")
        time.sleep(0.005)
