"""The owner's side of the holder: programs that go on when this process ends (P5).

The connection is made once, and made anew with another holder if that one is killed: its programs are then handed to
the new one, because this process still has their terminals. Only how they end is then not known.
"""

import asyncio
import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from termwall.core.errors import ErrorCode, TermwallError
from termwall.memory import Memory, MemoryFault
from termwall.protocol.frames import BadFrame, Frame, Unpacker, pack
from termwall.pty.programs import ExitStatus, Order, Program
from termwall.pty.spawn import DESCRIPTOR_LIMIT

log = logging.getLogger("termwall.holder")

PROTOCOL = 1
"""What this side speaks; an older holder is spoken to in its own version."""
SOURCE = str(Path(__file__).parents[2])
"""Where the holder finds this package, installed or not."""
SOCKET = "holder.sock"
OPEN_SECONDS = 15.0
"""Until the holder has handed everything out: it may have to end an owner that hangs."""
START_SECONDS = 10.0
"""Until a program is started. It takes a millisecond; a machine may be very busy."""
CLOSE_SECONDS = 2.0
"""Until the last things were told, when this owner lets go."""
RECEIVE_BYTES = 1 << 20
MAX_DESCRIPTORS = 64
LOG_BYTES = 1 << 20
"""A longer log of earlier holders is begun anew."""
QUICK_STARTS = 3
"""So many holders within `STEADY_SECONDS`; more of them die of something that another start does not mend."""
STEADY_SECONDS = 30.0


class HolderError(Exception):
    """There is no holder, and none can be started; the message says why."""


@dataclass(frozen=True, slots=True)
class Found:
    """A program that runs, or ran, since before this server."""

    program: Program
    kept: bytes
    """What the last owner kept of it."""


class HeldProgram(Program):
    """A program in the holder."""

    def __init__(
        self, link: "HeldPrograms", key: str, pid: int, master: int, memory: Memory, ended: ExitStatus | None
    ) -> None:
        super().__init__(pid, master, memory, ended)
        self.key = key
        self.kept = b""
        self._link = link

    def keep(self, state: bytes) -> None:
        """As the contract says."""
        if state != self.kept:
            self.kept = state
            self._link.tell({"op": "keep", "id": self.key}, state)

    def close_begins(self) -> None:
        """As the contract says."""
        self.closing = True
        self._link.tell({"op": "closing", "id": self.key})

    def drained(self) -> None:
        """As the contract says."""
        if self.master >= 0:
            self._link.tell({"op": "drained", "id": self.key})
        super().drained()

    def forget(self) -> None:
        """As the contract says."""
        super().forget()
        self._link.forgotten(self)


