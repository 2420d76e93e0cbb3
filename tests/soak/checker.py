"""The checker: clients of a soak in a process of their own, which compare each byte with what must stand there.

It is given a `Task` as a line of JSON on standard input. After the line `rest` it types nothing more and says what it
typed; after a line with the programs' totals it waits until each client has seen all, and reports. Kinds of clients:
`steady`, `reconnecting` (cuts its connection every few seconds) and `stalled` (takes or acknowledges nothing for a
while, again and again).
"""

import asyncio
import contextlib
import json
import random
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import Any

import uvloop
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.soak.text import Ledger, Text
from tests.support.client import Client

BEAT_SECONDS = 2.0
TYPE_SECONDS = 0.4
WAITING = 40
"""Most inputs that a typist leaves without an answer."""
LOOK_SECONDS = 0.05
SAMPLE_SECONDS = 0.1
UNCOUNTED_BYTES = 64 << 10
"""Most that a program has printed and not yet counted in its ledger: one portion, and what a terminal holds."""


@dataclass(frozen=True)
class Printed:
    """A session, what it prints, and where that is counted."""

    id: str
    project: str
    number: int
    epoch: str
    ledger: str


@dataclass(frozen=True)
class Viewing:
    """One client of a project. `slot` is its place in the ledgers; it types into `types`."""

    name: str
    project: str
    kind: str
    types: list[str] = field(default_factory=list)
    slot: int = 0


