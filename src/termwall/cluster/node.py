"""One node of a wall: shares its stages, shows its sessions to the others and theirs to its clients."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Literal

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
        self.role = role
        self.bus = bus
        self.stages = SharedStages(bus, service, new_id)
        self.host = Host(bus, run, service.rooms, service.find_own)
        self.gateway = Gateway(bus, run, service.bounds, service.rooms, service.clock)
        self._watch: Subscription | None = None
        self.told: tuple[bool, list[tuple[str, str, bool]]] = False, []
        """What clients were told last: whether the others are reached; of each node name, role and draining."""
        self._unsubscribe: list[Callable[[], None]] = []

    async def open(self) -> None:
        """Take part.

        Raises:
            BusAway, BusRefused: why not.
        """
        self._announce()
        await self.bus.open()
        self._unsubscribe = [
            self.bus.on_state(lambda up: self._tell_nodes()),
            self.bus.on_member(lambda member, here: self._tell_nodes()),
        ]
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

    def _about(self) -> dict[str, Any]:
        service = self.service
        return {
            "role": self.role,
            "version": self._version,
            "sessions": sum(len(room.own) for room in service.rooms()),
            "connections": service.connections,
            "draining": service.draining,
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
        others = [member for member in self.bus.members().values() if member.node != self.bus.node] if self.up else []
        found = [NodeShown(name=member.node, here=False, **member.about) for member in others]
        found.append(NodeShown(name=self.bus.node, here=True, **self._about()))
        return sorted(found, key=lambda node: node.name)

    def _tell_nodes(self) -> None:
        """Tell the clients, but not of figures, which change with each heartbeat."""
        now = self.up, [(node.name, node.role, node.draining) for node in self.nodes()]
        if now != self.told:
            self.told = now
            self.service.tell_nodes()

    async def known(self, session_id: str) -> None:
        """Until a session that was just made on another node is known here, or some seconds have passed."""
        if self.role != "host":
            await self.gateway.known(session_id)

    async def close(self) -> None:
        """Take part no more; the sessions here go on."""
        if self._beat is not None:
            self._beat.cancel()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        await self.gateway.close()
        await self.host.close()
        self.stages.close()
        if self._watch is not None:
            await self._watch.end()
        await self.bus.close()
