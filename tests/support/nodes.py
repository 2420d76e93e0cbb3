"""Nodes of one wall in the test's own loop: real services with real programs, joined by a bus with dials."""

import itertools
from pathlib import Path
from typing import Any

from termwall.cluster.bus.contract import Bus
from termwall.cluster.node import Node, NodeRole
from tests.support.local_bus import LocalBroker, LocalBus
from tests.support.wall import Wall

_runs = itertools.count()


class OneNode:
    """A service that takes part in a wall. `project`: it brings the project `wall` with it."""

    def __init__(
        self, name: str, folder: Path, bus: Bus, run: str, *, project: bool = True, role: NodeRole = "both", **more: Any
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.name = name
        self.wall = Wall(folder, close_seconds=0.5, project=project, **more)
        self.service = self.wall.service
        self.bus = bus
        self.node = Node(self.service, bus, run=run, new_id=lambda: f"{name}-{next(_runs)}", role=role)

    @classmethod
    def local(cls, broker: LocalBroker, name: str, folder: Path, **more: Any) -> "OneNode":
        """On the bus within this process, with heartbeats of a test's patience."""
        run = f"run{next(_runs)}"
        bus = LocalBus(broker, name, run=run, heartbeat=0.1, gone_after=0.5)
        return cls(name, folder, bus, run, **more)

    async def close(self) -> None:
        """Leave."""
        await self.node.close()
        await self.service.close()

    @property
    def stage(self) -> tuple[int, list[str]]:
        """Version and sessions."""
        state = self.service.get_focus_state("wall")
        return state.version, state.focused_sessions


Nodes = tuple[LocalBroker, OneNode, OneNode]
"""What joins them, a host and a gateway."""
