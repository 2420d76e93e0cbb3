"""What a node tells the others of its own sessions.

That a session is there, ends, or has another name goes to every node: it is rare. All else (titles, attention, when it
last printed) goes only to nodes where somebody looks at the project, for as long as they say so (a lease): a project
that nobody looks at elsewhere costs the network nothing, whatever its programs print.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from termwall.cluster.bus import Bus, BusError, Subscription
from termwall.cluster.chores import Chores
from termwall.cluster.parcel import BadParcel, pack, unpack
from termwall.hub.anysession import AnySession
from termwall.hub.estate import Estate
from termwall.hub.room import Room
from termwall.hub.session import LiveSession

log = logging.getLogger("termwall.cluster")

LEASE_SECONDS = 15.0
"""A node that looks at a project says so more often than that."""
FOR_ALL = frozenset({"session", "name", "status", "exit_code", "signal"})
"""Fields that every node is told of."""
MOST_WAITING = 4096
"""Messages that wait to be sent; one more is dropped, and its readers are told everything again."""
MOST_LEASES = 100_000
"""Projects that other nodes look at, counted for each node; one more has to ask for what it wants to know."""
BUDGET_BYTES = 4 << 20


class News:
    """One node's.

    Args:
        bus: the others.
        run: the id of this run of the process.
        service: has the rooms.
        removed: called when a session is gone.
    """

    def __init__(self, bus: Bus, run: str, service: Estate, removed: Callable[[LiveSession], None]) -> None:
        self._bus = bus
        self._run = run
        self._service = service
        self._removed = removed
        self._serial = 0
        """Of the last message to all: a gap tells its reader that it missed something."""
        self._moment = 0
        """Of the last message to anybody: what is older than what a reader knows is ignored."""
        self._leases: dict[str, dict[str, float]] = {}
        """For each project and node, until when."""
        self._count = 0
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MOST_WAITING)
        self._chores = Chores(log)
        self._subscriptions: list[Subscription] = []

    async def open(self) -> None:
        """Begin to tell."""
        node, bus = self._bus.node, self._bus
        self._subscriptions = [
            await bus.serve(f"host.{node}.list", self._list),
            await bus.subscribe(f"host.{node}.look", self._look, budget=BUDGET_BYTES, lagged=lambda: None),
        ]
        self._chores.start(self._speak())

    async def close(self) -> None:
        """Tell nothing more."""
        for subscription in self._subscriptions:
            await subscription.end()
        await self._chores.stop()

    def told(self, room: Room, session: AnySession, fields: dict[str, Any]) -> None:
        """Clients here are told this of a session."""
        if not isinstance(session, LiveSession):
            return
        removed = bool(fields.get("removed"))
        if removed:
            self._removed(session)
        header = self._header(room, session, fields, removed=removed)
        if removed or fields.keys() & FOR_ALL:
            self._serial += 1
            header["serial"] = self._serial
            self._put(f"news.{self._bus.node}", pack(header))
        elif leases := self._leases.get(room.id):
            data, now = pack(header), _now()
            for node, until in list(leases.items()):
                if until < now or not self._put(f"stir.{node}", data):
                    self._end(room.id, node)  # When it renews the lease, it is told everything.

    def _header(
        self, room: Room, session: LiveSession, fields: dict[str, Any], *, removed: bool = False
    ) -> dict[str, Any]:
        self._moment += 1
        header = {"node": self._bus.node, "run": self._run, "moment": self._moment, "project": room.id}
        if removed:
            return {**header, "id": session.id, "removed": True}
        told = {"fields": [name for name in fields if name != "session"], "whole": "session" in fields}
        return {**header, **told, **_described(room, session)}

    def _put(self, subject: str, data: bytes) -> bool:
        try:
            self._waiting.put_nowait((subject, data))
        except asyncio.QueueFull:
            return False
        return True

    async def _speak(self) -> None:
        while True:
            subject, data = await self._waiting.get()
            try:
                await self._bus.publish(subject, data)
            except BusError:
                pass  # Who hears again after an outage asks for everything.

    async def _list(self, data: bytes) -> bytes:
        """All sessions of a project, and with a lease what is new of them from then on."""
        header, _ = unpack(data)
        room = self._service.find_room(header["project"])
        if header["looks"]:
            self._lease(header["project"], header["gateway"])
        sessions = [] if room is None else [_described(room, session) for session in room.own]
        return pack({"run": self._run, "serial": self._serial, "moment": self._moment, "sessions": sessions})

    def _look(self, subject: str, data: bytes) -> None:
        """A node says which projects it looks at. What it may have missed, it is told."""
        try:
            header, _ = unpack(data)
        except BadParcel as error:
            log.warning("%s", error)
            return
        for project in header["projects"]:
            room = self._service.find_room(project)
            if not self._lease(project, header["gateway"]) and room is not None:
                for session in room.own:
                    self._put(f"stir.{header['gateway']}", pack(self._header(room, session, {"session": None})))

    def _lease(self, project: str, node: str) -> bool:
        """True if it had one."""
        leases = self._leases.setdefault(project, {})
        had = leases.get(node, 0.0) >= _now()
        if node not in leases:
            if self._count >= MOST_LEASES:
                return False
            self._count += 1
        leases[node] = _now() + LEASE_SECONDS
        return had

    def _end(self, project: str, node: str) -> None:
        leases = self._leases.get(project, {})
        if leases.pop(node, None) is not None:
            self._count -= 1
        if not leases:
            self._leases.pop(project, None)

    def left(self, node: str) -> None:
        """A node is gone."""
        for project in [project for project, leases in self._leases.items() if node in leases]:
            self._end(project, node)


def _described(room: Room, session: LiveSession) -> dict[str, Any]:
    recency = session.recency
    return {
        "session": room.describe(session).model_dump(mode="json"),
        "recency": [recency.user, recency.output, recency.focused],
    }


def _now() -> float:
    return asyncio.get_running_loop().time()
