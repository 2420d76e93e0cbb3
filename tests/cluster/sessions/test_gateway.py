"""A gateway that takes nothing: nobody else feels it, the broker keeps little, and its clients are told."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cluster.test_node import connected, sessions
from tests.support.broker import Broker
from tests.support.patience import until
from tests.support.server import Server

FLOOD = "while :; do echo ${0}0123456789012345678901234567890123456789012345678901234567890123456789; done"
SESSIONS = 2
MOST_GROWTH = 48 << 20
"""Bytes of the broker: a window of 512 KiB for each session and gateway, and what Go's memory does by itself."""


def resident(pid: int) -> int:
    """Bytes of memory that a process has."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[tuple[Broker, Server, Server, Server]]:
    with Broker(tmp_path / "nats") as broker:
        made = [
            Server(tmp_path / name, "--nats", broker.url, "--node", name, "--role", role, cwd=tmp_path)
            for name, role in (("host", "host"), ("quick", "gateway"), ("slow", "gateway"))
        ]
        try:
            for server in made:
                await asyncio.to_thread(server.start)
            made[0].project(tmp_path / "work", id="wall")
            yield broker, made[0], made[1], made[2]
        finally:
            for server in made:
                await asyncio.to_thread(server.end)
    for server in made:
        assert not server.tracebacks(), server.tracebacks()


async def test_S5_a_gateway_that_hangs_hurts_only_itself(three: tuple[Broker, Server, Server, Server]) -> None:
    broker, host, quick, slow = three
    flooding = [host.session("wall", "sh", "-c", FLOOD, cols=100) for _ in range(SESSIONS)]
    for server in (quick, slow):
        await until(lambda server=server: set(flooding) <= sessions(server).keys())  # type: ignore[misc]
    quick.focus("wall", *flooding)
    async with connected(quick, "quick") as one, connected(slow, "slow") as other:
        for client in (one, other):
            await until(lambda c=client: all(len(c.output[s]) > 300_000 for s in flooding), client.describe)  # type: ignore[misc]
        before = resident(broker.pid)
        slow.process.send_signal(signal.SIGSTOP)  # type: ignore[union-attr]
        try:
            grown = 0
            for _ in range(3):  # More and more, of every session, while the other one hangs.
                shown = {session: len(one.output[session]) for session in flooding}
                await until(
                    lambda shown=shown: all(len(one.output[s]) > shown[s] + 1_500_000 for s in flooding),  # type: ignore[misc]
                    one.describe,
                )
                grown = max(grown, resident(broker.pid) - before)
            assert grown < MOST_GROWTH
            assert one.closes == []
        finally:
            slow.process.send_signal(signal.SIGCONT)  # type: ignore[union-attr]
        await until(lambda: {name for name, _ in other.jumps} == set(flooding), "the told jumps")
        places = dict(other.places)
        await until(lambda: all(other.places[s][1] > places[s][1] + 1_000_000 for s in flooding), other.describe)
