"""Two real servers joined by a real NATS server: the quick start, and what kills cost."""

import asyncio
import contextlib
import json
import os
import random
import re
import signal
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx2
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from termwall.cluster.bus.nats import NatsBus
from tests.support import prepared
from tests.support.broker import Broker
from tests.support.client import Client
from tests.support.patience import until
from tests.support.server import Server

ROUNDS = int(os.environ.get("TERMWALL_KILLS", "2"))
ROOM = {"TERMWALL_RING_BYTES": str(64 << 20), "TERMWALL_CLOSE_SECONDS": "1"}
COUNTING = (
    "stty -echo; i=0; while :; do n=$((i+200)); while [ $i -lt $n ]; do i=$((i+1)); "
    "echo line $i of a program that must not miss one; done; sleep 0.05; done"
)


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with Broker(tmp_path / "nats") as one:
        yield one


@pytest.fixture
def nodes(tmp_path: Path, broker: Broker) -> Iterator[tuple[Server, Server]]:
    """`one` brings the project `wall`; both know it."""
    made = [
        Server(tmp_path / name, "--nats", broker.url, "--node", name, cwd=tmp_path, env=ROOM) for name in ("one", "two")
    ]
    try:
        for server in made:
            server.start()
        made[0].project(tmp_path / "work", id="wall")
        yield made[0], made[1]
    finally:
        for server in made:
            server.end()
    for server in made:
        assert not server.tracebacks(), server.tracebacks()


@contextlib.asynccontextmanager
async def connected(server: Server, name: str = "robot") -> AsyncIterator[Client]:
    client = Client(server, "wall", name)
    running = asyncio.create_task(client.run())
    try:
        await until(lambda: client.connected or running.done(), "the connection")
        yield client
        assert not running.done(), running.exception()
    finally:
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError, AssertionError):
            await running


def sessions(server: Server) -> dict[str, dict[str, object]]:
    answer = server.call("GET", "/api/projects/wall/sessions")
    return {one["id"]: one for one in answer.json().get("sessions", ())}


def command(server: Server, *arguments: str, ok: bool = True, told: str = "") -> str:
    env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
    env |= {"PYTHONPATH": str(Path(__file__).parents[2] / "src"), "TERMWALL_DATA_DIR": str(server.data_dir)}
    done = prepared.run(list(arguments), env=env, cwd=server.cwd)
    assert (done.returncode == 0) is ok, done.stderr
    assert told in done.stderr
    return done.stdout if ok else done.stderr


async def test_N1_two_nodes_are_one_wall(nodes: tuple[Server, Server]) -> None:
    one, two = nodes
    await until(lambda: two.call("GET", "/api/projects/wall").status_code == 200, "the project on the other node")
    one.session("wall", "cat", id="a", name="on one")
    made = one.call("POST", "/api/projects/wall/sessions", {"id": "b", "command": ["cat"], "node": "two"})
    assert (made.status_code, made.json()["node"]) == (201, "two")
    await until(lambda: {"a", "b"} <= sessions(one).keys() & sessions(two).keys(), "both on both")
    refused = one.call("POST", "/api/projects/wall/sessions", {"command": ["cat"], "node": "nine"})
    assert (refused.status_code, refused.json()["field"]) == (422, "node")
    state = two.focus("wall", "a", "b")
    stage = "/api/terminal/focus?projectId=wall"
    await until(lambda: one.call("GET", stage).json()["version"] == state["version"], "the version on the other node")
    # A call about a session is answered by its node, whichever was asked.
    assert one.call("POST", "/api/sessions/b/input", {"data": "typed there\n"}).status_code == 204
    late = {"data": "stale\n", "until": 1}
    assert one.call("POST", "/api/sessions/b/input", late).json()["code"] == "too_late"
    soon = int(one.call("GET", "/api/projects").headers["x-termwall-clock"]) + 60_000
    assert one.call("POST", "/api/sessions/b/input", {"data": "in time\n", "until": soon}).status_code == 204
    screen = "/api/sessions/b/screen?format=text"
    await until(lambda: "in time" in one.call("GET", screen).text, "its screen")
    assert "typed there" in one.call("GET", screen).text
    assert "stale" not in one.call("GET", screen).text
    assert one.call("PATCH", "/api/sessions/b", {"name": "renamed"}).json()["name"] == "renamed"
    await until(lambda: sessions(one)["b"]["name"] == "renamed")
    token = one.call("POST", "/api/tokens", {"name": "Mia", "role": "view", "projectId": "wall"}).json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    answer = httpx2.patch(f"{one.base}/api/sessions/b", json={"name": "x"}, headers=headers, trust_env=False)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert one.call("DELETE", "/api/sessions/b").status_code == 204
    await until(lambda: "b" not in sessions(two) and "b" not in sessions(one))
    await until(lambda: one.call("GET", stage).json()["focusedSessions"] == ["a"], "that it left the stage")


