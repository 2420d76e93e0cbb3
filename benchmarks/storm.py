"""What a key costs while one client sends whatever it may, as fast as the server takes it (L7).

    python -m benchmarks.storm [--rounds 3] [--keys 300] [--only ping,drive,...]

A person types into one session. A client of a token of the role `type`, in a process of its own, sends one kind of
message without end to other sessions: over one connection or, where the kind is of HTTP, over sixteen. Twenty others of
the owner watch. Each storm is measured beside a quiet moment of its round, and the ratio is formed of the two.

How long a key takes says something on a quiet machine only. The processor time of the loop's thread does on any: what a
message of the storm (or a call) takes of it, beyond what the keys take, and how much of each second that is. What the
server holds on top at the end of a storm is reported too: nothing may pile up.
"""

import argparse
import base64
import contextlib
import json
import os
import re
import selectors
import socket
import statistics
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from benchmarks.measure import ready
from benchmarks.processes import held, on_loop
from benchmarks.terminals import Termwall, TermwallTerminal

OTHERS = 8
"""Sessions that the storm is about; three of them are on the stage."""
WATCHERS = 20
CALLERS = 16
WARM_SECONDS = 1.5
"""After the begin of a storm: what a connection may send at once is gone by then."""
LEAST_SECONDS = 3.0
"""For which a storm is counted: what it may send is let through in bursts where the machine is busy."""
CHUNK_BYTES = 64 << 10
DRAWS = "stty raw -echo; trap 'echo prompt of a shell that draws itself anew' WINCH; while :; do read -r line; done"
PROGRAM = ["sh", "-c", DRAWS]
"""It prints something at each new size, so that no two sizes are at one place of its output."""


def frame(payload: bytes, opcode: int = 1, fin: bool = True) -> bytes:
    """A client's frame; a mask of zeros is a legal one."""
    head, size = bytes(((0x80 if fin else 0) | opcode,)), len(payload)
    if size < 126:
        head += bytes((0x80 | size,))
    else:
        head += struct.pack(">BH", 0x80 | 126, size) if size < 1 << 16 else struct.pack(">BQ", 0x80 | 127, size)
    return head + bytes(4) + payload


def text(**message: object) -> bytes:
    """A message's frame."""
    return frame(json.dumps(message).encode())


COLOURS = {"scheme": "dark", "background": "#000000", "cursor": "#ffffff", "palette": ["#111111"] * 16}


class Target(NamedTuple):
    """What a storm is about."""

    project: str
    sessions: list[str]
    token: str
    port: int


def socket_storms(at: Target) -> dict[str, list[bytes]]:
    """The frames of each storm, to be sent round and round."""
    ids, one = at.sessions, at.sessions[0]
    sizes = [{"cols": 60 + number % 90, "rows": 20 + number % 30} for number in range(180)]
    wide = [{"cols": 2 if number % 2 else 1000, "rows": 2 if number % 2 else 1000} for number in range(2)]
    nowhere = {name: {"epoch": "", "offset": 0} for name in ids}
    storms = {
        "drive": [text(type="drive", sessionId=one, data=size) for size in sizes],
        "drive, 8 sessions": [text(type="drive", sessionId=ids[n % OTHERS], data=s) for n, s in enumerate(sizes)],
        "resize, 2x2 and 1000x1000": [text(type="resize", sessionId=one, data=size) for size in wide],
        "ping": [frame(b"", 9)],
        "ping of 125 bytes": [frame(bytes(125), 9)],
        "pong": [frame(b"", 10)],
        "empty fragments": [frame(b"x", 1, False), *[frame(b"", 0, False)] * 200, frame(b"", 0)],
        "heartbeat": [text(type="heartbeat")],
        "input": [text(type="input", sessionId=one, data="x")],
        "input of 1 MiB": [text(type="input", sessionId=one, data="x" * ((1 << 20) - 100))],
        "focus": [text(type=kind, sessionId=ids[7]) for kind in ("focus", "blur")],
        "preview": [text(type="preview", sessionIds=ids), text(type="preview", sessionIds=[])],
        "sync": [text(type="sync_request", offsets=nowhere)],
        "theme": [text(type="theme", data={**COLOURS, "foreground": f"#{n:06x}"}) for n in range(64)],
        "keys": [text(type="keys", sessionId=name, has=has) for name in ids for has in (True, False)],
        "seen": [text(type="seen", sessionId=name) for name in ids],
        "ack": [text(type="ack", sessionId=one, offset=0)],
        "unknown": [text(type="nope")],
        "no JSON": [frame(b"{")],
        "1 MiB of JSON": [frame(b"[" + b"1," * 524_000 + b"1]")],
    }
    return storms | {"everything": [one for frames in storms.values() for one in frames if len(one) < 4096]}


