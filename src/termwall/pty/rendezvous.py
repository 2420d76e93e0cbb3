"""Where the holder and its owners meet: a Unix socket in the data folder, and a lock on the folder itself.

The lock is held by the holder for as long as it lives. It is on the folder and not on a file, so nothing that somebody
removes from the folder can make a second holder begin: while the folder is locked there is one, and it makes its socket
anew within a second when that is gone. Standard library only.
"""

import contextlib
import fcntl
import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from termwall.ipc.frames import BadFrame, Unpacker, pack
from termwall.ipc.passing import RECEIVE_BYTES
from termwall.system import shortage

SOURCE = str(Path(__file__).parents[2])
"""Where the holder finds this package, installed or not."""
SOCKET = "holder.sock"
REACH_SECONDS = 1.0
"""Until the kernel has the connection: a holder that takes none has a full queue of them."""
MEET_SECONDS = 5.0
"""How long a holder that lives, but has no socket, may take to make one."""
LOOK_SECONDS = 0.05
LOG_BYTES = 1 << 20
"""A longer log of earlier holders is begun anew."""


class HolderError(Exception):
    """There is no holder, and none can be started; the message says why."""


class HolderSilent(HolderError):
    """There is a holder, and it does not answer. `pid` is its process, where that is known."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        self.pid = pid
        end = "." if pid is None else f", or end it with `kill -KILL {pid}`."
        super().__init__(f"The process that holds the sessions of `{folder}` does not answer. Wait until it does{end}")


def look(folder: Path, seconds: float = 2.0) -> dict[str, Any] | None:
    """What the holder of a data folder says of itself; None where there is none.

    Args:
        seconds: how long it may take to answer.

    Raises:
        HolderSilent: there is one that does not.
        HolderError: whether there is one cannot be found out.
    """
    until = time.monotonic() + seconds
    try:
        channel = _find(folder, until)
    except OSError as error:
        raise _unreachable(folder, error) from None
    if channel is None:
        return None
    with channel:
        unpacker = Unpacker()
        try:
            channel.settimeout(_left(until))
            channel.sendall(pack({"op": "look"}))
            while data := channel.recv(RECEIVE_BYTES):
                for header, _ in unpacker.feed(data):
                    return header
                channel.settimeout(_left(until))
        except TimeoutError:
            raise HolderSilent(folder, peer_of(channel)) from None
        except (OSError, BadFrame):
            pass  # It ended at this very moment.
    return None


def meet(folder: Path, *, start: bool) -> socket.socket:
    """A connection to the holder of a data folder. Blocks for some seconds at most.

    Args:
        start: whether to start a holder where there is none.

    Raises:
        HolderError: there is none, or it cannot be reached.
    """
    until = time.monotonic() + MEET_SECONDS
    while True:
        try:
            channel = _find(folder, until)
        except OSError as error:
            raise _unreachable(folder, error) from None
        if channel is not None:
            return channel
        if not start:
            raise HolderError(f"No process holds the sessions of `{folder}`.")
        if (left := _left_behind(folder)) is not None:  # It makes its socket within a second, in the new folder.
            if time.monotonic() >= until:
                raise HolderSilent(folder, left)
            time.sleep(LOOK_SECONDS)
            continue
        try:
            return _launch(folder)
        except BlockingIOError:  # Somebody looks whether there is one, or another one starts it.
            if time.monotonic() >= until:
                raise HolderSilent(folder, None) from None
            time.sleep(LOOK_SECONDS)


def peer_of(channel: socket.socket) -> int | None:
    """The process of the holder at the other end, where the system knows."""
    pid = _listener_of(channel)
    # Of an older holder it is the server that made its socket, or whoever has that number by now.
    return pid if pid is not None and is_holder(pid) else None


def made_here(channel: socket.socket) -> bool:
    """Whether this process has just made the socket for a holder, which had not begun when it was connected to."""
    return _listener_of(channel) == os.getpid()


def _listener_of(channel: socket.socket) -> int | None:
    """The process that listened last at the other end, where the system knows."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return None
    try:
        pid: int = struct.unpack("3i", channel.getsockopt(socket.SOL_SOCKET, option, 12))[0]
    except OSError:
        return None
    return pid


def is_holder(pid: int) -> bool:
    """Whether a process is a holder, as far as the system says."""
    try:
        return b"termwall.pty.holder" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def _unreachable(folder: Path, error: OSError) -> HolderError:
    return HolderError(
        f"The process that holds the sessions of `{folder}` cannot be looked for: {shortage.why(error)}. Try again."
    )


def listen(folder: Path | str) -> socket.socket:
    """A socket that listens in a folder, in the place of whatever was there.

    Raises:
        OSError: it cannot be made.
    """
    listener = socket.socket(socket.AF_UNIX)
    fresh = f".{SOCKET}.{os.getpid()}"
    try:
        with _address(folder, fresh) as address:
            Path(folder, fresh).unlink(missing_ok=True)
            listener.bind(address)
        os.chmod(Path(folder, fresh), 0o600)
        listener.listen()
        # In one step, so that nobody finds a place where no socket is.
        os.replace(Path(folder, fresh), Path(folder, SOCKET))
    except BaseException:
        listener.close()
        with contextlib.suppress(OSError):
            Path(folder, fresh).unlink(missing_ok=True)
        raise
    return listener


