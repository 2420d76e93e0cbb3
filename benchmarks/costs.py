"""What an agent's output costs each part of a wall: processor time of the host, the broker and the gateway.

Sessions print a little ten times a second, as agents and logs do; many viewers look at them on a gateway. From these
figures docs/explanation/scale.md works out large walls.
"""

import contextlib
import os
import selectors
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from benchmarks.socket_client import WebSocket
from benchmarks.terminals import Termwall, ThroughNats
from tests.support.broker import Broker

SESSIONS = 4
PIECES_PER_SECOND = 10
PIECE = "agent: reading files, thinking about what to do next, editing, and so on and on"
PRINTING = f"while :; do echo '{PIECE}'; sleep 0.1; done"
TICK = os.sysconf("SC_CLK_TCK")


class Costs(NamedTuple):
    """Microseconds of processor time: of the host and the broker for each piece of output, of the gateway for each
    frame to a viewer."""

    host: float
    broker: float
    gateway: float


def spent(pid: int) -> float:
    """Seconds of processor time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Watchers:
    """Clients that take what comes, in a thread; what they are sent in one round is less than a window."""

    def __init__(self, server: Termwall, count: int) -> None:
        self._clients: list[WebSocket] = [server.connect() for _ in range(count)]
        self._selector = selectors.DefaultSelector()
        for client in self._clients:
            client.send_json({"type": "sync_request"})
            client.socket.setblocking(False)
            self._selector.register(client.socket, selectors.EVENT_READ, client.socket)
        self._over = False
        self._thread = threading.Thread(target=self._take, daemon=True)
        self._thread.start()

    def _take(self) -> None:
        buffer = bytearray(1 << 20)
        while not self._over:
            for key, _ in self._selector.select(0.2):
                with contextlib.suppress(BlockingIOError):
                    key.data.recv_into(buffer)

    def close(self) -> None:
        self._over = True
        self._thread.join()
        for client in self._clients:
            client.close()


@contextlib.contextmanager
def printing(folder: Path) -> Iterator[tuple[Broker, Termwall, ThroughNats]]:
    """A host whose sessions print, all on the stage, and a gateway."""
    with Broker(folder) as broker:
        host = Termwall("--nats", broker.url, "--node", "host")
        gateway = ThroughNats(host, broker.url)
        try:
            path = f"/api/projects/{host.project}/sessions"
            names = [gateway.call("POST", path, {"command": ["sh", "-c", PRINTING]})["id"] for _ in range(SESSIONS)]
            gateway.call("PUT", "/api/terminal/focus", {"projectId": host.project, "sessionIds": names})
            yield broker, host, gateway
            for name in names:
                host.call("DELETE", f"/api/sessions/{name}")
        finally:
            gateway.stop()
            host.stop()


def measure(broker: Broker, host: Termwall, gateway: Termwall, viewers: int, seconds: float) -> tuple[float, ...]:
    """Seconds of processor time of host, broker and gateway in that time."""
    watchers = Watchers(gateway, viewers) if viewers else None
    try:
        time.sleep(2)
        pids = host.process.pid, broker.pid, gateway.process.pid
        before = [spent(pid) for pid in pids]
        time.sleep(seconds)
        return tuple(spent(pid) - began for pid, began in zip(pids, before, strict=True))
    finally:
        if watchers is not None:
            watchers.close()
            time.sleep(12)  # Until the gateway lets go of the sessions.


def costs(broker: Broker, host: Termwall, gateway: Termwall, viewers: int, seconds: float = 8) -> Costs:
    """With viewers, less what the same parts spend while nobody looks."""
    idle = measure(broker, host, gateway, 0, seconds)
    busy = measure(broker, host, gateway, viewers, seconds)
    pieces = SESSIONS * PIECES_PER_SECOND * seconds
    host_, broker_, gateway_ = (max(0.0, b - a) * 1e6 for a, b in zip(idle, busy, strict=True))
    return Costs(host_ / pieces, broker_ / pieces, gateway_ / (pieces * viewers))
