"""The data folder of a server: held by one at a time, and how to find the one that runs. Quick to import."""

import contextlib
import fcntl
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class DataFolderError(Exception):
    """The data folder cannot be used; the message says why."""


class DataFolderTaken(DataFolderError):
    """Another server uses the data folder."""


@dataclass(frozen=True, slots=True)
class Running:
    """How to reach a running server, as it wrote it down in its data folder."""

    url: str
    pid: int


@contextlib.contextmanager
def data_folder(path: Path) -> Iterator[None]:
    """Hold the data folder for one server.

    Raises:
        DataFolderError: it is no folder that can be written; `DataFolderTaken` where another one has it.
    """
    with contextlib.ExitStack() as held:
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = held.enter_context(open(path / "lock", "w"))
        except OSError as error:
            raise DataFolderError(
                f"`{path}` cannot be the data folder: {error.strerror}. Name another one with --data-dir."
            ) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DataFolderTaken(
                f"Another termwall server uses `{path}`. Stop it, or give this one another --data-dir."
            ) from None
        yield


def find_running(path: Path) -> Running | None:
    """The server that uses this data folder, if one runs."""
    try:
        found = json.loads((path / "server.json").read_text())
        with open(path / "lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return Running(found["url"], found["pid"])
    except (OSError, ValueError, KeyError):
        return None
    return None
