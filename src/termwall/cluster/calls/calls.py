"""One HTTP call to another node's own application, and its answer piece by piece.

    call     the request, with who asks; a call that had no answer is not sent again: it may have been carried out
    answer   numbered pieces; one that is missing ends the answer, for nothing here is kept to be sent again.
             Before the first, signs of life: what was asked may take long
    taken    how many pieces were passed on; at most `MOST_PIECES` are under way. `ended`: send no more

The application that answers is the one below the layer that carries calls, so it answers for its own node only.
"""

import asyncio
import itertools
import json
import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp, Message, Scope

from termwall.cluster.bus import chores
from termwall.cluster.bus.contract import Bus, BusAway, BusError, NoAnswer, Subscription, TooLarge
from termwall.cluster.bus.parcel import pack, understands, unpack
from termwall.cluster.calls.answer import MOST_PIECES, Answer, AskerGone
from termwall.core.errors import ERRORS, ErrorCode
from termwall.core.shares import Shares

log = logging.getLogger("termwall.cluster")

ANSWER_SECONDS = 15.0
"""For the first piece of an answer or a sign of life, and for each that follows."""
LOOK_SECONDS = 1.0
"""Between two looks whether the node that answers is still there."""
MOST_CARRIED = 1024
"""Calls of clients here that other nodes answer, shared among those who ask; one more is refused."""
MOST_ANSWERED = 1024
"""Calls of other nodes that are answered here, shared and refused as those. Each may hold a file open."""
MOST_WAITING = 2 * MOST_CARRIED
"""Calls that wait for other nodes, with those that collect a part of a list and end by themselves in some seconds."""
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


class TooMany(BusError):
    """A call was refused, for there are too many at the moment: nothing was sent."""


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
        self._answers: dict[str, Answer] = {}
        self._carried = Shares(MOST_CARRIED)
        self._answered_for = Shares(MOST_ANSWERED)
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
        """A client's call and its answer, as the messages of ASGI. Whoever takes the next one has passed on the last.

        Raises:
            TooLarge, TooMany: it was not sent.
            BusError: it was not, or has no answer or no whole one. The message is a sentence, as of the others.
        """
        who = _who(call.identity)
        if not self._carried.take(who):
            raise TooMany(f"Node {node} was not asked: too many of your calls to other nodes go on; try again later.")
        try:
            async with aclosing(self._ask(node, call)) as answer:
                async for message in answer:
                    yield message
        finally:
            self._carried.give(who)

    async def _ask(self, node: str, call: Call) -> AsyncGenerator[Message]:
        member = self.bus.members().get(node)
        if member is None:
            raise BusAway(f"Node {node} cannot be reached at the moment.")
        if not understands(member):
            raise BusAway(
                f"Node {node} has another version of termwall, {member.about.get('version')}, "
                f"which this one cannot ask: send the call to node {node} itself."
            )
        if len(self._waiting) >= MOST_WAITING:
            raise TooMany(f"Node {node} was not asked: {MOST_WAITING} calls wait for other nodes already.")
        name, whole = secrets.token_hex(8), False
        header = {
            "id": name,
            "gateway": self.bus.node,
            "method": call.method,
            "path": call.path,
            "query": call.query,
            "headers": call.headers,
            "identity": call.identity,
        }
        asked = pack(header, call.body)
        if (over := len(asked) - self.bus.max_bytes) > 0:
            room = max(0, len(call.body) - over)
            raise TooLarge(f"The body of a request that is carried to node {node} may have {room} bytes.")
        pieces = self._waiting[name] = asyncio.Queue(MOST_PIECES + 1)  # And a sign of life before them.
        try:
            await self.bus.publish(f"call.{node}", asked)
            for expected in itertools.count():
                answer, piece = await _next(pieces, node, lambda: node in self.bus.members())
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
            async with asyncio.timeout(seconds), aclosing(self._ask(node, call)) as answer:
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
        # A piece beyond the credit is dropped, and missed; a sign of life says nothing where something waits.
        if pieces is not None and not pieces.full() and ("piece" in header or pieces.empty()):
            pieces.put_nowait((header, body))

    # ---- the node that answers

    def _called(self, subject: str, data: bytes) -> None:
        header, body = unpack(data)
        answer, who = Answer(self.bus, header["gateway"], header["id"]), _who(header["identity"])
        if self._answered_for.take(who):
            self._answers[answer.id] = answer
            self._start(self._serve(answer, who, header, body))
        else:
            sentence = f"Node {self.bus.node} answers too many of your calls at the moment; try again later."
            self._start(answer.refuse(ErrorCode.LIMIT_REACHED, sentence))

    def _taken(self, subject: str, data: bytes) -> None:
        header, _ = unpack(data)
        answer = self._answers.get(header["id"])
        if answer is not None:
            answer.took(header["pieces"], header["ended"])

    async def _serve(self, answer: Answer, who: str, header: dict[str, Any], body: bytes) -> None:
        request: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if request:
                return request.pop()
            await answer.ended.wait()
            return {"type": "http.disconnect"}

        working = chores.start(answer.work(), log)
        try:
            await self._app(_scope(header, self._real(header["identity"])), receive, answer.send)
        except (AskerGone, BusError) as error:
            log.debug("the answer to node %s was not sent: %s", answer.gateway, error)
        except Exception:
            log.exception("A call of node %s failed.", answer.gateway)
            await answer.refuse(ErrorCode.INTERNAL, ERRORS[ErrorCode.INTERNAL].meaning)
        finally:
            working.cancel()
            del self._answers[answer.id]
            self._answered_for.give(who)


async def _next(
    pieces: "asyncio.Queue[tuple[dict[str, Any], bytes]]", node: str, there: Callable[[], bool]
) -> tuple[dict[str, Any], bytes]:
    left = ANSWER_SECONDS
    while left > 0 and there():
        wait = min(left, LOOK_SECONDS)
        try:
            async with asyncio.timeout(wait):
                header, body = await pieces.get()
        except TimeoutError:
            left -= wait
            continue
        if "piece" in header:
            return header, body
        left = ANSWER_SECONDS
    why = "went away" if left > 0 else "did not answer in time"
    raise NoAnswer(f"Node {node} {why}; what was asked may have been done.")


def _who(identity: Any) -> str:
    return json.dumps(identity, sort_keys=True)


def _scope(header: dict[str, Any], identity: Any) -> Scope:
    return {
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
        "state": {"identity": identity},
    }


def _real(header: dict[str, Any]) -> list[tuple[bytes, bytes]]:
    return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in header["headers"]]
