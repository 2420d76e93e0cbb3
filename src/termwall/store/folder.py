"""The data folder of a server: held by one at a time, and how to find the one that runs. Quick to import."""

import contextlib
import errno
import fcntl
import json
import logging
import os
import signal
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from termwall.store.disk import has_name, moved_to, put_aside, read_plain, write_private
from termwall.system import shortage

STOP_SECONDS = 9.0
"""Until a server that was asked to stop is killed: it ends by itself after 8.5 s, whatever hangs (L3)."""
KILL_SECONDS = 5.0
LOOK_SECONDS = 0.2
"""A command that looks whether a server runs has the lock for a moment: after this it is a server's."""
PIDS = range(2, 1 << 31)
"""What can be a server's: a signal to another number would go to everybody."""
LOCK, RECORD = "lock", "server.json"
LOG_NAME = "server.log"
"""In the data folder: what a server in the background says."""

OTHERS = stat.S_IRWXG | stat.S_IRWXO
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
OURS = (
    *("token", "instance", "lock", "server.json", "restart.json", "server.log", "holder.log", "holder.sock"),
    *("termwall.sqlite", "termwall.toml", "recordings", "bin"),
)
"""How the names of termwall's files in its data folder begin, perhaps after a dot. What else is there is not its own,
and has the folder's rights around it."""

log = logging.getLogger("termwall")


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

    def is_at(self, url: str) -> bool:
        """Whether an address is this server's, so that its token may be shown there (X12).

        Where it is, go to the `url` of this one: on the other address that `localhost` has another user may listen.
        """
        with contextlib.suppress(ValueError):  # It is no address.
            own, other = urlsplit(self.url), urlsplit(url)
            names = {own.hostname, "localhost"} if own.hostname in ("127.0.0.1", "::1") else {own.hostname}
            place = other.scheme, other.port or 80, other.path.rstrip("/")
            return place == (own.scheme, own.port or 80, "") and other.hostname in names
        return False


def private(name: str, flags: int) -> int:
    """`open`'s opener for files that only the server's user reads."""
    return os.open(name, flags, 0o600)


def keep_private(folder: Path) -> None:
    """Make the data folder, or take others' rights from one that is there, and from what is termwall's in it (X1).

    Raises:
        OSError: it cannot be made.
        DataFolderError: anybody may have put files into it, such as a token that he knows.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    before = folder.stat().st_mode
    if before & stat.S_ISVTX and before & stat.S_IWOTH:
        raise DataFolderError(f"`{folder}` is everybody's folder. Name one of your own with --data-dir.")
    ours = (path for path in folder.iterdir() if path.name.lstrip(".").startswith(OURS))
    there = [looked for path in ours if (looked := _looked_at(path)) is not None]
    if before & OTHERS_WRITE:
        strange = next((path for path, found in there if found.st_uid not in (os.getuid(), 0)), None)
        if strange is not None:
            raise DataFolderError(f"`{strange}` is another user's. Name a folder of your own with --data-dir.")
    for path, now in ((folder, folder.stat()), *there):
        if now.st_mode & OTHERS:
            with contextlib.suppress(OSError):  # Another user's folder, or a disk that knows no rights.
                path.chmod(stat.S_IMODE(now.st_mode) & ~OTHERS)
    if folder.stat().st_mode & OTHERS:
        log.warning("`%s` cannot be closed to other users of this machine: its disk or its owner forbids it.", folder)


def _looked_at(path: Path) -> tuple[Path, os.stat_result] | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return None if stat.S_ISLNK(found.st_mode) else (path, found)


class Claim:
    """A server's claim on its data folder: the lock, and `server.json`, by which commands find it.

    Both are files that somebody may remove or write over while the server runs. Then another server could come beside
    it, and no command would find it; so it looks after them, once a second. A folder that was removed it makes anew.
    """

    def __init__(self, folder: Path, lock: IO[str]) -> None:
        self._folder, self._lock = folder, lock
        self.secrets: dict[str, str] = {}
        """What else is written again where it went with the lock: the token, and the instance's name."""
        self._went = False
        self._record, self._place = "", _place(folder / RECORD)

    def write_down(self, record: str) -> None:
        """Keep this in `server.json` from now on.

        Raises:
            OSError: it is not there yet, which `look_after` goes on trying; nor is that of an earlier server.
        """
        self._record = record
        try:
            write_private(self._folder / RECORD, record)  # The address of NATS may hold a password.
        except OSError:
            (self._folder / RECORD).unlink(missing_ok=True)
            raise
        finally:
            self._place = _place(self._folder / RECORD)

    def look_after(self) -> bool:
        """Put back what is gone; whether there was anything. What another server has by now is left alone.

        Raises:
            OSError: it cannot be put back now, or the folder was moved.
        """
        taken = self._lock_again()
        if taken is None:
            return False
        if self._went:
            for name, text in self.secrets.items():
                if not (self._folder / name).exists():
                    write_private(self._folder / name, text)
            self._went = False
        return self._write_again() or taken

    def _lock_again(self) -> bool | None:
        """Whether the lock had to be taken anew; None where another server has it, which takes over from this one."""
        name = self._folder / LOCK
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(self._lock.fileno()), name.stat()):
                return False
        if not has_name(self._lock.fileno(), name):
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif moved_to(self._lock.fileno(), self._folder):  # What is at its old place by now is somebody else's.
            raise FileNotFoundError(errno.ENOENT, "the data folder was moved")
        lock = open(name, "w", opener=private)  # noqa: SIM115
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        self._lock.close()
        self._lock = lock
        self._went = True
        return True

    def _write_again(self) -> bool:
        if not self._record or self._is_written():
            return False
        self.write_down(self._record)
        return True

    def _is_written(self) -> bool:
        return self._place is not None and self._place == _place(self._folder / RECORD)

    def leave(self) -> None:
        """Give the folder back; what another server wrote down there is its own."""
        if self._record and self._is_written():
            put_aside(self._folder / RECORD)
        self._lock.close()


