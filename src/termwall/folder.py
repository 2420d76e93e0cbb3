"""The data folder of a server: held by one at a time, and how to find the one that runs. Quick to import."""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from termwall import shortage

STOP_SECONDS = 9.0
"""Until a server that was told to stop is killed: it ends by itself after 8.5 s, whatever hangs (L3)."""
KILL_SECONDS = 5.0
LOG_NAME = "server.log"
"""In the data folder: what a server in the background says."""


class DataFolderError(Exception):
    """The data folder cannot be used; the message says why."""


class DataFolderTaken(DataFolderError):
    """Another server uses the data folder."""


@dataclass(frozen=True, slots=True)
class Running:
    """How to reach a running server, as it wrote it down in its data folder."""

    url: str
    pid: int
    version: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    """What it was started with, as variables of the environment."""


@contextlib.contextmanager
def data_folder(path: Path, *, take_over: bool = False) -> Iterator[None]:
    """Hold the data folder for one server.

    Args:
        take_over: end the server that has it, whose programs go on.

    Raises:
        DataFolderError: it is no folder that can be written; `DataFolderTaken` where another one has it.
    """
    with contextlib.ExitStack() as held:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = held.enter_context(open(path / "lock", "w"))
        except OSError as error:
            raise DataFolderError(
                f"`{path}` cannot be the data folder: {shortage.why(error)}. Name another one with --data-dir."
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not (take_over and stop_running(path) and _lock_soon(lock)):
                raise DataFolderTaken(
                    f"Another termwall server uses `{path}`. Stop it with `termwall down`, take over from it with "
                    "--take-over, or give this one another --data-dir."
                ) from None
        yield


def stop_running(path: Path) -> bool:
    """End the server that uses this data folder, if one runs; its programs go on. False if it does not end."""
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        running = find_running(path)
        if running is None:
            return True
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, number)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            if find_running(path) is None:
                return True
            time.sleep(0.02)
    return find_running(path) is None


def _lock_soon(lock: IO[str]) -> bool:
    """Another one that waited may have it first."""
    until = time.monotonic() + KILL_SECONDS
    while time.monotonic() < until:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False


def find_running(path: Path) -> Running | None:
    """The server that uses this data folder, if one runs."""
    found, runs = _written(path)
    return found if runs else None


def find_crashed(path: Path) -> Running | None:
    """The last server of this data folder, if it was killed: one that ends by itself takes away what it wrote down."""
    found, runs = _written(path)
    return None if runs else found


def _written(path: Path) -> tuple[Running | None, bool]:
    """What a server wrote down, and whether one has the folder."""
    try:
        found = json.loads((path / "server.json").read_text())
        running = Running(found["url"], found["pid"], found.get("version", ""), found.get("settings", {}))
        with open(path / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return running, True
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None, False
    return running, False
