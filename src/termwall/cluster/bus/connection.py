"""One connection to a NATS server, from its beginning to its end. It is never mended: the next one is a new client.

Beside `nats`, the only file that knows the client library. What the server refuses fails at once, with its reason.
"""

import asyncio
import itertools
import logging
import re
from collections.abc import Callable
from typing import Any

from nats import errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription as NatsSubscription

from termwall.cluster.bus import chores
from termwall.cluster.bus.contract import BusAway, BusError, BusRefused, NoAnswer, NobodyThere, Subscription, TooLarge
from termwall.cluster.bus.credentials import trouble
from termwall.cluster.bus.jetstream import Message

OLDEST = (2, 12)
"""Older servers lose compare-and-sets on a replicated stream."""
LEAST_BYTES = 8 << 10
"""Of a message: with less a piece of an answer has no room beside what is said of it."""
MOST_UNSENT = 32 << 20
"""Bytes that wait for a server that reads no more; then nothing more is taken, until it is found dead."""
CONNECT_SECONDS = 2
_DENIED = re.compile(r'permissions violation for (publish|subscription) to "([^"]+)"', re.IGNORECASE)


class Connection:
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
        """The subject of each question without an answer, in small letters: the library reports so what is refused."""
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
            # From now on the library cleans up after a loss, reports it and begins to connect again; `_on_disconnected`
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
                    await Heard.stop(subscription)  # Else it goes on if `close` does not come to its end.
                await self.client.close()
        except Exception as error:  # noqa: BLE001 - it is lost already, and the library stumbles over that in many ways.
            self._log.debug("NATS: %r at the end", error)

    @property
    def live(self) -> bool:
        """Whether it still is one. The library does not always report it."""
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
        """Hear a subject on this connection. The library holds so many messages, and calls `dropped()` for more."""

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
        return Heard(heard, self._dropped)


class Heard:
    """A subscription on one connection."""

    def __init__(self, heard: NatsSubscription, dropped: dict[NatsSubscription, Callable[[], None]]) -> None:
        self._heard = heard
        self._dropped = dropped

    async def end(self) -> None:
        """As the contract says."""
        if self._dropped.pop(self._heard, None) is not None:
            await self.stop(self._heard)

    @staticmethod
    async def stop(heard: NatsSubscription) -> None:
        """Hear no more. It raises nothing."""
        try:
            await heard.unsubscribe()
        except errors.Error:  # The connection is lost, and the subscription with it.
            pass
