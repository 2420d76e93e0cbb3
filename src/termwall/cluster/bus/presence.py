"""Who is there: heartbeats over any bus that can publish and subscribe.

A node that is not heard of for `gone_after` seconds of this node's own clock is gone; but not while this node itself
does not hear, nor within that time after.
"""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, Protocol

from termwall.cluster.bus import chores
from termwall.cluster.bus.contract import BusError, BusRefused, Member, NoAnswer, NobodyThere, Subscription
from termwall.cluster.bus.subjects import token_of
from termwall.system import clock

MOST_MEMBERS = 1024
"""Nodes that are remembered; heartbeats of more are ignored."""
BUDGET = 8 << 20
"""Bytes of heartbeats that wait. When they are dropped, the next ones come a second later."""
WHO_SECONDS = 1.0
"""How long a node of the same name may take to say that it is there."""


class Line(Protocol):
    """What presence needs of a bus: subjects here are its own."""

    node: str

    @property
    def up(self) -> bool: ...  # noqa: D102
    async def send(self, subject: str, data: bytes) -> None: ...  # noqa: D102
    async def hear(self, subject: str, handler: Callable[[str, bytes], None], budget: int) -> Subscription: ...  # noqa: D102
    async def ask(self, subject: str, data: bytes, seconds: float) -> bytes: ...  # noqa: D102
    async def answer(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]]) -> Subscription: ...  # noqa: D102


class Presence:
    """The members as one node sees them."""

    def __init__(self, line: Line, run: str, heartbeat: float, gone_after: float, log: logging.Logger) -> None:
        self._line = line
        self._me = Member(line.node, run, {})
        self._heartbeat = heartbeat
        self._gone_after = gone_after
        self._log = log
        self._members: dict[str, Member] = {}
        self._heard: dict[str, float] = {}
        self._clocks: dict[str, tuple[float, float]] = {}
        """What a node's clock showed in its newest heartbeat, and this one's when that came."""
        self._former: dict[str, str] = {}
        """The run of a node that another one took the place of: should it wake up again, it does not count."""
        self._callbacks: list[Callable[[Member, bool], None]] = []
        self._subscriptions: list[Subscription] = []
        self._task: asyncio.Task[None] | None = None
        self._reported_twin = False

    async def open(self) -> None:
        """Be seen and see.

        Raises:
            BusRefused: a node of this name is there.
            BusError: the engine went away.
        """
        node = token_of(self._me.node)
        try:
            answer = await self._line.ask(f"who.{node}", b"", WHO_SECONDS)
        except (NobodyThere, NoAnswer):  # One that hangs does not keep its successor out.
            answer = self._me.run.encode()
        if answer != self._me.run.encode():
            raise BusRefused(f"A node called {self._me.node} is already there; give this one another --node.")
        self._subscriptions = [
            await self._line.answer(f"who.{node}", self._who),
            await self._line.hear("presence.*", self._take, BUDGET),
            await self._line.hear("presence-ask", self._asked, BUDGET),
        ]
        self._come(self._me)
        await self._line.send("presence-ask", b"")
        self._task = chores.start(self._beat(), self._log)

    async def close(self) -> None:
        """Say goodbye. It raises nothing."""
        await chores.stop(self._task)
        if self._task is not None:
            await self._send(gone=True)
        await asyncio.gather(*(subscription.end() for subscription in self._subscriptions))
        self._task, self._subscriptions = None, []

    def announce(self, about: dict[str, Any]) -> None:
        """As the bus's contract says."""
        self._me = Member(self._me.node, self._me.run, about)
        if self._me.node in self._members:
            self._members[self._me.node] = self._me

    def members(self) -> dict[str, Member]:
        """As the bus's contract says."""
        return dict(self._members)

    def clock(self, node: str) -> float | None:
        """As the bus's contract says."""
        if (known := self._clocks.get(node)) is None:
            return None
        theirs, ours = known
        return theirs + clock.seconds() - ours

    def on_member(self, callback: Callable[[Member, bool], None]) -> Callable[[], None]:
        """As the bus's contract says."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback) if callback in self._callbacks else None

    def back(self) -> None:
        """To be called in the turn of the loop in which it hears again: everybody has the full time to be heard of."""
        self._forgive()
        chores.start(self._call_all(), self._log)

    async def _call_all(self) -> None:
        try:
            await self._line.send("presence-ask", b"")
        except BusError:  # It went away again, and will come back again.
            pass

    def _forgive(self) -> None:
        now = asyncio.get_running_loop().time()
        self._heard = dict.fromkeys(self._heard, now)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        last = loop.time()
        while True:
            await self._send()
            await asyncio.sleep(self._heartbeat)
            now = loop.time()
            if now - last > self._heartbeat + self._gone_after / 2:
                self._forgive()  # This process itself stood still: what it did not hear yet proves nothing.
            elif self._line.up:
                self._sweep(now)
            last = now

    def _sweep(self, now: float) -> None:
        for node, heard in list(self._heard.items()):
            if now - heard >= self._gone_after:
                self._go(node)

    async def _send(self, *, gone: bool = False) -> None:
        now = clock.seconds()
        beat = {"node": self._me.node, "run": self._me.run, "about": self._me.about, "gone": gone, "clock": now}
        try:
            await self._line.send(f"presence.{token_of(self._me.node)}", json.dumps(beat).encode())
        except BusError as error:
            self._log.debug("A heartbeat was not sent: %s", error)

    async def _who(self, _: bytes) -> bytes:
        return self._me.run.encode()

    def _asked(self, _subject: str, _data: bytes) -> None:
        chores.start(self._send(), self._log)

    def _take(self, _subject: str, data: bytes) -> None:
        try:
            beat = json.loads(data)
            member = Member(str(beat["node"]), str(beat["run"]), dict(beat["about"]))
            gone = bool(beat["gone"])
            theirs = float(beat.get("clock", -inf))
        except (ValueError, TypeError, KeyError):
            self._log.warning("Something that is no heartbeat came on its subject.")
            return
        if member.node == self._me.node:
            self._twin(member.run, gone)
            return
        known = self._members.get(member.node)
        if gone:
            if known is not None and known.run == member.run:
                self._go(member.node)
            return
        if known is not None and known.run != member.run:
            if self._former.get(member.node) == member.run:
                return
            self._go(member.node)
            self._former[member.node] = known.run
        elif known is None and len(self._members) >= MOST_MEMBERS:
            return
        self._heard[member.node] = asyncio.get_running_loop().time()
        self._clocks[member.node] = theirs, clock.seconds()
        if known != member:
            self._come(member)

    def _twin(self, run: str, gone: bool) -> None:
        if run != self._me.run and not gone and not self._reported_twin:
            self._reported_twin = True
            self._log.error("Another node is called %s too; give one of them another --node.", self._me.node)

    def _come(self, member: Member) -> None:
        self._members[member.node] = member
        self._report(member, True)

    def _go(self, node: str) -> None:
        self._heard.pop(node, None)
        self._clocks.pop(node, None)
        self._former.pop(node, None)
        self._report(self._members.pop(node), False)

    def _report(self, member: Member, here: bool) -> None:
        for callback in list(self._callbacks):
            asyncio.get_running_loop().call_soon(chores.call, self._log, callback, member, here)
