"""HTTP calls about a session are answered by the node that has it, whichever node was asked.

An ASGI layer below the one that checks who asks: it carries the request over the bus, with who asked, and the other
node's own application answers. A request that had no answer is not sent again: nobody knows whether it was carried out.
"""

import asyncio
import itertools
import json
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from termwall.cluster import chores
from termwall.cluster.bus import Bus, BusError, Subscription
from termwall.cluster.parcel import BadParcel, pack, unpack
from termwall.core.errors import ERRORS, ErrorCode

log = logging.getLogger("termwall.cluster")

ANSWER_SECONDS = 15.0
PIECE_BYTES = 256 << 10
MOST_BYTES = 8 << 20
"""Of an answer: a longer one, a long recording say, is to be had from its own node."""
MOST_WAITING = 1024
"""Calls that wait for other nodes; one more is refused."""
BUDGET_BYTES = 64 << 20
_ABOUT_SESSION = re.compile(r"/api/sessions/([^/]+)(/.+)?")
_NEW_SESSION = re.compile(r"/api/projects/[^/]+/sessions")


class Forward:
    """One node's layer. Until `open` it passes everything on.

    Args:
        node_of: the other node that has a session; None where it is this one's, or nobody's.
        known: waits until a new session of another node is known here too, within bounds.
        plain, real: an identity as JSON can hold it, and back.
    """

    def __init__(
        self,
        node_of: Callable[[str], str | None],
        known: Callable[[str], Awaitable[None]],
        plain: Callable[[Any], Any],
        real: Callable[[Any], Any],
    ) -> None:
        self._app: ASGIApp
        self._node_of = node_of
        self._known = known
        self._plain = plain
        self._real = real
        self._bus: Bus | None = None
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Queue[tuple[dict[str, Any], bytes]]] = {}
        self._subscriptions: list[Subscription] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def over(self, app: ASGIApp) -> ASGIApp:
        """The layer over an application."""
        self._app = app
        return self

    async def open(self, bus: Bus) -> None:
        """Carry calls over an open bus."""
        self._bus = bus
        self._subscriptions = [
            await bus.subscribe(f"call.{bus.node}", self._called, budget=BUDGET_BYTES, lagged=lambda: None),
            await bus.subscribe(f"answer.{bus.node}", self._answered, budget=BUDGET_BYTES, lagged=lambda: None),
        ]

    async def close(self) -> None:
        """Carry nothing any more."""
        self._bus = None
        for subscription in self._subscriptions:
            await subscription.end()
        for task in tuple(self._tasks):
            await chores.stop(task)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer here, or have it answered."""
        bus = self._bus
        if bus is None or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        about, body, read = _ABOUT_SESSION.fullmatch(path), b"", False
        node: str | None = None
        if about is not None and (about[2] or scope["method"] != "GET"):
            node = self._node_of(about[1])
        elif scope["method"] == "POST" and _NEW_SESSION.fullmatch(path):
            body, read = await _whole(receive), True
            node = _named(body)
            if node == bus.node or node not in bus.members():
                node = None
        if node is None:
            await self._app(scope, _again(body, receive) if read else receive, send)
            return
        await self._carry(bus, node, scope, path, body if read else await _whole(receive), send)

    # ---- the node that was asked

    async def _carry(self, bus: Bus, node: str, scope: Scope, path: str, body: bytes, send: Send) -> None:
        if len(self._waiting) >= MOST_WAITING:
            await _refuse(send, f"Node {node} answers too slowly; try again.")
            return
        number = next(self._numbers)
        pieces = self._waiting[number] = asyncio.Queue()
        header = {
            "number": number,
            "gateway": bus.node,
            "method": scope["method"],
            "path": path,
            "query": scope["query_string"].decode("latin-1"),
            "headers": [[k.decode("latin-1"), v.decode("latin-1")] for k, v in scope["headers"] if k in _CARRIED],
            "identity": self._plain(scope["state"]["identity"]),
        }
        try:
            await bus.publish(f"call.{node}", pack(header, body))
            async with asyncio.timeout(ANSWER_SECONDS):
                answer, data = await pieces.get()
                while answer["more"]:
                    _, piece = last = await pieces.get()
                    answer["more"] = last[0]["more"]
                    data += piece
        except BusError as error:
            await _refuse(send, f"Node {node} was not reached: {error}")
        except TimeoutError:
            await _refuse(send, f"Node {node} did not answer in time; what was asked may have been done.")
        else:
            if answer["status"] == 201 and _NEW_SESSION.fullmatch(path):
                # Who was told of it may use it here at once.
                await self._known(json.loads(data)["id"])
            headers = [(k.encode("latin-1"), v.encode("latin-1")) for k, v in answer["headers"]]
            await send({"type": "http.response.start", "status": answer["status"], "headers": headers})
            await send({"type": "http.response.body", "body": data})
        finally:
            del self._waiting[number]

    def _answered(self, subject: str, data: bytes) -> None:
        try:
            header, body = unpack(data)
        except BadParcel as error:
            log.warning("%s", error)
            return
        pieces = self._waiting.get(header["number"])
        if pieces is not None:
            pieces.put_nowait((header, body))

    # ---- the node that answers

    def _called(self, subject: str, data: bytes) -> None:
        if len(self._tasks) < MOST_WAITING:
            task = chores.start(self._serve(data), log)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, data: bytes) -> None:
        header, body = unpack(data)
        scope: Scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": header["method"],
            "scheme": "http",
            "path": header["path"],
            "raw_path": header["path"].encode(),
            "root_path": "",
            "query_string": header["query"].encode("latin-1"),
            "headers": [(k.encode("latin-1"), v.encode("latin-1")) for k, v in header["headers"]],
            "client": None,
            "server": None,
            "state": {"identity": self._real(header["identity"])},
        }
        status, headers, content = 500, [], bytearray()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            nonlocal status, headers
            if message["type"] == "http.response.start":
                status, headers = message["status"], message["headers"]
            elif len(content) <= MOST_BYTES:
                content.extend(message.get("body", b""))

        await self._app(scope, receive, send)
        if len(content) > MOST_BYTES:
            node = self._bus.node if self._bus is not None else ""
            status, headers = 413, [(b"content-type", b"application/json")]
            content = bytearray(_error(ErrorCode.TOO_LARGE, f"That is too long to be carried; ask node {node} itself."))
        plain = [[k.decode("latin-1"), v.decode("latin-1")] for k, v in headers]
        for begin in range(0, max(1, len(content)), PIECE_BYTES):
            more = begin + PIECE_BYTES < len(content)
            answer = {"number": header["number"], "status": status, "headers": plain, "more": more}
            if self._bus is not None:
                piece = bytes(content[begin : begin + PIECE_BYTES])
                await self._bus.publish(f"answer.{header['gateway']}", pack(answer, piece))


_CARRIED = {b"content-type", b"content-length", b"accept"}


async def _whole(receive: Receive) -> bytes:
    """The body of a request; the layer above bounds it."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    first = True

    async def again() -> Message:
        nonlocal first
        if first:
            first = False
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return again


def _named(body: bytes) -> str | None:
    try:
        fields = json.loads(body)
    except ValueError:
        return None  # The application has the words for that.
    node = fields.get("node") if isinstance(fields, dict) else None
    return node if isinstance(node, str) else None


def _error(code: ErrorCode, sentence: str) -> bytes:
    return json.dumps({"success": False, "code": code, "error": sentence}).encode()


async def _refuse(send: Send, sentence: str) -> None:
    body = _error(ErrorCode.ENGINE_AWAY, sentence)
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"retry-after", b"5"),
    ]
    await send({"type": "http.response.start", "status": ERRORS[ErrorCode.ENGINE_AWAY].status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
