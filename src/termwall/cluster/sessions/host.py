"""What a node shows of its own sessions to the other nodes, and does for their clients.

Output goes to a gateway only while somebody there looks (a lease), as a cursor on the session's ring with credit of its
own; a slow gateway gets an announced jump, and nobody else feels it.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from math import inf
from typing import Any

from termwall.cluster.bus.chores import Chores, moment
from termwall.cluster.bus.contract import Bus, BusError, Member, Subscription
from termwall.cluster.bus.parcel import OutFrame, pack, pack_frame, read_header, unpack
from termwall.cluster.sessions.news import News
from termwall.cluster.sessions.pictures import Painter
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ClientId, SessionId
from termwall.core.relay import Reset, Send, Sender
from termwall.core.session.acts import Claimed, Held, Left, Person, Resized, Typed, UnknownAct, act_of
from termwall.core.theme import Theme
from termwall.hub.estate import Estate
from termwall.hub.room import Room
from termwall.hub.session import LiveSession
from termwall.system import clock

log = logging.getLogger("termwall.cluster")

BUDGET_BYTES = 16 << 20
"""Messages of the other nodes that wait to be handled; more are dropped, and sent again."""
PUMP_SECONDS = 0.25
"""How often leases and what was lost are looked after."""
SPARE_BYTES = 512
"""Of a message of output, for what is said of it."""
MOST_ATTACHMENTS = 4096
"""Streams to other nodes at once; one more is refused, and its gateway tries again."""
MOST_GUESTS = 10_000
"""Clients of other nodes that are remembered as doing something to sessions here; of more the longest silent one is
forgotten."""
MOST_DONE = 1024
"""Lines of other nodes' clients whose last batch is remembered, with its answer. The one that was silent longest goes;
if that batch comes again nevertheless, its claims are done twice, but not its input (I1)."""

_OF_GUESTS = (Typed, Resized, Claimed, Held)
"""Whoever does this is there until it leaves."""


@dataclass(eq=False, slots=True)
class _Attachment:
    """A gateway that looks at a session."""

    gateway: str
    session: LiveSession
    epoch: str
    number: int
    sender: Sender
    wake: asyncio.Event = field(default_factory=asyncio.Event)


class Host:
    """Serves this node's sessions.

    Args:
        bus: open.
        run: the id of this run of the process.
        service: this node's.
    """

    def __init__(self, bus: Bus, run: str, service: Estate) -> None:
        self._bus = bus
        self._service = service
        self._news = News(bus, run, service, self._drop_all)
        self._painter = Painter(bus, service)
        self._attachments: dict[tuple[str, str], _Attachment] = {}
        self._guests: dict[tuple[str, str, str], None] = {}
        self._done: dict[str, tuple[int, bytes]] = {}
        """The last batch of a line, and its answer."""
        self._subscriptions: list[Subscription] = []
        self._chores = Chores(log)
        self._unsubscribe: list[Callable[[], None]] = []

    async def open(self) -> None:
        """Begin to serve."""
        node, bus = self._bus.node, self._bus
        self._subscriptions = [
            await bus.serve(f"host.{node}.attach", self._attach),
            await bus.serve(f"host.{node}.do", self._do),
            await bus.subscribe(f"host.{node}.ack", self._acked, budget=BUDGET_BYTES, lagged=_lagged),
        ]
        self._unsubscribe = [bus.on_state(self._state), bus.on_member(self._member)]
        await self._painter.open()
        await self._news.open()

    async def close(self) -> None:
        """Serve no more."""
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        for subscription in self._subscriptions:
            await subscription.end()
        for attachment in list(self._attachments.values()):
            self._drop(attachment)
        await self._news.close()
        await self._painter.close()
        await self._chores.stop()

    @property
    def streams(self) -> int:
        """How many streams go to other nodes."""
        return len(self._attachments)

    @property
    def serial(self) -> int:
        """Of the last news to all nodes."""
        return self._news.serial

    def watch_room(self, room: Room) -> None:
        """Tell the others of this room's sessions from now on."""
        room.to_nodes = lambda session, fields: self._news.report(room, session, fields)
        room.copied_elsewhere = self._copied
        room.elsewhere = lambda client, session_id: any(
            (gateway, session_id, client) in self._guests for gateway in self._bus.members()
        )
        room.guests = lambda session_id: [ClientId(client) for _, at, client in self._guests if at == session_id]

    # ---- output

    async def _attach(self, data: bytes) -> bytes:
        header, _ = unpack(data)
        session = self._service.find_own(header["session"])
        if session is None or session.epoch != header["epoch"]:
            return pack({"ok": False, "epoch": None if session is None else session.epoch})
        key = header["gateway"], header["session"]
        before = self._attachments.get(key)
        if before is not None:
            self._drop(before)
        elif len(self._attachments) >= MOST_ATTACHMENTS:
            return pack({"ok": False, "epoch": session.epoch})
        ring = session.ring
        # Without a picture its clients get what a replay would give them here.
        fresh = None if session.drawn else ring.replay_start(session.bounds.replay_bytes)
        sender = Sender(header["offset"], ring.start, ring.end, moment(), fresh)
        attachment = _Attachment(key[0], session, session.epoch, header["number"], sender)
        self._attachments[key] = attachment
        session.cursors[attachment] = attachment.wake.set
        self._chores.start(self._pump(attachment))
        return pack({"ok": True})

    async def _pump(self, one: _Attachment) -> None:
        """Send what there is. The network's pace is this task's, and nobody else's."""
        while self._attachments.get((one.gateway, one.session.id)) is one:
            one.wake.clear()
            session, now = one.session, moment()
            if one.sender.expired(now) or session.epoch != one.epoch:
                self._drop(one)
                return
            step = one.sender.next(session.ring.start, session.ring.end, now)
            if step is None:
                try:
                    await asyncio.wait_for(one.wake.wait(), max(0.01, min(PUMP_SECONDS, one.sender.deadline() - now)))
                except TimeoutError:
                    pass
                continue
            try:
                await self._bus.publish(f"out.{one.gateway}", self._frame(one, step))
            except BusError:
                await asyncio.sleep(PUMP_SECONDS)  # Away: what was lost is sent again.
            else:
                await asyncio.sleep(0)

    def _frame(self, one: _Attachment, step: Send | Reset) -> bytes:
        session = one.session
        if isinstance(step, Reset):
            cols, rows = session.sizes.at(step.offset)
            return pack_frame(OutFrame("reset", session.id, one.number, step.offset, cols, rows))
        cols, rows = session.sizes.at(step.start)
        stop = min(step.stop, step.start + self._bus.max_bytes - SPARE_BYTES)
        one.sender.sent = stop
        mark = session.sizes.next_after(session.sizes.serial_at(step.start))
        if mark is not None and step.start < mark.offset < stop:
            stop = mark.offset  # A frame has one size.
            one.sender.sent = stop
        return pack_frame(
            OutFrame("data", session.id, one.number, step.start, cols, rows, session.ring.read(step.start, stop))
        )

    def _acked(self, subject: str, data: bytes) -> None:
        header = read_header(data)
        if header is None:
            return
        gateway = header["gateway"]
        for session_id, number, offset in header["acks"]:
            one = self._attachments.get((gateway, session_id))
            if one is None or one.number != number:
                self._chores.publish(
                    self._bus, f"out.{gateway}", pack_frame(OutFrame("again", session_id, number, 0, 0, 0))
                )
            elif offset is None:
                self._drop(one)
            else:
                one.sender.ack(offset, moment())
                one.wake.set()

    def _drop(self, one: _Attachment) -> None:
        key = one.gateway, one.session.id
        if self._attachments.get(key) is one:
            del self._attachments[key]
        one.session.cursors.pop(one, None)
        one.wake.set()

    def _drop_all(self, session: LiveSession) -> None:
        for one in [one for one in self._attachments.values() if one.session is session]:
            self._drop(one)

    def _state(self, up: bool) -> None:
        if up:
            for one in self._attachments.values():
                one.sender.lost(moment())
                one.wake.set()

    # ---- what clients of other nodes do

    async def _do(self, data: bytes) -> bytes:
        """A batch of actions on one session, in order; one that comes again, or too late, does nothing again."""
        header, body = unpack(data)
        line, number = header["line"], header["batch"]
        last, reply = self._done.get(line, (0, b""))
        if number <= last:
            return reply  # Who asked for an older one has given it up.
        session = self._service.find_own(header["session"])
        results: list[Any] = []
        begin = 0
        for action in header["actions"]:
            stop = begin + action.get("bytes", 0)
            results.append(self._act(header["gateway"], session, action, body[begin:stop]))
            begin = stop
        reply = pack({"results": results})
        self._done.pop(line, None)
        self._done[line] = number, reply
        if len(self._done) > MOST_DONE:
            del self._done[next(iter(self._done))]
        return reply

    def _act(self, gateway: str, session: LiveSession | None, action: dict[str, Any], data: bytes) -> Any:
        if session is None:
            gone = TermwallError(ErrorCode.UNKNOWN_SESSION, "The session is gone.", field="sessionId")
            return _plain(gone)
        if action.get("until", inf) < clock.seconds():
            return _late(session, action)
        client = ClientId(action["client"])
        who = Person(client, action.get("name"), _theme(action))
        key = gateway, session.id, client
        if action["do"] == "last":
            return session.core.inputs.last(ClientId(action["log"]))
        try:
            act = act_of(action, data)
        except UnknownAct as other:
            sentence = f"Node {self._bus.node} does not know how to do `{other}`; it may be of an older version."
            return _plain(TermwallError(ErrorCode.INTERNAL, sentence))
        if isinstance(act, Left):
            self._guests.pop(key, None)
            self._left(session, client)
            return None
        if isinstance(act, _OF_GUESTS):
            self._remember(key)
        result: list[Any] = [None]
        session.do(act, who, lambda outcome: result.append(outcome))
        return _plain(result[-1]) if isinstance(result[-1], TermwallError) else result[-1]

    def _copied(self, session: LiveSession, client: str, text: str) -> None:
        """A program put a text on the clipboard of a client that drives it from another node (S7)."""
        for gateway in self._bus.members():
            if (gateway, session.id, client) in self._guests:
                parcel = pack({"session": session.id, "client": client}, text.encode())
                self._chores.publish(self._bus, f"copied.{gateway}", parcel)

    def _remember(self, key: tuple[str, str, str]) -> None:
        self._guests.pop(key, None)
        self._guests[key] = None
        if len(self._guests) > MOST_GUESTS:
            del self._guests[next(iter(self._guests))]

    def _left(self, session: LiveSession, client: ClientId) -> None:
        room = self._service.find_room(session.project_id)
        if room is not None and not room.present(client, SessionId(session.id)):
            session.do(Left(), Person(client))

    def _member(self, member: Member, here: bool) -> None:
        """The clients of a node that is gone have left."""
        if here:
            return
        self._news.left(member.node)
        for gateway, session_id, client in [key for key in self._guests if key[0] == member.node]:
            del self._guests[gateway, session_id, client]
            session = self._service.find_own(session_id)
            if session is not None:
                self._left(session, ClientId(client))
        for one in [one for one in self._attachments.values() if one.gateway == member.node]:
            self._drop(one)


def _late(session: LiveSession, action: dict[str, Any]) -> Any:
    """It is not done, unless it was: then its client is notified again."""
    seq = action.get("seq")
    if action["do"] == "input" and seq is not None:
        last = session.core.inputs.last(ClientId(action["log"]))
        if seq <= last:
            return last
    return _plain(TermwallError(ErrorCode.ENGINE_AWAY, "Nothing was typed: it came too late."))


def _theme(action: dict[str, Any]) -> Theme | None:
    """The colours of who acts; None where a node says none, or nothing that is known here."""
    try:
        return Theme.of(action["theme"])
    except (KeyError, TypeError, ValueError):
        return None


def _plain(error: TermwallError) -> dict[str, Any]:
    return {"code": error.code, "message": error.message, "field": error.field, "details": error.details}


def _lagged() -> None:
    log.warning("messages of other nodes come faster than they are handled; what was dropped is sent again")