def call_storms(at: Target) -> dict[str, bytes]:
    """A request of each storm."""

    def request(method: str, path: str, body: object = None) -> bytes:
        data = b"" if body is None else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{at.port}\r\nAuthorization: Bearer {at.token}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        return head.encode() + data

    session = f"/api/sessions/{at.sessions[0]}"
    return {
        "GET session": request("GET", session),
        "GET screen": request("GET", f"{session}/screen?format=text&scrollback=1000"),
        "GET search": request("GET", f"/api/projects/{at.project}/search?q=prompt"),
        "POST input": request("POST", f"{session}/input", {"data": "x"}),
        "POST resize": request("POST", f"{session}/resize", {"cols": 90, "rows": 30}),
        "POST notify": request("POST", f"{session}/notify", {"state": "working", "message": "x"}),
        "PUT focus": request("PUT", "/api/terminal/focus", {"projectId": at.project, "sessionId": at.sessions[7]}),
    }


def handshake(at: Target, query: str = "") -> bytes:
    """Of the storm's own connection."""
    head = f"GET /ws/terminal?projectId={at.project}{query} HTTP/1.1\r\nHost: 127.0.0.1:{at.port}\r\n"
    head += f"Authorization: Bearer {at.token}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    key = base64.b64encode(os.urandom(16)).decode()
    return f"{head}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()


def dial(at: Target) -> socket.socket:
    """Connected, and never waited for again."""
    one = socket.create_connection(("127.0.0.1", at.port), 10)
    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    one.setblocking(False)
    return one


