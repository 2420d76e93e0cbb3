"""Both engines as one thing that makes members and can be taken away from them."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from termwall.cluster.bus.contract import Bus, Document
from termwall.cluster.bus.nats import NatsBus
from tests.support.broker import Broker
from tests.support.local_bus import LocalBroker, LocalBus
from tests.support.patience import until

HEARTBEAT, GONE_AFTER = 0.1, 0.5


class Engine(Protocol):
    """Makes members of one cluster."""

    members: list[Bus]

    def make(self, node: str, run: str | None = None) -> Bus: ...
    async def cut(self) -> None: ...
    async def join(self) -> None: ...
    async def forget(self) -> None: ...


async def opened(engine: Engine, *nodes: str) -> Sequence[Any]:
    """Members that are open and see each other."""
    made = [engine.make(node) for node in nodes]
    for one in made:
        await one.open()
    for one in made:
        await until(lambda one=one: set(one.members()) >= set(nodes))  # type: ignore[misc]
    return made


async def watching(bus: Any, handler: Callable[[Document], None]) -> Any:
    """A watch that is past the beginning: every version from now on comes."""
    ready: list[bool] = []
    watch = await bus.watch(handler, ready=lambda: ready.append(True))
    await until(lambda: ready)
    return watch


class LocalEngine:
    def __init__(self) -> None:
        self.broker = LocalBroker()
        self.members: list[Bus] = []
        self._runs = itertools.count()

    def make(self, node: str, run: str | None = None) -> Bus:
        one = LocalBus(
            self.broker,
            node,
            run=run or f"run{next(self._runs)}",
            heartbeat=HEARTBEAT,
            gone_after=GONE_AFTER,
            patience=0.3,
        )
        self.members.append(one)
        return one

    async def cut(self) -> None:
        for one in self.members:
            self.broker.cut(one.node)

    async def join(self) -> None:
        for one in self.members:
            self.broker.join(one.node)

    async def forget(self) -> None:
        """All that was stored is lost."""
        self.broker.forget()


class NatsEngine:
    def __init__(self, folder: Path) -> None:
        self.broker = Broker(folder)
        self.broker.start()
        self.members: list[Bus] = []
        self._runs = itertools.count()

    def make(self, node: str, run: str | None = None, **options: Any) -> Bus:
        options = {"heartbeat": HEARTBEAT, "gone_after": GONE_AFTER, **options}
        one = NatsBus([self.broker.url], node, run=run or f"run{next(self._runs)}", **options)
        self.members.append(one)
        return one

    async def cut(self) -> None:
        """The broker is killed, as by `kill -9`."""
        self.broker.kill()
        await until(lambda: not any(one.up for one in self.members))

    async def join(self) -> None:
        await asyncio.to_thread(self.broker.start)
        await until(lambda: all(one.up for one in self.members))

    async def forget(self) -> None:
        """The broker dies, and its disk with it."""
        await self.cut()
        self.broker.forget()
        await self.join()


async def ended(engine: LocalEngine | NatsEngine) -> None:
    """Everything is closed, and nothing of it goes on."""
    for one in engine.members:
        await asyncio.wait_for(one.close(), 5)
    if isinstance(engine, NatsEngine):
        engine.broker.kill()
    await until(lambda: len(asyncio.all_tasks()) == 1, lambda: f"the end of {asyncio.all_tasks()}")
