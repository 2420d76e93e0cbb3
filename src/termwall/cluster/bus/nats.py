"""The bus over NATS, 2.12 or newer, with JetStream. `connection` knows the client library.

Each connection is a new client and is never mended: nothing meant for an old connection is ever sent by a new one, and
there is one way back from every kind of failure. What the bus hears and serves is announced to each new connection.
"""

import asyncio
import itertools
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from termwall.cluster.bus import chores
from termwall.cluster.bus.connection import Connection
from termwall.cluster.bus.contract import (
    BusAway,
    BusError,
    BusFails,
    BusRefused,
    Document,
    NoAnswer,
    Subscription,
)
from termwall.cluster.bus.credentials import Credentials
from termwall.cluster.bus.end import BusEnd
from termwall.cluster.bus.jetstream import Documents, DocumentWatch, Line, Message
from termwall.cluster.bus.mailbox import MOST_REQUESTS, Desk, Mailbox

HEADER_BYTES = 512
"""Kept free in each message for its headers, which count for the server but not for the client library."""
DIAL_PAUSE = 0.1
MOST_DIAL_PAUSE = 1.0
"""Seconds between two attempts: the first, and the longest."""


class _Route:
    """A subject that the bus hears or serves, on whatever connection there is."""

    def __init__(self, bus: "NatsBus", subject: str, box: Mailbox | Desk, take: Callable[[Message], None]) -> None:
        self.subject = subject
        self.box = box
        self.take = take
        self.heard: tuple[Connection, Subscription] | None = None
        self._bus = bus

    async def announce(self, connection: Connection) -> None:
        """Hear it on this connection.

        Raises:
            BusAway
        """
        most = MOST_REQUESTS if isinstance(self.box, Desk) else 1 << 16
        dropped = self.box.lag if isinstance(self.box, Mailbox) else lambda: None
        self.heard = (connection, await connection.listen(self.subject, self.take, dropped, most))

    async def end(self) -> None:
        """As the contract says. The server knows, too: the next request finds nobody."""
        self._bus.routes.discard(self)
        ending = self.box.end()
        if ending is not None:
            await ending
        heard, self.heard = self.heard, None
        if heard is not None:
            await heard[1].end()
            await self._bus.settle(heard[0])