def send_on(at: Target, frames: list[bytes], reads: bool) -> None:
    """Send them round and round; come again where the server ends the connection."""
    round_ = b"".join(frames)
    data = round_ * max(1, CHUNK_BYTES // len(round_))
    while True:
        with contextlib.suppress(OSError), contextlib.closing(dial(at)) as one, selectors.DefaultSelector() as ready_:
            ready_.register(one, selectors.EVENT_WRITE | (selectors.EVENT_READ if reads else 0))
            left = memoryview(handshake(at))
            while True:
                for _, events in ready_.select():
                    if events & selectors.EVENT_READ and not one.recv(1 << 18):
                        raise OSError
                    if events & selectors.EVENT_WRITE:
                        left = left[one.send(left) :] or memoryview(data)


def call_on(at: Target, request: bytes) -> None:
    """Ask again at each answer, over some connections."""
    ready_ = selectors.DefaultSelector()

    def ask() -> None:
        one = dial(at)
        one.send(request)
        ready_.register(one, selectors.EVENT_READ)

    for _ in range(CALLERS):
        ask()
    while True:
        for key, _ in ready_.select():
            one: socket.socket = key.fileobj  # type: ignore[assignment]
            try:
                if not one.recv(1 << 20):
                    raise OSError
                one.send(request)
            except OSError:
                ready_.unregister(one)
                one.close()
                ask()


def come_on(at: Target) -> None:
    """Connect, and go at the first word."""
    while True:
        with contextlib.suppress(OSError), contextlib.closing(dial(at)) as one:
            one.send(handshake(at))
            one.settimeout(10)
            one.recv(1 << 16)


def watch_on(server: Termwall) -> None:
    """Clients that read everything."""
    clients = [server.connect() for _ in range(WATCHERS)]
    ready_ = selectors.DefaultSelector()
    for client in clients:
        client.socket.setblocking(False)
        ready_.register(client.socket, selectors.EVENT_READ)
    due = time.monotonic()
    while True:
        for key, _ in ready_.select(1):
            with contextlib.suppress(BlockingIOError):
                key.fileobj.recv(1 << 18)  # type: ignore[union-attr]
        if time.monotonic() >= due:
            due += 10
            for client in clients:
                client.socket.send(frame(b'{"type":"heartbeat"}'))


@contextlib.contextmanager
def beside(work: Callable[[], None]) -> Iterator[None]:
    """Meanwhile, in a process of its own."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(1)
    try:
        time.sleep(WARM_SECONDS)
        yield
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)


def keys(terminal: TermwallTerminal, count: int) -> list[float]:
    """Milliseconds of each key until its echo, sorted."""
    times = []
    for number in range(count):
        time.sleep(0.002 + 0.001 * (number % 3))
        key, started = b"abcdefghij"[number % 10 :][:1], time.perf_counter()
        terminal.type(key)
        _, data = terminal.read()
        times.append((time.perf_counter() - started) * 1000)
        if data != key:
            raise RuntimeError(f"{bytes(data)!r} is not the echo")
    return sorted(times)


def main() -> None:
    """Print a row for each storm."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storm", description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", type=int, default=300)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    server = Termwall("--max-focused", "4")
    try:
        path = f"/api/projects/{server.project}/sessions"
        names = [server.call("POST", path, {"command": PROGRAM})["id"] for _ in range(OTHERS)]
        made = server.call("POST", "/api/tokens", {"name": "storm", "role": "type", "projectId": server.project})
        at = Target(server.project, names, made["token"], server.port)
        storms: dict[str, Callable[[], None]] = {}
        for name, frames in socket_storms(at).items():
            storms[name] = lambda frames=frames: send_on(at, frames, True)  # type: ignore[misc]
        for name in ("ping", "heartbeat", "sync", "everything"):
            frames = socket_storms(at)[name]
            storms[f"{name}, and reads nothing"] = lambda frames=frames: send_on(at, frames, False)  # type: ignore[misc]
        for name, request in call_storms(at).items():
            storms[name] = lambda request=request: call_on(at, request)  # type: ignore[misc]
        storms["connections"] = lambda: come_on(at)
        wanted = [
            name for name in storms if not options.only or any(name.startswith(w) for w in options.only.split(","))
        ]
        terminal = server.open("echo")
        ready(terminal)
        server.call(
            "PUT", "/api/terminal/focus", {"projectId": server.project, "sessionIds": [*names[:3], terminal.id]}
        )
        print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, ", end="")
        print(f"{options.rounds} rounds of {options.keys} keys; load {os.getloadavg()[0]:.1f} at the start\n")
        print("| a key while one client sends | p50 | p99 [min-max] | p99 / idle [min-max] |", end="")
        print(" handled a second | of the loop, each | of the loop | memory on top |")
        print("|---|---|---|---|---|---|---|---|", flush=True)
        with beside(lambda: watch_on(server)):
            keys(terminal, options.keys)
            measure(server, terminal, {name: storms[name] for name in wanted}, options.rounds, options.keys)
        print(f"\nload {os.getloadavg()[0]:.1f} at the end")
        terminal.close()
    finally:
        server.stop()


class Done(NamedTuple):
    """What a server has done until a moment."""

    at: float
    cpu: float
    """Seconds of processor time of the loop's thread."""
    handled: float
    """Messages and calls."""

    @classmethod
    def by(cls, server: Termwall) -> "Done":
        """Until now."""
        cpu, at = on_loop(server.process.pid), time.monotonic()
        text = server.text("/metrics")
        counts = [re.search(rf"^termwall_{name} (\S+)", text, re.MULTILINE) for name in ("messages", "calls")]
        return cls(at, cpu, sum(float(count[1]) for count in counts if count))

    def __sub__(self, before: "Done") -> "Done":
        return Done(*(now - then for now, then in zip(self, before, strict=True)))


def measure(
    server: Termwall,
    terminal: TermwallTerminal,
    storms: dict[str, Callable[[], None]],
    rounds: int,
    count: int,
) -> None:
    """Each storm in each round, beside a quiet moment."""
    idles: list[float] = []
    for name, storm in storms.items():
        middles, lates, ratios, more, paces, costs, parts = [], [], [], [], [], [], []
        for _ in range(rounds):
            begun = Done.by(server)
            quiet = keys(terminal, count)
            idle = Done.by(server) - begun
            before = held(server.process.pid)
            with beside(storm):
                begun = Done.by(server)
                found = keys(terminal, count)
                time.sleep(max(0.0, begun.at + LEAST_SECONDS - time.monotonic()))
                busy = Done.by(server) - begun
                more.append(held(server.process.pid) - before)
            at = count * 99 // 100
            idles.append(quiet[at])
            middles.append(found[count // 2])
            lates.append(found[at])
            ratios.append(found[at] / quiet[at])
            handled, cpu = max(1.0, busy.handled - idle.handled), busy.cpu - idle.cpu
            paces.append(handled / busy.at)
            costs.append(cpu / handled * 1e6)
            parts.append(cpu / busy.at * 100)
            time.sleep(0.5)
        row = f"{statistics.median(middles):.2f} ms | {spread_of(lates, ' ms')} | {spread_of(ratios)}"
        row += (
            f" | {statistics.median(paces):.0f} | {statistics.median(costs):.0f} us | {statistics.median(parts):.0f} %"
        )
        print(f"| {name} | {row} | {statistics.median(more) / 1024:.1f} MB |", flush=True)
    print(f"| nothing | | {spread_of(idles, ' ms')} | | | | | |", flush=True)


def spread_of(values: list[float], unit: str = "") -> str:
    """Median and range."""
    return f"{statistics.median(values):.2f}{unit} [{min(values):.2f}-{max(values):.2f}]"


if __name__ == "__main__":
    main()
