"""One HTTP call to another node's own application, and its answer piece by piece.

    call     the request, with who asks; a call that had no answer is not sent again: it may have been carried out
    answer   numbered pieces; one that is missing ends the answer, for nothing here is kept to be sent again
    taken    how many pieces were passed on; at most `MOST_PIECES` are under way. `ended`: send no more

The application that answers is the one below the layer that carries calls, so it answers for its own node only.
"""

import asyncio
import itertools
import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from termwall.cluster import chores
from termwall.cluster.bus import Bus, BusAway, BusError, NoAnswer, Subscription, TooLarge
from termwall.cluster.parcel import pack, understands, unpack
from termwall.core.errors import ERRORS, ErrorCode
from termwall.protocol.bodies import ErrorAnswer

log = logging.getLogger("termwall.cluster")

ANSWER_SECONDS = 15.0
"""For the first piece of an answer, and for each that follows."""
TAKEN_SECONDS = 60.0
"""A client that takes nothing of its answer for so long is let go, so that its file is closed here."""
PIECE_BYTES = 64 << 10
MOST_PIECES = 8
"""Of one answer that were sent and not taken: 512 KiB, as much as of a session's output."""
MOST_WAITING = 1024
"""Calls that wait for other nodes, and calls of other nodes that are answered; one more is refused."""
BUDGET_BYTES = 64 << 20


@dataclass(frozen=True, slots=True)
class Call:
    """A request as it is carried; `identity` as JSON holds it, the rest as in an ASGI scope."""

    method: str
    path: str
    identity: dict[str, Any]
    query: str = ""
    headers: list[list[str]] = field(default_factory=list)
    body: bytes = b""


class AskerGone(Exception):
    """Nobody takes the answer any more."""


