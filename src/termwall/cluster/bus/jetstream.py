"""Documents as a JetStream stream: one subject for each key, 256 versions kept, compare-and-set by the sequence.

It speaks JetStream's own JSON over any line. Not a key-value bucket: its watchers skip versions. Not the
client library's ordered consumer: it takes 14 s to notice an outage. Here each connection has its own.
"""

import asyncio
import base64
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from termwall.cluster.bus import chores
from termwall.cluster.bus.contract import (
    BusAway,
    BusError,
    BusFails,
    BusRefused,
    Conflict,
    Document,
    NoAnswer,
    NobodyThere,
    OutcomeUnknown,
    Subscription,
    TooLarge,
)
from termwall.cluster.bus.subjects import key_of, subject_of

HISTORY = 256
"""Versions of a document that the engine keeps."""
CONFLICTS = (10071, 10164)
"""Error codes: another sequence than expected; a write of that subject is in flight (newer servers)."""
NO_MESSAGE, NO_STREAM, STREAM_TAKEN, TOO_LARGE = 10037, 10059, 10058, 10054
NO_JETSTREAM = (10039, 10076)
NO_REPLICAS = (10052, 10074)
"""Error codes: more replicas than the engine does."""
FULL = (10002, 10023, 10028, 10047, 10077)
"""Error codes: the account's, the server's or the stream's storage is used up."""
NO_PEERS = 10005
"""Error code: fewer servers are there than replicas, as while a cluster starts."""
UNAVAILABLE = 503
"""The HTTP-like code of what passes by itself, such as a cluster without a leader."""


class Message(Protocol):
    """What comes on a line."""

    subject: str
    reply: str
    data: bytes
    headers: dict[str, str] | None


class Line(Protocol):
    """One connection to the engine."""

    ended: "asyncio.Future[None]"

    async def send(self, subject: str, data: bytes) -> None: ...  # noqa: D102
    async def ask(  # noqa: D102
        self, subject: str, data: bytes, seconds: float, headers: dict[str, str] | None = None
    ) -> bytes: ...
    async def listen(  # noqa: D102
        self, subject: str, take: Callable[[Message], None], dropped: Callable[[], None]
    ) -> Subscription: ...
    def inbox(self) -> str: ...  # noqa: D102