def _place(path: Path) -> tuple[int, ...] | None:
    """Which file is there, and when it was written; None: there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns


@contextlib.contextmanager
def data_folder(path: Path, *, take_over: bool = False) -> Iterator[Claim]:
    """Hold the data folder for one server.

    Args:
        take_over: end the server that has it, whose programs go on.

    Raises:
        DataFolderError: it is no folder that can be written; `DataFolderTaken` where another one has it.
    """
    with contextlib.ExitStack() as held:
        try:
            keep_private(path)
            lock = open(path / LOCK, "w", opener=private)  # noqa: SIM115
        except OSError as error:
            raise DataFolderError(
                f"`{path}` cannot be the data folder: {shortage.why(error)}. Name another one with --data-dir."
            ) from None
        claim = Claim(path, lock)
        held.callback(claim.leave)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not _lock_soon(lock, LOOK_SECONDS) and not (
                take_over and stop_running(path) and _lock_soon(lock, KILL_SECONDS)
            ):
                raise DataFolderTaken(
                    f"Another termwall server uses `{path}`. Stop it with `termwall down`, take over from it with "
                    "--take-over, or give this one another --data-dir."
                ) from None
        yield claim


def stop_running(path: Path) -> bool:
    """End the server that uses this data folder, if one runs; its programs go on. False if it does not end.

    A server that ends takes away what it wrote down before it lets go of the folder, which is when it has ended.
    """
    running = find_running(path)
    if running is None:
        return True
    for number, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(running.pid, number)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found, runs = _written(path)
            if not _taken(path) or (runs and found is not None and found.pid != running.pid):
                return True
            time.sleep(0.02)
    return not _taken(path)


def _taken(path: Path) -> bool:
    """Whether a server has the folder, also one that begins or ends."""
    try:
        with open(path / LOCK) as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _lock_soon(lock: IO[str], seconds: float) -> bool:
    """Another one that waited may have it first."""
    until = time.monotonic() + seconds
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
        found = json.loads(read_plain(path / RECORD))
        pid, settings = found["pid"], found.get("settings", {})
        if not isinstance(pid, int) or pid not in PIDS:
            return None, False
        running = Running(str(found["url"]), pid, str(found.get("version", "")), _strings(settings))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None, False
    return running, _taken(path)


def _strings(found: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in found.items()}