class Calls:
    """One node's end: asks others, and answers them.

    Args:
        bus: open.
        app: answers the calls of others.
        real: an identity from what JSON holds.
    """

    def __init__(self, bus: Bus, app: ASGIApp, real: Callable[[Any], Any]) -> None:
        self.bus = bus
        self._app = app
        self._real = real
        self._waiting: dict[str, asyncio.Queue[tuple[dict[str, Any], bytes]]] = {}
        self._answers: dict[str, _Answer] = {}
        self._subscriptions: list[Subscription] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to answer."""
        for subject, handler in (("call", self._called), ("answer", self._answered), ("taken", self._taken)):
            name = f"{subject}.{self.bus.node}"
            subscription = await self.bus.subscribe(name, handler, budget=BUDGET_BYTES, lagged=lambda: None)
            self._subscriptions.append(subscription)

    async def close(self) -> None:
        """Answer nothing any more."""
        for subscription in self._subscriptions:
            await subscription.end()
        for task in tuple(self._tasks):
            await chores.stop(task)

    def _start(self, work: Any) -> None:
        task = chores.start(work, log)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ---- the node that asks

    async def carry(self, node: str, call: Call) -> AsyncGenerator[Message]:
        """A call's answer, as the messages of ASGI. Whoever takes the next one has passed on the one before.

        Raises:
            BusError: it was not sent, or has no answer or no whole one; the message is a sentence.
        """
        member = self.bus.members().get(node)
        if member is None:
            raise BusAway(f"Node {node} cannot be reached at the moment.")
        if not understands(member):
            raise BusAway(
                f"Node {node} has another version of termwall, {member.about.get('version')}, "
                f"which this one cannot ask: send the call to node {node} itself."
            )
        if len(self._waiting) >= MOST_WAITING:
            raise BusAway(f"Node {node} was not asked: {MOST_WAITING} calls wait for other nodes already.")
        name, whole = secrets.token_hex(8), False
        pieces = self._waiting[name] = asyncio.Queue(MOST_PIECES)
        header = {
            "id": name,
            "gateway": self.bus.node,
            "method": call.method,
            "path": call.path,
            "query": call.query,
            "headers": call.headers,
            "identity": call.identity,
        }
        try:
            await self.bus.publish(f"call.{node}", pack(header, call.body))
            for expected in itertools.count():
                answer, piece = await _next(pieces, node)
                if answer["piece"] != expected:
                    raise NoAnswer(f"A part of the answer of node {node} got lost; what was asked may have been done.")
                if expected == 0:
                    yield {"type": "http.response.start", "status": answer["status"], "headers": _real(answer)}
                yield {"type": "http.response.body", "body": piece, "more_body": answer["more"]}
                whole = not answer["more"]
                if whole:
                    return
                taken = {"id": name, "pieces": expected + 1, "ended": False}
                await self.bus.publish(f"taken.{node}", pack(taken))
        finally:
            del self._waiting[name]
            if not whole:
                self._start(self._end(node, name))

    async def _end(self, node: str, id: str) -> None:
        ended = {"id": id, "pieces": 0, "ended": True}
        with suppress(BusError):
            await self.bus.publish(f"taken.{node}", pack(ended))

    async def collect(self, node: str, call: Call, *, seconds: float, most: int) -> tuple[int, bytes]:
        """Status and body of an answer that is whole within so many seconds and bytes.

        Raises:
            BusError: there is none.
        """
        status, content = 0, bytearray()
        try:
            async with asyncio.timeout(seconds), aclosing(self.carry(node, call)) as answer:
                async for message in answer:
                    status = message.get("status", status)
                    content += message.get("body", b"")
                    if len(content) > most:
                        raise TooLarge(f"The answer of node {node} has more than {most} bytes.")
        except TimeoutError:
            raise NoAnswer(f"Node {node} did not answer in {seconds:g} s.") from None
        return status, bytes(content)

    def _answered(self, subject: str, data: bytes) -> None:
        header, body = unpack(data)
        pieces = self._waiting.get(header["id"])
        # A piece beyond the credit is dropped, and missed.
        if pieces is not None and not pieces.full():
            pieces.put_nowait((header, body))

    # ---- the node that answers

    def _called(self, subject: str, data: bytes) -> None:
        header, body = unpack(data)
        if len(self._answers) < MOST_WAITING:
            answer = self._answers[header["id"]] = _Answer(self.bus, header["gateway"], header["id"])
            self._start(self._serve(answer, header, body))

    def _taken(self, subject: str, data: bytes) -> None:
        header, _ = unpack(data)
        answer = self._answers.get(header["id"])
        if answer is not None:
            answer.took(header["pieces"], header["ended"])

    async def _serve(self, answer: "_Answer", header: dict[str, Any], body: bytes) -> None:
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": header["method"],
            "scheme": "http",
            "path": header["path"],
            "raw_path": header["path"].encode(),
            "root_path": "",
            "query_string": header["query"].encode("latin-1"),
            "headers": _real(header),
            "client": None,
            "server": None,
            "state": {"identity": self._real(header["identity"])},
        }
        request: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if request:
                return request.pop()
            await answer.ended.wait()
            return {"type": "http.disconnect"}

        try:
            await self._app(scope, receive, answer.send)
        except (AskerGone, BusError) as error:
            log.debug("the answer to node %s was not sent: %s", answer.gateway, error)
        except Exception:
            log.exception("A call of node %s failed.", answer.gateway)
            with suppress(AskerGone, BusError):
                await answer.fail()
        finally:
            del self._answers[answer.id]


class _Answer:
    """An answer on its way: cut into pieces, and no more of them than its taker has room for."""

    def __init__(self, bus: Bus, gateway: str, id: str) -> None:
        self.gateway = gateway
        self.id = id
        self.ended = asyncio.Event()
        self._bus = bus
        self._status = 500
        self._headers: list[list[str]] = []
        self._sent = self._took = 0
        self._room = asyncio.Event()

    def took(self, pieces: int, ended: bool) -> None:
        """So many pieces were passed on; or nobody takes any more."""
        self._took = max(self._took, pieces)
        if ended:
            self.ended.set()
        self._room.set()

    async def send(self, message: Message) -> None:
        """ASGI's. Raises `AskerGone` and `BusError`."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in message["headers"]]
            return
        body, more = message.get("body", b""), message.get("more_body", False)
        for begin in range(0, len(body), PIECE_BYTES):
            end = begin + PIECE_BYTES
            await self._send(body[begin:end], more or end < len(body))
        if not body and not more:
            await self._send(b"", False)

    async def fail(self) -> None:
        """The application did: say so, unless its answer has begun."""
        if self._sent == 0:
            self._status, self._headers = 500, [["content-type", "application/json"]]
            await self._send(error_body(ErrorCode.INTERNAL, ERRORS[ErrorCode.INTERNAL].meaning), False)

    async def _send(self, piece: bytes, more: bool) -> None:
        while self._sent - self._took >= MOST_PIECES and not self.ended.is_set():
            self._room.clear()
            try:
                await asyncio.wait_for(self._room.wait(), TAKEN_SECONDS)
            except TimeoutError:
                raise AskerGone(f"nothing of it was taken for {TAKEN_SECONDS:g} s") from None
        if self.ended.is_set():
            raise AskerGone("its client is gone")
        header: dict[str, Any] = {"id": self.id, "piece": self._sent, "more": more}
        if self._sent == 0:
            header |= {"status": self._status, "headers": self._headers}
        self._sent += 1
        await self._bus.publish(f"answer.{self.gateway}", pack(header, piece))


async def _next(pieces: "asyncio.Queue[tuple[dict[str, Any], bytes]]", node: str) -> tuple[dict[str, Any], bytes]:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await pieces.get()
    except TimeoutError:
        raise NoAnswer(f"Node {node} did not answer in time; what was asked may have been done.") from None


def error_body(code: ErrorCode, sentence: str) -> bytes:
    """An error as A3 has it."""
    return ErrorAnswer(code=code, error=sentence).model_dump_json(exclude_none=True).encode()


def _real(header: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in header["headers"]]
