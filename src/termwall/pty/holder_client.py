"""The owner's side of the holder: programs that go on when this process ends (P5).

The connection is made once, and made anew with another holder if that one is killed: its programs are then handed to
the new one, because this process still has their terminals. Only how they end is then not known. While there is no
holder this process sees by itself when they end; another one is tried for again and again (L2). Nothing here blocks the
event loop: what may wait does so in a thread, and with a limit.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from termwall.core.errors import ErrorCode, TermwallError
from termwall.ipc.channel import Channel
from termwall.ipc.memory import Memory, MemoryFault, NoMemory, layout_of, unread
from termwall.ipc.outbox import Key
from termwall.pty.held_program import HeldProgram, discard
from termwall.pty.programs import ExitStatus, Order, Program
from termwall.pty.rendezvous import (
    MEET_SECONDS,
    SOURCE,
    HolderError,
    HolderSilent,
    is_holder,
    made_here,
    meet,
    peer_of,
    reap,
)
from termwall.pty.sealed import SealedProgram, must_be_read
from termwall.pty.spawn import DESCRIPTOR_LIMIT
from termwall.pty.versions import SPOKEN, differs, understood
from termwall.system import descriptors

log = logging.getLogger("termwall.holder")

OPEN_SECONDS = 15.0
"""Until the holder has handed everything out: it may have to end an owner that hangs."""
BEGIN_SECONDS = 60.0
"""The same of a holder that this process has just started: a busy machine may not have come to it yet."""
START_SECONDS = 10.0
"""Until a program is started. It takes a millisecond; a machine may be very busy."""
MOST_ORDERS = 256
"""Programs that are being started at one time; one more is refused."""
CLOSE_SECONDS = 1.0
"""Until the last things were sent, when this owner lets go."""
MEND_SECONDS = (0.0, 0.0, 0.0, 1.0, 2.0, 5.0, 15.0, 60.0)
"""Before each attempt to have a holder again; the last one again and again."""
STEADY_SECONDS = 30.0
"""A holder that lived so long was a good one: after its end the first delays count again."""
WANTED_SECONDS = 1.0
"""Who wants a program does not wait for the next attempt: it comes at once, but not more often than this."""
THERE_SECONDS = 3.0
"""How long who wants a program waits for a holder."""
ADOPT_SECONDS = (1.0, 2.0, 5.0, 15.0, 60.0)
"""Until a holder that had no room for a program is asked again."""
PING_SECONDS = 10.0
SILENT_PINGS = 6
"""A holder that answered none of so many, each `PING_SECONDS` after the one before, is killed and replaced."""


class NoRoom(HolderError):
    """There is one, and its programs run on, but something ran out that is needed to take them over (L4)."""


@dataclass(frozen=True, slots=True)
class Found:
    """A program that runs, or ran, since before this server."""

    program: HeldProgram
    kept: bytes
    """What the last owner kept of it."""


class HeldPrograms:
    """The programs of one data folder. `open` first, on the loop it will be used on.

    Args:
        folder: the data folder; whoever uses this holds its lock.
        caretaker: what the holder runs while it has no owner.
        yields: whether to leave the programs to whoever else has or wants them, as the caretaker does.
        lost: called when the holder was killed.
    """

    def __init__(
        self,
        folder: Path,
        caretaker: Sequence[str] | None,
        lost: Callable[[], None] | None = None,
        *,
        yields: bool = False,
    ) -> None:
        self._folder = folder
        self._yields = yields
        self._caretaker = caretaker
        self._lost = lost
        self._channel: Channel | None = None
        self._numbers = count(1)
        self._orders: dict[int, tuple[Order, asyncio.Future[Program]]] = {}
        self._programs: dict[str, HeldProgram] = {}
        self._known: set[str] = set()
        """What the present holder has."""
        self._found: list[Found] = []
        self._missing = -1
        self._layout = 1
        """Of the memory that the holder makes; one that does not say it makes 1."""
        self._opened: asyncio.Future[None] | None = None
        self._unheld: dict[str, int] = {}
        """How often the holder had no room for a program of one before it."""
        self._there = asyncio.Event()
        self._since = 0.0
        """When the present holder was there."""
        self._attempts = 0
        self._tried = 0.0
        self._wanted = asyncio.Event()
        self._mending: asyncio.Task[None] | None = None
        self._pinger: asyncio.TimerHandle | None = None
        self._heard = True
        self._silent = 0
        self._closed = False
        self.on_leave: Callable[[], None] | None = None
        """Called when another owner wants the programs: let go of them and `close`."""
        self.pid = 0
        """The holder's process."""

    @property
    def outlive(self) -> bool:
        """Whether there is a holder; without one the programs end with this process."""
        return self._there.is_set()

    async def open(self) -> list[Found]:
        """Connect, start the holder where there is none, and take over what it has.

        Raises:
            HolderError: that cannot be done.
        """
        self._loop = asyncio.get_running_loop()
        for last in (False, True):
            try:
                await self._own(start=not self._yields)
            except HolderError as error:
                if last or self._yields or isinstance(error, HolderSilent | NoRoom):
                    self._release()
                    raise
                continue  # It ended at this very moment, having nothing to hold; another one is started.
            break
        self._ping()
        found, self._found = self._found, []
        return found

    async def start(self, order: Order) -> Program:
        """As the contract says. A holder takes about a millisecond; one that hangs is waited for with a limit."""
        if not await self.secure(THERE_SECONDS):
            raise _away("There is no process to hold the session; another one is being started. Try again.")
        must_be_read(self._layout)
        if lacking := descriptors.short():
            raise TermwallError(ErrorCode.CANNOT_START, f"There is no room for another program. {lacking}")
        if len(self._orders) >= MOST_ORDERS:
            raise _away(f"{MOST_ORDERS} programs are being started already; try again.")
        number = next(self._numbers)
        answer: asyncio.Future[Program] = self._loop.create_future()
        self._orders[number] = order, answer
        files = list(DESCRIPTOR_LIMIT)
        request = {"id": order.key, "command": list(order.command), "cwd": order.cwd, "env": dict(order.env)}
        sizes = {"cols": order.cols, "rows": order.rows, "ring": order.ring_bytes, "input": order.input_bytes}
        header = {"op": "start", "number": number, "files": files, **request, **sizes}
        self._put(("start", number), header, order.kept)
        try:
            await asyncio.wait((answer,), timeout=START_SECONDS)
        except asyncio.CancelledError:
            if answer.done() and answer.exception() is None:
                discard(answer.result())
            raise
        finally:
            # Nobody waits any more: what comes now is ended as soon as it is there, and what was not sent never is.
            del self._orders[number]
            self._unsend(("start", number))
        if not answer.done():
            raise _away("The process that holds the sessions does not answer; nothing was started. Try again.")
        return answer.result()

    def forgotten(self, program: HeldProgram) -> None:
        """A program's memory was given back."""
        if self._programs.get(program.key) is program:
            del self._programs[program.key]
        for what in ("adopt", "keep", "closing", "drained"):
            self._unsend((what, program.key))
        self.send("forget", program.key)

    def send(self, what: str, key: str, body: bytes = b"") -> None:
        """Say something of a program. While there is no holder it is dropped: a new one is sent all there is."""
        self._put((what, key), {"op": what, "id": key}, body)

    async def secure(self, seconds: float) -> bool:
        """Whether the programs go on when this process ends. Where there is no holder, one is tried for at once."""
        if not self.outlive and not self._closed:
            if time.monotonic() - self._tried >= WANTED_SECONDS:
                self._wanted.set()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._there.wait(), seconds)
        return self.outlive

    async def close(self) -> None:
        """Let go: the programs go on without this process."""
        self._closed = True
        if self._mending is not None:
            self._mending.cancel()
        if self._pinger is not None:
            self._pinger.cancel()
        until = time.monotonic() + CLOSE_SECONDS
        while self._channel is not None and self._channel.outbox and time.monotonic() < until:
            await asyncio.sleep(0.005)
        self._drop()
        self._release()

    def _release(self) -> None:
        for program in self._programs.values():
            program.heed_no_more()
            if isinstance(program, SealedProgram):
                program.release()
            if program.master >= 0:
                os.close(program.master)
                program.master = -1
            program.memory.close()
        self._programs.clear()

    # ---- the connection

    async def _own(self, *, start: bool) -> None:
        """Connect, and become the owner.

        Raises:
            HolderError: that cannot be done.
        """
        self._tried = time.monotonic()
        channel = await self._meet(start)
        self._missing = -1
        self._known.clear()
        self._channel = Channel(channel, self._take, self._died, descriptors=True)
        self._opened = opened = self._loop.create_future()
        caretaker = (
            None
            if self._caretaker is None
            else {"command": list(self._caretaker), "env": {**os.environ, "PYTHONPATH": SOURCE}}
        )
        wishes = {"keeper": caretaker, "yields": self._yields, "answers": self._yields}
        self._put(("own", 0), {"op": "own", **SPOKEN, **wishes})
        try:
            seconds = BEGIN_SECONDS if made_here(channel) else OPEN_SECONDS
            await asyncio.wait((opened,), timeout=seconds)
            if not opened.done():
                raise HolderSilent(self._folder, peer_of(channel))
            opened.result()
        except BaseException:
            opened.cancel()
            self._drop()
            raise
        self._since, self._heard, self._silent = time.monotonic(), True, 0
        self._there.set()

    async def _meet(self, start: bool) -> socket.socket:
        try:
            meeting = self._loop.run_in_executor(None, partial(meet, self._folder, start=start))
        except RuntimeError as error:  # No further thread, which counts as a process, is allowed now.
            raise HolderError(f"The process that holds the sessions cannot be looked for: {error}.") from None
        try:
            await asyncio.wait((meeting,), timeout=2 * MEET_SECONDS)
        finally:
            if not meeting.done():
                meeting.add_done_callback(_abandon)
        if not meeting.done():
            raise HolderError(f"The process that holds the sessions of `{self._folder}` cannot be started in time.")
        return meeting.result()

    def _put(self, key: Key, header: dict[str, Any], body: bytes = b"", program: Program | None = None) -> None:
        if self._channel is not None:
            self._channel.put(header, body, given=None if program is None else lambda: program.given, key=key)

    def _unsend(self, key: Key) -> None:
        if self._channel is not None:
            self._channel.outbox.drop(key)

    def _drop(self) -> None:
        self._there.clear()
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _take(self, header: dict[str, Any], body: bytes, given: list[int]) -> None:
        self._heard = True
        match header["op"]:
            case "own" | "refused" if self._opened is not None and not self._opened.done() and not understood(header):
                self._opened.set_exception(NoRoom(differs(header)))
            case "own":
                self._layout = header.get("layout", 1)
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
                    # Not within the reading of what the holder says: what comes of it is no fault of its.
                    self._loop.call_soon(program.end, _status(header["status"]))
            case "refused" if self._opened is not None and not self._opened.done():
                self._opened.set_exception(HolderError("Another process has the sessions."))
            case "ping":
                self._put(("pong", 0), {"op": "pong"})
            case "leave":
                if self.on_leave is not None:
                    self.on_leave()
            case _:
                for descriptor in given:
                    os.close(descriptor)

    def _make_sure(self, count: int) -> None:
        """That all programs can be taken over: those that cannot would be taken for dead (L4)."""
        # As many as an earlier version had; for that a part of the reserve may go.
        needed = max(0, count - len(self._programs)) * descriptors.HELD
        if lacking := descriptors.short(needed - descriptors.reserve() // 2):
            self._refuse(f"They take {needed} open files. {lacking}")

    def _refuse(self, why: str) -> None:
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(NoRoom(f"The programs that run cannot be taken over; they run on. {why}"))

    def _complete(self) -> None:
        if self._missing == 0 and self._opened is not None and not self._opened.done():
            self._opened.set_result(None)

    def _adopted(self, header: dict[str, Any], kept: bytes, given: list[int]) -> None:
        key, status = header["id"], header["status"]
        self._known.add(key)
        before = self._programs.get(key)
        if before is not None:  # The connection was lost, and not the holder: this process has all of it.
            for descriptor in given:
                os.close(descriptor)
            if status is not None:
                self._loop.call_soon(before.end, _status(status))
            return
        if not given:
            self._refuse("Their terminals could not be passed on: this process cannot have more files open.")
            return
        master = given[1] if len(given) > 1 else -1
        ended = None if status is None else _status(status)
        why = unread(layout_of(given[0]))
        try:
            if why is not None:
                log.error("process %d is kept as it is: %s", header["pid"], why, extra={"session": key})
                program: HeldProgram = SealedProgram(self, header, given, ended, why)
            else:
                memory = Memory(given[0], header["ring"], header["input"])
                program = HeldProgram(self, key, header["pid"], master, memory, ended)
        except MemoryFault as error:
            if master >= 0:
                os.close(master)
            self._refuse(str(error))
            return
        program.closing, program.kept = header["closing"], kept
        self._programs[key] = program
        self._found.append(Found(program, kept))

    def _started(self, header: dict[str, Any], given: list[int]) -> None:
        order, answer = self._orders.get(header["number"], (None, None))
        waited = order is not None and answer is not None and not answer.done()
        if "error" in header:
            if answer is not None and waited:
                answer.set_exception(TermwallError(ErrorCode.CANNOT_START, header["error"], field=header["field"]))
            return
        if order is None or answer is None or not waited:  # It was reported as not started, so it must not run.
            self._end_unknown(header, given)
            return
        try:
            if not given:
                raise NoMemory("Its terminal could not be passed on: this process cannot have more files open.")
            memory = Memory(given.pop(0), order.ring_bytes, order.input_bytes)
        except MemoryFault as error:
            self._end_unknown(header, given)
            answer.set_exception(TermwallError(ErrorCode.CANNOT_START, str(error)))
            return
        program = HeldProgram(self, order.key, header["pid"], given[0], memory, None)
        program.kept = order.kept
        self._programs[order.key] = program
        answer.set_result(program)

    def _end_unknown(self, header: dict[str, Any], given: list[int]) -> None:
        """A program was started that its session cannot have."""
        for descriptor in given:
            os.close(descriptor)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(header["pid"], signal.SIGKILL)
        self.send("forget", header["id"])

    # ---- when it hangs, and when it is killed

    def _ping(self) -> None:
        """See whether the holder answers. A process that stood still itself has counted one silence at most."""
        self._pinger = self._loop.call_later(PING_SECONDS, self._ping)
        if self._channel is None or not self.outlive:
            return
        self._silent = 0 if self._heard else self._silent + 1
        self._heard = False
        if self._silent >= SILENT_PINGS and is_holder(self.pid):
            log.error("the holder, process %d, does not answer; it is replaced", self.pid)
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self._put(("look", 0), {"op": "look"})

    def _died(self, fault: str | None) -> None:
        why = fault or "it has ended"
        self._drop()
        for _, answer in self._orders.values():
            if not answer.done():
                answer.set_exception(_away("The process that holds the sessions ended meanwhile; try again."))
        if self._opened is not None and not self._opened.done():
            self._opened.set_exception(HolderError(f"The process that holds the sessions was lost: {why}."))
            return
        log.warning("the holder was lost (%s)", why)
        for program in self._programs.values():
            program.heed()
        if time.monotonic() - self._since >= STEADY_SECONDS:
            self._attempts = 0
        self._mending = self._loop.create_task(self._mend())
        if self._lost is not None:
            self._lost()

    async def _mend(self) -> None:
        """Have a holder again, however often that fails, and give it the programs (L2)."""
        while not self._closed:
            delay = MEND_SECONDS[min(self._attempts, len(MEND_SECONDS) - 1)]
            self._attempts += 1
            if delay:
                log.warning("another holder is started in %.0f s", delay)
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._wanted.wait(), delay)
            self._wanted.clear()
            reap()
            try:
                await self._own(start=True)
            except HolderError as error:
                log.error("%s It is tried again.", error)
                continue
            self._unheld.clear()
            for program in self._programs.values():
                if program.key in self._known:
                    program.heed_no_more()
                else:
                    self._hand_over(program)
            return

    def _hand_over(self, program: HeldProgram) -> None:
        if isinstance(program, SealedProgram):
            program.heed_no_more()
            self._put(("adopt", program.key), program.handed_on, program.kept, program)
        elif program.ended is None and program.master >= 0:
            program.heed_no_more()
            facts = {"op": "adopt", "descriptors": 2, "id": program.key, "pid": program.pid}
            sizes = {"ring": program.memory.ring_bytes, "input": program.memory.input_bytes}
            self._put(("adopt", program.key), {**facts, **sizes}, program.kept, program)

    def _ask_again(self, key: str, why: str) -> None:
        """The holder had no room for a program: until it has, that one would end with this process."""
        count = self._unheld[key] = self._unheld.get(key, -1) + 1
        if count == 0:
            log.error("a program would not outlive this server now: %s", why)
        delay = ADOPT_SECONDS[min(count, len(ADOPT_SECONDS) - 1)]
        program, holder = self._programs.get(key), self.pid
        if program is not None:
            program.heed()

        def again() -> None:
            if program is not None and self._programs.get(key) is program and self.pid == holder:
                self._hand_over(program)

        self._loop.call_later(delay, again)


def _away(sentence: str) -> TermwallError:
    return TermwallError(ErrorCode.ENGINE_AWAY, sentence)


def _abandon(meeting: "asyncio.Future[socket.socket]") -> None:
    """A connection that came too late."""
    if not meeting.cancelled() and meeting.exception() is None:
        meeting.result().close()


def _status(status: int | str) -> ExitStatus:
    return ExitStatus.of(status) if isinstance(status, int) else ExitStatus(None, None)
