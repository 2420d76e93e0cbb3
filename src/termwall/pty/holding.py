"""What a holder has: programs, and connections to who owns them or wants to. Standard library only."""

import contextlib
import os
import signal
import socket
import struct
import subprocess
from typing import Any

from termwall.ipc.frames import Unpacker
from termwall.ipc.memory import Memory, UnreadMemory
from termwall.ipc.outbox import Outbox
from termwall.ipc.passing import Passed
from termwall.pty.groups import groups_of, signal_groups

PASSED_ON = 64
"""Most facts of a program that are not known here and go with it to its next owner."""
NAMED = frozenset({"op", "id", "pid", "ring", "input", "descriptors", "status", "closing"})
"""Those that are known."""


class Held:
    """One program. `status` is None while it runs; a return code, or "unknown" of one that it did not start itself."""

    def __init__(self, id: str, pid: int, master: int, memory: Memory | UnreadMemory) -> None:
        self.id = id
        self.pid = pid
        self.master = master
        self.memory = memory
        self.child: subprocess.Popen[bytes] | None = None
        self.pidfd = -1
        self.kept = b""
        self.closing = False
        self.left = False
        """Whether its owner cannot read it: then it is read here, though somebody owns it (L9)."""
        self.facts: dict[str, Any] = {}
        """What another version said of it."""
        self.groups: set[int] = set()
        """Those that are to end with it."""
        self.status: int | str | None = None

    @property
    def readable(self) -> Memory | None:
        """Its memory, if its layout is known here."""
        return self.memory if isinstance(self.memory, Memory) else None

    def note_facts(self, header: dict[str, Any]) -> None:
        """Keep what another version says of it, for its next owner."""
        more = [name for name in header if name not in NAMED]
        self.facts = {name: header[name] for name in more[:PASSED_ON]}

    def close_master(self) -> None:
        """Its output was read to the end."""
        if self.master >= 0:
            os.close(self.master)
            self.master = -1

    def signal(self, number: int) -> None:
        """To all groups of its session."""
        if self.status is None:
            self.groups |= groups_of(self.pid)
        self.groups = signal_groups(self.groups, number)


class Peer:
    """A connection, with what is still to be sent."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.pid, self.uid, _ = _credentials(channel)
        self.pidfd = -1
        with contextlib.suppress(AttributeError, OSError):
            self.pidfd = os.pidfd_open(self.pid)
        self.unpacker = Unpacker()
        self.passed = Passed()
        self.answers = False
        """Whether it answers pings, as a caretaker does."""
        self.heard = 0.0
        """When it last said something, on the monotonic clock."""
        self.outbox = Outbox()

    def close(self) -> None:
        """It is gone."""
        self.channel.close()
        self.passed.close()
        if self.pidfd >= 0:
            os.close(self.pidfd)

    def kill(self) -> None:
        """It did not let go."""
        if self.pidfd >= 0:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.pidfd, signal.SIGKILL)
        else:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


def _credentials(channel: socket.socket) -> tuple[int, int, int]:
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:  # macOS: the socket's folder lets in nobody else.
        return 0, os.getuid(), os.getgid()
    found: tuple[int, int, int] = struct.unpack("3i", channel.getsockopt(socket.SOL_SOCKET, option, 12))
    return found
