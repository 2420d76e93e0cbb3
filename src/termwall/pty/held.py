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
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from termwall import descriptors
from termwall.core.errors import ErrorCode, TermwallError
from termwall.memory import Memory, MemoryFault, NoMemory
from termwall.passing import SHORT, Passed, receive
from termwall.protocol.frames import BadFrame, Frame, Unpacker, pack
from termwall.pty.programs import ExitStatus, Order, Program
from termwall.pty.rendezvous import SOCKET, SOURCE, HolderError, launch, look, reach, reap
from termwall.pty.spawn import DESCRIPTOR_LIMIT

__all__ = ["SOCKET", "Found", "HeldPrograms", "HolderError", "NoRoom", "look", "reap"]

log = logging.getLogger("termwall.holder")

PROTOCOL = 1
"""What this side speaks; an older holder is spoken to in its own version."""
OPEN_SECONDS = 15.0
"""Until the holder has handed everything out: it may have to end an owner that hangs."""
START_SECONDS = 10.0
"""Until a program is started. It takes a millisecond; a machine may be very busy."""
CLOSE_SECONDS = 2.0
"""Until the last things were told, when this owner lets go."""
QUICK_STARTS = 3
"""So many holders within `STEADY_SECONDS`; more of them die of something that another start does not mend."""
STEADY_SECONDS = 30.0
SEND_SECONDS = 0.05
"""Until descriptors are sent again that the system has no room for."""
ADOPT_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Until a holder that had no room for a program is asked again."""


class NoRoom(HolderError):
    """There is one, and its programs run on, but something ran out that is needed to take them over (L4)."""


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
        self._passed = Passed()
        self._unsent: deque[tuple[memoryview, HeldProgram | None]] = deque()
        """With the program whose terminal and memory go along."""
        self._numbers = count(1)
        self._orders: dict[int, Order] = {}
        self._answers: dict[int, Program | TermwallError] = {}
        self._programs: dict[str, HeldProgram] = {}
        self._found: list[Found] = []
        self._missing = -1
        self._opened: asyncio.Future[None] | None = None
        self._unheld: dict[str, int] = {}
        """How often the holder had no room for a program of one before it."""
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
            except HolderError as error:
                self._drop()
                if last or self._yields or isinstance(error, NoRoom):
                    self._release()
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
        if lacking := descriptors.short():
            raise TermwallError(ErrorCode.CANNOT_START, f"There is no room for another program. {lacking}")
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

    def tell(self, header: dict[str, Any], body: bytes = b"", program: HeldProgram | None = None) -> None:
        """Send a request. While there is no holder it is dropped: a new one is told all there is."""
        if self._channel is None:
            return
        self._unsent.append((memoryview(pack(header, body)), program))
        if len(self._unsent) == 1:
            self._flush()

    async def close(self) -> None:
        """Let go: the programs go on without this process."""
        until = time.monotonic() + CLOSE_SECONDS
        while self._unsent and self._channel is not None and time.monotonic() < until:
            await asyncio.sleep(0.005)
        self._drop()
        self._release()

    def _release(self) -> None:
        for program in self._programs.values():
            if program.master >= 0:
                os.close(program.master)
                program.master = -1
            program.memory.close()
        self._programs.clear()

    # ---- the connection

    def _connect(self) -> None:
        channel = reach(self._folder) or launch(self._folder)
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
        self._passed.close()

    def _flush(self) -> None:
        channel = self._channel
        if channel is None:
            return
        while self._unsent:
            data, program = self._unsent[0]
            if program is not None and program.master < 0:
                self._unsent.popleft()  # It has ended and was read: nothing of it has to be held.
                continue
            given = [] if program is None else [program.memory.descriptor, program.master]
            try:
                sent = socket.send_fds(channel, [data], given) if given else channel.send(data)
            except (BlockingIOError, InterruptedError):
                self._loop.add_writer(channel, self._flush)
                return
            except OSError as error:
                if error.errno in SHORT:
                    self._loop.remove_writer(channel)
                    self._loop.call_later(SEND_SECONDS, self._flush)
                    return
                self._unsent.clear()  # It died; the reader tells.
                break
            if sent < len(data):
                self._unsent[0] = data[sent:], None
            else:
                self._unsent.popleft()
        self._loop.remove_writer(channel)

    def _receive(self) -> None:
        assert self._channel is not None
        try:
            data = receive(self._channel, self._passed)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
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
        given = self._passed.take(header.get("descriptors", 0))
        match header["op"]:
            case "own":
                self.pid, self._missing = header["pid"], header["count"]
                self._make_sure(header["count"])
                self._complete()
            case "session":
                self._adopted(header, body, given)
                self._missing -= 1
                self._complete()
            case "started":
                self._started(header, given)
            case "unheld":
                self._ask_again(header["id"], header["error"])
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

    def _make_sure(self, count: int) -> None:
        """That all programs can be taken over: those that cannot would be taken for dead (L4)."""
        # As many as an earlier version had; for that a part of the reserve may go.
        needed = count * descriptors.HELD
        if lacking := descriptors.short(needed - descriptors.reserve() // 2):
            self._refuse(f"They take {needed} open files. {lacking}")

    def _refuse(self, why: str) -> None:
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(NoRoom(f"The programs that run cannot be taken over; they run on. {why}"))

    def _complete(self) -> None:
        if self._missing == 0 and self._opened is not None and not self._opened.done():
            self.outlive = True
            self._opened.set_result(None)

    def _adopted(self, header: dict[str, Any], kept: bytes, given: list[int]) -> None:
        key, status = header["id"], header["status"]
        if not given:
            self._refuse("Their terminals could not be passed on: this process may have no more files open.")
            return
        master = given[1] if len(given) > 1 else -1
        try:
            memory = Memory(given[0], header["ring"], header["input"])
        except NoMemory as error:
            if master >= 0:
                os.close(master)
            self._refuse(str(error))
            return
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
        if order is None:  # Nobody waits any more; it was told as not started, so it must not run.
            self._end_unknown(header, given)
            return
        try:
            if not given:
                raise NoMemory("Its terminal could not be passed on: this process may have no more files open.")
            memory = Memory(given.pop(0), order.ring_bytes, order.input_bytes)
        except MemoryFault as error:
            self._end_unknown(header, given)
            self._answers[number] = TermwallError(ErrorCode.CANNOT_START, str(error))
            return
        program = HeldProgram(self, order.key, header["pid"], given[0], memory, None)
        program.kept = order.kept
        self._programs[order.key] = program
        self._answers[number] = program

    def _end_unknown(self, header: dict[str, Any], given: list[int]) -> None:
        """A program was started that its session cannot have."""
        for descriptor in given:
            os.close(descriptor)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(header["pid"], signal.SIGKILL)
        self.tell({"op": "forget", "id": header["id"]})

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
        self._unheld.clear()
        for program in self._programs.values():
            self._hand_over(program)

    def _hand_over(self, program: HeldProgram) -> None:
        if program.ended is None and program.master >= 0:
            facts = {"id": program.key, "pid": program.pid}
            sizes = {"ring": program.memory.ring_bytes, "input": program.memory.input_bytes}
            self.tell({"op": "adopt", "descriptors": 2, **facts, **sizes}, program.kept, program)

    def _ask_again(self, key: str, why: str) -> None:
        """The holder had no room for a program: until it has, that one would end with this process."""
        count = self._unheld[key] = self._unheld.get(key, -1) + 1
        if count == 0:
            log.error("a program would not outlive this server now: %s", why)
        delay = ADOPT_SECONDS[min(count, len(ADOPT_SECONDS) - 1)]
        program, holder = self._programs.get(key), self.pid

        def again() -> None:
            if program is not None and self._programs.get(key) is program and self.pid == holder:
                self._hand_over(program)

        self._loop.call_later(delay, again)


def _status(status: int | str) -> ExitStatus:
    return ExitStatus.of(status) if isinstance(status, int) else ExitStatus(None, None)


def _poll(channel: socket.socket, write: bool, seconds: float) -> tuple[bool, bool, bool]:
    # Not `select.select`, which knows only the first 1,024 descriptors.
    poll = select.poll()
    poll.register(channel, select.POLLIN | (select.POLLOUT if write else 0))
    events = dict(poll.poll(seconds * 1000)).get(channel.fileno(), 0)
    return bool(events & ~select.POLLOUT), bool(events & select.POLLOUT), False