async def test_A5_run_on_another_node_and_focus_it_at_once(nodes: tuple[Server, Server]) -> None:
    one, two = nodes
    await until(lambda: two.call("GET", "/api/projects/wall").status_code == 200, "the project on the other node")
    for _ in range(3):
        made = json.loads(command(one, "run", "--node", "two", "--focus", "--project", "wall", "--json", "--", "cat"))
        assert made["node"] == "two"
        assert made["id"] in one.call("GET", "/api/terminal/focus?projectId=wall").json()["focusedSessions"]
    assert "no node `nine`" in command(one, "run", "--node", "nine", "--project", "wall", "--", "cat", ok=False)


async def test_N8_recordings_and_search_span_the_nodes(nodes: tuple[Server, Server], tmp_path: Path) -> None:
    one, two = nodes
    await until(lambda: two.call("GET", "/api/projects/wall").status_code == 200, "the project on the other node")
    one.session("wall", "sh", "-c", "echo a needle; exec cat", id="a", name="first")
    # More than was ever carried in one piece.
    flood = "read x; head -c 13107200 /dev/zero | tr '\\0' x; echo; echo END"
    two.session("wall", "sh", "-c", f"echo a needle; {flood}; exec cat", id="b", name="second")
    await until(lambda: {"a", "b"} <= sessions(one).keys(), "both")
    made = {one.call("POST", f"/api/sessions/{session}/recording").json()["id"] for session in "ab"}
    assert two.call("GET", "/api/projects/wall/recordings").json()["missing"] == []
    looked = "/api/projects/wall/search?q=needle"
    await until(lambda: len(one.call("GET", looked).json()["matches"]) == 4, "both screens and recordings")
    assert command(one, "grep", "needle", "-p", "wall").count("needle") == 4
    one.call("POST", "/api/sessions/b/input", {"data": "\n"})
    await until(lambda: "END" in one.call("GET", "/api/sessions/b/screen?format=text").text, "its output")
    ended = one.call("DELETE", "/api/sessions/b/recording").json()
    assert (ended["node"], ended["bytes"] > 12 << 20) == ("two", True)
    path = two.data_dir / "recordings" / ended["id"] / "1.cast"
    answer = one.call("GET", f"/api/recordings/{ended['id']}/cast")
    assert answer.headers["content-length"] == str(path.stat().st_size)
    assert answer.content == path.read_bytes()
    part = one.call("GET", f"/api/recordings/{ended['id']}/cast", headers={"range": "bytes=5-9"})
    assert (part.status_code, part.content) == (206, answer.content[5:10])
    command(one, "export", ended["id"], "-o", str(tmp_path / "b.cast"))
    assert (tmp_path / "b.cast").read_bytes() == answer.content
    whole = one.call("GET", f"/api/recordings/{ended['id']}/timeline").json()
    assert [part["bytes"] for part in whole["parts"]] == [path.stat().st_size]
    frame = one.call("GET", f"/api/recordings/{ended['id']}/frame?time={whole['seconds']}").json()
    assert answer.content[frame["at"] - 1 : frame["at"] + 1] in (b"\n[", b"\n"), "the end of a line, or of all"
    assert frame["time"] <= whole["seconds"]
    assert command(one, "export", ended["id"], "--format", "v3").splitlines()[0].startswith('{"version": 3')
    listed = one.call("GET", "/api/projects/wall/recordings").json()
    assert {(found["id"], found["node"]) for found in listed["recordings"]} == {
        (found, "two" if found == ended["id"] else "one") for found in made
    }
    os.kill(two.pid, signal.SIGSTOP)
    try:
        told = "termwall: node two could not be asked; what is there was not "
        text = command(one, "recordings", "-p", "wall", told=told + "listed.")
        assert "on one" in text
        assert "on two" not in text
        await until(lambda: sessions(one)["b"]["status"] == "lost", "that it is told as away")
        assert "first on one: a needle" in command(one, "grep", "needle", "-p", "wall", told=told + "searched.")
        refused = one.call("GET", f"/api/recordings/{ended['id']}/cast")
        assert (refused.status_code, refused.json()["code"]) == (503, "engine_away")
    finally:
        os.kill(two.pid, signal.SIGCONT)
    await until(lambda: not one.call("GET", "/api/projects/wall/recordings").json()["missing"], "that it is back")
    assert one.call("DELETE", f"/api/recordings/{ended['id']}").status_code == 204
    assert not path.exists()


