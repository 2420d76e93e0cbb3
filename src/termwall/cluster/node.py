"""One node of a wall: shares its stages, shows its sessions to the others and theirs to its clients."""

import asyncio
import logging
from collections.abc import Callable
from typing import Literal

from termwall.cluster.bus import Bus, Subscription
from termwall.cluster.gateway import Gateway
from termwall.cluster.host import Host
from termwall.cluster.stages import SharedStages
from termwall.hub.estate import Estate
from termwall.hub.room import Room
from termwall.protocol.bodies import NodeShown

log = logging.getLogger("termwall.cluster")

Role = Literal["host", "gateway", "both"]

ANNOUNCE_SECONDS = 1.0
"""How often the others learn of this node's figures."""
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
        role: Role = "both",
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
        self.host = Host(bus, run, service.rooms, service.find_own)
        self.gateway = Gateway(bus, run, service.bounds, service.rooms, service.clock)
        self._watch: Subscription | None = None

    async def open(self) -> None:
        """Take part.

        Raises:
            BusAway, BusRefused: why not.
        """
        self._announce()
        await self.bus.open()
        ready = asyncio.Event()
        self._watch = await self.bus.watch(self.stages.seen, ready=ready.set)
        try:
            await asyncio.wait_for(ready.wait(), READY_SECONDS)
        except TimeoutError:
            log.warning("the wall's projects did not come in %s s", READY_SECONDS)
        self.service.share(self.stages, self._watch_room)
        if self.role != "gateway":
            await self.host.open()
        if self.role != "host":
            await self.gateway.open()

    def _watch_room(self, room: Room) -> None:
        if self.role != "gateway":
            self.host.watch_room(room)
        if self.role != "host":
            self.gateway.watch_room(room)

    def node_of(self, session_id: str) -> str | None:
        """The other node that has a session."""
        found = self.gateway.find(session_id)
        return None if found is None else found.node

    def _announce(self) -> None:
        service = self.service
        self.bus.announce(
            {
                "role": self.role,
                "version": self._version,
                "sessions": sum(len(room.own) for room in service.rooms()),
                "connections": service.connections,
                "draining": service.draining,
            }
        )
        self._beat = asyncio.get_running_loop().call_later(ANNOUNCE_SECONDS, self._announce)

    @property
    def up(self) -> bool:
        """Whether the other nodes are reached."""
        return self.bus.up

    def nodes(self) -> list[NodeShown]:
        """All that are there, by name; only this one while the others are not reached."""
        return [
            NodeShown(name=member.node, here=member.node == self.bus.node, **member.about)
            for member in sorted(self.bus.members().values(), key=lambda member: member.node)
        ]

    async def close(self) -> None:
        """Take part no more; the sessions here go on."""
        if self._beat is not None:
            self._beat.cancel()
        await self.gateway.close()
        await self.host.close()
        self.stages.close()
        if self._watch is not None:
            await self._watch.end()
        await self.bus.close()