class _Denied(BusError):
    """The engine answered with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        self.reason = str(error.get("description", "no reason"))
        super().__init__(f"The engine says: {self.reason}.")
        self.code = int(error.get("err_code", 0))
        self.status = int(error.get("code", 0))


@dataclass(frozen=True, slots=True)
class Extent:
    """Which stream it is, and its last sequence."""

    created: str
    last: int


class Documents:
    """The stream `<name>-documents`."""

    def __init__(self, name: str, replicas: int, patience: float, log: logging.Logger) -> None:
        self.stream = f"{name}-documents"
        self.prefix = f"{name}.document."
        self._replicas = replicas
        self._patience = patience
        self._log = log

    async def call(self, line: Line, what: str, request: dict[str, Any]) -> dict[str, Any]:
        """One call of JetStream's interface.

        Raises:
            BusAway, NoAnswer, BusRefused (no JetStream), BusError
        """
        refusal = "This NATS server has no JetStream: start it with `-js`, or with `jetstream {}` in its configuration."
        try:
            data = await line.ask(f"$JS.API.{what}", json.dumps(request).encode(), self._patience)
        except NobodyThere:
            raise BusRefused(refusal) from None
        answer: dict[str, Any] = json.loads(data)
        if (error := answer.get("error")) is not None:
            denied = _Denied(error)
            if denied.code in NO_JETSTREAM:
                raise BusRefused(refusal)
            raise BusAway(str(denied)) if denied.status == UNAVAILABLE else denied
        return answer

    async def prepare(self, line: Line) -> Extent:
        """Make the stream where it is not there.

        Raises:
            BusAway, NoAnswer, BusRefused, BusError
        """
        config = {
            "name": self.stream,
            "subjects": [self.prefix + ">"],
            "retention": "limits",
            "storage": "file",
            "discard": "old",
            "max_msgs_per_subject": HISTORY,
            "num_replicas": self._replicas,
            "allow_direct": False,
            "max_consumers": -1,
            "max_msgs": -1,
            "max_bytes": -1,
            "max_age": 0,
        }
        try:
            info = await self.call(line, f"STREAM.INFO.{self.stream}", {})
        except _Denied as denied:
            if denied.code != NO_STREAM:
                raise
            try:
                info = await self.call(line, f"STREAM.CREATE.{self.stream}", config)
            except _Denied as denied:
                if denied.code in NO_REPLICAS:
                    raise BusRefused(f"{denied} Ask for fewer than {self._replicas} replicas.") from None
                if denied.code == NO_PEERS:
                    raise BusAway(
                        f"Fewer than {self._replicas} NATS servers are there to store on: start more, or ask for fewer "
                        f"replicas. {denied}"
                    ) from None
                if denied.code != STREAM_TAKEN:  # Another node made it meanwhile; with other settings, if taken.
                    raise BusRefused(f"The stream {self.stream} cannot be made. {denied}") from None
                info = await self.call(line, f"STREAM.INFO.{self.stream}", {})
        self._check(info["config"], config)
        return Extent(str(info["created"]), int(info["state"]["last_seq"]))

    def _check(self, found: dict[str, Any], wanted: dict[str, Any]) -> None:
        if found.get("allow_direct") or found.get("subjects") != wanted["subjects"]:
            raise BusRefused(
                f"The stream {self.stream} is there with other settings (subjects, or allow_direct): "
                "remove it, or give this wall another name."
            )
        if found.get("num_replicas") != self._replicas:
            self._log.warning(
                "The stream %s has %s replicas, not %d: change it with `nats stream update`.",
                *(self.stream, found.get("num_replicas"), self._replicas),
            )

    async def get(self, line: Line, key: str) -> Document | None:
        """The leader's newest version.

        Raises:
            BusAway, NoAnswer, BusError
        """
        subject = self.prefix + subject_of(key)
        try:
            answer = await self.call(line, f"STREAM.MSG.GET.{self.stream}", {"last_by_subj": subject})
        except _Denied as denied:
            if denied.code == NO_MESSAGE:
                return None
            if denied.code == NO_STREAM:
                raise BusAway("The engine lost its documents; they are stored again soon.") from None
            raise
        message = answer["message"]
        return document_of(key, base64.b64decode(message.get("data", "")), int(message["seq"]))

    async def compare_and_set(
        self, line: Line, key: str, expected: Document | None, value: dict[str, Any], max_bytes: int
    ) -> Document:
        """As the bus's contract says."""
        version = expected.version + 1 if expected is not None else 1
        body = json.dumps({"version": version, "value": value}, separators=(",", ":")).encode()
        if len(body) > max_bytes:
            raise TooLarge(f"A document has {len(body)} bytes; the engine carries {max_bytes}.")
        headers = {
            "Nats-Expected-Stream": self.stream,
            "Nats-Expected-Last-Subject-Sequence": str(expected.token if expected is not None else 0),
        }
        try:
            data = await line.ask(self.prefix + subject_of(key), body, self._patience, headers)
        except NobodyThere:
            raise BusAway("The engine has nobody who stores documents at the moment: nothing was stored.") from None
        except BusRefused as refusal:
            raise BusFails(str(refusal)) from None
        except NoAnswer:
            raise OutcomeUnknown("No answer came; whether the document was stored is not known.") from None
        answer = json.loads(data)
        if (error := answer.get("error")) is None:
            return Document(key, version, json.loads(body)["value"], int(answer["seq"]))
        denied = _Denied(error)
        if denied.code == TOO_LARGE:
            raise TooLarge(str(denied))
        if denied.code in FULL:
            raise BusFails(
                f"NATS has no room to store it ({denied.reason}): free disk space there, or raise its `max_file_store` "
                "or the account's `max_file`."
            )
        if denied.code not in CONFLICTS:
            away = BusAway if denied.status == UNAVAILABLE else BusFails
            raise away(f"NATS did not store it: {denied.reason}.")
        try:
            current = await self.get(line, key)
        except (NoAnswer, BusAway):
            raise BusAway("Nothing was stored, as the document has changed; then the engine went away.") from None
        raise Conflict(current)


def document_of(key: str, data: bytes, sequence: int) -> Document:
    """What was stored.

    Raises:
        BusError: it is no document.
    """
    try:
        body = json.loads(data)
        return Document(key, int(body["version"]), dict(body["value"]), sequence)
    except (ValueError, TypeError, KeyError):
        raise BusError(f"What is stored as {key} is not a document.") from None