async def test_nodes_health_metrics_and_drain(nodes: tuple[Server, Server], broker: Broker) -> None:
    one, two = nodes
    await until(lambda: "two" in command(one, "nodes"))
    found = json.loads(command(one, "nodes", "--json"))
    assert found["engine"] == "up"
    assert [(node["name"], node["here"], node["role"]) for node in found["nodes"]] == [
        ("one", True, "both"),
        ("two", False, "both"),
    ]
    assert "termwall_nodes 2.0" in one.call("GET", "/metrics").text
    async with connected(one) as client:
        assert "sent away" in command(one, "drain")
        await until(lambda: client.closes, "the end")
        assert client.closes[0] == 1012
        health = one.call("GET", "/api/health")
        assert (health.status_code, health.json()["status"]) == (503, "draining")
        await until(lambda: "draining" in command(one, "nodes"), "that the others know")
        command(one, "drain", "--back")
        await until(lambda: client.connected, "the connection")
    broker.kill()
    await until(lambda: one.call("GET", "/api/health").json()["engine"] == "down", "that it is told")
    answer = one.call("POST", "/api/projects/wall/sessions", {"id": "c", "command": ["cat"]})
    assert answer.status_code == 201, "sessions here go on"
    focus = one.call("PUT", "/api/terminal/focus", {"projectId": "wall", "sessionId": "c"})
    assert (focus.status_code, focus.json()["code"]) == (503, "engine_away")
    broker.start()
    await until(lambda: one.call("GET", "/api/health").json()["engine"] == "up", "that it heals")
    focus = one.call("PUT", "/api/terminal/focus", {"projectId": "wall", "sessionId": "c"})
    assert focus.status_code == 200, focus.text
    await until(lambda: two.call("GET", "/api/terminal/focus?projectId=wall").json()["focusedSessions"] == ["c"])
    await until(lambda: re.search("^[*] c .* on one$", command(two, "ls", "--all"), re.MULTILINE), "that it is listed")


@pytest.mark.parametrize("victim", ["broker", "gateway", "host"])
async def test_S3_I1_kills_cost_no_line_and_no_key(nodes: tuple[Server, Server], broker: Broker, victim: str) -> None:
    host, gateway = nodes
    moments = random.Random(20261124)
    counting = host.session("wall", "sh", "-c", COUNTING)
    echoing = host.session("wall", "sh", "-c", "stty raw -echo; echo READY; exec cat")
    await until(lambda: {counting, echoing} <= sessions(gateway).keys(), "the sessions there")
    version = gateway.focus("wall", counting, echoing)["version"]
    typed = 0
    async with connected(gateway) as client:
        await until(lambda: b"READY" in client.pictures.get(echoing, b"") + client.output[echoing], "the program")
        for _ in range(ROUNDS):
            for _ in range(20):
                typed += 1
                await client.type(echoing, f"<{typed}>")
                await asyncio.sleep(moments.random() * 0.01)
            if victim == "broker":
                await asyncio.to_thread(broker.kill)
                await asyncio.sleep(moments.random())
                await asyncio.to_thread(broker.start)
            else:
                server = gateway if victim == "gateway" else host
                await asyncio.to_thread(server.kill)
                await asyncio.to_thread(server.start)
            await until(lambda: client.connected, "the connection")
            await until(lambda: sessions(gateway).get(echoing, {}).get("status") == "running", "the session")
            await until(lambda: client.unacknowledged == 0, "the acknowledgements")
        await until(lambda: f"<{typed}>".encode() in client.output[echoing], "the last key")
        await until(lambda: client.output[counting].count(b"\r\n") > 9, "lines since the last picture")
        lines = bytes(client.output[counting]).split(b"\r\n")[1:-1]
        seen = [int(found[1]) for line in lines if (found := re.search(rb"line (\d+) of a program that must", line))]
        assert seen == list(range(seen[0], seen[0] + len(seen)))
        keys = [int(key) for key in re.findall(rb"<(\d+)>", bytes(client.output[echoing]))]
        assert keys == list(range(1, typed + 1))
    states = [one.call("GET", "/api/terminal/focus?projectId=wall").json() for one in (gateway, host)]
    assert {state["version"] for state in states} == {version}
    assert states[0]["focusedSessions"] == states[1]["focusedSessions"] == [counting, echoing]


