"""HTTP calls are answered by the node that has what they are about, whichever node was asked.

An ASGI layer below the one that checks who asks. A call about a session or a recording of another node is carried
there; the lists that every node has a part of are gathered from all (N8).
"""

import asyncio
import json
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from termwall.cluster.bus import chores
from termwall.cluster.bus.contract import Bus, BusAway, BusError, Member, TooLarge
from termwall.cluster.calls import gather
from termwall.cluster.calls.answer import error_body
from termwall.cluster.calls.calls import Call, Calls, TooMany
from termwall.cluster.calls.gather import GATHERED, LIST_SECONDS, Gathered
from termwall.core.errors import ERRORS, ErrorCode
from termwall.core.ids import ID
from termwall.protocol.recordings import Recording
from termwall.system import clock

log = logging.getLogger("termwall.cluster")

MOST_PLACES = 10_000
"""Recordings whose node is remembered; for others all nodes are asked."""
MOST_KNOWN = 1024
"""Nodes that are remembered while they are away; more are not missed."""
_ABOUT_SESSION = re.compile(r"/api/sessions/([^/]+)(/.+)?")
_NEW_SESSION = re.compile(r"/api/projects/([^/]+)/sessions")
_ABOUT_RECORDING = re.compile(rf"/api/recordings/({ID})(/cast|/timeline|/frame)?")
_GATHERED = re.compile(r"/api/projects/[^/]+/(recordings|search)")
_CARRIED = {b"content-type", b"content-length", b"accept", b"range", b"if-range"}
_CODES: dict[type[BusError], ErrorCode] = {TooLarge: ErrorCode.TOO_LARGE, TooMany: ErrorCode.LIMIT_REACHED}
"""Of calls that were not carried; any other is `engine_away`."""


