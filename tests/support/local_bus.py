"""The bus within one process: one broker, any number of members. It stands in for NATS where a test needs no network.

Nothing goes through a network, and nothing is kept: the documents live as long as the broker.
"""

import asyncio
import json
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from termwall.cluster.bus import chores
from termwall.cluster.bus.contract import (
    BusAway,
    Conflict,
    Document,
    NoAnswer,
    NobodyThere,
    OutcomeUnknown,
    Subscription,
    TooLarge,
)
from termwall.cluster.bus.end import BusEnd
from termwall.cluster.bus.mailbox import Desk, Mailbox
from termwall.cluster.bus.subjects import matches, subject_of

MOST_BYTES = (1 << 20) - 512
"""Of one message: what the other engine carries unless set otherwise."""
MOST_HISTORY = 4096
"""Versions of all documents that a watcher can go on from; further back it gets the newest of each."""


class LocalBroker:
    """Carries messages between the members of one process. `cut` and `silence` are for tests."""

    def __init__(self) -> None:
        self.ends: list[LocalBus] = []
        self.newest: dict[str, Document] = {}
        self.history: deque[Document] = deque(maxlen=MOST_HISTORY)
        self.cut_off: set[str] = set()
        self.silent: set[str] = set()
        self.swallows: set[str] = set()
        self.life = 0
        """How often it lost what it had stored."""

    def cut(self, node: str) -> None:
        """The node's engine is away, and the node knows."""
        self.cut_off.add(node)
        self._notify(node)

    def join(self, node: str) -> None:
        """The node is reached again, whatever was wrong."""
        self.cut_off.discard(node)
        self.silent.discard(node)
        self._notify(node)

    def silence(self, node: str) -> None:
        """The node hangs: nothing of it leaves or arrives, and it is not notified."""
        self.silent.add(node)

    def swallow(self, node: str) -> None:
        """The answer to the node's next compare-and-set is lost on its way; it is stored."""
        self.swallows.add(node)

    def forget(self) -> None:
        """All that was stored is lost."""
        self.life += 1
        self.newest.clear()
        self.history.clear()
        for end in self.ends:
            end.stored()

    def _notify(self, node: str) -> None:
        for end in self.ends:
            if end.node == node:
                end.changed()

    def reaches(self, node: str) -> bool:
        """Whether messages go to and from the node."""
        return node not in self.cut_off and node not in self.silent

    def carry(self, subject: str, data: bytes) -> None:
        """To everybody who hears it."""
        for end in self.ends:
            if self.reaches(end.node):
                end.take(subject, data)

    def store(self, key: str, version: int, value: dict[str, Any]) -> Document:
        """The next version of a document."""
        token = self.history[-1].token + 1 if self.history else 1
        document = Document(key, version, value, token)
        self.newest[key] = document
        self.history.append(document)
        for end in self.ends:
            end.stored()
        return document

    def since(self, token: int) -> list[Document]:
        """What was stored after `token`; where history does not reach back, the newest of each key."""
        if not self.history or token >= self.history[-1].token:
            return []
        if token + 1 < self.history[0].token:
            return sorted((one for one in self.newest.values() if one.token > token), key=lambda one: one.token)
        return list(self.history)[token + 1 - self.history[0].token :]