async def test_F7_a_start_without_nats_which_then_comes_back_with_nothing(
    nodes: tuple[Server, Server], broker: Broker
) -> None:
    one, two = nodes
    first = one.session("wall", "sh", "-c", "echo $$; exec cat")
    await until(lambda: first in sessions(two))
    version = two.focus("wall", first)["version"]
    stage = "/api/terminal/focus?projectId=wall"
    await until(lambda: one.call("GET", stage).json()["version"] == version)
    broker.kill()
    await asyncio.to_thread(one.kill)
    broker.forget()
    await asyncio.to_thread(one.start)
    assert one.call("GET", "/api/health").json()["engine"] == "down"
    assert sessions(one)[first]["status"] == "running"
    assert one.call("GET", stage).json()["focusedSessions"] == [first]
    second = one.session("wall", "cat")
    focus = {"projectId": "wall", "sessionId": second}
    answer = one.call("PUT", "/api/terminal/focus", focus)
    assert (answer.status_code, answer.json()["code"]) == (503, "engine_away")
    await asyncio.to_thread(broker.start)
    await until(lambda: second in sessions(two), "that it joins")
    assert two.call("PUT", "/api/terminal/focus", focus).json()["version"] == version + 1
    await until(lambda: one.call("GET", stage).json()["version"] == version + 1)
    assert one.call("GET", stage).json()["focusedSessions"] == [first, second]


async def test_F7_clients_notice_nothing_when_nats_loses_what_it_stored(
    nodes: tuple[Server, Server], broker: Broker, tmp_path: Path
) -> None:
    one, two = nodes
    await until(lambda: two.call("GET", "/api/projects/wall").status_code == 200, "the project on the other node")
    one.project(tmp_path / "idle", id="idle")
    counting = [server.session("wall", "sh", "-c", COUNTING) for server in nodes]
    await until(lambda: set(counting) <= sessions(one).keys() & sessions(two).keys(), "both on both")
    version = one.focus("wall", *counting)["version"]
    async with connected(one, "mia") as mia, connected(two, "kim") as kim:
        for client in (mia, kim):
            await until(lambda c=client: all(len(c.output[s]) > 10_000 for s in counting), client.describe)  # type: ignore[misc]
        before = {client: list(client.jumps) for client in (mia, kim)}
        broker.kill()
        broker.forget()
        await asyncio.to_thread(broker.start)
        changed = {"projectId": "wall", "sessionIds": counting[::-1]}
        await until(lambda: two.call("PUT", "/api/terminal/focus", changed).status_code == 200, "that it heals")
        for client in (mia, kim):
            await until(lambda c=client: c.stage == (version + 1, counting[::-1]), client.describe)  # type: ignore[misc]
            shown = {session: len(client.output[session]) for session in counting}
            await until(lambda c=client, n=shown: all(len(c.output[s]) > n[s] + 10_000 for s in counting), "output")  # type: ignore[misc]
            assert (client.closes, client.jumps) == ([], before[client])
    # What nobody changed is stored again too.
    looks = NatsBus([broker.url], "looks", run="1")
    await looks.open()
    try:
        async with asyncio.timeout(10):
            while await looks.get("idle") is None:
                await asyncio.sleep(0.02)
    finally:
        await looks.close()