@dataclass(frozen=True)
class Task:
    """`pauses`: how long a stalled client stalls, from and to. `cuts`: the same between two of them, and between two
    connections. `grace`: seconds without a byte until the rest is lost.
    """

    base: str
    token: str
    seed: int
    sessions: list[Printed]
    clients: list[Viewing]
    pauses: tuple[float, float] = (5.0, 200.0)
    cuts: tuple[float, float] = (0.5, 8.0)
    grace: float = 30.0
    ring: int = 2 << 20

    def dump(self) -> bytes:
        """As a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def load(cls, line: bytes) -> "Task":
        """What `dump` wrote."""
        given = json.loads(line)
        given["sessions"] = [Printed(**one) for one in given["sessions"]]
        given["clients"] = [Viewing(**one) for one in given["clients"]]
        return cls(**given)


@dataclass
class Fault:
    """Something that must not be. `lost`: how many bytes; less than 0 came twice; None: neither explains it."""

    client: str
    session: str
    offset: int
    what: str
    lost: int | None = None


class Watcher(Client):
    """A client that keeps no output and compares it."""

    def __init__(self, task: Task, viewing: Viewing, texts: dict[str, Text], ledgers: dict[str, Ledger]) -> None:
        super().__init__(task, viewing.project, viewing.name)
        self.task, self.viewing = task, viewing
        self.faults: list[Fault] = []
        self.checked = self.skipped = self.shown = self.cuts = self.overtaken = 0
        """Bytes compared; bytes that a reported jump left out; pictures; connections that it cut itself; jumps where
        the ring had gone on."""
        self.latencies: list[float] = []
        self.typed = dict.fromkeys(viewing.types, 0)
        self._texts, self._ledgers = texts, ledgers
        self._spoiled: set[str] = set()
        self._chance = random.Random(f"{task.seed} {viewing.name}")
        self._flows = asyncio.Event()
        self._flows.set()
        self._acks = True
        self.places = {one.id: (one.epoch, 0) for one in task.sessions if one.project == viewing.project}

    # ---- what comes

    def _took(self, name: str, offset: int, payload: bytes) -> None:
        end = offset + len(payload)
        if name not in self._spoiled:
            text = self._texts[name]
            if text.piece(offset, end) != payload:
                self._differs(name, offset, payload)
            self.checked += len(payload)
        self._ledgers[name].check(self.viewing.slot, end)

    def _differs(self, name: str, offset: int, payload: bytes) -> None:
        text = self._texts[name]
        right = bytes(text.piece(offset, offset + len(payload)))
        at = next(index for index, pair in enumerate(zip(payload, right, strict=True)) if pair[0] != pair[1])
        rest = payload[at:]
        lost = text.shift(offset + at, rest)
        self._fault(name, offset + at, f"{rest[:40]!r} stands for {right[at : at + 40]!r}", lost)

    def _jumped(self, name: str, how: str) -> None:
        """A fault only where the ring still had what comes next (S3): what it has now it had when the server looked."""
        place, written = self.places[name][1], self._ledgers[name].written
        if place >= written - self.task.ring + UNCOUNTED_BYTES:
            super()._jumped(name, f"{how} at {place} of {written}")
        else:
            self.overtaken += 1

    def _pictured(self, name: str, offset: int, picture: bytes) -> None:
        self.shown += 1
        self.skipped += max(0, offset - self.places[name][1])
        self.pictures[name] = b""
        line = self._texts[name].line(offset)
        if name not in self._spoiled and line.encode() not in picture:
            self._fault(name, offset, f"the picture lacks the line {line!r}")
        self._ledgers[name].check(self.viewing.slot, offset)

    def _fault(self, name: str, offset: int, what: str, lost: int | None = None) -> None:
        self._spoiled.add(name)  # What comes behind it cannot be judged.
        self.faults.append(Fault(self.viewing.name, name, offset, what, lost))

    async def _frame(self, ws: ClientConnection, data: bytes) -> None:
        await self._flows.wait()
        await super()._frame(ws, data)

    async def _message(self, ws: ClientConnection, message: dict[str, Any]) -> None:
        await self._flows.wait()
        if message["type"] == "heartbeat":
            self.latencies.append(time.monotonic() - message["echo"] / 1e6)
            return
        if message["type"] == "error" and message.get("sessionId") and message["sessionId"] not in self._texts:
            return  # One of those that come and go was gone when its bytes were acknowledged.
        await super()._message(ws, message)
        del self.statuses[:-1]

    async def _ack(self, ws: ClientConnection, name: str, offset: int) -> None:
        if self._acks:
            await super()._ack(ws, name, offset)

    async def _renumber(self, ws: ClientConnection, session: str, expected: int) -> None:
        await super()._renumber(ws, session, expected)
        # One that was typed while others were sent again may have overtaken them, and was refused.
        for name, seq, text in tuple(self._sent):
            if name == session:
                await self._input(ws, name, seq, text)

    # ---- what it does

    async def live(self) -> None:
        """Until cancelled."""
        tasks = [self.run(), self._beat()]
        if self.viewing.kind == "reconnecting":
            tasks.append(self._cut())
        elif self.viewing.kind == "stalled":
            tasks.append(self._stall())
        try:
            await asyncio.gather(*tasks)
        except Exception as error:  # What `Client` does not let pass.
            self._fault("", 0, f"{type(error).__name__}: {error}")

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            if self._ws is not None:
                await self._say({"type": "heartbeat", "timestamp": int(time.monotonic() * 1e6)})

    async def _say(self, message: dict[str, Any]) -> None:
        if self._ws is not None:
            with contextlib.suppress(ConnectionClosed):
                await self._ws.send(json.dumps(message))

    async def _cut(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(*self.task.cuts))
            if self._ws is not None:
                self.cuts += 1
                self._ws.transport.abort()

    async def _stall(self) -> None:
        while True:
            await asyncio.sleep(self._chance.uniform(*self.task.cuts))
            if self._chance.random() < 0.5:
                self._flows.clear()
            else:
                self._acks = False
            await asyncio.sleep(self._chance.uniform(*self.task.pauses))
            await self.flow()

    async def flow(self) -> None:
        """Take and acknowledge everything again."""
        self._acks = True
        self._flows.set()
        for name, offset in self._mine().items():
            await self._say({"type": "ack", "sessionId": name, "offset": offset})

    async def type_on(self) -> None:
        """Type the texts of its sessions, which give them back."""
        while not all(self._ledgers[session].ready for session in self.typed):
            await asyncio.sleep(LOOK_SECONDS)
        while self.typed:
            for session, at in self.typed.items():
                if self.unacknowledged < WAITING:
                    count = self._chance.randint(1, 200)
                    self.typed[session] = at + count
                    await self.type(session, bytes(self._texts[session].piece(at, at + count)).decode())
            await asyncio.sleep(self._chance.uniform(0, 2 * TYPE_SECONDS))

    async def settle(self, totals: dict[str, int]) -> None:
        """Wait until all was seen; what does not come is lost."""
        await self.flow()
        last, since = self._mine(), time.monotonic()
        while any(offset < totals[name] for name, offset in self._mine().items()):
            if time.monotonic() - since > self.task.grace:
                break
            await asyncio.sleep(LOOK_SECONDS)
            if self._mine() != last:
                last, since = self._mine(), time.monotonic()
        for name, offset in self._mine().items():
            if offset != totals[name] and name not in self._spoiled:
                what = f"it ends at {offset}, and {totals[name]} bytes were printed"
                self._fault(name, offset, what, totals[name] - offset)
        if self.unacknowledged:
            self._fault("", 0, f"inputs have no answer: {self._sent[:3]} and others, {self.unacknowledged} in all")

    def _mine(self) -> dict[str, int]:
        """How far it has come; of other sessions, which come and go, it is told the places too."""
        return {name: offset for name, (_, offset) in self.places.items() if name in self._texts}

    def report(self) -> dict[str, Any]:
        """What it saw."""
        counts = {name: getattr(self, name) for name in ("checked", "skipped", "shown", "cuts", "overtaken")}
        closes = {str(code): self.closes.count(code) for code in set(self.closes)}
        return {
            **counts,
            "name": self.viewing.name,
            "kind": self.viewing.kind,
            "faults": [asdict(fault) for fault in self.faults],
            "jumps": self.jumps[:20],
            "refused": self.refused[:20],
            "closes": closes,
            "latencies": [round(one, 4) for one in self.latencies],
        }


async def _lag(found: list[float]) -> None:
    """How late this process itself is woken: what the machine adds to each latency."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(SAMPLE_SECONDS)
        found.append(round(time.monotonic() - before - SAMPLE_SECONDS, 4))


async def check() -> None:
    """The whole of it."""
    lines = asyncio.StreamReader(limit=16 << 20)
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    task = Task.load(await lines.readline())
    texts = {one.id: Text(one.number) for one in task.sessions}
    ledgers = {one.id: Ledger(one.ledger) for one in task.sessions}
    watchers = [Watcher(task, viewing, texts, ledgers) for viewing in task.clients]
    lag: list[float] = []
    running = [loop.create_task(one.live()) for one in watchers]
    typing = [loop.create_task(one.type_on()) for one in watchers]
    running.append(loop.create_task(_lag(lag)))
    await lines.readline()
    for one in typing:
        one.cancel()
    await asyncio.gather(*typing, return_exceptions=True)
    typed = {session: count for one in watchers for session, count in one.typed.items()}
    print(json.dumps({"typed": typed}), flush=True)
    totals = json.loads(await lines.readline())
    await asyncio.gather(*(one.settle(totals) for one in watchers))
    for one in running:
        one.cancel()
    await asyncio.gather(*running, return_exceptions=True)
    print(json.dumps({"clients": [one.report() for one in watchers], "lag": lag}), flush=True)


if __name__ == "__main__":
    uvloop.run(check())
