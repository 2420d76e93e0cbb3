"""What only the engine over NATS has: servers that will not do, that hang, and three that replicate."""

import asyncio
import contextlib
import json
import logging
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvloop

from termwall.cluster.bus.contract import BusAway, BusRefused, Document
from termwall.cluster.bus.jetstream import Documents
from termwall.cluster.bus.nats import NatsBus
from termwall.core.replica import Replica
from tests.cluster.bus.test_contract import contiguous, echo, nothing, store, write
from tests.cluster.engines import NatsEngine, ended, opened, watching
from tests.support.broker import Broker, Cluster, free_port
from tests.support.patience import until


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[NatsEngine]:
    one = NatsEngine(tmp_path)
    yield one
    await ended(one)


async def refused(url: str, match: str, **options: Any) -> None:
    bus = NatsBus([url], "one", run="1", **options)
    with pytest.raises(BusRefused, match=match):
        await bus.open()
    await bus.close()


@pytest.mark.parametrize("version", ["2.9.10", "2.11.99", "1.4.1"])
async def test_N6_an_old_server_is_refused_by_its_version(version: str) -> None:
    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        info = {"version": version, "max_payload": 1 << 20, "headers": True, "jetstream": True}
        writer.write(b"INFO " + json.dumps(info).encode() + b"\r\n")
        while line := await reader.readline():
            if line == b"PING\r\n":
                writer.write(b"PONG\r\n")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        await refused(f"nats://127.0.0.1:{port}", f"version {version}; termwall needs 2.12 or newer")


async def test_N6_a_server_without_jetstream_is_refused(tmp_path: Path) -> None:
    with Broker(tmp_path, jetstream=False) as broker:
        await refused(broker.url, "no JetStream: start it with `-js`")


