"""What a node reports to the others about its own sessions.

That a session is there, ends, or has another name goes to every node: it is rare. All else (titles, attention, when it
last printed) goes only to nodes where somebody looks at the project, for as long as they say so (a lease): a project
that nobody looks at elsewhere costs the network nothing, whatever its programs print.

What is sent may get lost without a word. So each heartbeat carries the serial of the last news, each message about a
project the moment of the one before, and each renewal of a lease the last that was heard: who missed one asks for the
list.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from termwall.cluster.bus.chores import Chores, moment
from termwall.cluster.bus.contract import Bus, BusError, Subscription
from termwall.cluster.bus.parcel import pack, read_header, unpack
from termwall.hub.anysession import AnySession
from termwall.hub.estate import Estate
from termwall.hub.room import Room
from termwall.hub.session import LiveSession

log = logging.getLogger("termwall.cluster")

LEASE_SECONDS = 15.0
"""A node that looks at a project says so more often than that."""
FOR_ALL = frozenset({"session", "name", "status", "exit_code", "signal", "attached"})
"""Fields that every node is sent."""
MOST_WAITING = 4096
"""Messages that wait to be sent; one more is dropped, and its readers are sent everything again."""
MOST_COMMAND = 4096
"""Characters of a command that other nodes are sent: they only show it."""
SPARE_BYTES = 4096
"""Of a message, for what is not sessions."""
MOST_LEASES = 100_000
"""Projects that other nodes look at, counted for each node; one more has to ask for what it wants to know."""
BUDGET_BYTES = 4 << 20


@dataclass(slots=True)
class _Looked:
    """A project that other nodes look at."""

    sent: int
    """The moment of the last message about it."""
    until: dict[str, float]
    """How long each node looks at it, in seconds of the loop's clock."""


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
        """Of the last message to all: a gap shows its reader that it missed something."""
        self._moment = 0
        """Of the last message to anybody: what is older than what a reader knows is ignored."""
        self._looked: dict[str, _Looked] = {}
        self._count = 0
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MOST_WAITING)
        self._chores = Chores(log)
        self._subscriptions: list[Subscription] = []

    async def open(self) -> None:
        """Begin to report."""
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

    @property
    def serial(self) -> int:
        """Of the last message to all."""
        return self._serial

    def report(self, room: Room, session: AnySession, fields: Mapping[str, Any]) -> None:
        """Clients here are sent this about a session."""
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
        elif looked := self._looked.get(room.id):
            header["before"], looked.sent = looked.sent, header["moment"]
            data, now = pack(header), moment()
            for node, until in list(looked.until.items()):
                if until < now or not self._put(f"stir.{node}", data):
                    self._end(room.id, node)  # When it renews the lease, it learns that it missed something.

    def _header(
        self, room: Room, session: LiveSession, fields: Mapping[str, Any], *, removed: bool = False
    ) -> dict[str, Any]:
        self._moment += 1
        header = {"node": self._bus.node, "run": self._run, "moment": self._moment, "project": room.id}
        if removed:
            return {**header, "id": session.id, "removed": True}
        changed = {"fields": [name for name in fields if name != "session"], "whole": "session" in fields}
        return {**header, **changed, **_described(room, session)}

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
            except BusError as error:
                log.debug("%s", error)  # Who missed it will know.

    async def _list(self, data: bytes) -> bytes:
        """A page of the sessions of a project or of all, in the order of their ids; and leases from then on."""
        header, _ = unpack(data)
        moments = {project: self._lease(project, header["gateway"]) for project in header["looks"]}
        rooms = self._service.rooms() if header["project"] is None else [self._service.find_room(header["project"])]
        own = {session.id: (room, session) for room in rooms if room is not None for session in room.own}
        left = sorted(own.keys() if header["after"] is None else (key for key in own if key > header["after"]))
        page: list[dict[str, Any]] = []
        count = SPARE_BYTES
        for key in left:
            described = _described(*own[key])
            count += len(pack(described))
            if page and count > self._bus.max_bytes:
                break
            page.append(described)
        about = {"run": self._run, "serial": self._serial, "moment": self._moment, "told": moments}
        return pack({**about, "sessions": page, "more": len(page) < len(left)})

    def _look(self, subject: str, data: bytes) -> None:
        """A node says which projects it looks at, and what it heard of them last."""
        if (header := read_header(data)) is None:
            return
        for project, known in header["projects"].items():
            sent = self._lease(project, header["gateway"])
            if known != sent and self._service.find_room(project) is not None:
                missed = {"node": self._bus.node, "run": self._run, "project": project, "told": sent}
                self._put(f"stir.{header['gateway']}", pack(missed))

    def _lease(self, project: str, node: str) -> int:
        """Report a project to a node from now on, or go on with that; the moment that it was sent last."""
        looked = self._looked.setdefault(project, _Looked(self._moment, {}))
        if node in looked.until:
            looked.until[node] = moment() + LEASE_SECONDS
        elif self._count < MOST_LEASES:
            looked.until[node] = moment() + LEASE_SECONDS
            self._count += 1
        elif not looked.until:
            del self._looked[project]
        return looked.sent

    def _end(self, project: str, node: str) -> None:
        looked = self._looked.get(project)
        if looked is not None and looked.until.pop(node, None) is not None:
            self._count -= 1
            if not looked.until:
                del self._looked[project]

    def left(self, node: str) -> None:
        """A node is gone."""
        for project in [project for project, looked in self._looked.items() if node in looked.until]:
            self._end(project, node)


def _described(room: Room, session: LiveSession) -> dict[str, Any]:
    recency = session.recency
    described = room.describe(session).model_dump(mode="json")
    described["command"] = _shortened(described["command"])
    return {
        "session": described,
        "recency": [recency.user, recency.output, recency.focused],
    }


def _shortened(command: list[str]) -> list[str]:
    left = MOST_COMMAND
    shown: list[str] = []
    for word in command:
        if len(word) > left:
            return [*shown, f"{word[:left]}…"]
        shown.append(word)
        left -= len(word)
    return shown
