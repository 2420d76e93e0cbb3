"""All parts of a wall killed and hung at once: no byte, version or key is lost or doubled, and every loss is told.

Three NATS servers that replicate, a host, a gateway, and a node that is both; each client lets nothing pass.
"""

import asyncio
import contextlib
import functools
import itertools
import os
import random
import re
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import pytest

from tests.cluster.test_node import COUNTING, ROOM, connected, sessions
from tests.support.broker import Cluster
from tests.support.client import Client
from tests.support.patience import until
from tests.support.server import Server

ROUNDS = int(os.environ.get("TERMWALL_CHAOS", "3"))
SEED = int(os.environ.get("TERMWALL_SEED", "20261124"))
ECHO = "stty raw -echo; echo READY; exec cat"
LINE = re.compile(rb"line (\d+) of a program that must not miss one")
HANG_SECONDS = 4.5
"""Longer than it takes to be thought gone."""
HEAL_SECONDS = 30.0
"""A cluster of NATS servers needs some of them for a new leader."""


@dataclass
class Wall:
    servers: dict[str, Server]
    brokers: Cluster
    clients: dict[str, Client] = field(default_factory=dict)

    async def runs(self, session: str) -> None:
        """Wait until every node that shows others' sessions sees it run."""

        def where() -> list[object]:
            return [sessions(self.servers[name]).get(session, {}).get("status") for name in ("gateway", "both")]

        await until(lambda: where() == ["running"] * 2, lambda: f"{session}: {where()}", HEAL_SECONDS)


@pytest.fixture
async def wall(tmp_path: Path) -> AsyncIterator[Wall]:
    brokers = Cluster(tmp_path / "nats")
    await asyncio.to_thread(brokers.start)
    urls = ",".join(brokers.urls)
    env = {**ROOM, "TERMWALL_NATS_REPLICAS": "3", "TERMWALL_LOG_LEVEL": "info", "TERMWALL_SCROLLBACK_LINES": "10000"}
    made = {
        name: Server(tmp_path / name, "--nats", urls, "--node", name, "--role", role, cwd=tmp_path, env=env)
        for name, role in (("host", "host"), ("gateway", "gateway"), ("both", "both"))
    }
    try:
        for server in made.values():
            await asyncio.to_thread(server.start)
        made["host"].project(tmp_path / "work", id="wall")
        for name in ("gateway", "both"):
            await until(lambda name=name: made[name].call("GET", "/api/projects/wall").status_code == 200)  # type: ignore[misc]
        yield Wall(made, brokers)
    finally:
        for server in made.values():
            await asyncio.to_thread(server.end)
        brokers.stop()
    for server in made.values():
        assert not server.tracebacks(), server.tracebacks()


@dataclass
class Director:
    """Changes the stage all the time at one node, and keeps what it was told."""

    server: Server
    chance: random.Random
    always: list[str]
    others: list[str]
    confirmed: dict[int, list[str]] = field(default_factory=dict)
    """Stages that it was told."""
    done: int = 0
    unknown: int = 0

    async def change(self) -> None:
        names = [*self.always, *self.chance.sample(self.others, self.chance.randrange(3))]
        self.chance.shuffle(names)
        body = {"projectId": "wall", "sessionIds": names}
        try:
            answer = await asyncio.to_thread(self.server.call, "PUT", "/api/terminal/focus", body)
        except httpx2.TransportError:  # It was killed, or hangs: nobody knows.
            self.unknown += 1
            return
        if answer.status_code == 200:
            state = answer.json()
            assert self.confirmed.setdefault(state["version"], state["focusedSessions"]) == state["focusedSessions"]
            self.done += 1
        elif "may still come" in answer.text:
            self.unknown += 1
        else:
            assert (answer.status_code, answer.json()["code"]) == (503, "engine_away")


