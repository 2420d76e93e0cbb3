"""The bus over NATS, 2.12 or newer, with JetStream. The only file that knows the client library.

Each connection is a new client and is never mended: nothing meant for an old connection is ever sent by a new one, and
there is one way back from every kind of failure. What the bus hears and serves is told to each new connection.
"""

import asyncio
import itertools
import logging
import re
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription

from termwall.cluster import chores
from termwall.cluster.bus import (
    BusAway,
    BusError,
    BusFails,
    BusRefused,
    Document,
    NoAnswer,
    NobodyThere,
    Subscription,
    TooLarge,
)
from termwall.cluster.credentials import Credentials, trouble
from termwall.cluster.end import BusEnd
from termwall.cluster.jetstream import Documents, Line, Message, Watch
from termwall.cluster.mailbox import MOST_REQUESTS, Desk, Mailbox

OLDEST = (2, 12)
"""Older servers lose compare-and-sets on a replicated stream."""
LEAST_BYTES = 8 << 10
"""Of a message: with less a piece of an answer has no room beside what is said of it."""
_DENIED = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)
HEADER_BYTES = 512
"""Kept free in each message for its headers, which count for the server but not for the client library."""
MOST_UNSENT = 32 << 20
"""Bytes that wait for a server that reads no more; then nothing more is taken, until it is found dead."""
CONNECT_SECONDS = 2
DIAL_PAUSE = 0.1
MOST_DIAL_PAUSE = 1.0
"""Seconds between two attempts: the first, and the longest."""


