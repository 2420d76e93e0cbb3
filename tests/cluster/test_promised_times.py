"""The seconds that docs/how-to/nodes.md promises, with real nodes and a real NATS server."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.cluster.test_node import connected, sessions
from tests.support.broker import Broker
from tests.support.patience import until
from tests.support.server import Server

LATE_SECONDS = 2.0
"""What a busy machine and the way of an answer may add."""
ECHO = "stty raw -echo; echo READY; exec cat"


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    with Broker(tmp_path / "nats") as one:
        yield one


@pytest.fixture
async def nodes(tmp_path: Path, broker: Broker) -> AsyncIterator[tuple[Server, Server]]:
    """`one` and `two` run a session each, `a` and `b`; both are on the stage."""
    one, two = (Server(tmp_path / name, "--nats", broker.url, "--node", name, cwd=tmp_path) for name in ("one", "two"))
    try:
        for server in (one, two):
            await asyncio.to_thread(server.start)
        one.project(tmp_path / "work", id="wall")
        await until(lambda: two.call("GET", "/api/projects/wall").status_code == 200, "the project")
        one.session("wall", "sh", "-c", ECHO, id="a")
        two.session("wall", "sh", "-c", ECHO, id="b")
        await until(lambda: {"a", "b"} <= sessions(one).keys(), "both sessions")
        one.focus("wall", "a", "b")
        yield one, two
    finally:
        for server in (one, two):
            await asyncio.to_thread(server.end)
    for server in (one, two):
        assert not server.tracebacks(), server.tracebacks()


async def seconds(work: Callable[[], Awaitable[object]]) -> float:
    started = time.monotonic()
    await work()
    return time.monotonic() - started


async def hang(pid: int) -> None:
    """Stop a process, and wait until it is: what was on its way may still be handled."""
    os.kill(pid, signal.SIGSTOP)
    tasks = Path(f"/proc/{pid}/task")
    await until(
        lambda: all((task / "stat").read_text().rpartition(")")[2].split()[0] == "T" for task in tasks.iterdir())
    )


async def lost(server: Server, session: str) -> None:
    while (await asyncio.to_thread(sessions, server))[session]["status"] != "lost":
        await asyncio.sleep(0.02)


async def test_N5_N8_a_node_that_hangs_is_told_and_waited_for_as_long_as_promised(nodes: tuple[Server, Server]) -> None:
    one, two = nodes

    async def missing(path: str) -> None:
        answer = await asyncio.to_thread(one.call, "GET", f"/api/projects/wall/{path}")
        assert answer.json()["missing"] == ["two"]

    await hang(two.pid)
    try:
        told, listed, searched = await asyncio.gather(
            seconds(lambda: lost(one, "b")),
            seconds(lambda: missing("recordings")),
            seconds(lambda: missing("search?q=READY")),
        )
    finally:
        os.kill(two.pid, signal.SIGCONT)
    assert told < 4 + LATE_SECONDS
    assert listed < 3 + LATE_SECONDS
    assert searched < 7 + LATE_SECONDS
    await until(lambda: sessions(one)["b"]["status"] == "running", "that it comes back")


async def test_N5_N8_a_node_that_never_comes_back_is_missed_until_the_asked_one_is_restarted(
    nodes: tuple[Server, Server],
) -> None:
    one, two = nodes
    two.kill()
    assert await seconds(lambda: lost(one, "b")) < 4 + LATE_SECONDS
    refused = one.call("DELETE", "/api/sessions/b")
    assert (refused.status_code, refused.json()["code"]) == (503, "engine_away")
    blurred = one.call("PUT", "/api/terminal/focus", {"projectId": "wall", "sessionId": "b", "focused": False})
    assert (blurred.status_code, blurred.json()["focusedSessions"]) == (200, ["a"])
    recordings = "/api/projects/wall/recordings"
    assert one.call("GET", recordings).json()["missing"] == ["two"]
    await asyncio.to_thread(one.stop)
    await asyncio.to_thread(one.start)
    assert one.call("GET", recordings).json()["missing"] == []
    assert "b" not in sessions(one)


async def test_I2_N2_N4_without_nats_a_change_is_refused_at_once_and_a_key_for_another_node_after_5_seconds(
    nodes: tuple[Server, Server], broker: Broker
) -> None:
    one, _ = nodes
    async with connected(one) as client:
        await until(lambda: client.pictures.keys() == {"a", "b"}, "the pictures")
        broker.kill()
        await lost(one, "b")

        async def refused_change() -> None:
            answer = await asyncio.to_thread(one.call, "PUT", "/api/terminal/focus", {"projectId": "wall"} | stage)
            assert (answer.status_code, answer.json()["code"]) == (503, "engine_away")

        stage = {"sessionIds": ["a"]}
        assert await seconds(refused_change) < LATE_SECONDS
        await client.type("a", "of this node")
        await client.type("b", "too late")

        async def refused() -> None:
            await until(lambda: client.refused)

        took = await seconds(refused)
        assert client.refused == ["too late"]
        assert 5 - LATE_SECONDS < took < 5 + LATE_SECONDS
        assert client.output["a"].endswith(b"of this node"), "its own clients notice nothing"
        broker.start()
        await until(lambda: sessions(one)["b"]["status"] == "running", "that it comes back")
        await client.type("b", "next")
        await until(lambda: client.output["b"].endswith(b"next"), "the next key")
        assert b"too late" not in client.output["b"]


@pytest.mark.parametrize("hangs", ["the node", "NATS"])
async def test_I2_N4_what_was_sent_while_something_hung_is_not_typed_when_it_goes_on(
    nodes: tuple[Server, Server], broker: Broker, hangs: str
) -> None:
    """Once it waited in a socket, and was typed when its node went on."""
    one, two = nodes
    async with connected(one) as client:
        await until(lambda: client.pictures.keys() == {"a", "b"}, "the pictures")
        pid = two.pid if hangs == "the node" else broker.pid
        await hang(pid)
        try:
            await client.type("b", "too late")
            await asyncio.sleep(5 + LATE_SECONDS)
        finally:
            os.kill(pid, signal.SIGCONT)
        await until(lambda: client.refused, client.describe)
        assert client.refused == ["too late"]
        await until(lambda: sessions(one)["b"]["status"] == "running", "that it comes back")
        await client.type("b", "next")
        await until(lambda: client.output["b"].endswith(b"next"), "the next key")
        assert b"too late" not in client.output["b"]


async def test_N2_a_change_while_nats_hangs_is_answered_in_10_seconds_and_is_never_half_there(
    nodes: tuple[Server, Server], broker: Broker
) -> None:
    one, two = nodes
    version = one.call("GET", "/api/terminal/focus?projectId=wall").json()["version"]
    await hang(broker.pid)
    try:

        async def unsure() -> None:
            answer = await asyncio.to_thread(
                one.call, "PUT", "/api/terminal/focus", {"projectId": "wall", "sessionIds": ["b"]}
            )
            assert (answer.status_code, answer.json()["code"]) == (503, "engine_away")
            assert "may still come" in answer.json()["error"]

        async def down() -> None:
            while (await asyncio.to_thread(one.call, "GET", "/api/health")).json()["engine"] != "down":
                await asyncio.sleep(0.05)

        answered, found = await asyncio.gather(seconds(unsure), seconds(down))
    finally:
        os.kill(broker.pid, signal.SIGCONT)
    assert answered < 10 + LATE_SECONDS
    assert found < 6 + LATE_SECONDS
    await until(lambda: sessions(one)["b"]["status"] == "running", "that it heals")

    def stage(server: Server) -> tuple[int, list[str]]:
        state = server.call("GET", "/api/terminal/focus?projectId=wall").json()
        return state["version"], state["focusedSessions"]

    await until(lambda: stage(one) == stage(two) in ((version, ["a", "b"]), (version + 1, ["b"])), "one truth")