def place_of(folder: Path | str) -> tuple[int, int] | None:
    """Which file is where the socket belongs; None: there is none."""
    try:
        found = os.stat(Path(folder, SOCKET), follow_symlinks=False)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def reach(folder: Path | str, seconds: float = REACH_SECONDS) -> socket.socket | None:
    """A connection to whoever listens in a folder; None where nobody does. It blocks no longer than it should.

    Raises:
        TimeoutError: who listens takes no connection.
        OSError: it cannot be tried.
    """
    channel = socket.socket(socket.AF_UNIX)
    until = time.monotonic() + seconds
    try:
        while True:
            channel.settimeout(_left(until))
            try:
                with _address(folder, SOCKET) as address:
                    channel.connect(address)
                    return channel
            except (FileNotFoundError, NotADirectoryError, ConnectionRefusedError):
                channel.close()
                return None
            except BlockingIOError:  # Its queue is full. No system call waits for room in it with a limit.
                if time.monotonic() >= until:
                    raise TimeoutError from None
            time.sleep(LOOK_SECONDS)
    except BaseException:
        channel.close()
        raise


def _find(folder: Path, until: float) -> socket.socket | None:
    """A connection to the holder, if there is one: also to one that is about to make its socket anew.

    Raises:
        HolderSilent: it takes none.
    """
    while True:
        try:
            channel = reach(folder, max(LOOK_SECONDS, min(REACH_SECONDS, until - time.monotonic())))
        except TimeoutError:
            raise HolderSilent(folder, None) from None
        if channel is not None or not _locked(folder):
            return channel
        if time.monotonic() >= until:
            raise HolderSilent(folder, None)
        time.sleep(LOOK_SECONDS)


def _left_behind(folder: Path) -> int | None:
    """The process of a holder whose folder was here and was removed with its lock, where the system knows (L12)."""
    gone = f"{os.path.realpath(folder)} (deleted)"
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # It ended, or is another user's.
            if is_holder(int(process.name)) and any(gone == os.readlink(one) for one in process.glob("fd/*")):
                return int(process.name)
    return None


def _locked(folder: Path) -> bool:
    try:
        with _lock(folder):
            return False
    except BlockingIOError:
        return True
    except (FileNotFoundError, NotADirectoryError):  # No such folder: then nobody holds anything of it.
        return False


@contextlib.contextmanager
def _lock(folder: Path) -> Iterator[int]:
    """The folder's lock. Who inherits the descriptor has it after this block.

    Raises:
        BlockingIOError: a holder has it.
    """
    descriptor = take_lock(folder)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def take_lock(folder: Path | str) -> int:
    """A descriptor of a folder, with its lock.

    Raises:
        BlockingIOError: a holder has it.
        OSError: there is no such folder, or it cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:  # Not every network's file system has locks on folders.
        pass
    return descriptor


def _launch(folder: Path) -> socket.socket:
    """Start a holder. It gets a socket that listens already, so nobody has to wait for it.

    Raises:
        BlockingIOError: somebody has the folder's lock.
        HolderError: it cannot be started.
    """
    try:
        with _lock(folder) as lock, listen(folder) as listener, _log(folder) as output:
            # -S: it needs nothing that is installed, so nothing that is installed can break it.
            command = [sys.executable, "-S", "-P", "-m", "termwall.pty.holder", str(listener.fileno())]
            child = subprocess.Popen(
                [*command, str(folder.absolute()), str(lock)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=(listener.fileno(), lock),
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": SOURCE},
            )
    except BlockingIOError:
        raise
    except OSError as error:
        what = f"The process that holds the sessions cannot be started in `{folder}`: {shortage.why(error)}."
        if shortage.is_shortage(error):
            raise HolderError(what) from None
        raise HolderError(f"{what} Name another --data-dir, or run with --no-outlive.") from None
    # It is meant to outlive this process; while it does not, nobody but this process can reap it.
    _children.append(child)
    try:
        channel = reach(folder)
    except TimeoutError:
        channel = None
    if channel is None:
        raise HolderError("The process that holds the sessions does not listen.")
    return channel


def _log(folder: Path) -> IO[bytes]:
    """The holder's log; on a full disk it has none."""
    path = folder / "holder.log"
    mode = "wb" if path.exists() and path.stat().st_size > LOG_BYTES else "ab"
    try:
        return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600))
    except OSError as error:
        if error.errno not in shortage.DISK:
            raise
        return open(os.devnull, "ab")


def _left(until: float) -> float:
    """Seconds for a socket's timeout, where 0 would mean not to wait at all."""
    return max(0.001, until - time.monotonic())


@contextlib.contextmanager
def _address(folder: Path | str, name: str) -> Iterator[str]:
    """A socket's path may have 107 bytes; a data folder's may have more."""
    path = str(Path(folder, name))
    if len(os.fsencode(path)) < 100 or not os.path.isdir("/proc/self/fd"):
        yield path
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)


_children: list["subprocess.Popen[bytes]"] = []


def reap() -> None:
    """Let go of holders that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]
