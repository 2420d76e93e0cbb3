"""What a node's clients see and do of the other nodes' sessions.

It keeps a list of them (by news with serial numbers; a gap asks for the whole list), follows the output of those that
somebody here looks at, and carries what clients do, each once, in order.
"""

import asyncio
import itertools
import logging
import zlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from termwall.cluster.bus import Bus, BusAway, BusError, Member, NobodyThere, Subscription
from termwall.cluster.distant import DistantSession
from termwall.cluster.parcel import BadParcel, pack, unpack, unpack_frame
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.limits import Bounds
from termwall.core.relay import ACK_SECONDS
from termwall.hub.anysession import InputAnswer, Person
from termwall.hub.room import Room
from termwall.protocol import messages
from termwall.screen.feed import Picture

log = logging.getLogger("termwall.cluster")

OUTPUT_BUDGET_BYTES = 64 << 20
"""Output that waits to be put into copies; more is dropped and sent again: windows of many sessions fit into it."""
NEWS_BUDGET_BYTES = 16 << 20
"""News that wait; more are dropped, and the whole lists asked for."""
ANSWER_SECONDS = 2.0
AGAIN_SECONDS = 0.25
"""Until what could not be sent, or had no answer, is tried again."""
TYPED_SECONDS = 5.0
"""What was typed is tried for so long; then its client is told, and holds it no longer either (I2)."""
MOST_NUMBERED = 10_000
"""Sessions whose last input without a number of its own is remembered; the one that was typed into longest ago goes."""
DRAW_SECONDS = 10.0
"""Until a picture that does not come is given up."""
REST_SECONDS = 10.0
"""A copy that nobody looks at is kept for so long."""


@dataclass(slots=True)
class _Action:
    header: dict[str, Any]
    data: bytes
    answer: InputAnswer | None
    sequenced: bool
    until: float


@dataclass(slots=True)
class _Line:
    """What clients do to one session, in order."""

    waiting: deque[_Action] = field(default_factory=deque)
    bytes: int = 0
    task: "asyncio.Task[None] | None" = None


@dataclass(slots=True)
class _Asked:
    session: DistantSession
    header: dict[str, Any]
    answer: Callable[[Picture | None], None]
    until: float


