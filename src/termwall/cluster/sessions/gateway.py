"""What a node's clients see and do of the other nodes' sessions.

Its roster lists them; here the output of those that somebody looks at is followed, as a copy of its newest part.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from termwall.cluster.bus.chores import Chores, moment
from termwall.cluster.bus.contract import Bus, BusError, Subscription
from termwall.cluster.bus.parcel import BadParcel, pack, unpack, unpack_frame
from termwall.cluster.sessions.actions import Actions
from termwall.cluster.sessions.distant import DistantSession
from termwall.cluster.sessions.pictures import Pictures
from termwall.cluster.sessions.roster import Roster
from termwall.core.relay import ACK_SECONDS
from termwall.core.session.acts import Act, Person
from termwall.hub.anysession import ActAnswer
from termwall.hub.estate import Estate
from termwall.protocol.messages import Session
from termwall.screen.feed import Picture

log = logging.getLogger("termwall.cluster")

COPIED_BUDGET_BYTES = 4 << 20
"""Texts for clients' clipboards that wait to be sent; more are dropped."""
OUTPUT_BUDGET_BYTES = 64 << 20
"""Output that waits to be put into copies; more is dropped and sent again: windows of many sessions fit into it."""
ANSWER_SECONDS = 2.0
AGAIN_SECONDS = 0.25
"""Until what could not be sent, or had no answer, is tried again."""
REST_SECONDS = 10.0
"""A copy that nobody looks at is kept for so long."""


class Gateway:
    """How this node sees the others.

    Args:
        bus: open.
        run: the id of this run of the process.
        service: this node's.
    """

    def __init__(self, bus: Bus, run: str, service: Estate) -> None:
        self.roster = Roster(bus, service, self)
        self._bus = bus
        self._service = service
        self._bounds = bounds = service.bounds
        self._actions = Actions(bus, run, bounds.input_bytes)
        self._pictures = Pictures(bus, run)
        self._followed: dict[DistantSession, float] = {}
        """When somebody last looked at it."""
        self._attaching: dict[DistantSession, asyncio.Task[None]] = {}
        self._subscriptions: list[Subscription] = []
        self._unsubscribe: Callable[[], None] = lambda: None
        self._chores = Chores(log)

    async def open(self) -> None:
        """Begin to look."""
        bus, node = self._bus, self._bus.node
        for subject, take, budget in (
            (f"out.{node}", self._output, OUTPUT_BUDGET_BYTES),
            (f"copied.{node}", self._copied, COPIED_BUDGET_BYTES),
        ):
            self._subscriptions.append(await bus.subscribe(subject, take, budget=budget, lagged=lambda: None))
        await self._pictures.open()
        await self.roster.open()
        self._unsubscribe = self._bus.on_state(self._state)
        self._chores.start(self._beat())

    async def close(self) -> None:
        """Look no more."""
        self._unsubscribe()
        await self.roster.close()
        for subscription in self._subscriptions:
            await subscription.end()
        await self._chores.stop()
        await self._actions.close()
        await self._pictures.close()

    @property
    def streams(self) -> int:
        """How many sessions are followed."""
        return len(self._followed)

    # ---- what the roster reports

    def made(self, node: str, shown: Session) -> DistantSession:
        """A session of another node, which is new here."""
        return DistantSession(self, node, shown, self._bounds)

    def again(self, session: DistantSession) -> None:
        """It may be followed again, or is another one."""
        if session.watched:
            self._attach_soon(session)

    def forgotten(self, session: DistantSession) -> None:
        """It is gone."""
        self._followed.pop(session, None)

    def _state(self, up: bool) -> None:
        if up:
            for session in self._followed:
                self._attach_soon(session)

    # ---- output

    def follow(self, session: DistantSession) -> None:
        """Somebody looks at it."""
        new = session not in self._followed
        self._followed[session] = moment()
        if new or session.receiver is None:
            self._attach_soon(session)

    def _attach_soon(self, session: DistantSession) -> None:
        if session not in self._attaching:
            self._attaching[session] = self._chores.start(self._attach(session))

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
                    about = {"session": session.id, "project": session.project_id, "peer": session.node}
                    log.info("`%s` cannot be followed yet: %s", session.name, error, extra=about)
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            self._attaching.pop(session, None)

    def _output(self, subject: str, data: bytes) -> None:
        try:
            frame = unpack_frame(data)
        except BadParcel as error:
            log.warning("%s", error)
            return
        session = self.roster.find(frame.session_id)
        if session is None:
            return
        if frame.kind == "again":
            if frame.number == session.number and session in self._followed:
                self._attach_soon(session)
        elif session.arrived(frame):
            self._ack([session])

    def _copied(self, subject: str, data: bytes) -> None:
        """A program put a text on the clipboard of a client here, which drives it (S7)."""
        try:
            header, body = unpack(data)
            session = self.roster.find(header["session"])
            client, text = str(header["client"]), body.decode()
        except (BadParcel, KeyError, TypeError, ValueError) as error:
            log.warning("%s", error)
            return
        room = None if session is None else self._service.find_room(session.project_id)
        if room is not None and session is not None and len(body) <= self._bounds.clipboard_bytes:
            room.hand_over(session, client, text)

    def _ack(self, sessions: list[DistantSession]) -> None:
        nodes: dict[str, list[list[Any]]] = {}
        for session in sessions:
            if session.receiver is not None:
                nodes.setdefault(session.node, []).append([session.id, session.number, session.receiver.ack()])
        for node, acks in nodes.items():
            self._chores.publish(self._bus, f"host.{node}.ack", pack({"gateway": self._bus.node, "acks": acks}))

    async def _beat(self) -> None:
        """Renew the leases of what is looked at, let go of the rest, and ask for pictures again."""
        while True:
            await asyncio.sleep(ACK_SECONDS)
            now = moment()
            for session in list(self._followed):
                if session.watched:
                    self._followed[session] = now
                elif now - self._followed[session] > REST_SECONDS:
                    del self._followed[session]
                    if session.receiver is not None:
                        acks = [[session.id, session.number, None]]
                        self._chores.publish(
                            self._bus, f"host.{session.node}.ack", pack({"gateway": self._bus.node, "acks": acks})
                        )
                    session.forget()
            self._ack([session for session in self._followed if session.away is None])
            self._pictures.again()

    # ---- what sessions ask for

    def draw(self, session: DistantSession, kind: str, lines: int, answer: Callable[[Picture | None], None]) -> None:
        """Have it drawn by its node."""
        # First the output, so that it begins before the picture.
        self._pictures.draw(session, kind, lines, answer, self._attaching.get(session))

    def act(self, session: DistantSession, act: Act, who: Person, answer: ActAnswer) -> None:
        """Have something done to a session: once, in order, and not after its `until` on this node's clock."""
        self._actions.act(session, act, who, answer)