async def test_replicas_that_one_server_cannot_have_are_refused(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        await refused(broker.url, "fewer than 3 replicas", replicas=3)


class Forming:
    """What a server of a cluster that is just forming answers; it lasts too short to be had at will."""

    def __init__(self) -> None:
        self.ended = asyncio.get_running_loop().create_future()

    async def ask(self, subject: str, data: bytes, seconds: float, headers: dict[str, str] | None = None) -> bytes:
        if ".INFO." in subject:
            error = {"code": 404, "err_code": 10059, "description": "stream not found"}
        else:
            error = {"code": 400, "err_code": 10005, "description": "no suitable peers for placement, peer offline"}
        return json.dumps({"error": error}).encode()

    async def send(self, subject: str, data: bytes) -> None:
        raise AssertionError(subject)

    async def listen(self, subject: str, take: object, dropped: object) -> Any:
        raise AssertionError(subject)

    def inbox(self) -> str:
        raise AssertionError("nothing is subscribed to")


async def test_a_node_that_starts_together_with_its_cluster_waits_for_it() -> None:
    """Once it was refused, and ended."""
    documents = Documents("termwall", 3, 1.0, logging.getLogger("test"))
    with pytest.raises(BusAway, match="Fewer than 3 NATS servers are there to store on"):
        await documents.prepare(Forming())


async def test_wrong_credentials_are_refused_and_right_ones_last_over_an_outage(tmp_path: Path) -> None:
    with Broker(tmp_path, more="authorization { user: wall, password: secret }\n") as broker:
        await refused(broker.url, "refuses this node's credentials")
        await refused(broker.url.replace("//", "//wall:wrong@"), "at nats://127.0.0.1:[0-9]+ refuses")
        bus = NatsBus([broker.url.replace("//", "//wall:secret@")], "one", run="1")
        await bus.open()
        broker.kill()
        await until(lambda: not bus.up)
        await asyncio.to_thread(broker.start)
        await until(lambda: bus.up)
        await bus.close()


async def test_a_server_without_tls_is_refused_where_tls_is_wanted(tmp_path: Path) -> None:
    with Broker(tmp_path) as broker:
        await refused(broker.url.replace("nats:", "tls:"), "does not speak TLS")
        await refused(broker.url, "TLS files .* cannot be used", tls_ca=tmp_path / "none")


async def test_nobody_at_the_address_is_away(tmp_path: Path) -> None:
    bus = NatsBus([f"nats://127.0.0.1:{free_port()}"], "one", run="1", open_seconds=0.3)
    with pytest.raises(BusAway, match="cannot be reached"):
        await bus.open()


async def test_walls_of_two_names_on_one_server_do_not_mix(engine: NatsEngine) -> None:
    one, two = engine.make("one"), engine.make("one", name="other")
    heard: list[bytes] = []
    for bus in (one, two):
        await bus.open()
    await two.subscribe("a", lambda _, data: heard.append(data), budget=1000, lagged=nothing)
    await one.publish("a", b"for others")
    await store(one, "key", 1)
    await two.publish("a", b"mine")
    await until(lambda: heard)
    assert heard == [b"mine"]
    assert await two.get("key") is None
    assert set(one.members()) == {"one"}


async def test_a_watch_longer_away_than_the_history_sees_a_jump_forward(engine: NatsEngine) -> None:
    one, two = await opened(engine, "one", "two")
    seen: list[int] = []
    document = await store(one, "key", 1)
    watch = await watching(two, lambda document: seen.append(document.version))
    await until(lambda: seen == [1])
    hidden: Any = watch
    away: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    following, hidden._line = hidden._line, lambda: away
    (await following()).ended.set_result(None)  # Its connection ends, and the next one comes late.
    await until(lambda: two.up)
    for _ in range(300):
        document = await one.compare_and_set("key", document, {})
    away.set_result(await following())
    await until(lambda: seen[-1] == 301)
    assert contiguous(seen[1:])
    assert len(seen) == 257


async def test_a_version_that_was_stored_twice_holds_nothing_up(engine: NatsEngine) -> None:
    """A failing leader of three may do that; then the newest of the engine is not the version that counts."""
    one, two = await opened(engine, "one", "two")
    replica = Replica()
    await watching(two, replica.seen)
    await store(one, "key", 1)
    await one._connection.send("termwall.document.key", json.dumps({"version": 1, "value": {"second": 1}}).encode())
    await until(lambda: replica.document is not None and replica.document.token == 2)
    assert replica.document is not None
    assert "second" not in replica.document.value
    await two.compare_and_set("key", replica.document, {"next": 1})
    await until(lambda: replica.document is not None and replica.document.version == 2)


async def test_a_watch_begins_again_where_the_engine_lost_what_it_had(engine: NatsEngine, tmp_path: Path) -> None:
    (bus,) = await opened(engine, "one")
    seen: list[tuple[int, Any]] = []
    await watching(bus, lambda document: seen.append((document.version, document.value)))
    await store(bus, "key", 5)
    await until(lambda: len(seen) == 5)
    await engine.cut()
    (tmp_path / "store").rename(tmp_path / "lost")
    await engine.join()
    await until(lambda: bus.up)
    while True:
        try:  # Until whoever watches has made the stream again.
            await bus.compare_and_set("key", None, {"new": True})
            break
        except BusAway:
            await asyncio.sleep(0.02)
    await until(lambda: seen[-1] == (1, {"new": True}))


async def test_a_server_that_throws_the_node_out_is_gone_back_to(engine: NatsEngine) -> None:
    one, two = await opened(engine, "one", "two")
    await two.serve("ask", echo)
    states: list[bool] = []
    two.on_state(states.append)
    client = two._connection.client
    client._max_payload = 1 << 30
    await client.publish("termwall.a", bytes(2 << 20))  # The server answers -ERR and hangs up.
    await until(lambda: states == [False, True])
    assert await one.request("ask", b"x", seconds=5) == b"x"


async def test_a_server_that_hangs_is_found_dead_and_gone_back_to(engine: NatsEngine) -> None:
    (bus,) = await opened(engine, "one")
    engine.broker.signal(signal.SIGSTOP)
    await until(lambda: not bus.up, "to find it dead within 6 s")
    engine.broker.signal(signal.SIGCONT)
    await until(lambda: bus.up)
    assert await bus.compare_and_set("key", None, {})


async def test_nothing_waits_without_bound_for_a_server_that_hangs(engine: NatsEngine) -> None:
    (bus,) = await opened(engine, "one")
    engine.broker.signal(signal.SIGSTOP)

    async def flood() -> None:
        for _ in range(200):
            await bus.publish("a", bytes(bus.max_bytes))
            await asyncio.sleep(0)

    with pytest.raises(BusAway, match="does not take"):
        await flood()
    engine.broker.kill()


async def test_close_while_the_engine_is_away_leaves_nothing_behind(engine: NatsEngine) -> None:
    (bus,) = await opened(engine, "one")
    await bus.watch(nothing, ready=nothing)
    await engine.cut()
    await asyncio.sleep(0.3)
    await asyncio.wait_for(bus.close(), 5)


async def test_nothing_is_left_in_the_server(engine: NatsEngine, caplog: pytest.LogCaptureFixture) -> None:
    one, two = await opened(engine, "one", "two")
    watches = [await one.watch(nothing, ready=nothing) for _ in range(3)]
    line = two._connection

    async def consumers() -> int:
        info = json.loads(await line.ask("$JS.API.STREAM.INFO.termwall-documents", b"", 5))
        return int(info["state"]["consumer_count"])

    while await consumers() < 3:
        await asyncio.sleep(0.01)
    await watches[0].end()
    while await consumers() > 2:
        await asyncio.sleep(0.01)
    await one.close()
    async with asyncio.timeout(5):
        while await consumers() > 0:
            await asyncio.sleep(0.01)
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


async def test_the_leader_of_three_is_killed_while_members_write(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    await asyncio.to_thread(cluster.start)
    buses = [NatsBus(cluster.urls, f"n{number}", run="1", replicas=3, open_seconds=15) for number in range(3)]
    try:
        for bus in buses:
            await bus.open()
        seen: list[list[Document]] = [[] for _ in buses]
        for bus, found in zip(buses, seen, strict=True):
            await watching(bus, found.append)
        outcomes: dict[str, int | None] = {}
        writing = [asyncio.ensure_future(write(bus, "focus", 40, outcomes)) for bus in buses]
        await until(lambda: len(outcomes) > 20)
        await cluster.kill_leader("termwall-documents")
        async with asyncio.timeout(30):
            await asyncio.gather(*writing)
        last = await buses[0].get("focus")
        assert last is not None and last.version == 120
        assert sorted(outcomes.values()) == list(range(1, 121))  # type: ignore[type-var]
        for found in seen:
            await until(lambda found=found: found and found[-1].version == 120)  # type: ignore[misc]
            assert contiguous([document.version for document in found])
    finally:
        await asyncio.gather(*(bus.close() for bus in buses))
        cluster.stop()


def test_a_connection_that_hangs_full_of_output_is_replaced_on_uvloop_too(tmp_path: Path) -> None:
    """uvloop's closed transport raises RuntimeError where the library flushes into it: the node stayed away."""
    engine = NatsEngine(tmp_path)

    async def hang() -> None:
        one = engine.make("one")
        await one.open()
        engine.broker.signal(signal.SIGSTOP)
        with contextlib.suppress(BusAway):
            while one.up:
                await one.publish("out.a", bytes(one.max_bytes))
                await asyncio.sleep(0)
        await until(lambda: not one.up, "that it is seen")
        await asyncio.to_thread(engine.broker.kill)
        await asyncio.to_thread(engine.broker.start)
        await until(lambda: one.up, "that it comes back")
        await ended(engine)

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(hang())
