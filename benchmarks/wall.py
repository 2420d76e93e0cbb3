"""Changes of the stage: one server alone, and ten nodes joined by NATS, each with a client that watches."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import spent
from benchmarks.socket_client import WebSocket
from benchmarks.terminals import Termwall
from tests.support.broker import Broker

NODES = 10
CHANGES = 100
"""In one round."""


class Watched:
    """Servers with one project, and ten clients, on as many servers as there are."""

    def __init__(self, servers: list[Termwall]) -> None:
        self.servers = servers
        first = servers[0]
        path = f"/api/projects/{first.project}/sessions"
        self._names = [first.call("POST", path, {"command": ["cat"]})["id"] for _ in range(2)]
        for server in servers[1:]:
            server.project = first.project
            until(lambda server=server: all(name in str(server.call("GET", path)) for name in self._names))  # type: ignore[misc]
        first.call("PUT", "/api/terminal/focus", {"projectId": first.project, "sessionIds": self._names})
        self._clients = [servers[number % len(servers)].connect() for number in range(NODES)]
        self._asker = servers[-1].connect()
        for client in self._clients:
            client.send_json({"type": "sync_request"})
            wait_for(client, b'"sync_complete"')

    def in_turn(self) -> float:
        """Changes in a second where each is asked for once the one before was confirmed."""
        begin = time.perf_counter()
        for _ in range(CHANGES):
            self._change()
            wait_for(self._asker, b'"focus_update"')
        spent = time.perf_counter() - begin
        self._drain(CHANGES)
        return CHANGES / spent

    def until_all(self) -> list[float]:
        """Milliseconds from asking until the last of ten clients was told, sorted."""
        times = []
        for _ in range(CHANGES // 4):
            begin = time.perf_counter()
            self._change()
            self._drain(1)
            times.append((time.perf_counter() - begin) * 1000)
            wait_for(self._asker, b'"focus_update"')
        return sorted(times)

    def _change(self) -> None:
        self._names.reverse()
        self._asker.send_json({"type": "focus", "sessionIds": self._names})

    def _drain(self, count: int) -> None:
        for client in self._clients:
            for _ in range(count):
                wait_for(client, b'"focus_update"')

    def stop(self) -> None:
        for server in self.servers:
            server.stop()


def alone() -> Watched:
    return Watched([Termwall()])


@contextlib.contextmanager
def joined(folder: Path) -> Iterator[tuple[Broker, Watched]]:
    """Ten nodes and a NATS server."""
    with Broker(folder) as broker:
        servers: list[Termwall] = []
        try:
            servers.extend(Termwall("--nats", broker.url, "--node", f"n{number}") for number in range(NODES))
            yield broker, Watched(servers)
        finally:
            for server in servers:
                server.stop()


class Idle(NamedTuple):
    """Milliseconds of processor time a second."""

    node: float
    broker: float


def idle(count: int, seconds: float = 8) -> Idle:
    """What a node and the broker spend where so many nodes have no sessions and no clients."""
    with tempfile.TemporaryDirectory(prefix="termwall-bench-") as folder, Broker(Path(folder)) as broker:
        servers = [Termwall("--nats", broker.url, "--node", f"n{number}") for number in range(count)]
        try:
            time.sleep(6)  # Until they have heard of each other.
            pids = [broker.pid, *(server.process.pid for server in servers)]
            before = [spent(pid) for pid in pids]
            time.sleep(seconds)
            took = [(spent(pid) - began) * 1000 / seconds for pid, began in zip(pids, before, strict=True)]
            return Idle(sum(took[1:]) / count, took[0])
        finally:
            for server in servers:
                server.stop()


def wait_for(client: WebSocket, what: bytes) -> None:
    for binary, frame in client.frames():
        if not binary and what in bytes(frame):
            return
    raise AssertionError("the connection ended")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError("the nodes did not meet")
        time.sleep(0.05)
