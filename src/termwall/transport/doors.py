"""Connections that carry no WebSocket yet: all are counted, and who has not signed in gets few (X8).

A connection is a stranger's until a request with a right token came over it. Where there are too many the oldest
stranger's makes room, that of the address with the most of them first: so strangers hold off nobody but each other, and
a refusal costs no answer.
"""

import ipaddress
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Protocol

from termwall.system import descriptors

EXTENSION = "termwall.door"
"""Where a request's scope has the door that it came through."""
NETWORK_BITS = 64
"""Whoever has one address of IPv6 has so many bits of them."""


class Closable(Protocol):
    """What a door can do to its connection."""

    def abort(self) -> None:
        """End it at once."""


class Doors:
    """Of one server.

    Args:
        most: connections without a WebSocket.
        strangers: of these, ones that have not signed in.
        of_address: of these, ones from one address.
        spare: how many files the process may open before its reserve is touched: strangers leave some for sessions,
            and nobody takes the reserve (L4).
    """

    def __init__(
        self, most: int, strangers: int, of_address: int, spare: Callable[[], int] = lambda: descriptors.LEFT
    ) -> None:
        self._most = most
        self._most_strangers = strangers
        self._most_of_address = of_address
        self._spare = spare
        self._strangers: OrderedDict[Door, None] = OrderedDict()
        self._of_address: Counter[str] = Counter()
        self._known: set[Door] = set()

    @property
    def strangers(self) -> int:
        """How many have not signed in."""
        return len(self._strangers)

    def open(self, connection: Closable, address: str) -> "Door | None":
        """A new connection; None where it was ended at once."""
        door = Door(self, connection, network(address))
        spare = self._spare()
        if not self._strangers and (len(self._known) >= self._most or spare < 0):
            connection.abort()
            return None
        self._strangers[door] = None
        self._of_address[door.network] += 1
        if self._of_address[door.network] > self._most_of_address:
            self._end_oldest(door.network)
        elif (
            len(self._strangers) > self._most_strangers
            or len(self._known) + len(self._strangers) > self._most
            or (spare < descriptors.LEFT and len(self._strangers) > 1)
        ):
            self._end_oldest(max(self._of_address, key=self._of_address.__getitem__))
        return door

    def _end_oldest(self, network: str) -> None:
        oldest = next(door for door in self._strangers if door.network == network)
        oldest.left()
        oldest.connection.abort()

    def came_in(self, door: "Door") -> None:
        """It is no stranger's."""
        if self._forget(door):
            self._known.add(door)

    def left(self, door: "Door") -> None:
        """It is gone, or has become a WebSocket."""
        self._forget(door)
        self._known.discard(door)

    def _forget(self, door: "Door") -> bool:
        if door not in self._strangers:
            return False
        del self._strangers[door]
        self._of_address[door.network] -= 1
        if not self._of_address[door.network]:
            del self._of_address[door.network]
        return True


class Door:
    """One connection's."""

    __slots__ = ("_doors", "connection", "network")

    def __init__(self, doors: Doors, connection: Closable, network: str) -> None:
        self._doors = doors
        self.connection = connection
        self.network = network

    def known(self) -> None:
        """A request with a right token came."""
        self._doors.came_in(self)

    def left(self) -> None:
        """The connection is gone, or has become a WebSocket that is counted as one. May be called again."""
        self._doors.left(self)


def network(address: str) -> str:
    """What counts as one address."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
