"""The three measurements. Each returns numbers of one server in one round."""

import random
import resource
import select
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from benchmarks.child import expected
from benchmarks.terminals import ROOT, Server, Termwall, ready

FAN_OUT = 1000


class Flood(NamedTuple):
    """`rate`: MB/s that arrived at the client; `share`: how much of what the program wrote did."""

    rate: float
    share: float


def flood(server: Server, mode: str, megabytes: int) -> Flood:
    """From the start of the flood until the client has its last byte."""
    terminal = server.open(f"{mode}-{megabytes}")
    try:
        begin = ready(terminal)
        end = begin + expected(mode, megabytes)
        arrived = 0
        started = time.perf_counter()
        terminal.type(b"\n")
        offset = begin
        while offset < end:
            offset, data = terminal.read()
            arrived += len(data)
        seconds = time.perf_counter() - started
        if offset != end:
            raise RuntimeError(f"{server.name} {mode}: {offset - begin} bytes instead of {end - begin}")
    finally:
        terminal.close()
    # A viewer that fell out of the ring gets a snapshot, part of which it had seen.
    return Flood(min(arrived, end - begin) / seconds / 1e6, min(arrived / (end - begin), 1.0))


def echo(server: Server, keys: int, seed: int) -> list[float]:
    """Milliseconds of each key until its echo, sorted; keys come each 1.5 to 4.5 ms."""
    terminal = server.open("echo")
    try:
        ready(terminal)
        pause, times = random.Random(seed), []
        for number in range(keys + 20):
            time.sleep(pause.uniform(0.0015, 0.0045))
            started = time.perf_counter()
            terminal.type(b"abcdefghij"[number % 10 :][:1])
            _, data = terminal.read()
            if number >= 20:
                times.append((time.perf_counter() - started) * 1000)
            if data != b"abcdefghij"[number % 10 :][:1]:
                raise RuntimeError(f"{server.name}: {data!r} is not the echo")
    finally:
        terminal.close()
    return sorted(times)


class FanOut:
    """1,000 sockets to termwall, and as many to a loop of `socket.send`, both open at once."""

    def __init__(self, server: Termwall) -> None:
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        path = f"/api/projects/{server.project}/sessions"
        self._server = server
        self._sessions = [server.call("POST", path, {"command": ["cat"]})["id"] for _ in range(2)]
        quiet, self._shown = self._sessions
        server.call("PUT", "/api/terminal/focus", {"projectId": server.project, "sessionIds": []})
        # Clients of a session that stays off the stage: they get the change and no output.
        self._clients = [server.connect(quiet) for _ in range(FAN_OUT)]
        self._control = server.connect()
        self._focused = False
        time.sleep(1)
        for client in (*self._clients, self._control):
            _swallow(client.socket)
        frame = self._change_once()
        self.bytes = len(frame)
        self._bare = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.broadcast_server", str(FAN_OUT), str(self.bytes)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._bare.stdout is not None
        port = int(self._bare.stdout.readline())
        self._order = socket.create_connection(("127.0.0.1", port))
        self._plain = [socket.create_connection(("127.0.0.1", port)) for _ in range(FAN_OUT)]

    def _change_once(self) -> bytes:
        self._change()
        time.sleep(1)
        frames = [_swallow(client.socket) for client in self._clients]
        _swallow(self._control.socket)
        if len(set(frames)) != 1 or b"focus_update" not in frames[0]:
            raise RuntimeError(f"not one and the same change: {set(frames)}")
        return frames[0]

    def _change(self) -> None:
        self._focused = not self._focused
        self._control.send_json({"type": "focus" if self._focused else "blur", "sessionId": self._shown})

    def termwall(self) -> float:
        """Milliseconds from one change until the last client has it."""
        seconds = _until_all([client.socket for client in self._clients], self._change)
        time.sleep(0.05)
        _swallow(self._control.socket)
        for client in self._clients:
            _swallow(client.socket)
        return seconds * 1000

    def bare(self) -> float:
        """The same with plain sockets and the same number of bytes."""
        return _until_all(self._plain, lambda: self._order.send(b"x")) * 1000

    def close(self) -> None:
        for client in (*self._clients, self._control):
            client.close()
        for plain in (*self._plain, self._order):
            plain.close()
        self._bare.wait(10)
        for session in self._sessions:
            self._server.call("DELETE", f"/api/sessions/{session}")


def _until_all(sockets: list[socket.socket], start: Callable[[], object]) -> float:
    """Seconds; some hundred bytes over the loopback come whole, so the first read of a socket is all of it."""
    poll = select.epoll()
    left = {one.fileno(): one for one in sockets}
    for number in left:
        poll.register(number, select.EPOLLIN)
    started = time.perf_counter()
    start()
    while left:
        for number, _ in poll.poll(10):
            if not left.pop(number).recv(4096):
                raise RuntimeError("the server closed a connection")
            poll.unregister(number)
        if time.perf_counter() - started > 20:
            raise RuntimeError(f"{len(left)} clients heard nothing")
    seconds = time.perf_counter() - started
    poll.close()
    return seconds


def _swallow(one: socket.socket) -> bytes:
    one.setblocking(False)
    data = b""
    try:
        while piece := one.recv(65536):
            data += piece
    except BlockingIOError:
        pass
    finally:
        one.settimeout(60)
    return data