class _Connection:
    """One connection, from its beginning to its end."""

    def __init__(self, log: logging.Logger) -> None:
        self.client = Client()
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.error: Exception | None = None
        self._log = log
        self._inbox = ""
        self._numbers = itertools.count()
        self._answers: dict[str, asyncio.Future[Msg]] = {}
        self._asking: dict[str, str] = {}
        """The subject of each question without an answer, in small letters: the library tells so of what is refused."""
        self.denied: BusRefused | None = None
        """What this node needs and may not."""
        self._dropped: dict[NatsSubscription, Callable[[], None]] = {}

    async def dial(self, server: str, **options: Any) -> None:
        """Connect to one server.

        Raises:
            BusAway, BusRefused
        """
        try:
            await self.client.connect(
                [server],
                error_cb=self._on_error,
                disconnected_cb=self._on_disconnected,
                closed_cb=self._on_closed,
                connect_timeout=CONNECT_SECONDS,
                reconnect_time_wait=0,
                allow_reconnect=False,  # While it is not connected: else connect() never ends.
                max_reconnect_attempts=1,
                ping_interval=2,  # A hung server is found dead within 6 s.
                max_outstanding_pings=2,
                pending_size=-1,  # Publishing fails at once while away; else it would be kept and sent too early.
                **options,
            )
            # From now on the library cleans up after a loss, tells it and begins to connect again; `_on_disconnected`
            # stops it there. Without, it may end in the middle and leave the socket open.
            self.client.options["allow_reconnect"] = True
            if secure := options.get("tls"):
                secure.require()
            self._check()
            self._inbox = self.client.new_inbox()
            await self.listen(self._inbox + ".*", self._answered, lambda: None)
            await self.sync()
        except BusError:
            await self.finish()
            raise
        except Exception as error:  # noqa: BLE001 - the library raises of all kinds; none may leave this file.
            await self.finish()
            raise self._explain(self.error if isinstance(error, errors.NoServersError) else error, server) from None
        except BaseException:
            await self.finish()
            raise

    def _check(self) -> None:
        version = str(self.client.connected_server_version).removeprefix("<nats server v").rstrip(">")
        numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
        if numbers < OLDEST:
            raise BusRefused(
                f"The NATS server is version {version}; termwall needs 2.12 or newer: install a newer one."
            )
        if self.client.max_payload < LEAST_BYTES:
            raise BusRefused(
                f"The NATS server carries messages of {self.client.max_payload} bytes at most; termwall needs "
                f"{LEAST_BYTES} or more: raise its `max_payload`."
            )

    def _explain(self, error: Exception | None, server: str) -> BusError:
        reason = f"{type(error).__name__}: {error}"
        text = str(error).lower()
        if "authorization" in text or "authentication" in text:
            return BusRefused(f"The NATS server at {server} refuses this node's credentials.")
        if (sentence := trouble(error)) is not None:
            return BusRefused(f"No secure connection to the NATS server at {server}: {sentence}")
        if isinstance(error, (OSError, errors.Error, asyncio.TimeoutError)) and "invalid" not in text:
            return BusAway(f"The NATS server at {server} cannot be reached: {reason}.")
        return BusRefused(f"The NATS server at {server} cannot be used: {reason}.")

    async def _on_error(self, error: Exception) -> None:
        self.error = error
        if isinstance(error, errors.SlowConsumerError):
            if (dropped := self._dropped.get(error.sub)) is not None:
                dropped()
        elif (found := _DENIED.search(str(error))) is not None:
            self._deny(found[1].lower(), found[2])
        else:
            self._log.debug("NATS: %r", error)

    def _deny(self, what: str, subject: str) -> None:
        """The server says that this node may not; whatever needs it fails at once, with that reason."""
        verb = "publish" if what == "publish" else "subscribe"
        kind = next((one for one in ("$JS.API.>", "_INBOX.>") if subject.startswith(one[:-1].lower())), subject)
        denied = BusRefused(
            f"This node's account on NATS may not {verb} to `{kind}`: grant it what docs/how-to/nodes.md lists under "
            "`Permissions`."
        )
        if self.denied is None:
            self.denied = denied
            self._log.error("%s", denied)
        deaf = what == "subscription" and subject == f"{self._inbox}.*".lower()
        for number, future in self._answers.items():
            if not future.done() and (deaf or self._asking.get(number) == subject):
                future.set_exception(denied)

    async def _on_disconnected(self) -> None:
        self._end()
        if not self.client.is_closed:
            await asyncio.get_running_loop().create_future()  # Until finish() cancels the library's attempts.

    async def _on_closed(self) -> None:
        self._end()

    def _end(self) -> None:
        if self.ended.done():
            return
        self.ended.set_result(None)
        for future in self._answers.values():
            if not future.done():
                future.set_exception(NoAnswer("The connection to NATS was lost before the answer came."))

    async def finish(self) -> None:
        """Close it, whatever its state is. It raises nothing."""
        self._end()
        subscriptions = list(self._dropped)
        self._dropped.clear()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                for subscription in subscriptions:
                    await _Heard.stop(subscription)  # Else it goes on if `close` does not come to its end.
                await self.client.close()
        except Exception as error:  # noqa: BLE001 - it is lost already, and the library stumbles over that in many ways.
            self._log.debug("NATS: %r at the end", error)

    @property
    def live(self) -> bool:
        """Whether it still is one. The library does not always tell."""
        return not self.ended.done() and self.client.is_connected

    def inbox(self) -> str:
        """A new subject for answers."""
        return self.client.new_inbox()

    async def send(self, subject: str, data: bytes, reply: str = "", headers: dict[str, str] | None = None) -> None:
        """Send at once, or not at all.

        Raises:
            BusAway, TooLarge
        """
        if not self.live:
            raise BusAway("The connection to NATS is lost.")
        if self.client.pending_data_size > MOST_UNSENT:
            raise BusAway("NATS does not take what is sent.")
        try:
            await self.client.publish(subject, data, reply=reply, headers=headers)
        except errors.MaxPayloadError:
            raise TooLarge(f"A message has {len(data)} bytes; the engine carries {self.client.max_payload}.") from None
        except (errors.Error, OSError, RuntimeError) as error:  # uvloop's closed transports raise the last.
            raise BusAway(f"The connection to NATS is lost ({error}).") from None

    async def ask(self, subject: str, data: bytes, seconds: float, headers: dict[str, str] | None = None) -> bytes:
        """Send, and wait for one answer.

        Raises:
            BusAway, NobodyThere, NoAnswer, TooLarge
        """
        number = str(next(self._numbers))
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        self._asking[number] = subject.lower()
        try:
            await self.send(subject, data, f"{self._inbox}.{number}", headers)
            async with asyncio.timeout(seconds):
                message = await future
        except TimeoutError:
            raise NoAnswer(f"No answer came in {seconds:g} s.") from None
        finally:
            del self._answers[number], self._asking[number]
        if not message.data and (message.headers or {}).get("Status") == "503":
            raise NobodyThere(f"Nobody serves {subject}.")
        answer: bytes = message.data
        return answer

    def _answered(self, message: Message) -> None:
        future = self._answers.get(message.subject.rpartition(".")[2])
        if future is not None and not future.done():
            assert isinstance(message, Msg)
            future.set_result(message)

    async def sync(self) -> None:
        """Until the server has done all that was sent before.

        By a message to itself, not by the library's `flush`: a pong that comes late there ends the reading.

        Raises:
            BusAway, BusRefused, NoAnswer
        """
        number = str(next(self._numbers))
        future = self._answers[number] = asyncio.get_running_loop().create_future()
        self._asking[number] = f"{self._inbox}.{number}".lower()
        try:
            await self.send(f"{self._inbox}.{number}", b"")
            async with asyncio.timeout(CONNECT_SECONDS):
                await future
        except TimeoutError:
            raise NoAnswer("NATS does not answer.") from None
        finally:
            del self._answers[number], self._asking[number]

    async def listen(
        self, subject: str, take: Callable[[Message], None], dropped: Callable[[], None], most: int = 1 << 16
    ) -> Subscription:
        """Hear a subject on this connection. What the library holds of it is bounded; `dropped()` tells when it was."""

        async def hear(message: Msg) -> None:
            chores.call(self._log, take, message)

        try:
            heard = await self.client.subscribe(
                subject,
                cb=hear,
                pending_msgs_limit=most,
                pending_bytes_limit=max(8 << 20, 2 * self.client.max_payload),
            )
        except errors.Error as error:
            raise BusAway(f"The connection to NATS is lost ({error}).") from None
        self._dropped[heard] = dropped
        return _Heard(heard, self._dropped)


