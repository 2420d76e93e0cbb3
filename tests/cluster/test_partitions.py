"""A node behind a network that drops everything without a word, alone or with one of three NATS servers."""

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cluster.test_node import COUNTING, ROOM, connected, sessions
from tests.support.broker import Broker, free_port
from tests.support.island import Island
from tests.support.patience import until
from tests.support.server import Server

SEEN_SECONDS = 30.0
"""NATS servers that do not hear of each other need some for a new leader, and again when they do."""


@dataclass
class Parted:
    island: Island
    inside: Server
    outside: Server


@pytest.fixture(params=["a node", "a node with one of three NATS servers"])
async def parted(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Parted]:
    with Island() as island:
        brokers = made(tmp_path, island) if "three" in request.param else [Broker(tmp_path / "n", host=island.outside)]
        env = {**ROOM, "TERMWALL_NATS_REPLICAS": str(len(brokers)), "TERMWALL_ALLOWED_HOSTS": island.clients}
        # A node's first server is the one that is near.
        urls = [broker.url for broker in brokers]
        inside = Server(
            tmp_path / "inside",
            *("--host", island.clients, "--nats", ",".join(urls), "--node", "inside"),
            cwd=tmp_path,
            env=env,
            within=island.within,
        )
        outside = Server(
            tmp_path / "outside", *("--nats", ",".join(urls[::-1]), "--node", "outside"), cwd=tmp_path, env=env
        )
        try:
            for broker in brokers:
                await asyncio.to_thread(broker.start, wait=False)
            for broker in brokers:
                await asyncio.to_thread(broker.wait)
            for server in (inside, outside):
                await asyncio.to_thread(server.start)
            inside.project(tmp_path / "work", id="wall")
            await until(lambda: outside.call("GET", "/api/projects/wall").status_code == 200)
            yield Parted(island, inside, outside)
        finally:
            for server in (inside, outside):
                await asyncio.to_thread(server.end)
            for broker in brokers:
                await asyncio.to_thread(broker.kill)
    for server in (inside, outside):
        assert not server.tracebacks(), server.tracebacks()


def made(folder: Path, island: Island) -> list[Broker]:
    """Three: one on the island, which is reached from both sides."""
    hosts = [island.inside, island.outside, island.outside]
    ports = [free_port(island.outside) for _ in range(6)]
    routes = ", ".join(f"nats://{host}:{port}" for host, port in zip(hosts, ports, strict=False))
    return [
        Broker(
            folder / f"n{number}",
            more=f"server_name: n{number}\n"
            f"cluster {{ name: three, listen: {host}:{ports[number]}, routes: [{routes}] }}\n",
            host=host,
            port=ports[3 + number],
            within=island.within if number == 0 else (),
        )
        for number, host in enumerate(hosts)
    ]


async def test_N5_S3_F8_a_partition_is_told_on_both_sides_and_costs_nothing_when_it_is_over(parted: Parted) -> None:
    inside, outside = parted.inside, parted.outside
    near = inside.session("wall", "sh", "-c", COUNTING)
    far = outside.session("wall", "sh", "-c", COUNTING)
    stage = "/api/terminal/focus?projectId=wall"
    for server in (inside, outside):
        await until(lambda server=server: {near, far} <= sessions(server).keys())  # type: ignore[misc]
    version = inside.focus("wall", near, far)["version"]
    async with connected(inside, "in") as one, connected(outside, "out") as two:
        for client in (one, two):
            await until(lambda c=client: c.pictures.keys() == {near, far})  # type: ignore[misc]
        parted.island.cut()
        await until(lambda: sessions(outside)[near]["status"] == "lost", "that it is told", SEEN_SECONDS)
        await until(lambda: sessions(inside)[far]["status"] == "lost", "that it is told", SEEN_SECONDS)
        assert sessions(outside)[far]["status"] == sessions(inside)[near]["status"] == "running"
        # Each side's own go on.
        shown = len(one.output[near]), len(two.output[far])
        await until(lambda: len(one.output[near]) > shown[0] + 10_000 and len(two.output[far]) > shown[1] + 10_000)
        # The side without the NATS servers, or with too few, changes nothing, and says so.
        body = {"projectId": "wall", "sessionIds": [near]}
        refused = await asyncio.to_thread(inside.call, "PUT", "/api/terminal/focus", body)
        assert (refused.status_code, refused.json()["code"]) == (503, "engine_away")
        assert inside.call("GET", stage).json()["version"] == version

        async def changed() -> bool:
            answer = await asyncio.to_thread(
                outside.call, "PUT", "/api/terminal/focus", {"projectId": "wall", "sessionIds": [far, near]}
            )
            return answer.status_code == 200

        for _ in range(10):  # With three NATS servers, once the two have a leader.
            if await changed():
                break
        assert outside.call("GET", stage).json()["focusedSessions"] == [far, near]
        parted.island.join()
        for server, session in ((inside, far), (outside, near)):
            await until(lambda s=server, i=session: sessions(s)[i]["status"] == "running", "the heal", SEEN_SECONDS)  # type: ignore[misc]
        state = outside.call("GET", stage).json()
        await until(lambda: inside.call("GET", stage).json()["version"] == state["version"], "it", SEEN_SECONDS)
        assert inside.call("GET", stage).json()["focusedSessions"] == state["focusedSessions"] == [far, near]
        for client in (one, two):
            await until(lambda c=client: c.stage == (state["version"], [far, near]), client.describe, SEEN_SECONDS)  # type: ignore[misc]
            for session in (near, far):
                shown_now = len(client.output[session])
                await until(lambda c=client, s=session, n=shown_now: len(c.output[s]) > n + 1000, "output")  # type: ignore[misc]
                lines = bytes(client.output[session]).split(b"\r\n")[1:-1]
                seen = [int(found[1]) for line in lines if (found := re.search(rb"line (\d+) of a program", line))]
                assert seen == list(range(seen[0], seen[0] + len(seen))), client.jumps
