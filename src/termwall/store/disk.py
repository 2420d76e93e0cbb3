"""Files of the data folder, also on a full disk (L5): whether there is room, and what is private there."""

import contextlib
import errno
import os
import secrets
import stat
from pathlib import Path
from typing import BinaryIO

from termwall.system import shortage

PROBE_BYTES = 64 << 10
"""As much as opening the database takes."""


def has_room(folder: Path) -> bool:
    """Whether something can be written there. It is tried, because no figure of the system's knows of quotas."""
    probe = folder / f".room.{secrets.token_hex(4)}"
    try:
        try:
            with open(probe, "xb", buffering=0) as file:
                written = file.write(bytes(PROBE_BYTES))
        finally:
            with contextlib.suppress(OSError):
                probe.unlink()
    except OSError as error:
        return error.errno not in shortage.DISK
    return written == PROBE_BYTES


def open_plain(path: Path) -> BinaryIO:
    """Open a file to read it. What is none, such as a pipe that nobody writes into, is an error and is not waited for
    (L10).

    Raises:
        OSError: it cannot be read.
    """
    file = open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK))  # noqa: SIM115
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        file.close()
        raise OSError(errno.EINVAL, "it is not a file")
    return file


def read_plain(path: Path) -> bytes:
    """A file's bytes; as `open_plain`."""
    with open_plain(path) as file:
        return file.read()


def has_name(descriptor: int, path: Path | str) -> bool:
    """Whether others can still come to what is open: at this path, or, on Linux, where it was moved to.

    What was removed has no name, nor has what is on a file system that was unmounted while it was in use.
    """
    own = os.fstat(descriptor)
    with contextlib.suppress(OSError):
        if os.path.samestat(own, os.stat(path)):
            return True
    with contextlib.suppress(OSError):
        return os.path.samestat(own, os.stat(os.readlink(f"/proc/self/fd/{descriptor}")))
    return False


def moved_to(descriptor: int, folder: Path) -> Path | None:
    """Where the folder is in which an open file is, if it is not that one any more; Linux knows, others say None."""
    with contextlib.suppress(OSError):
        there = Path(os.readlink(f"/proc/self/fd/{descriptor}"))
        if os.path.samestat(os.fstat(descriptor), there.stat()):
            return None if there.parent == Path(os.path.realpath(folder)) else there.parent
    return None


def write_private(path: Path, text: str) -> None:
    """Replace a file by one that only its owner reads: a secret is in it. Where it had a place once, that is enough.

    Raises:
        OSError: it cannot be written; the old one is as it was, unless the disk is full.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w") as file:
            file.write(text)
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if error.errno not in shortage.DISK or not _write_over(path, text):
            raise


def put_aside(path: Path) -> None:
    """Remove a file that `write_private` wrote, and keep its place on the disk for the next one."""
    with contextlib.suppress(OSError):
        path.replace(_aside(path))


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.place")


def _write_over(path: Path, text: str) -> bool:
    """Write into the place of the file before it, which is a block at least, whole or not at all."""
    place = path if path.exists() else _aside(path)
    data = text.encode()
    try:
        room = place.stat().st_size
        # As much of its last block as is free may be had; blanks make up for what is too much.
        with open(place, "r+b", buffering=0) as file:
            if file.write(data.ljust(room)) < len(data):
                return False
        place.replace(path)
    except OSError:
        return False
    return True
