"""What clients of a node show within other nodes' sessions: their nodes are notified, so that no loop is closed (A6).

What is shown within a session is said whole, whenever it changes and every few seconds while there is any: what got
lost is said again, and what a node no longer says is over (a lease).
"""

import asyncio
import logging
from collections.abc import Callable

from termwall.cluster.bus.chores import Chores, moment
from termwall.cluster.bus.contract import Bus, Member, Subscription
from termwall.cluster.bus.parcel import BadParcel, pack, unpack
from termwall.core.ids import SessionId
from termwall.hub.nesting import Nesting

log = logging.getLogger("termwall.cluster")

SAY_SECONDS = 5.0
"""How often it is said again."""
LEASE_SECONDS = 15.0
"""What was not said again for so long is over."""
MOST_SHOWN = 64
"""Sessions within one that a node says: they fit into the smallest message of a bus (8 KiB). Loops through more are not
found before they are closed."""
MOST_LEASES = 10_000
"""Sessions with something in them that other nodes say; what is said of one more is ignored."""
BUDGET_BYTES = 4 << 20


class Within:
    """One node's.

    Args:
        bus: the others.
        run: the id of this run of the process.
        nesting: what clients here show.
    """

    def __init__(self, bus: Bus, run: str, nesting: Nesting) -> None:
        self._bus = bus
        self._run = run
        self._nesting = nesting
        self._node_of: Callable[[str], str | None] = lambda session_id: None
        self._serial = 0
        """Of the last message: what is older than what a reader has heard is ignored."""
        self._heard: dict[tuple[str, SessionId], tuple[str, int, float]] = {}
        """Of each node and session the run, the serial, and how long it holds, in seconds of the loop's clock."""
        self._subscription: Subscription | None = None
        self._unsubscribe: Callable[[], None] = lambda: None
        self._chores = Chores(log)

    async def open(self, node_of: Callable[[str], str | None]) -> None:
        """Begin to say and to hear. `node_of`: the other node that has a session."""
        self._node_of = node_of
        subject = f"host.{self._bus.node}.within"
        self._subscription = await self._bus.subscribe(subject, self._take, budget=BUDGET_BYTES, lagged=lambda: None)
        self._unsubscribe = self._bus.on_member(self._member)
        self._nesting.changed_distant = self._say
        self._chores.start(self._keep_saying())

    async def close(self) -> None:
        """Say and hear nothing more."""
        self._nesting.changed_distant = lambda outer: None
        self._unsubscribe()
        if self._subscription is not None:
            await self._subscription.end()
        await self._chores.stop()

    def _say(self, outer: SessionId) -> None:
        node = self._node_of(outer)
        if node is None:
            return
        self._serial += 1
        shown = sorted(self._nesting.shown_here(outer))[:MOST_SHOWN]
        said = {"gateway": self._bus.node, "run": self._run, "serial": self._serial, "session": outer, "shown": shown}
        self._chores.publish(self._bus, f"host.{node}.within", pack(said))

    async def _keep_saying(self) -> None:
        while True:
            await asyncio.sleep(SAY_SECONDS)
            self._nesting.say_again()
            now = moment()
            for key in [key for key, (_, _, until) in self._heard.items() if until < now]:
                self._end(key)

    def _take(self, subject: str, data: bytes) -> None:
        try:
            header, _ = unpack(data)
            key = str(header["gateway"]), SessionId(header["session"])
            run, serial = str(header["run"]), int(header["serial"])
            shown = [SessionId(str(one)) for one in header["shown"]][:MOST_SHOWN]
        except (BadParcel, KeyError, TypeError, ValueError) as error:
            log.warning("%s", error)
            return
        known = self._heard.get(key)
        if known is None and len(self._heard) >= MOST_LEASES:
            return
        if known is not None and known[0] == run and serial <= known[1]:
            return
        # An empty one is remembered too, so that an older message that comes late says nothing.
        self._heard[key] = run, serial, moment() + LEASE_SECONDS
        self._nesting.reported(*key, shown)

    def _end(self, key: tuple[str, SessionId]) -> None:
        del self._heard[key]
        self._nesting.reported(*key, ())

    def _member(self, member: Member, here: bool) -> None:
        """The clients of a node that is gone have left."""
        if not here:
            for key in [key for key in self._heard if key[0] == member.node]:
                self._end(key)