async def test_metrics_of_all_nodes_add_up(nodes: tuple[Server, Server]) -> None:
    one, two = nodes
    await until(lambda: two.call("GET", "/api/projects/wall").status_code == 200, "the project on the other node")
    first, second = one.session("wall", "cat"), two.session("wall", "cat")
    await until(lambda: {first, second} <= sessions(one).keys() & sessions(two).keys(), "both on both")

    def figures(server: Server) -> dict[str, float]:
        lines = server.call("GET", "/metrics").text.splitlines()
        return {name: float(value) for name, value in (line.split() for line in lines if not line.startswith("#"))}

    def added(name: str) -> float:
        return sum(figures(server)[f"termwall_{name}"] for server in nodes)

    assert (added("sessions"), added("sessions_running"), added("streams_in")) == (2, 2, 0)
    one.focus("wall", second)
    async with connected(one, "mia") as client:
        await until(lambda: second in client.pictures, "the picture")
        assert (figures(one)["termwall_streams_in"], figures(one)["termwall_streams_out"]) == (1, 0)
        assert (figures(two)["termwall_streams_in"], figures(two)["termwall_streams_out"]) == (0, 1)
        assert (added("connections"), added("output_bytes")) == (1, 0)
        await client.type(second, "x")
        await until(lambda: added("output_bytes") == 1, "the echo")
        # The other one learns of the figures with a heartbeat.
        await until(
            lambda: (
                [line.split()[-4:] for line in command(two, "nodes").splitlines()]
                == [["1", "sessions", "1", "clients"], ["1", "sessions", "0", "clients"]]
            ),
            lambda: command(two, "nodes"),
        )


async def test_case_command_line_19_A6_sessions_of_two_nodes_never_show_each_other(
    nodes: tuple[Server, Server],
) -> None:
    one, two = nodes
    await until(lambda: two.call("GET", "/api/projects/wall").status_code == 200, "the project on the other node")
    one.session("wall", "cat", id="a")
    for name in "bc":
        two.session("wall", "cat", id=name)
    await until(lambda: all({"a", "b", "c"} <= sessions(node).keys() for node in nodes), "all on both")
    # Each by the door of the node that it runs on, as `termwall attach` within it does.
    async with shown(one, "b", inside="a") as first, shown(two, "c", inside="b") as second:
        assert (first, second) == (None, None)
        await until(lambda: sessions(two)["a"]["attached"] == ["b"], "that the other node knows it")
        await until(lambda: sessions(one)["b"]["attached"] == ["c"], "that the other node knows it")
        for node, session, inside in ((two, "a", "b"), (two, "a", "c"), (two, "c", "c"), (one, "a", "a")):
            async with shown(node, session, inside=inside) as refusal:
                assert refusal == (1008, "A session cannot be shown within itself, nor within one that it shows")
        async with shown(one, "c", inside="a") as third:
            assert third is None, "that shows nothing within itself"
    await until(lambda: sessions(two)["a"]["attached"] == [], "that it ended")
    async with shown(two, "a", inside="b") as again:
        assert again is None
    # By the door of another node than the one that it runs on, as with `--url`.
    async with shown(two, "b", inside="a") as crossed:
        assert crossed is None
        await until(lambda: sessions(one)["a"]["attached"] == ["b"], "that its own node knows it")
        async with shown(one, "a", inside="b") as refusal:
            assert refusal == (1008, "A session cannot be shown within itself, nor within one that it shows")
    await until(lambda: sessions(one)["a"]["attached"] == [], "that it ended")


@contextlib.asynccontextmanager
async def shown(server: Server, session: str, *, inside: str) -> AsyncIterator[tuple[int, str] | None]:
    """A session shown within another, as `termwall attach` does; why it was refused."""
    address = f"ws://127.0.0.1:{server.port}/ws/terminal?projectId=wall&sessionId={session}&inside={inside}"
    headers = {"Authorization": f"Bearer {server.token}"}
    async with connect(address, additional_headers=headers, proxy=None) as socket:
        try:
            while json.loads(await socket.recv()).get("status") != "connected":
                pass
        except ConnectionClosed as error:
            assert error.rcvd is not None
            yield error.rcvd.code, error.rcvd.reason
        else:
            yield None