@contextlib.asynccontextmanager
async def meanwhile(chance: random.Random, *works: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Do these again and again, and finish what was begun."""
    over = asyncio.Event()

    async def again(work: Callable[[], Awaitable[None]]) -> None:
        while not over.is_set():
            await asyncio.sleep(chance.random() * 0.2)
            await work()

    tasks = [asyncio.create_task(again(work)) for work in works]
    try:
        yield
    finally:
        over.set()
        await asyncio.gather(*tasks)


async def hang(process: Callable[[int], None]) -> None:
    process(signal.SIGSTOP)
    await asyncio.sleep(HANG_SECONDS)
    process(signal.SIGCONT)


async def test_S3_I1_F8_kills_and_hangs_of_all_parts_at_once(wall: Wall) -> None:
    chance = random.Random(SEED)
    host, gateway, both = wall.servers.values()
    counting = [host.session("wall", "sh", "-c", COUNTING), both.session("wall", "sh", "-c", COUNTING)]
    echoing = host.session("wall", "sh", "-c", ECHO)
    others = [both.session("wall", "cat"), host.session("wall", "cat")]
    everyone = [*counting, echoing, *others]
    for session in everyone:
        await wall.runs(session)
    host.call("PATCH", "/api/projects/wall", {"maxFocused": 8})
    gateway.focus("wall", *counting, echoing)

    async def kill(server: Server) -> None:
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)

    async def kill_leader() -> None:
        broker = await wall.brokers.kill_leader("termwall-documents")
        await asyncio.sleep(chance.random())
        await asyncio.to_thread(broker.start)

    def stop(server: Server) -> Awaitable[None]:
        assert server.process is not None
        return hang(server.process.send_signal)

    def hang_one() -> Awaitable[None]:
        return hang(chance.choice(wall.brokers.brokers).signal)

    on_host, on_gateway = (
        (functools.partial(kill, host), functools.partial(stop, host)),
        (
            functools.partial(kill, gateway),
            functools.partial(stop, gateway),
        ),
    )
    on_brokers = (kill_leader, hang_one)
    rounds: list[tuple[Callable[[], Awaitable[None]], ...]] = [
        (on_host[0], on_gateway[1]),
        (on_brokers[0], on_gateway[0]),
        (on_host[1], on_brokers[1]),
    ][:ROUNDS]
    while len(rounds) < ROUNDS:
        rounds.append(tuple(chance.choice(one) for one in chance.sample((on_host, on_gateway, on_brokers), 2)))
    typed = dict.fromkeys(("gateway", "both"), 0)
    directors = [Director(one, chance, [*counting, echoing], others) for one in (gateway, both)]
    async with AsyncExitStack() as stack:
        for name in typed:
            wall.clients[name] = await stack.enter_async_context(connected(wall.servers[name], name))
            client = wall.clients[name]
            await until(lambda c=client: c.pictures.keys() >= {*counting, echoing}, "the first pictures")  # type: ignore[misc]

        async def type_some(name: str) -> None:
            typed[name] += 1
            await wall.clients[name].type(echoing, f"<{name}.{typed[name]}>")

        works = [one.change for one in directors] + [functools.partial(type_some, name) for name in typed]
        for fault in rounds:
            async with meanwhile(chance, *works):
                await asyncio.gather(*(one() for one in fault))
            for session in everyone:
                await wall.runs(session)
            for client in wall.clients.values():
                await until(lambda c=client: c.connected and not c.unacknowledged, client.describe, HEAL_SECONDS)  # type: ignore[misc]
        # One more key of each, so that all before it has come.
        for name, client in wall.clients.items():
            end = f"<{name}.end>"
            while end.encode() not in client.output[echoing]:
                refused = client.refused.count(end)
                assert refused < 5, "what comes too late is refused, but not for ever"
                await client.type(echoing, end)
                await until(
                    lambda c=client, e=end, n=refused: e.encode() in c.output[echoing] or c.refused.count(e) > n,
                    "the last key",
                    HEAL_SECONDS,
                )  # type: ignore[misc]
        # What nobody had an answer to may still come: until all nodes and clients are at one.
        version = await until(lambda: agreed(wall), "one stage", HEAL_SECONDS)
        told = [dict(one.stages) for one in wall.clients.values()]
        # Its lines are one text: nothing is typed that ends one.
        shown = host.call("GET", f"/api/sessions/{echoing}/screen?format=text&scrollback=10000").text.replace("\n", "")
    check_output(wall, counting)
    for name, client in wall.clients.items():
        check_keys(shown, name, typed[name], client.refused)
    # It prints little, so all of it can be had again, unless a node that just started has not even heard of it.
    jumps = {name: [one for one in client.jumps if one[0] == echoing] for name, client in wall.clients.items()}
    assert not jumps["both"]
    assert len(jumps["gateway"]) <= sum(on_gateway[0] in fault for fault in rounds), jumps
    told += [one.confirmed for one in directors]
    for number in range(version + 1):
        assert len({tuple(stages[number]) for stages in told if number in stages}) <= 1, "one stage for each version"
    assert max(number for stages in told for number in stages) == version
    # Each version but the first two is one of the directors' changes.
    made = sum(one.done + one.unknown for one in directors)
    assert 10 < version - 2 <= made


def agreed(wall: Wall) -> int | None:
    """The version that all nodes and all clients are at, with the same stage."""
    stage = "/api/terminal/focus?projectId=wall"
    states = [server.call("GET", stage).json() for server in wall.servers.values()]
    found = [(state["version"], state["focusedSessions"]) for state in states]
    found += [client.stage for client in wall.clients.values()]
    return int(found[0][0]) if all(one == found[0] for one in found) else None


def check_output(wall: Wall, counting: list[str]) -> None:
    """Between two pictures, which are told jumps, no line is missing or doubled; the client checked each offset."""
    for client in wall.clients.values():
        for session in counting:
            lines = bytes(client.output[session]).split(b"\r\n")[1:-1]
            seen = [
                int(found[1])
                for line in lines
                if (found := re.fullmatch(rb"line (\d+) of a program that must not miss one", line))
            ]
            assert len(seen) > 1000
            steps = [b - a for a, b in itertools.pairwise(seen)]
            jumps = [one for one in client.jumps if one == (session, "snapshot")]
            assert min(steps) >= 1, "a line came twice"
            assert sum(step > 1 for step in steps) <= len(jumps), (session, client.jumps)


def check_keys(text: str, name: str, typed: int, refused: list[str]) -> None:
    """Each key is on the screen once, in order, unless its client was told that it was not typed."""
    shown = [int(key) for key in re.findall(rf"<{name}\.(\d+)>", text)]
    told = {int(key) for one in refused for key in re.findall(r"\.(\d+)>", one)}
    assert shown == [number for number in range(1, typed + 1) if number not in told]