class NatsBus(BusEnd):
    """One node's end. `servers` are URLs, and may hold a user, a password or a token; list each server of a cluster."""

    def __init__(
        self,
        servers: Sequence[str],
        node: str,
        *,
        run: str,
        name: str = "termwall",
        replicas: int = 1,
        credentials: Path | None = None,
        tls_ca: Path | None = None,
        tls_cert: Path | None = None,
        tls_key: Path | None = None,
        heartbeat: float = 1.0,
        gone_after: float = 3.0,
        patience: float = 2.0,
        open_seconds: float = 5.0,
        log: logging.Logger | None = None,
    ) -> None:
        log = log or logging.getLogger("termwall.cluster")
        super().__init__(
            node, run=run, heartbeat=heartbeat, gone_after=gone_after, log=log, max_bytes=(1 << 20) - HEADER_BYTES
        )
        if not servers or not re.fullmatch(r"[A-Za-z0-9_-]+", name):
            raise ValueError("a bus needs a server, and a name of letters, digits, _ and -")
        self.routes: set[_Route] = set()
        self._servers = list(servers)
        self._prefix = name + "."
        self._credentials = Credentials(credentials, tls_ca, tls_cert, tls_key)
        self._open_seconds = open_seconds
        self._documents = Documents(name, replicas, patience, log)
        self._watches: list[DocumentWatch] = []
        self._connection: Connection | None = None
        self._connected = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._refusal: str | None = None
        """Why there is no connection, where the server says so."""

    @property
    def up(self) -> bool:
        """As the contract says."""
        return self._connection is not None and self._connection.live

    @property
    def trouble(self) -> str | None:
        """As the contract says."""
        if self._connection is None:
            return self._refusal
        return None if self._connection.denied is None else str(self._connection.denied)

    async def open(self) -> None:
        """As the contract says."""
        deadline = asyncio.get_running_loop().time() + self._open_seconds
        connection = await self._first(deadline)
        try:
            await self._prepare(connection, deadline)
            await self._adopt(connection)
            await self._presence.open()
            await connection.sync()
            if connection.denied is not None:
                raise connection.denied
        except BaseException as error:
            await self._presence.close()
            if self._connection is not None:
                self._connection = None
                self._connected.clear()
                self._report_state(False)
            await connection.finish()
            if isinstance(error, BusError) and not isinstance(error, (BusAway, BusRefused)):
                raise BusAway(str(error)) from None
            raise
        self._task = chores.start(self._keep(connection), self._log)

    async def _first(self, deadline: float) -> Connection:
        for server in itertools.cycle(self._servers):
            try:
                return await self._dial(server)
            except BusAway:
                if asyncio.get_running_loop().time() >= deadline:
                    raise
                await asyncio.sleep(DIAL_PAUSE)
        raise AssertionError

    async def _dial(self, server: str) -> Connection:
        # The files are read each time: they may have been renewed.
        address, options = self._credentials.options(server)
        connection = Connection(self._log)
        await connection.dial(address, name=f"termwall {self.node}", **options)
        return connection

    async def _prepare(self, connection: Connection, deadline: float) -> None:
        """Make the stream; a cluster that just started needs some seconds for that."""
        while True:
            try:
                await self._documents.prepare(connection)
            except (BusAway, NoAnswer):
                if connection.ended.done() or asyncio.get_running_loop().time() >= deadline:
                    raise
                await asyncio.sleep(DIAL_PAUSE)
            else:
                return

    async def _adopt(self, connection: Connection) -> None:
        """Hear on this connection all that is heard; then it is the one.

        Raises:
            BusAway, NoAnswer
        """
        while missing := [route for route in self.routes if route.heard is None or route.heard[0] is not connection]:
            for route in missing:
                await route.announce(connection)
            await connection.sync()
        self.max_bytes = connection.client.max_payload - HEADER_BYTES
        self._connection = connection
        self._connected.set()
        self._report_state(True)

    async def _keep(self, connection: Connection) -> None:
        """Replace each connection that ends."""
        while True:
            while connection.live:
                await asyncio.wait([connection.ended], timeout=1.0)
            self._connection = None
            self._connected.clear()
            self._report_state(False)
            self._log.warning("The connection to NATS is lost; trying again.")
            await connection.finish()
            connection = await self._again()
            self._log.warning("The connection to NATS is back.")

    async def _again(self) -> Connection:
        pause, reported = DIAL_PAUSE, ""
        self._refusal = None
        for server in itertools.cycle(self._servers):
            await asyncio.sleep(pause)
            pause = min(MOST_DIAL_PAUSE, pause * 1.2)
            try:
                connection = await self._dial(server)
                try:
                    await self._adopt(connection)
                    self._presence.back()
                except BaseException:
                    await connection.finish()
                    raise
            except BusError as error:
                self._refusal = str(error) if isinstance(error, BusRefused) else None
                if isinstance(error, BusRefused) and str(error) != reported:
                    reported = str(error)
                    self._log.error("%s", reported)
            except Exception:  # noqa: BLE001 - whatever it is, a node must come back by itself.
                self._log.exception("A connection to NATS could not be made; trying again.")
            else:
                return connection
        raise AssertionError

    async def close(self) -> None:
        """As the contract says."""
        for watch in self._watches:
            await watch.end()
        self._watches = []
        connection = self._connection
        await self._presence.close()
        if connection is not None:
            await self.settle(connection)  # The goodbye has left.
        await chores.stop(self._task)
        self._task = None
        connection, self._connection = self._connection, None
        self._connected.clear()
        await asyncio.gather(*(route.end() for route in list(self.routes)))
        if connection is not None:
            await connection.finish()

    def _line(self) -> Connection:
        if self._connection is None or not self._connection.live:
            if self._refusal is not None:
                raise BusFails(self._refusal)
            raise BusAway("The engine between the nodes cannot be reached.")
        return self._connection

    async def _next_line(self) -> Line:
        while self._connection is None:
            await self._connected.wait()
        return self._connection

    async def send(self, subject: str, data: bytes) -> None:
        """As the contract says."""
        await self._line().send(self._prefix + subject, data)

    async def ask(self, subject: str, data: bytes, seconds: float) -> bytes:
        """As the contract says."""
        return await self._line().ask(self._prefix + subject, data, seconds)

    async def hear(
        self,
        subject: str,
        handler: Callable[[str, bytes], None],
        budget: int,
        lagged: Callable[[], None] = lambda: None,
    ) -> Subscription:
        """As the contract says."""
        box = Mailbox(handler, budget, lagged, self._log)
        return await self._route(
            subject, box, lambda message: box.put(message.subject.removeprefix(self._prefix), message.data)
        )

    async def answer(self, subject: str, handler: Callable[[bytes], Awaitable[bytes]]) -> Subscription:
        """As the contract says."""
        desk = Desk(handler, self._log)

        def take(message: Message) -> None:
            async def answer(reply: bytes) -> None:
                self._measure(reply)
                await self._line().send(message.reply, reply)

            desk.put(message.data, answer)

        return await self._route(subject, desk, take)

    async def _route(self, subject: str, box: Mailbox | Desk, take: Callable[[Message], None]) -> Subscription:
        route = _Route(self, self._prefix + subject, box, take)
        self.routes.add(route)
        if (connection := self._connection) is not None:
            try:
                await route.announce(connection)
            except BusError:  # The next connection hears it.
                pass
            await self.settle(connection)
        return route

    async def settle(self, connection: Connection) -> None:
        """Until the server knows what is heard and what is not, if it is this bus's connection still."""
        if connection is self._connection:
            try:
                await connection.sync()
            except BusError:  # It is lost, or slow.
                pass

    async def get(self, key: str) -> Document | None:
        """As the contract says."""
        return await self._documents.get(self._line(), key)

    async def compare_and_set(self, key: str, expected: Document | None, value: dict[str, Any]) -> Document:
        """As the contract says."""
        return await self._documents.compare_and_set(self._line(), key, expected, value, self.max_bytes)

    async def watch(
        self,
        handler: Callable[[Document], None],
        *,
        ready: Callable[[], None],
        lost: Callable[[], None] = lambda: None,
    ) -> Subscription:
        """As the contract says."""
        self._watches = [watch for watch in self._watches if not watch.ended]
        watch = DocumentWatch(self._documents, self._next_line, handler, ready, lost, self._log)
        self._watches.append(watch)
        return watch