class Gateway:
    """How this node sees the others.

    Args:
        bus: open.
        run: the id of this run of the process.
        bounds: of this node.
        rooms: all rooms.
        clock: milliseconds since 1970.
    """

    def __init__(
        self, bus: Bus, run: str, bounds: Bounds, rooms: Callable[[], list[Room]], clock: Callable[[], int]
    ) -> None:
        self._clock = clock
        self._bus = bus
        self._run = run
        self._bounds = bounds
        self._rooms = rooms
        self._sessions: dict[str, DistantSession] = {}
        self._known: dict[str, tuple[str, int]] = {}
        """Of each node the run and the serial of the last news."""
        self._listing: dict[str, asyncio.Task[None]] = {}
        self._lines: dict[DistantSession, _Line] = {}
        self._numbers: dict[str, int] = {}
        """The last number of each session's input that its clients gave none."""
        self._asked: dict[int, _Asked] = {}
        self._ids = itertools.count(1)
        self._followed: dict[DistantSession, float] = {}
        """When somebody last looked at it."""
        self._attaching: dict[DistantSession, asyncio.Task[None]] = {}
        self._subscriptions: list[Subscription] = []
        self._unsubscribe: list[Callable[[], None]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Begin to look."""
        node, bus = self._bus.node, self._bus
        self._subscriptions = [
            await bus.subscribe(f"out.{node}", self._output, budget=OUTPUT_BUDGET_BYTES, lagged=lambda: None),
            await bus.subscribe(f"drawn.{node}", self._drawn, budget=OUTPUT_BUDGET_BYTES, lagged=lambda: None),
            await bus.subscribe("news.*", self._news, budget=NEWS_BUDGET_BYTES, lagged=self._known.clear),
        ]
        self._unsubscribe = [bus.on_member(self._member), bus.on_state(self._state)]
        for member in bus.members().values():
            self._member(member, True)
        self._start(self._beat())
        if self._listing:
            # So that a client that comes at once finds the others' sessions.
            await asyncio.wait(self._listing.values(), timeout=ANSWER_SECONDS)

    async def close(self) -> None:
        """Look no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for subscription in self._subscriptions:
            await subscription.end()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def find(self, session_id: str) -> DistantSession | None:
        """A session of another node."""
        return self._sessions.get(session_id)

    def watch_room(self, room: Room) -> None:
        """A room is new here: have the others' sessions in it."""
        for node in self._bus.members():
            self._list_soon(node)

    # ---- which nodes and sessions there are

    def _member(self, member: Member, here: bool) -> None:
        node = member.node
        if node == self._bus.node:
            return
        if here:
            if self._known.get(node, ("", 0))[0] != member.run:
                self._list_soon(node)
        else:
            self._known.pop(node, None)
            self._lose(node, f"node {node} is away")

    def _state(self, up: bool) -> None:
        if up:
            for node in self._bus.members():
                self._list_soon(node)
            for session in self._followed:
                self._attach_soon(session)
        else:
            self._known.clear()
            for node in {session.node for session in self._sessions.values()}:
                self._lose(node, f"node {node} cannot be reached: the nodes' bus is away")

    def _lose(self, node: str, why: str) -> None:
        for session in self._of(node):
            session.away, session.away_since = why, self._clock()
            self._tell(session, ["status", "attention", "away"])

    def _of(self, node: str) -> list[DistantSession]:
        return [session for session in self._sessions.values() if session.node == node]

    def _list_soon(self, node: str) -> None:
        if node != self._bus.node and node not in self._listing:
            self._listing[node] = self._start(self._list(node))

    async def _list(self, node: str) -> None:
        """Have the whole list of a node's sessions, until it is had."""
        try:
            while node in self._bus.members():
                try:
                    await self._list_once(node)
                except (BusError, BadParcel) as error:
                    log.info("the sessions of node %s are not known yet: %s", node, error)
                    await asyncio.sleep(AGAIN_SECONDS)
                else:
                    return
        finally:
            self._listing.pop(node, None)

    async def _list_once(self, node: str) -> None:
        first: tuple[str, int] | None = None
        found: set[str] = set()
        for room in self._rooms():
            answer = await self._bus.request(f"host.{node}.list", pack({"project": room.id}), seconds=ANSWER_SECONDS)
            header, _ = unpack(answer)
            # News since the first answer may be in a later one already: telling them again changes nothing.
            first = first or (header["run"], header["serial"])
            for one in header["sessions"]:
                found.add(one["session"]["id"])
                self._learn(node, room, one, fields=None)
        for session in self._of(node):
            if session.id not in found:
                self._forget(session)
        if first is not None:
            self._known[node] = first

    def _news(self, subject: str, data: bytes) -> None:
        node = subject.rpartition(".")[2]
        if node == self._bus.node:
            return
        try:
            header, _ = unpack(data)
        except BadParcel as error:
            log.warning("%s", error)
            return
        run, serial = self._known.get(node, ("", 0))
        if header["run"] != run or header["serial"] > serial + 1:
            self._list_soon(node)  # Something was missed.
        if header["run"] == run and header["serial"] <= serial:
            return
        if header["run"] == run:
            self._known[node] = run, header["serial"]
        room = next((room for room in self._rooms() if room.id == header["project"]), None)
        if header.get("removed"):
            session = self._sessions.get(header["id"])
            if session is not None and session.node == node:
                self._forget(session)
        elif room is not None:
            self._learn(node, room, header, fields=None if header["whole"] else header["fields"])

    def _learn(self, node: str, room: Room, one: dict[str, Any], fields: list[str] | None) -> None:
        shown = messages.Session.model_validate(one["session"])
        session = self._sessions.get(shown.id)
        if session is None:
            if shown.id in room.sessions:
                log.warning("node %s has a session `%s` too; it is not shown here", node, shown.id)
                return
            session = DistantSession(self, node, shown, self._bounds)
            session.tell(shown, one["recency"])
            self._sessions[shown.id] = session
            room.add(session)
            for connection in tuple(room.connections):
                if session.id in room.stage.sessions and not connection.views(session):
                    connection.stage_changed([session.id], [])
            return
        back, session.away = session.away is not None, None
        session.node = node
        if session.tell(shown, one["recency"]):
            room.restarted_elsewhere(session)
            if session.watched:
                self._attach_soon(session)
        elif fields is None or back:
            self._tell(session, None)
            if session.watched:
                self._attach_soon(session)
        else:
            self._tell(session, fields)

    def _forget(self, session: DistantSession) -> None:
        del self._sessions[session.id]
        self._followed.pop(session, None)
        room = self._room(session)
        if room is not None:
            room.drop(session)

    def _room(self, session: DistantSession) -> Room | None:
        return next((room for room in self._rooms() if room.id == session.project_id), None)

    def _tell(self, session: DistantSession, fields: list[str] | None) -> None:
        room = self._room(session)
        if room is None:
            return
        shown = room.describe(session)
        if fields is None:
            room.tell_session(session, session=shown)
            return
        if "driver" in fields:
            room.tell_driver(session)
        room.stirred_elsewhere()
        rest = {name: getattr(shown, name) for name in fields if name not in ("driver", "cols", "rows", "offset")}
        if rest:
            room.tell_session(session, **rest)

    # ---- output

    def follow(self, session: DistantSession) -> None:
        """Somebody looks at it."""
        new = session not in self._followed
        self._followed[session] = _now()
        if new or session.receiver is None:
            self._attach_soon(session)

    def _attach_soon(self, session: DistantSession) -> None:
        if session not in self._attaching:
            self._attaching[session] = self._start(self._attach(session))

    async def _attach(self, session: DistantSession) -> None:
        try:
            while session in self._followed and session.away is None:
                offset = session.follow()
                header = {
                    "gateway": self._bus.node,
                    "session": session.id,
                    "epoch": session.epoch,
                    "offset": offset,
                    "number": session.number,
                }
                try:
                    answer = await self._bus.request(
                        f"host.{session.node}.attach", pack(header), seconds=ANSWER_SECONDS
                    )
                    if unpack(answer)[0]["ok"] and header["epoch"] == session.epoch:
                        return
                except BusError as error:
                    log.info("`%s` of node %s cannot be followed yet: %s", session.id, session.node, error)
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._attaching.pop(session, None)

    def _output(self, subject: str, data: bytes) -> None:
        try:
            frame = unpack_frame(data)
        except BadParcel as error:
            log.warning("%s", error)
            return
        session = self._sessions.get(frame.session_id)
        if session is None:
            return
        if frame.kind == "again":
            if frame.number == session.number and session in self._followed:
                self._attach_soon(session)
        elif session.arrived(frame):
            self._ack([session])

    def _ack(self, sessions: list[DistantSession]) -> None:
        nodes: dict[str, list[list[Any]]] = {}
        for session in sessions:
            if session.receiver is not None:
                nodes.setdefault(session.node, []).append([session.id, session.number, session.receiver.ack()])
        for node, acks in nodes.items():
            self._say(f"host.{node}.ack", pack({"gateway": self._bus.node, "acks": acks}))

    async def _beat(self) -> None:
        """Renew the leases of what is looked at, let go of the rest, and ask for pictures again."""
        while True:
            await asyncio.sleep(ACK_SECONDS)
            now = _now()
            for session in list(self._followed):
                if session.watched:
                    self._followed[session] = now
                elif now - self._followed[session] > REST_SECONDS:
                    del self._followed[session]
                    if session.receiver is not None:
                        acks = [[session.id, session.number, None]]
                        self._say(f"host.{session.node}.ack", pack({"gateway": self._bus.node, "acks": acks}))
                    session.forget()
            self._ack([session for session in self._followed if session.away is None])
            for number, asked in list(self._asked.items()):
                if asked.until < now or asked.session.away is not None:
                    del self._asked[number]
                    asked.answer(None)
                else:
                    self._ask(asked)

    # ---- pictures

    def draw(
        self, session: DistantSession, kind: str, lines: int, primary: bool, answer: Callable[[Picture | None], None]
    ) -> None:
        """Have it drawn there; asked again until there is an answer."""
        number = next(self._ids)
        header = {
            "id": number,
            "gateway": self._bus.node,
            "session": session.id,
            "epoch": session.epoch,
            "kind": kind,
            "lines": lines,
            "primary": primary,
        }
        asked = self._asked[number] = _Asked(session, header, answer, _now() + DRAW_SECONDS)
        attaching = self._attaching.get(session)
        if attaching is None:
            self._ask(asked)
        else:  # First the output, so that it begins before the picture.
            attaching.add_done_callback(lambda _: self._ask(asked))

    def _ask(self, asked: _Asked) -> None:
        self._say(f"host.{asked.session.node}.draw", pack(asked.header))

    def _drawn(self, subject: str, data: bytes) -> None:
        try:
            header, body = unpack(data)
        except BadParcel as error:
            log.warning("%s", error)
            return
        asked = self._asked.pop(header["id"], None)
        if asked is None:
            return
        about = header["picture"]
        if about is None:
            asked.answer(None)
            return
        serial = asked.session.sizes.serial_at(about["offset"])
        asked.answer(Picture(**about, serial=serial, data=zlib.decompress(body)))

    # ---- what clients do

    def act(
        self,
        session: DistantSession,
        header: dict[str, Any],
        who: Person,
        data: bytes = b"",
        answer: InputAnswer | None = None,
    ) -> None:
        """Have something done to a session: once, in order."""
        line = self._lines.setdefault(session, _Line())
        if line.bytes + len(data) > self._bounds.input_bytes:
            if answer is not None:
                answer(TermwallError(ErrorCode.INPUT_OVERFLOW, f"`{session.name}` takes no more input at the moment."))
            return
        header |= {"client": who.client_id, "name": who.name, "bytes": len(data)}
        sequenced = header.get("seq") is not None
        if header["do"] == "input":
            header["log"] = who.client_id if sequenced else f"{self._bus.node}/{self._run}"
            if not sequenced:
                header["seq"] = self._numbers[session.id] = self._numbers.pop(session.id, 0) + 1
                if len(self._numbers) > MOST_NUMBERED:
                    del self._numbers[next(iter(self._numbers))]
        line.waiting.append(_Action(header, data, answer, sequenced, _now() + TYPED_SECONDS))
        line.bytes += len(data)
        if line.task is None:
            line.task = self._start(self._carry(session, line))

    async def _carry(self, session: DistantSession, line: _Line) -> None:
        """One batch at a time; the same batch again until there is an answer: the host drops what it had."""
        try:
            while line.waiting:
                batch = list(itertools.islice(line.waiting, 256))
                outcome = await self._carry_batch(session, batch)
                for action, result in zip(batch, outcome, strict=True):
                    line.waiting.popleft()
                    line.bytes -= len(action.data)
                    self._answer(action, result)
        finally:
            line.task = None
            self._lines.pop(session, None)

    async def _carry_batch(self, session: DistantSession, batch: list[_Action]) -> list[Any]:
        sent = False
        while batch[0].until > _now():
            try:
                return await self._have_done(session, [action.header for action in batch], batch)
            except (BusAway, NobodyThere):
                pass
            except BusError:
                sent = True
            await asyncio.sleep(AGAIN_SECONDS)
        if sent:
            return await self._resolve(session, batch)
        return [_not_typed(session)] * len(batch)

    async def _resolve(self, session: DistantSession, batch: list[_Action]) -> list[Any]:
        """It took too long to be typed now, but some may have been: the node says how far, once it is back."""
        logs = list(dict.fromkeys(action.header["log"] for action in batch if "log" in action.header))
        asks = [{"do": "last", "client": log, "log": log} for log in logs]
        while self._sessions.get(session.id) is session:
            try:
                last = dict(zip(logs, await self._have_done(session, asks, []), strict=True))
            except BusError:
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            return [
                last[action.header["log"]]
                if "log" in action.header and action.header["seq"] <= last[action.header["log"]]
                else _not_typed(session)
                for action in batch
            ]
        return [_not_typed(session)] * len(batch)

    async def _have_done(
        self, session: DistantSession, actions: list[dict[str, Any]], batch: list[_Action]
    ) -> list[Any]:
        header = {"gateway": self._bus.node, "session": session.id, "actions": actions}
        body = b"".join(action.data for action in batch)
        answer = await self._bus.request(f"host.{session.node}.do", pack(header, body), seconds=ANSWER_SECONDS)
        results: list[Any] = unpack(answer)[0]["results"]
        return results

    @staticmethod
    def _answer(action: _Action, result: Any) -> None:
        if action.answer is None:
            return
        if isinstance(result, dict):
            error = TermwallError(
                ErrorCode(result["code"]), result["message"], field=result["field"], details=result["details"]
            )
            action.answer(error)
        else:
            action.answer(result if action.sequenced else None)

    # ---- parts

    def _say(self, subject: str, data: bytes) -> None:
        async def say() -> None:
            try:
                await self._bus.publish(subject, data)
            except BusError as error:
                log.debug("%s", error)  # It is said again by the beat.

        self._start(say())

    def _start(self, work: Any) -> "asyncio.Task[None]":
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


def _not_typed(session: DistantSession) -> dict[str, Any]:
    why = session.away or f"node {session.node} does not answer"
    return {"code": "engine_away", "message": f"Nothing was typed: {why}.", "field": None, "details": {}}


def _now() -> float:
    return asyncio.get_running_loop().time()
