"""What an agent's output costs each part of a wall: processor time of the host, the broker and the gateway.

Sessions print a little ten times a second, as agents and logs do; many viewers look at them on a gateway. From these
figures docs/explanation/scale.md works out large walls.
"""

import contextlib
import selectors
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.processes import held, spent
from benchmarks.socket_client import WebSocket
from benchmarks.terminals import Termwall, ThroughNats
from tests.support.broker import Broker

SESSIONS = 4
PIECES_PER_SECOND = 10
PIECE = "agent: reading files, thinking about what to do next, editing, and so on and on"
PRINTING = f"read go; while :; do echo '{PIECE}'; sleep 0.1; done"
ACK_SECONDS = 0.04
"""As the page's `ACK_MILLISECONDS`."""
FEW, MANY = 20, 200
"""Viewers."""


class Watchers:
    """Clients that acknowledge as the page does, in a thread."""

    def __init__(self, server: Termwall, count: int) -> None:
        self._clients: list[WebSocket] = [server.connect() for _ in range(count)]
        self._selector = selectors.DefaultSelector()
        for client in self._clients:
            client.send_json({"type": "sync_request"})
            client.socket.setblocking(False)
            self._selector.register(client.socket, selectors.EVENT_READ, client)
        self._over = False
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        due = time.monotonic() + ACK_SECONDS
        places: dict[tuple[WebSocket, bytes], int] = {}
        while not self._over:
            for key, _ in self._selector.select(ACK_SECONDS / 4):
                client: WebSocket = key.data
                with contextlib.suppress(BlockingIOError):
                    client.more()
                for binary, frame in client.parsed():
                    if binary:
                        start = 2 + frame[1]
                        places[client, bytes(frame[2:start])] = int.from_bytes(frame[start : start + 8], "big")
            if time.monotonic() >= due:
                for (client, name), offset in places.items():
                    client.send(b'{"type":"ack","sessionId":"%s","offset":%d}' % (name, offset), 1)
                places.clear()
                due = time.monotonic() + ACK_SECONDS

    def close(self) -> None:
        self._over = True
        self._thread.join()
        for client in self._clients:
            client.close()


class Wall(NamedTuple):
    """A host, its sessions on the stage, a gateway, and what joins them."""

    host: Termwall
    broker: Broker
    gateway: ThroughNats
    sessions: list[str]

    def spent(self) -> tuple[float, ...]:
        """Seconds of processor time so far: host, broker, gateway."""
        return tuple(spent(pid) for pid in (self.host.process.pid, self.broker.pid, self.gateway.process.pid))

    def print(self) -> None:
        """Let the sessions print from now on."""
        for name in self.sessions:
            self.host.call("POST", f"/api/sessions/{name}/input", {"data": "\n"})


@contextlib.contextmanager
def wall(folder: Path) -> Iterator[Wall]:
    """Its sessions do not print yet."""
    with Broker(folder) as broker:
        host = Termwall("--nats", broker.url, "--node", "host")
        gateway = ThroughNats(host, broker.url)
        try:
            path = f"/api/projects/{host.project}/sessions"
            names = [gateway.call("POST", path, {"command": ["sh", "-c", PRINTING]})["id"] for _ in range(SESSIONS)]
            gateway.call("PUT", "/api/terminal/focus", {"projectId": host.project, "sessionIds": names})
            yield Wall(host, broker, gateway, names)
            for name in names:
                host.call("DELETE", f"/api/sessions/{name}")
        finally:
            gateway.stop()
            host.stop()


def viewer_memory(wall: Wall) -> float:
    """KB of the gateway for each viewer more."""
    few = Watchers(wall.gateway, FEW)
    time.sleep(3)
    before = held(wall.gateway.process.pid)
    many = Watchers(wall.gateway, MANY)
    time.sleep(3)
    used = held(wall.gateway.process.pid) - before
    few.close()
    many.close()
    return used / MANY


def measure(wall: Wall, viewers: int, seconds: float = 8) -> list[float]:
    """Milliseconds of processor time a second of host, broker and gateway."""
    watchers = Watchers(wall.gateway, viewers) if viewers else None
    try:
        time.sleep(2)
        before, begin = wall.spent(), time.monotonic()
        time.sleep(seconds)
        spent = time.monotonic() - begin
        return [(b - a) * 1000 / spent for a, b in zip(before, wall.spent(), strict=True)]
    finally:
        if watchers is not None:
            watchers.close()
            time.sleep(12)  # Until the gateway lets go of the sessions.
