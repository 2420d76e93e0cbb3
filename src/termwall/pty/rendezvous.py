"""Where a data folder's holder is met: by the socket there, and it is started where there is none (P5)."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from termwall import shortage
from termwall.passing import RECEIVE_BYTES
from termwall.protocol.frames import BadFrame, Unpacker, pack

SOURCE = str(Path(__file__).parents[2])
"""Where the holder finds this package, installed or not."""
SOCKET = "holder.sock"
LOG_BYTES = 1 << 20
"""A longer log of earlier holders is begun anew."""


class HolderError(Exception):
    """There is no holder, and none can be started; the message says why."""


def look(folder: Path) -> dict[str, Any] | None:
    """What the holder of a data folder says of itself; None where there is none."""
    channel = reach(folder)
    if channel is None:
        return None
    with channel:
        channel.settimeout(2.0)
        unpacker = Unpacker()
        try:
            channel.sendall(pack({"op": "look"}))
            while data := channel.recv(RECEIVE_BYTES):
                for header, _ in unpacker.feed(data):
                    return header
        except (OSError, BadFrame):
            pass
    return None


@contextlib.contextmanager
def _address(folder: Path) -> Iterator[str]:
    """A socket's path may have 107 bytes; a data folder's may have more."""
    path = str(folder / SOCKET)
    if len(os.fsencode(path)) < 100 or not os.path.isdir("/proc/self/fd"):
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}/{SOCKET}"
    finally:
        os.close(descriptor)


def reach(folder: Path) -> socket.socket | None:
    """A connection to the holder; None where there is none."""
    channel = socket.socket(socket.AF_UNIX)
    try:
        with _address(folder) as address:
            channel.connect(address)
    except OSError:
        channel.close()
        return None
    return channel


def launch(folder: Path) -> socket.socket:
    """Start a holder, and connect to it. It gets a socket that listens already, so nobody has to wait for it.

    Raises:
        HolderError: with why not.
    """
    try:
        (folder / SOCKET).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX) as listener, _log(folder) as output:
            with _address(folder) as address:
                listener.bind(address)
            os.chmod(folder / SOCKET, 0o600)
            listener.listen()
            # -S: it needs nothing that is installed, so nothing that is installed can break it.
            child = subprocess.Popen(
                [sys.executable, "-S", "-P", "-m", "termwall.pty.holder", str(listener.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(listener.fileno(),),
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": SOURCE},
            )
    except OSError as error:
        what = f"The process that holds the sessions cannot be started in `{folder}`: {shortage.why(error)}."
        if shortage.is_shortage(error):
            raise HolderError(what) from None
        raise HolderError(f"{what} Name another --data-dir, or run with --no-outlive.") from None
    # It is meant to outlive this process; while it does not, nobody but this process can reap it.
    _children.append(child)
    channel = reach(folder)
    if channel is None:
        raise HolderError("The process that holds the sessions does not listen.")
    return channel


def _log(folder: Path) -> IO[bytes]:
    """The holder's log; on a full disk it has none."""
    path = folder / "holder.log"
    mode = "wb" if path.exists() and path.stat().st_size > LOG_BYTES else "ab"
    try:
        return open(path, mode)
    except OSError as error:
        if error.errno not in shortage.DISK:
            raise
        return open(os.devnull, "ab")


_children: list["subprocess.Popen[bytes]"] = []


def reap() -> None:
    """Let go of holders that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]