class LocalBus(BusEnd):
    """One member. Two of one node's name with different runs cannot both be open."""

    def __init__(
        self,
        broker: LocalBroker,
        node: str,
        *,
        run: str,
        heartbeat: float = 1.0,
        gone_after: float = 3.0,
        patience: float = 2.0,
        log: logging.Logger | None = None,
    ) -> None:
        super().__init__(
            node,
            run=run,
            heartbeat=heartbeat,
            gone_after=gone_after,
            log=log or logging.getLogger("termwall.cluster"),
            max_bytes=MOST_BYTES,
        )
        self._broker = broker
        self._patience = patience
        self._open = False
        self._was_up = False
        self._boxes: list[tuple[str, Mailbox]] = []
        self._desks: list[tuple[str, Desk]] = []
        self._watches: list[_Watch] = []
        self._asked: set[asyncio.Future[bytes]] = set()

    @property
    def up(self) -> bool:
        """As the contract says."""
        return self._open and self.node not in self._broker.cut_off

    async def open(self) -> None:
        """As the contract says."""
        if self.node in self._broker.cut_off:
            raise BusAway("The engine between the nodes cannot be reached.")
        self._open = self._was_up = True
        self._broker.ends.append(self)
        try:
            await self._presence.open()
        except BaseException:
            await self.close()
            raise
        self._report_state(True)
        self.stored()

    async def close(self) -> None:
        """As the contract says."""
        await self._presence.close()
        self._open = self._was_up = False
        if self in self._broker.ends:
            self._broker.ends.remove(self)
        for _, box in self._boxes:
            box.end()
        for _, desk in list(self._desks):
            await desk.end()
        for watch in self._watches:
            watch.ended = True
        self._boxes, self._desks, self._watches = [], [], []
        self._give_up()

    def changed(self) -> None:
        """The broker cut this end off, or joined it."""
        if self.up == self._was_up:
            return
        self._was_up = self.up
        self._report_state(self.up)
        if self.up:
            self._presence.back()
            self.stored()
        else:
            self._give_up()

    def _give_up(self) -> None:
        for future in self._asked:
            if not future.done():
                future.set_exception(NoAnswer("The engine between the nodes went away before the answer came."))

    def take(self, subject: str, data: bytes) -> None:
        """The broker brings a message."""
        for pattern, box in list(self._boxes):
            if matches(pattern, subject):
                box.put(subject, data)

    def stored(self) -> None:
        """The broker has new versions."""
        for watch in self._watches:
            watch.wake()

    @property
    def reached(self) -> bool:
        """Whether messages come and go at the moment."""
        return self._open and self._broker.reaches(self.node)

    def _need(self) -> None:
        if not self.up:
            raise BusAway("The engine between the nodes cannot be reached.")

    async def send(self, subject: str, data: bytes) -> None:
        """As the contract says."""
        self._need()
        if self.reached:
            self._broker.carry(subject, data)

    async def hear(
        self,
        subject: str,
        handler: Callable[[str, bytes], None],
        budget: int,
        lagged: Callable[[], None] = lambda: None,
    ) -> Subscription:
        """As the contract says."""
        entry = (subject, Mailbox(handler, budget, lagged, self._log))
        self._boxes.append(entry)
        return _Ending(entry, self._boxes)

    async def answer(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]]) -> Subscription:
        """As the contract says."""
        entry = (subject, Desk(handler, self._log))
        self._desks.append(entry)
        return _Ending(entry, self._desks)

    async def ask(self, subject: str, data: bytes, seconds: float) -> bytes:
        """As the contract says."""
        self._need()
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        if self.reached:
            self._bring(subject, data, future)
        self._asked.add(future)
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            raise NoAnswer(f"No answer came in {seconds:g} s.") from None
        finally:
            self._asked.discard(future)

    def _bring(self, subject: str, data: bytes, future: "asyncio.Future[bytes]") -> None:
        for end in self._broker.ends:
            desks = [desk for served, desk in end._desks if served == subject]
            if not desks or not end.up:
                continue

            async def answer(reply: bytes, end: LocalBus = end) -> None:
                end._measure(reply)
                if end.reached and self.reached and not future.done():
                    future.set_result(reply)

            if end.reached:
                desks[0].put(data, answer)
            return
        raise NobodyThere(f"Nobody serves {subject}.")

    async def get(self, key: str) -> Document | None:
        """As the contract says."""
        subject_of(key)
        self._need()
        await asyncio.sleep(0)
        if not self.reached:
            await self._hang()
            raise NoAnswer(f"No answer came in {self._patience:g} s.")
        return self._broker.newest.get(key)

    async def _hang(self) -> None:
        """What was asked found nobody: wait as long as for an answer, or until this end learns that it is cut off."""
        future: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked.add(future)
        try:
            async with asyncio.timeout(self._patience):
                await future
        except (TimeoutError, NoAnswer):
            pass
        finally:
            self._asked.discard(future)

    async def compare_and_set(self, key: str, expected: Document | None, value: dict[str, Any]) -> Document:
        """As the contract says."""
        subject_of(key)
        body = json.dumps(value)
        if len(body) > self.max_bytes:
            raise TooLarge(f"A document has {len(body)} bytes; the engine carries {self.max_bytes}.")
        self._need()
        await asyncio.sleep(0)
        if not self.reached:
            await self._hang()
            raise OutcomeUnknown("No answer came; whether the document was stored is not known.")
        current = self._broker.newest.get(key)
        if (current.token if current else 0) != (expected.token if expected else 0):
            raise Conflict(current)
        stored = self._broker.store(key, (current.version if current else 0) + 1, json.loads(body))
        if self.node in self._broker.swallows:
            self._broker.swallows.discard(self.node)
            raise OutcomeUnknown("No answer came; whether the document was stored is not known.")
        await asyncio.sleep(0)
        return stored

    async def watch(
        self,
        handler: Callable[[Document], None],
        *,
        ready: Callable[[], None],
        lost: Callable[[], None] = lambda: None,
    ) -> Subscription:
        """As the contract says."""
        watch = _Watch(self, self._broker, handler, ready, lost, self._log)
        self._watches.append(watch)
        watch.wake()
        return watch


class _Ending:
    """A subscription: taken out of its list and ended."""

    def __init__(self, entry: tuple[str, Any], entries: list[Any]) -> None:
        self._entry = entry
        self._entries = entries

    async def end(self) -> None:
        if self._entry in self._entries:
            self._entries.remove(self._entry)
        ending = self._entry[1].end()
        if ending is not None:
            await ending


class _Watch:
    """A watcher: a place in the broker's history."""

    def __init__(
        self,
        bus: LocalBus,
        broker: LocalBroker,
        handler: Callable[[Document], None],
        ready: Callable[[], None],
        lost: Callable[[], None],
        log: logging.Logger,
    ) -> None:
        self._lost = lost
        self._life = broker.life
        self._bus = bus
        self._broker = broker
        self._handler = handler
        self._ready = ready
        self._log = log
        self._token: int | None = None
        """The last one handled; None before the first look."""
        self._woken = False
        self.ended = False

    def wake(self) -> None:
        if not self._woken:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._woken = False
        if self.ended or not self._bus.reached:
            return
        first = self._token is None
        if self._life != self._broker.life:
            self._life, self._token = self._broker.life, 0
            if not first:
                self._call(self._lost)
        if first:
            found = sorted(self._broker.newest.values(), key=lambda one: one.token)
            self._token = 0
        else:
            found = self._broker.since(self._token or 0)
        for document in found:
            self._token = document.token
            self._call(self._handler, document)
        if first:
            self._call(self._ready)

    def _call(self, callback: Callable[..., None], *arguments: object) -> None:
        if not self.ended:  # A handler may have ended it.
            chores.call(self._log, callback, *arguments)

    async def end(self) -> None:
        self.ended = True
        if self in self._bus._watches:
            self._bus._watches.remove(self)