class Forward:
    """One node's layer. Until `open` it passes everything on.

    Args:
        node_of: the other node that has a session; None where it is this one's, or nobody's.
        has_recording: whether this node has a recording.
        known: waits until a new session of another node is known here too, within bounds.
        knows_project: whether a project is known here.
        heard: waits until a project that another node knows is known here too, within bounds.
        plain, real: an identity as JSON can hold it, and back.
    """

    def __init__(
        self,
        node_of: Callable[[str], str | None],
        has_recording: Callable[[str], bool],
        known: Callable[[str], Awaitable[None]],
        knows_project: Callable[[str], bool],
        heard: Callable[[str], Awaitable[None]],
        plain: Callable[[Any], Any],
        real: Callable[[Any], Any],
    ) -> None:
        self._app: ASGIApp
        self._node_of = node_of
        self._has_recording = has_recording
        self._until_known = known
        self._knows_project = knows_project
        self._until_heard = heard
        self._plain = plain
        self._real = real
        self._calls: Calls | None = None
        self._places: dict[str, str] = {}
        """The other node that has a recording, as far as it was seen."""
        self._nodes: set[str] = set()
        """The nodes with recordings that are or were there since this one was started."""
        self._unsubscribe: Callable[[], None] = lambda: None

    def over(self, app: ASGIApp) -> ASGIApp:
        """The layer over an application."""
        self._app = app
        return self

    async def open(self, bus: Bus) -> None:
        """Carry calls over an open bus."""
        self._calls = Calls(bus, self._own, self._real)
        self._unsubscribe = bus.on_member(self._member)
        for member in bus.members().values():
            self._member(member, True)
        await self._calls.open()

    async def close(self) -> None:
        """Carry nothing any more."""
        calls, self._calls = self._calls, None
        self._unsubscribe()
        if calls is not None:
            await calls.close()

    async def _own(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer another node, which may know a project that this one has yet to hear of."""
        if scope["method"] == "POST" and (about := _NEW_SESSION.fullmatch(scope["path"])) is not None:
            await self._until_heard(about[1])
        await self._app(scope, receive, send)

    def _member(self, member: Member, here: bool) -> None:
        # A gateway runs no programs, so nothing of it is missed.
        if member.about.get("role") != "gateway" and len(self._nodes) < MOST_KNOWN:
            self._nodes.add(member.node)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer here, have it answered, or both."""
        calls = self._calls
        if calls is None or scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, method = scope["path"].removeprefix(scope.get("root_path", "")), scope["method"]
        gathered = _GATHERED.fullmatch(path)
        if method == "GET" and gathered is not None:
            await self._gather(calls, GATHERED[gathered[1]], self._call(scope, path), scope, receive, send)
            return
        body: bytes | None = None
        node: str | None = None
        if (about := _ABOUT_SESSION.fullmatch(path)) is not None:
            node = self._node_of(about[1]) if about[2] or method != "GET" else None
        elif (about := _ABOUT_RECORDING.fullmatch(path)) is not None:
            try:
                node = await self._place(calls, about[1], scope)
            except BusError as error:
                await _refuse(send, error)
                return
        elif method == "POST" and (about := _NEW_SESSION.fullmatch(path)) is not None:
            body = await _whole(receive)
            named = _named(body)
            if named != calls.bus.node and named in calls.bus.members() and self._knows_project(about[1]):
                node = named
        if node is None:
            await self._app(scope, receive if body is None else _again(body, receive), send)
        else:
            whole = await _whole(receive) if body is None else body
            if path.endswith("/input"):
                whole = _on_clock(whole, calls.bus.clock(node))
            call = self._call(scope, path, whole)
            await _carry(calls, node, call, receive, send if body is None else self._once_known(send))

    def _call(self, scope: Scope, path: str, body: bytes = b"") -> Call:
        return Call(
            method=scope["method"],
            path=path,
            identity=self._plain(scope["state"]["identity"]),
            query=scope["query_string"].decode("latin-1"),
            headers=[
                [k.decode("latin-1"), str(len(body)) if k == b"content-length" else v.decode("latin-1")]
                for k, v in scope["headers"]
                if k in _CARRIED
            ],
            body=body,
        )

    def _once_known(self, send: Send) -> Send:
        """Passes an answer on; that a session was made once it is known here, for its client may use it at once."""
        held: list[Message] = []

        async def hold(message: Message) -> None:
            held.append(message)
            if message.get("more_body", message["type"] == "http.response.start"):
                return
            if held[0]["status"] == 201:
                made = json.loads(b"".join(one.get("body", b"") for one in held))
                await self._until_known(made["id"])
            for one in held:
                await send(one)

        return hold

    # ---- recordings

    async def _place(self, calls: Calls, id: str, scope: Scope) -> str | None:
        """The other node that has a recording; None where it is this one's, or nobody's.

        Raises:
            BusAway: nobody has it of those who could be asked, and not all could.
        """
        if self._has_recording(id):
            return None
        if id not in self._places:
            call = Call("GET", f"/api/recordings/{id}", self._plain(scope["state"]["identity"]))
            read = Recording.model_validate_json
            found, missing = await gather.ask(calls, call, read, seconds=LIST_SECONDS, away=self._nodes)
            for node in found:
                self._remember(id, node)
            if missing and not found:
                raise BusAway(f"The recording is not here, and could not be asked for at {', '.join(missing)}.")
        return self._places.get(id)

    def _remember(self, id: str, node: str) -> None:
        self._places.pop(id, None)
        if len(self._places) >= MOST_PLACES:
            del self._places[next(iter(self._places))]
        self._places[id] = node

    # ---- what every node has a part of

    async def _gather(
        self, calls: Calls, of: Gathered[Any], call: Call, scope: Scope, receive: Receive, send: Send
    ) -> None:
        asking = asyncio.get_running_loop().create_task(
            gather.ask(calls, call, of.read, seconds=of.seconds, away=self._nodes)
        )
        said: list[Message] = []

        async def hear(message: Message) -> None:
            said.append(message)

        try:
            await self._app(scope, receive, hear)
            if said[0]["status"] == 200:
                mine = of.read(b"".join(message.get("body", b"") for message in said))
                others, missing = await asking
                for node, answer in others.items():
                    for recording in of.recordings(answer):
                        self._remember(recording, node)
                merged = of.merge([mine, *others.values()], missing)
                said = _answer(200, merged.model_dump_json().encode())
        finally:
            asking.cancel()
        for message in said:
            await send(message)


def _on_clock(body: bytes, theirs: float | None) -> bytes:
    """An input with its deadline on the clock of the node that it is carried to, which shows `theirs` seconds now."""
    try:
        plain = json.loads(body)
        until = plain["until"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return body  # Whatever it is, that node says what is wrong with it.
    if theirs is None or type(until) is not int:
        return body
    return json.dumps(plain | {"until": max(0, int(until + theirs * 1000 - clock.milliseconds()))}).encode()


async def _carry(calls: Calls, node: str, call: Call, receive: Receive, send: Send) -> None:
    begun = False

    async def pass_on() -> None:
        nonlocal begun
        async with aclosing(calls.carry(node, call)) as answer:
            async for message in answer:
                begun = True
                await send(message)

    try:
        await _until_gone(receive, pass_on())
    except BusError as error:
        if not begun:
            await _refuse(send, error)
        else:  # Whoever serves this application closes the connection: its client sees that the end is missing.
            log.warning("an answer was cut off: %s", error)


async def _until_gone(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Do it, as long as its client is there. The whole request was received."""

    async def gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass

    working, going = (asyncio.get_running_loop().create_task(one) for one in (work, gone()))
    try:
        await asyncio.wait((working, going), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        await chores.stop(going)
        await chores.stop(working)


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
    except (ValueError, RecursionError):
        return None  # The application has the words for that.
    node = fields.get("node") if isinstance(fields, dict) else None
    return node if isinstance(node, str) else None


def _answer(status: int, body: bytes, *headers: tuple[bytes, bytes]) -> list[Message]:
    described = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode()), *headers]
    return [
        {"type": "http.response.start", "status": status, "headers": described},
        {"type": "http.response.body", "body": body},
    ]


async def _refuse(send: Send, error: BusError) -> None:
    code = _CODES.get(type(error), ErrorCode.ENGINE_AWAY)
    again = [] if code is ErrorCode.TOO_LARGE else [(b"retry-after", b"5")]
    for message in _answer(ERRORS[code].status, error_body(code, str(error)), *again):
        await send(message)