class HeldPrograms:
    """The programs of one data folder. `open` first, on the loop it will be used on.

    Args:
        folder: the data folder; whoever uses this holds its lock.
        keeper: what the holder runs while it has no owner.
        yields: whether to leave the programs to whoever else has or wants them, as the keeper does.
        lost: called when the holder was killed and another one has the programs now, or none.
    """

    def __init__(
        self,
        folder: Path,
        keeper: Sequence[str] | None,
        lost: Callable[[], None] | None = None,
        *,
        yields: bool = False,
    ) -> None:
        self._folder = folder
        self._yields = yields
        self._keeper = keeper
        self._lost = lost
        self._channel: socket.socket | None = None
        self._unpacker = Unpacker()
        self._descriptors: deque[int] = deque()
        self._unsent: deque[tuple[memoryview, list[int]]] = deque()
        self._numbers = count(1)
        self._orders: dict[int, Order] = {}
        self._answers: dict[int, Program | TermwallError] = {}
        self._programs: dict[str, HeldProgram] = {}
        self._found: list[Found] = []
        self._missing = -1
        self._opened: asyncio.Future[None] | None = None
        self._starts: deque[float] = deque(maxlen=QUICK_STARTS)
        self.on_leave: Callable[[], None] | None = None
        """Called when another owner wants the programs: let go of them and `close`."""
        self.pid = 0
        """The holder's process."""
        self.outlive = False
        """Whether there is a holder; without one the programs end with this process."""

    async def open(self) -> list[Found]:
        """Connect, start the holder where there is none, and take over what it has.

        Raises:
            HolderError: that cannot be done.
        """
        self._loop = asyncio.get_running_loop()
        for last in (False, True):
            self._connect()
            self._opened = self._loop.create_future()
            try:
                await asyncio.wait_for(self._opened, OPEN_SECONDS)
            except TimeoutError:
                self._drop()
                raise HolderError(
                    f"The process that holds the sessions of `{self._folder}` does not answer; end it, or wait."
                ) from None
            except HolderError:
                self._drop()
                if last or self._yields:
                    raise
                continue  # It ended at this very moment, having nothing to hold; another one is started.
            break
        found, self._found = self._found, []
        return found

    def start(self, order: Order) -> Program:
        """As the contract says. Waits for the holder, which takes about a millisecond."""
        channel = self._channel
        if channel is None:
            raise TermwallError(ErrorCode.CANNOT_START, "There is no process to hold the session; try again.")
        number = next(self._numbers)
        self._orders[number] = order
        files = list(DESCRIPTOR_LIMIT)
        request = {"id": order.key, "command": list(order.command), "cwd": order.cwd, "env": dict(order.env)}
        sizes = {"cols": order.cols, "rows": order.rows, "ring": order.ring_bytes, "input": order.input_bytes}
        self.tell({"op": "start", "number": number, "files": files, **request, **sizes}, order.kept)
        until = time.monotonic() + START_SECONDS
        while number not in self._answers and self._channel is channel:
            left = until - time.monotonic()
            if left <= 0:
                break
            readable, writable, _ = _poll(channel, bool(self._unsent), left)
            if writable:
                self._flush()
            if readable:
                self._receive()
        del self._orders[number]
        answer = self._answers.pop(number, None)
        if answer is None:
            raise TermwallError(
                ErrorCode.CANNOT_START, "The process that holds the sessions did not answer; try again."
            )
        if isinstance(answer, TermwallError):
            raise answer
        return answer

    def forgotten(self, program: HeldProgram) -> None:
        """A program's memory was given back."""
        if self._programs.get(program.key) is program:
            del self._programs[program.key]
        self.tell({"op": "forget", "id": program.key})

    def tell(self, header: dict[str, Any], body: bytes = b"", descriptors: Sequence[int] = ()) -> None:
        """Send a request. While there is no holder it is dropped: a new one is told all there is."""
        if self._channel is None:
            return
        self._unsent.append((memoryview(pack(header, body)), list(descriptors)))
        if len(self._unsent) == 1:
            self._flush()

    async def close(self) -> None:
        """Let go: the programs go on without this process."""
        until = time.monotonic() + CLOSE_SECONDS
        while self._unsent and self._channel is not None and time.monotonic() < until:
            await asyncio.sleep(0.005)
        self._drop()
        for program in self._programs.values():
            if program.master >= 0:
                os.close(program.master)
                program.master = -1
            program.memory.close()
        self._programs.clear()

    # ---- the connection

    def _connect(self) -> None:
        channel = _reach(self._folder) or _launch(self._folder)
        channel.setblocking(False)
        self._channel = channel
        self._unpacker = Unpacker()
        self._unsent.clear()
        self._missing = -1
        self._loop.add_reader(channel, self._receive)
        keeper = (
            None
            if self._keeper is None
            else {"command": list(self._keeper), "env": {**os.environ, "PYTHONPATH": SOURCE}}
        )
        self.tell({"op": "own", "version": PROTOCOL, "keeper": keeper, "yields": self._yields})

    def _drop(self) -> None:
        if self._channel is not None:
            self._loop.remove_reader(self._channel)
            self._loop.remove_writer(self._channel)
            self._channel.close()
            self._channel = None
        self.outlive = False
        self._unsent.clear()
        while self._descriptors:
            os.close(self._descriptors.popleft())

    def _flush(self) -> None:
        channel = self._channel
        if channel is None:
            return
        while self._unsent:
            data, descriptors = self._unsent[0]
            try:
                sent = socket.send_fds(channel, [data], descriptors) if descriptors else channel.send(data)
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(channel, self._flush)
                return
            except OSError:  # It died; the reader tells.
                self._unsent.clear()
                break
            if sent < len(data):
                self._unsent[0] = data[sent:], []
            else:
                self._unsent.popleft()
        self._loop.remove_writer(channel)

    def _receive(self) -> None:
        assert self._channel is not None
        try:
            data, descriptors, _, _ = socket.recv_fds(self._channel, RECEIVE_BYTES, MAX_DESCRIPTORS)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data, descriptors = b"", []
        for descriptor in descriptors:
            os.set_inheritable(descriptor, False)
        self._descriptors.extend(descriptors)
        if not data:
            self._died("it has ended")
            return
        try:
            for frame in self._unpacker.feed(data):
                self._take(frame)
        except (BadFrame, KeyError, TypeError, ValueError, IndexError) as error:
            self._died(f"it says what nobody understands: {error!r}")

    def _take(self, frame: Frame) -> None:
        header, body = frame
        given = [self._descriptors.popleft() for _ in range(header.get("descriptors", 0))]
        match header["op"]:
            case "own":
                self.pid, self._missing = header["pid"], header["count"]
                self._complete()
            case "session":
                self._adopted(header, body, given)
                self._missing -= 1
                self._complete()
            case "started":
                self._started(header, given)
            case "ended":
                program = self._programs.get(header["id"])
                if program is not None:
                    # Not at once: `start` may be waiting for another answer.
                    self._loop.call_soon(program.end, _status(header["status"]))
            case "refused" if self._opened is not None and not self._opened.done():
                self._opened.set_exception(HolderError("Another process has the sessions."))
            case "leave":
                if self.on_leave is not None:
                    self.on_leave()
            case _:
                for descriptor in given:
                    os.close(descriptor)

    def _complete(self) -> None:
        if self._missing == 0 and self._opened is not None and not self._opened.done():
            self.outlive = True
            self._opened.set_result(None)

    def _adopted(self, header: dict[str, Any], kept: bytes, given: list[int]) -> None:
        key, status = header["id"], header["status"]
        master = given[1] if len(given) > 1 else -1
        try:
            memory = Memory(given[0], header["ring"], header["input"])
        except MemoryFault as error:
            log.error("the session %s cannot be taken over: %s", key, error, extra={"session": key})
            if master >= 0:
                os.close(master)
            return
        ended = None if status is None else _status(status)
        program = HeldProgram(self, key, header["pid"], master, memory, ended)
        program.closing, program.kept = header["closing"], kept
        self._programs[key] = program
        self._found.append(Found(program, kept))

    def _started(self, header: dict[str, Any], given: list[int]) -> None:
        number = header["number"]
        order = self._orders.get(number)
        if "error" in header:
            if order is not None:
                self._answers[number] = TermwallError(ErrorCode.CANNOT_START, header["error"], field=header["field"])
            return
        memory, master = given
        if order is None:  # Nobody waits any more; it was told as not started, so it must not run.
            for descriptor in given:
                os.close(descriptor)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(header["pid"], signal.SIGKILL)
            self.tell({"op": "forget", "id": header["id"]})
            return
        program = HeldProgram(
            self, order.key, header["pid"], master, Memory(memory, order.ring_bytes, order.input_bytes), None
        )
        program.kept = order.kept
        self._programs[order.key] = program
        self._answers[number] = program

    # ---- when it is killed

    def _died(self, why: str) -> None:
        self._drop()
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(HolderError(f"The process that holds the sessions was lost: {why}."))
            return
        log.warning("the holder was lost (%s)", why)
        now = time.monotonic()
        self._starts.append(now)
        if len(self._starts) == QUICK_STARTS and now - self._starts[0] < STEADY_SECONDS:
            log.error("no holder stays alive: the programs end with this server")
        else:
            self._again()
        if self._lost is not None:
            self._lost()

    def _again(self) -> None:
        reap()
        try:
            self._connect()
        except HolderError as error:
            log.error("%s The programs end with this server.", error)
            return
        self.outlive = True
        for program in self._programs.values():
            if program.ended is None and program.master >= 0:
                facts = {"id": program.key, "pid": program.pid}
                sizes = {"ring": program.memory.ring_bytes, "input": program.memory.input_bytes}
                descriptors = (program.memory.descriptor, program.master)
                self.tell({"op": "adopt", **facts, **sizes}, program.kept, descriptors)


