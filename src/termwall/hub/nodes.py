"""What a service needs of the other nodes, where there are any. This file holds a contract and no code."""

from typing import TYPE_CHECKING, Protocol

from termwall.protocol.bodies import NodeShown

if TYPE_CHECKING:
    from termwall.hub.room import Room


class Cluster(Protocol):
    """The other nodes."""

    @property
    def up(self) -> bool:
        """Whether they are reached."""

    def nodes(self) -> list[NodeShown]:
        """All that are there; only this one while the others are not reached."""

    def streams(self) -> tuple[int, int]:
        """How many sessions of others are followed here, and streams of sessions here that go to others."""

    def looked_at(self, room: "Room") -> None:
        """Clients look at a project from now on: have what is new of the other nodes' sessions."""

    async def fresh(self, room: "Room") -> None:
        """Have a project's sessions of the other nodes as they are now."""

    def gone(self, room: "Room") -> None:
        """A project is no more."""
