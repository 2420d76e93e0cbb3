"""Pictures of other nodes' sessions: each is drawn by the session's own node."""

import asyncio
import itertools
import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from termwall.cluster.bus import Bus, Subscription
from termwall.cluster.chores import Chores
from termwall.cluster.distant import DistantSession
from termwall.cluster.parcel import BadParcel, pack, unpack
from termwall.screen.feed import Picture

log = logging.getLogger("termwall.cluster")

BUDGET_BYTES = 64 << 20
"""Pictures that wait to be shown; more are dropped, and asked for again."""
DRAW_SECONDS = 10.0
"""Until a picture that does not come is given up."""


@dataclass(slots=True)
class _Asked:
    session: DistantSession
    header: dict[str, Any]
    answer: Callable[[Picture | None], None]
    until: float


class Pictures:
    """Asks the sessions' nodes, and asks again."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._asked: dict[int, _Asked] = {}
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
        primary: bool,
        answer: Callable[[Picture | None], None],
        after: "asyncio.Task[None] | None",
    ) -> None:
        """Have it drawn there, once `after` is over; asked again by `again` until there is an answer."""
        number = next(self._ids)
        header = {
            "id": number,
            "gateway": self._bus.node,
            "session": session.id,
            "epoch": session.epoch,
            "kind": kind,
            "lines": lines,
            "primary": primary,
        }
        asked = self._asked[number] = _Asked(session, header, answer, _now() + DRAW_SECONDS)
        if after is None:
            self._ask(asked)
        else:
            after.add_done_callback(lambda _: self._ask(asked))

    def again(self) -> None:
        """Ask again for what did not come; give up what cannot."""
        for number, asked in list(self._asked.items()):
            if asked.until < _now() or asked.session.away is not None:
                del self._asked[number]
                asked.answer(None)
            else:
                self._ask(asked)

    def _ask(self, asked: _Asked) -> None:
        self._chores.publish(self._bus, f"host.{asked.session.node}.draw", pack(asked.header))

    def _drawn(self, subject: str, data: bytes) -> None:
        try:
            header, body = unpack(data)
        except BadParcel as error:
            log.warning("%s", error)
            return
        asked = self._asked.pop(header["id"], None)
        if asked is None:
            return
        about = header["picture"]
        if about is None:
            asked.answer(None)
            return
        serial = asked.session.sizes.serial_shown(about["offset"], about["cols"], about["rows"])
        asked.answer(Picture(**about, serial=serial, data=zlib.decompress(body)))


def _now() -> float:
    return asyncio.get_running_loop().time()
