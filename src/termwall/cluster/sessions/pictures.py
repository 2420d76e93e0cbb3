"""Pictures of other nodes' sessions: each is drawn by the session's own node, and comes in as many pieces as it needs.

What is lost is asked for again. A picture is drawn and sent once at a time: asking again for one that is under way does
nothing, and a piece that does not go on where the last one ended is left out, as all that follow it.
"""

import asyncio
import itertools
import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from termwall.cluster.bus.chores import Chores, call, moment
from termwall.cluster.bus.contract import Bus, BusError, Subscription
from termwall.cluster.bus.parcel import pack, read
from termwall.cluster.sessions.distant import DistantSession
from termwall.hub.estate import Estate
from termwall.screen.feed import Picture

log = logging.getLogger("termwall.cluster")

BUDGET_BYTES = 64 << 20
"""Pictures that wait to be shown; more are dropped, and asked for again."""
ASKED_BUDGET_BYTES = 16 << 20
"""Questions that wait to be handled; more are dropped, and asked again."""
DRAW_SECONDS = 10.0
"""Until a picture that does not come is given up."""
MOST_PICTURE_BYTES = 8 << 20
"""Of one picture, before it is compressed. A larger one has fewer lines above the screen; a screen that is larger by
itself is not drawn for other nodes."""
LARGE_BYTES = 256 << 10
"""More is compressed beside the loop, which 8 MiB would stop for tens of milliseconds."""
MOST_UNDER_WAY = 4096
"""Pictures drawn or sent at once; one more is not begun, and asked for again."""
SPARE_BYTES = 4096
"""Of a message, for its header."""
ABOUT = ("offset", "cols", "rows", "title", "alternate", "cursor")


@dataclass(slots=True)
class _Asked:
    session: DistantSession
    header: dict[str, Any]
    answer: Callable[[Picture | None], None]
    until: float
    body: bytearray = field(default_factory=bytearray)
    """Its pieces so far."""


class Pictures:
    """Asks the sessions' nodes, and asks again.

    Args:
        bus: open.
        run: the id of this run of the process: an answer to the one before is none.
    """

    def __init__(self, bus: Bus, run: str) -> None:
        self._bus = bus
        self._run = run
        self._asked: dict[str, _Asked] = {}
        self._ids = itertools.count(1)
        self._chores = Chores(log)
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        """Take answers."""
        subject = f"drawn.{self._bus.node}"
        self._subscription = await self._bus.subscribe(subject, self._drawn, budget=BUDGET_BYTES, lagged=lambda: None)

    async def close(self) -> None:
        """Ask for nothing more."""
        if self._subscription is not None:
            await self._subscription.end()
        await self._chores.stop()

    def draw(
        self,
        session: DistantSession,
        kind: str,
        lines: int,
        answer: Callable[[Picture | None], None],
        after: "asyncio.Task[None] | None",
    ) -> None:
        """Have it drawn there, once `after` is over; asked again by `again` until there is an answer."""
        name = f"{self._run}.{next(self._ids)}"
        header = {
            "id": name,
            "gateway": self._bus.node,
            "session": session.id,
            "epoch": session.epoch,
            "kind": kind,
            "lines": lines,
        }
        asked = self._asked[name] = _Asked(session, header, answer, moment() + DRAW_SECONDS)
        if after is None:
            self._ask(asked)
        else:
            after.add_done_callback(lambda _: self._ask(asked))

    def again(self) -> None:
        """Ask again for what did not come; give up what cannot."""
        for name, asked in list(self._asked.items()):
            if asked.until < moment() or asked.session.away is not None:
                self._answer(name, None)
            else:
                self._ask(asked)

    def _ask(self, asked: _Asked) -> None:
        self._chores.publish(self._bus, f"host.{asked.session.node}.draw", pack(asked.header))

    def _drawn(self, subject: str, data: bytes) -> None:
        found = read(data)
        asked = None if found is None else self._asked.get(found[0]["id"])
        if found is None or asked is None:
            return
        header, piece = found
        about = header["picture"]
        if about is None:
            self._answer(header["id"], None)
            return
        if header["begin"] == 0:
            asked.body.clear()
        if header["begin"] != len(asked.body):
            return
        asked.body += piece
        if len(asked.body) == header["bytes"]:
            serial = asked.session.sizes.serial_shown(about["offset"], about["cols"], about["rows"])
            self._answer(header["id"], Picture(**about, serial=serial, data=zlib.decompress(asked.body)))

    def _answer(self, name: str, picture: Picture | None) -> None:
        asked = self._asked.pop(name)
        # What a viewer does with it must not keep the others from theirs.
        call(log, asked.answer, picture)


class Painter:
    """Draws this node's sessions for the others.

    Args:
        bus: open.
        service: this node's.
    """

    def __init__(self, bus: Bus, service: Estate) -> None:
        self._bus = bus
        self._service = service
        self._under_way: set[tuple[str, str]] = set()
        """The gateway and its name for the picture."""
        self._chores = Chores(log)
        self._subscription: Subscription | None = None

    async def open(self) -> None:
        """Take questions."""
        self._subscription = await self._bus.subscribe(
            f"host.{self._bus.node}.draw", self._asked, budget=ASKED_BUDGET_BYTES, lagged=lambda: None
        )

    async def close(self) -> None:
        """Draw nothing more."""
        if self._subscription is not None:
            await self._subscription.end()
        await self._chores.stop()

    def _asked(self, subject: str, data: bytes) -> None:
        found = read(data)
        if found is None:
            return
        header, _ = found
        key = header["gateway"], header["id"]
        if key not in self._under_way and len(self._under_way) < MOST_UNDER_WAY:
            self._under_way.add(key)
            self._draw(header, header["lines"])

    def _draw(self, header: dict[str, Any], lines: int) -> None:
        session = self._service.find_own(header["session"])
        drawer = None if session is None or session.epoch != header["epoch"] or not session.drawn else session.drawer

        def answer(picture: Picture | None) -> None:
            if picture is None or len(picture.data) <= MOST_PICTURE_BYTES:
                self._chores.start(self._send(header, picture))
            elif lines:
                self._draw(header, lines // 4)
            else:
                self._chores.start(self._send(header, None))

        if drawer is None:
            answer(None)
        else:
            drawer.ask(header["kind"], lines, answer)

    async def _send(self, header: dict[str, Any], picture: Picture | None) -> None:
        reply: dict[str, Any] = {"id": header["id"], "picture": None}
        body = b""
        if picture is not None:
            large = len(picture.data) > LARGE_BYTES
            body = await asyncio.to_thread(_compressed, picture) if large else _compressed(picture)
            reply |= {"picture": {name: getattr(picture, name) for name in ABOUT}, "bytes": len(body)}
        most = self._bus.max_bytes - SPARE_BYTES
        try:
            for begin in range(0, max(1, len(body)), most):
                parcel = pack({**reply, "begin": begin}, body[begin : begin + most])
                await self._bus.publish(f"drawn.{header['gateway']}", parcel)
        except BusError as error:
            log.debug("%s", error)
        finally:
            self._under_way.discard((header["gateway"], header["id"]))


def _compressed(picture: Picture) -> bytes:
    return zlib.compress(picture.data, 1)
