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

log = logging.getLogger("termwall.cluster")

Role = Literal["host", "gateway", "both"]

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
    """

    def __init__(self, service: Estate, bus: Bus, *, run: str, new_id: Callable[[], str], role: Role = "both") -> None:
        self.service = service
        service.node, service.runs_programs = bus.node, role != "gateway"
        self.role = role
        self.bus = bus
        self.stages = SharedStages(bus, service, new_id)
        self.host = Host(bus, run, service.rooms, service.find_own)
        self.gateway = Gateway(bus, run, service.bounds, service.rooms)
        self._watch: Subscription | None = None

    async def open(self) -> None:
        """Take part.

        Raises:
            BusAway, BusRefused: why not.
        """
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

    async def close(self) -> None:
        """Take part no more; the sessions here go on."""
        await self.gateway.close()
        await self.host.close()
        self.stages.close()
        if self._watch is not None:
            await self._watch.end()
        await self.bus.close()
