"""One node of a wall: shares its stages, shows its sessions to the others and theirs to its clients."""

import asyncio
import logging
from collections.abc import Callable
from math import inf
from typing import Any, Literal

from pydantic import ValidationError

from termwall.cluster.bus.chores import Chores
from termwall.cluster.bus.contract import Bus, BusAway, BusRefused, Subscription
from termwall.cluster.bus.parcel import PROTOCOL
from termwall.cluster.sessions.gateway import Gateway
from termwall.cluster.sessions.host import Host
from termwall.cluster.stages import SharedStages
from termwall.cluster.within import Within
from termwall.core.focus import Activity
from termwall.hub.estate import Estate
from termwall.hub.room import Room
from termwall.protocol.bodies import NodeShown

log = logging.getLogger("termwall.cluster")

NodeRole = Literal["host", "gateway", "both"]

ANNOUNCE_SECONDS = 1.0
"""How often the others learn of this node's figures."""
JOIN_SECONDS = 1.0
"""Between two attempts to reach the others, if they were not reached at the start."""
ANYBODYS = Activity(inf, inf, inf)
"""A session of another node, where others' are not shown: who uses it is not known, so it leaves a stage last (F3)."""
READY_SECONDS = 10.0
"""How long a start waits for the wall's projects; then it goes on with what it has, and they come when they come."""


class Node:
    """Joins a service to the others.

    Args:
        service: this node's.
        bus: not open yet.
        run: the id of this run of the process.
        new_id: a new id each call, unlike any other node's.
        role: whether it runs programs, shows those of others, or both.
        version: termwall's.
    """

    def __init__(
        self,
        service: Estate,
        bus: Bus,
        *,
        run: str,
        new_id: Callable[[], str],
        role: NodeRole = "both",
        version: str = "",
    ) -> None:
        self._version = version
        self._beat: asyncio.TimerHandle | None = None
        self.service = service
        service.node, service.runs_programs, service.cluster = bus.node, role != "gateway", self
        service.recordings.node = bus.node
        self.role = role
        self.bus = bus
        self.stages = SharedStages(bus, service, new_id)
        self.host = Host(bus, run, service)
        self.gateway = Gateway(bus, run, service)
        self.within = Within(bus, run, service.nesting)
        self._watch: Subscription | None = None
        self._ready = asyncio.Event()
        self._chores = Chores(log)
        self.reported: tuple[bool, list[tuple[str, str, bool]]] = False, []
        """What clients were sent last: whether the others are reached; of each node name, role and draining."""
        self._unsubscribe = [bus.on_state(self._state), bus.on_member(lambda member, here: self._report_nodes())]

    async def open(self) -> None:
        """Take part; if the others are not reached, as soon as they are.

        Raises:
            BusRefused: why not.
        """
        self._announce()
        self._watch = await self.bus.watch(self.stages.seen, ready=self._ready.set, lost=self.stages.lost)
        if self.role != "gateway":
            await self.host.open()
        if self.role != "host":
            await self.gateway.open()
        await self.within.open(self.node_of)
        try:
            await self.bus.open()
        except BusAway as error:
            log.warning("%s This node serves its own terminals, and joins the others once they are reached.", error)
            self.service.share(self.stages, self._watch_room)
            self._chores.start(self._join())
        except BusRefused:
            await self.close()
            raise
        else:
            await self._listen()
            self.service.share(self.stages, self._watch_room)
            if self.role != "host":
                await self.gateway.roster.settle()

    async def _join(self) -> None:
        reported = ""
        while True:
            await asyncio.sleep(JOIN_SECONDS)
            try:
                await self.bus.open()
            except BusAway:
                continue
            except BusRefused as error:
                if str(error) != reported:
                    reported = str(error)
                    log.error("%s", reported)
                continue
            await self._listen()
            self.stages.share_all()
            log.warning("The other nodes are reached.")
            return

    def _state(self, up: bool) -> None:
        self._report_nodes()
        if up and self._ready.is_set():
            self.stages.share_all()  # A project may have been made meanwhile.

    async def _listen(self) -> None:
        try:
            await asyncio.wait_for(self._ready.wait(), READY_SECONDS)
        except TimeoutError:
            log.warning("the wall's projects did not come in %s s", READY_SECONDS)

    def _watch_room(self, room: Room) -> None:
        if self.role != "gateway":
            self.host.watch_room(room)
        if self.role == "host":
            room.unknown = ANYBODYS
        else:
            self.gateway.roster.list_room(room)
            # Who is removed leaves the stage too, so who is on it is only not heard of.
            room.expected = lambda session_id: session_id in room.stage.sessions or not self.gateway.roster.settled

    def node_of(self, session_id: str) -> str | None:
        """The other node that has a session."""
        found = self.gateway.roster.find(session_id)
        return None if found is None else found.node

    def streams(self) -> tuple[int, int]:
        """How many sessions of others are followed here, and streams of sessions here that go to others."""
        return self.gateway.streams, self.host.streams

    def looked_at(self, room: Room) -> None:
        """Somebody here looks at a project from now on."""
        if self.role != "host":
            self.gateway.roster.looks(room)

    def gone(self, room: Room) -> None:
        """A project is no more."""
        self.gateway.roster.gone(room)

    async def fresh(self, room: Room) -> None:
        """Have a project's sessions of the other nodes as they are now, as far as those answer in time."""
        if self.role != "host":
            await self.gateway.roster.fresh(room)

    def _about(self) -> dict[str, Any]:
        service = self.service
        return {
            "role": self.role,
            "version": self._version,
            "protocol": PROTOCOL,
            "sessions": sum(len(room.own) for room in service.rooms()),
            "connections": service.connections,
            "draining": service.draining,
            "serial": self.host.serial,
        }

    def _announce(self) -> None:
        self.bus.announce(self._about())
        self._beat = asyncio.get_running_loop().call_later(ANNOUNCE_SECONDS, self._announce)

    @property
    def up(self) -> bool:
        """Whether the other nodes are reached."""
        return self.bus.up

    def nodes(self) -> list[NodeShown]:
        """All that are there, by name; only this one while the others are not reached."""
        found = [NodeShown(name=self.bus.node, here=True, **self._about())]
        for member in self.bus.members().values() if self.up else ():
            if member.node != self.bus.node:
                try:
                    found.append(NodeShown(name=member.node, here=False, **member.about))
                except ValidationError:  # It speaks otherwise, or has said nothing of itself yet.
                    log.debug("nothing can be shown of node %s", member.node, extra={"peer": member.node})
        return sorted(found, key=lambda node: node.name)

    def _report_nodes(self) -> None:
        """Tell the clients, but not of figures, which change with each heartbeat."""
        now = self.up, [(node.name, node.role, node.draining) for node in self.nodes()]
        if now != self.reported:
            self.reported = now
            self.service.send_nodes()

    async def known(self, session_id: str) -> None:
        """Until a session that was just made on another node is known here, or some seconds have passed."""
        if self.role != "host":
            await self.gateway.roster.known(session_id)

    async def heard(self, project_id: str) -> None:
        """Until a project that another node knows is known here too, or some seconds have passed."""
        await self.stages.heard(project_id)

    async def close(self) -> None:
        """Take part no more; the sessions here go on."""
        if self._beat is not None:
            self._beat.cancel()
        await self._chores.stop()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        await self.within.close()
        await self.gateway.close()
        await self.host.close()
        await self.stages.close()
        if self._watch is not None:
            await self._watch.end()
        await self.bus.close()
