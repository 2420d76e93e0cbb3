"""One node of a wall: shares its stages, shows its sessions to the others and theirs to its clients."""

import asyncio
import logging
from collections.abc import Callable

from termwall.cluster.bus import Bus, Subscription
from termwall.cluster.gateway import Gateway
from termwall.cluster.host import Host
from termwall.cluster.stages import SharedStages
from termwall.hub.estate import Estate
from termwall.hub.room import Room

log = logging.getLogger("termwall.cluster")

READY_SECONDS = 10.0
"""How long a start waits for the wall's projects; then it goes on with what it has, and they come when they come."""


class Node:
    """Joins a service to the others.

    Args:
        service: this node's.
        bus: not open yet.
        run: the id of this run of the process.
        new_id: a new id each call, unlike any other node's.
    """

    def __init__(self, service: Estate, bus: Bus, *, run: str, new_id: Callable[[], str]) -> None:
        self.service = service
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
        await self.host.open()
        await self.gateway.open()

    def _watch_room(self, room: Room) -> None:
        self.host.watch_room(room)
        self.gateway.watch_room(room)

    async def close(self) -> None:
        """Take part no more; the sessions here go on."""
        await self.gateway.close()
        await self.host.close()
        self.stages.close()
        if self._watch is not None:
            await self._watch.end()
        await self.bus.close()