def look(folder: Path) -> dict[str, Any] | None:
    """What the holder of a data folder says of itself; None where there is none."""
    channel = _reach(folder)
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


def _status(status: int | str) -> ExitStatus:
    return ExitStatus.of(status) if isinstance(status, int) else ExitStatus(None, None)


def _poll(channel: socket.socket, write: bool, seconds: float) -> tuple[bool, bool, bool]:
    # Not `select.select`, which knows only the first 1,024 descriptors.
    poll = select.poll()
    poll.register(channel, select.POLLIN | (select.POLLOUT if write else 0))
    events = dict(poll.poll(seconds * 1000)).get(channel.fileno(), 0)
    return bool(events & ~select.POLLOUT), bool(events & select.POLLOUT), False


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


def _reach(folder: Path) -> socket.socket | None:
    channel = socket.socket(socket.AF_UNIX)
    try:
        with _address(folder) as address:
            channel.connect(address)
    except OSError:
        channel.close()
        return None
    return channel


def _launch(folder: Path) -> socket.socket:
    """Start a holder. It gets a socket that listens already, so nobody has to wait for it."""
    try:
        (folder / SOCKET).unlink(missing_ok=True)
        log_file = folder / "holder.log"
        mode = "wb" if log_file.exists() and log_file.stat().st_size > LOG_BYTES else "ab"
        with socket.socket(socket.AF_UNIX) as listener, open(log_file, mode) as output:
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
        raise HolderError(
            f"The process that holds the sessions cannot be started in `{folder}`: {error.strerror or error}. "
            "Name another --data-dir, or run with --no-outlive."
        ) from None
    # It is meant to outlive this process; while it does not, nobody but this process can reap it.
    _children.append(child)
    channel = _reach(folder)
    if channel is None:
        raise HolderError("The process that holds the sessions does not listen.")
    return channel


_children: list["subprocess.Popen[bytes]"] = []


def reap() -> None:
    """Let go of holders that have ended."""
    _children[:] = [child for child in _children if child.poll() is None]