class _Heard:
    """A subscription on one connection."""

    def __init__(self, heard: NatsSubscription, dropped: dict[NatsSubscription, Callable[[], None]]) -> None:
        self._heard = heard
        self._dropped = dropped

    async def end(self) -> None:
        if self._dropped.pop(self._heard, None) is not None:
            await self.stop(self._heard)

    @staticmethod
    async def stop(heard: NatsSubscription) -> None:
        """Hear no more. It raises nothing."""
        try:
            await heard.unsubscribe()
        except errors.Error:  # The connection is lost, and the subscription with it.
            pass


class _Route:
    """A subject that the bus hears or serves, on whatever connection there is."""

    def __init__(self, bus: "NatsBus", subject: str, box: Mailbox | Desk, take: Callable[[Message], None]) -> None:
        self.subject = subject
        self.box = box
        self.take = take
        self.heard: tuple[_Connection, Subscription] | None = None
        self._bus = bus

    async def tell(self, connection: _Connection) -> None:
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
        self._watches: list[Watch] = []
        self._connection: _Connection | None = None
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
                self._tell_state(False)
            await connection.finish()
            if isinstance(error, BusError) and not isinstance(error, (BusAway, BusRefused)):
                raise BusAway(str(error)) from None
            raise
        self._task = chores.start(self._keep(connection), self._log)

    async def _first(self, deadline: float) -> _Connection:
        for server in itertools.cycle(self._servers):
            try:
                return await self._dial(server)
            except BusAway:
                if asyncio.get_running_loop().time() >= deadline:
                    raise
                await asyncio.sleep(DIAL_PAUSE)
        raise AssertionError

    async def _dial(self, server: str) -> _Connection:
        # The files are read each time: they may have been renewed.
        address, options = self._credentials.options(server)
        connection = _Connection(self._log)
        await connection.dial(address, name=f"termwall {self.node}", **options)
        return connection

    async def _prepare(self, connection: _Connection, deadline: float) -> None:
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

    async def _adopt(self, connection: _Connection) -> None:
        """Hear on this connection all that is heard; then it is the one.

        Raises:
            BusAway, NoAnswer
        """
        while missing := [route for route in self.routes if route.heard is None or route.heard[0] is not connection]:
            for route in missing:
                await route.tell(connection)
            await connection.sync()
        self.max_bytes = connection.client.max_payload - HEADER_BYTES
        self._connection = connection
        self._connected.set()
        self._tell_state(True)

    async def _keep(self, connection: _Connection) -> None:
        """Replace each connection that ends."""
        while True:
            while connection.live:
                await asyncio.wait([connection.ended], timeout=1.0)
            self._connection = None
            self._connected.clear()
            self._tell_state(False)
            self._log.warning("The connection to NATS is lost; trying again.")
            await connection.finish()
            connection = await self._again()
            self._log.warning("The connection to NATS is back.")

    async def _again(self) -> _Connection:
        pause, told = DIAL_PAUSE, ""
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
                if isinstance(error, BusRefused) and str(error) != told:
                    told = str(error)
                    self._log.error("%s", told)
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

    def _line(self) -> _Connection:
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
                await route.tell(connection)
            except BusError:  # The next connection is told.
                pass
            await self.settle(connection)
        return route

    async def settle(self, connection: _Connection) -> None:
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
        watch = Watch(self._documents, self._next_line, handler, ready, lost, self._log)
        self._watches.append(watch)
        return watch