class DocumentWatch:
    """Follows the stream over all connections. `line()` waits until there is one."""

    HEARTBEAT = 1.0
    """Seconds between two signs of life of a consumer; three missed ones end it."""
    PAUSE = 0.1
    """Seconds until the next attempt."""

    def __init__(
        self,
        documents: Documents,
        line: Callable[[], Awaitable[Line]],
        handler: Callable[[Document], None],
        ready: Callable[[], None],
        lost: Callable[[], None],
        log: logging.Logger,
    ) -> None:
        self._documents = documents
        self._line = line
        self._handler = handler
        self._ready = ready
        self._lost = lost
        self._log = log
        self._is_ready = False
        self.ended = False
        self._created = ""
        self._sequence = 0
        """Of the last version that was handled."""
        self._versions: dict[str, int] = {}
        self._task = chores.start(self._run(), log)

    async def end(self) -> None:
        """As the contract says."""
        self.ended = True
        await chores.stop(self._task)

    async def _run(self) -> None:
        while True:
            line = await self._line()
            try:
                await self._follow(line)
            except BusError as error:
                self._log.info("Documents are not followed at the moment: %s", error)
            except Exception:  # noqa: BLE001 - whatever it is, documents must be followed again.
                self._log.exception("Following documents failed.")
            await asyncio.sleep(self.PAUSE)

    async def _follow(self, line: Line) -> None:
        """One ordered consumer, until it or the connection ends."""
        extent = await self._documents.prepare(line)
        if extent.created != self._created or extent.last < self._sequence:
            if self._created and not self.ended:
                self._log.error("NATS lost the documents that it had stored; what this node knows is stored again.")
                chores.call(self._log, self._lost)
            self._created, self._sequence = extent.created, 0
            self._versions.clear()
        consumer = _Consumer(self, line)
        inbox = line.inbox()
        listening = await line.listen(inbox, consumer.take, consumer.over.set)
        name = ""
        line.ended.add_done_callback(consumer.end)
        try:
            call = f"CONSUMER.CREATE.{self._documents.stream}"
            made = await self._documents.call(line, call, self._order(inbox))
            name = str(made["name"])
            consumer.expects(int(made.get("num_pending", 0)))
            await consumer.live()
        finally:
            line.ended.remove_done_callback(consumer.end)
            await listening.end()
            if name and not line.ended.done():
                chores.start(self._remove(line, name), self._log)

    def _order(self, inbox: str) -> dict[str, Any]:
        config: dict[str, Any] = {
            "deliver_subject": inbox,
            "filter_subject": self._documents.prefix + ">",
            "deliver_policy": "last_per_subject",
            "ack_policy": "none",
            "max_deliver": 1,
            "replay_policy": "instant",
            "flow_control": True,
            "idle_heartbeat": int(self.HEARTBEAT * 1e9),
            "num_replicas": 1,
            "mem_storage": True,
        }
        if self._is_ready and self._sequence:
            config |= {"deliver_policy": "by_start_sequence", "opt_start_seq": self._sequence + 1}
        return {"stream_name": self._documents.stream, "config": config}

    async def _remove(self, line: Line, name: str) -> None:
        try:
            await self._documents.call(line, f"CONSUMER.DELETE.{self._documents.stream}.{name}", {})
        except BusError:  # The server removes it itself when nobody listens any more.
            pass

    def deliver(self, message: Message, sequence: int) -> None:
        """Hand on a version that the reader does not have yet.

        With replicas a failover has a window in which a version may be stored twice: the first one counts for all, but
        the next compare-and-set has to name the second. The reader knows.
        """
        if self.ended:
            return
        self._sequence = sequence
        key = key_of(message.subject.removeprefix(self._documents.prefix))
        try:
            document = document_of(key, message.data, sequence)
        except BusError as error:
            self._log.warning("%s", error)
            return
        if document.version >= self._versions.get(key, 0):
            self._versions[key] = document.version
            chores.call(self._log, self._handler, document)

    def complete(self) -> None:
        """The newest of each key were delivered."""
        if not self._is_ready and not self.ended:
            self._is_ready = True
            chores.call(self._log, self._ready)


class _Consumer:
    """One consumer on one connection: nothing may be missing, and it shows signs of life."""

    def __init__(self, watch: DocumentWatch, line: Line) -> None:
        self._watch = watch
        self._line = line
        self.over = asyncio.Event()
        self._count = 0
        self._expected: int | None = None
        self._heard = asyncio.get_running_loop().time()

    def end(self, _: object) -> None:
        self.over.set()

    def expects(self, count: int) -> None:
        """So many messages make the first picture complete."""
        self._expected = count
        self._look()

    def _look(self) -> None:
        if self._expected is not None and self._count >= self._expected:
            self._watch.complete()

    async def live(self) -> None:
        """Until something is missing."""
        loop = asyncio.get_running_loop()
        while not self.over.is_set() and loop.time() - self._heard < 3 * DocumentWatch.HEARTBEAT:
            try:
                async with asyncio.timeout(DocumentWatch.HEARTBEAT):
                    await self.over.wait()
            except TimeoutError:
                pass

    def take(self, message: Message) -> None:
        self._heard = asyncio.get_running_loop().time()
        if self.over.is_set():
            return
        headers = message.headers or {}
        if "Status" in headers:
            self._control(message, headers)
            return
        # $JS.ACK.<stream>.<consumer>.<deliveries>.<stream's>.<consumer's>.<time>.<pending>, or two more in front.
        tokens = message.reply.split(".")
        place = 5 if len(tokens) == 9 else 7
        if int(tokens[place + 1]) != self._count + 1:
            self.over.set()
            return
        self._count += 1
        self._watch.deliver(message, int(tokens[place]))
        self._look()

    def _control(self, message: Message, headers: dict[str, str]) -> None:
        last = headers.get("Nats-Last-Consumer")
        if headers["Status"] != "100" or (last is not None and int(last) != self._count):
            self.over.set()
            return
        # All that came before was handled, so the engine may send more.
        if reply := message.reply or headers.get("Nats-Consumer-Stalled", ""):
            chores.start(self._go_on(reply), self._watch._log)

    async def _go_on(self, reply: str) -> None:
        try:
            await self._line.send(reply, b"")
        except BusError:  # Then it ends anyway.
            pass
