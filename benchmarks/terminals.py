"""What is compared, each with the same face: a terminal with a program in it, read by bytes and written to."""

import contextlib
import json
import os
import pty
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

from benchmarks.child import READY
from benchmarks.socket_client import ACK_BYTES, WebSocket
from tests.support.holder import end_holder

ROOT = Path(__file__).parent.parent
CHILD = str(ROOT / "benchmarks" / "child.py")
COMMANDS = {
    f"{mode}-{megabytes}": [sys.executable, CHILD, mode, str(megabytes)]
    for mode in ("cooked", "raw", "lines")
    for megabytes in (0, 1, 8, 40, 1000)
} | {"echo": [sys.executable, CHILD, "echo"]}


class Terminal(Protocol):
    """An open terminal."""

    def type(self, data: bytes) -> None: ...
    def read(self) -> tuple[int, bytes | memoryview]:
        """The next output: how many bytes the program has written so far (as far as is known), and the bytes."""
        ...

    def close(self) -> None: ...


def ready(terminal: Terminal) -> int:
    """Wait for the program; returns how many bytes it has written."""
    seen = b""
    while READY not in seen:
        offset, data = terminal.read()
        seen += bytes(data)
    return offset


class Bare:
    """No server: the PTY itself."""

    def __init__(self, name: str) -> None:
        self._pid, self._master = pty.fork()
        if self._pid == 0:
            os.execv(COMMANDS[name][0], COMMANDS[name])
        self._offset = 0

    def type(self, data: bytes) -> None:
        os.write(self._master, data)

    def read(self) -> tuple[int, bytes | memoryview]:
        data = os.read(self._master, 65536)
        self._offset += len(data)
        return self._offset, data

    def close(self) -> None:
        os.close(self._master)
        os.kill(self._pid, 9)
        os.waitpid(self._pid, 0)


class BareServer:
    name = "bare"

    def open(self, name: str) -> Bare:
        return Bare(name)

    def stop(self) -> None:
        pass


class TermwallTerminal:
    """A session of termwall, on the stage, its output acknowledged each 16 KiB."""

    def __init__(self, server: "Termwall", name: str) -> None:
        self._server = server
        path = f"/api/projects/{server.project}/sessions"
        self.id = server.call("POST", path, {"command": COMMANDS[name], "cols": 80, "rows": 24})["id"]
        self._name = self.id.encode()
        self._head = bytes((16, len(self._name))) + self._name + bytes(4)
        self.socket = server.connect(self.id)
        self.socket.send_json({"type": "focus", "sessionId": self.id})
        self._frames = self.socket.frames()
        self._acked = 0
        self.snapshots = 0
        """How often the screen was begun anew: once, unless this client fell behind."""

    def type(self, data: bytes) -> None:
        self.socket.send(self._head + data, 2)

    def read(self) -> tuple[int, bytes | memoryview]:
        for binary, frame in self._frames:
            if not binary:
                continue
            start = 2 + frame[1]
            offset = int.from_bytes(frame[start : start + 8], "big")
            self.snapshots += frame[0] == 2
            if offset - self._acked >= ACK_BYTES or frame[0] == 2:
                self._acked = offset
                self.socket.send(b'{"type":"ack","sessionId":"%s","offset":%d}' % (self._name, offset), 1)
            return offset, frame[start + (8 if frame[0] == 1 else 13) :]
        raise AssertionError

    def close(self) -> None:
        self.socket.close()
        self._server.call("DELETE", f"/api/sessions/{self.id}")


class Termwall:
    name = "termwall"

    def __init__(self, *options: str) -> None:
        self._folder = tempfile.mkdtemp(prefix="termwall-bench-")
        env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "termwall",
                "serve",
                "--no-open",
                "--port",
                "0",
                "--data-dir",
                self._folder,
                *options,
            ],
            stdout=subprocess.PIPE,
            text=True,
            env=env | {"PYTHONPATH": str(ROOT / "src"), "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        self.base, _, self.token = line.split()[-1].partition("/?token=")
        self.port = int(self.base.rpartition(":")[2])
        self.project = self.call("POST", "/api/projects", {"path": self._folder})["id"]

    def call(self, method: str, path: str, body: object = None) -> Any:
        text = self.text(path, method, body)
        return json.loads(text) if text else None

    def text(self, path: str, method: str = "GET", body: object = None) -> str:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20) as answer:
            return str(answer.read().decode())

    def connect(self, session: str | None = None) -> WebSocket:
        query = f"projectId={self.project}" + (f"&sessionId={session}" if session else "")
        return WebSocket(self.port, f"/ws/terminal?{query}", subprotocol="termwall.v1", token=self.token)

    def open(self, name: str) -> TermwallTerminal:
        return TermwallTerminal(self, name)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)
        end_holder(Path(self._folder))
        shutil.rmtree(self._folder, ignore_errors=True)


class ThroughNats(Termwall):
    """A gateway: its sessions run on another node, `host`, and come over a real NATS server."""

    name = "through NATS"

    def __init__(self, host: Termwall, url: str) -> None:
        self._host = host
        super().__init__("--nats", url, "--node", "gateway")
        self.project = host.project
        deadline = time.monotonic() + 10
        while all(one["id"] != self.project for one in self.call("GET", "/api/projects")["projects"]):
            assert time.monotonic() < deadline, "the nodes did not meet"
            time.sleep(0.05)

    def call(self, method: str, path: str, body: object = None) -> Any:
        if method == "POST" and path.endswith("/sessions") and isinstance(body, dict):
            body = {**body, "node": "host"}
        answer = super().call(method, path, body)
        if method == "POST" and path.endswith("/sessions"):
            deadline = time.monotonic() + 10
            while answer["id"] not in str(super().call("GET", path)):
                assert time.monotonic() < deadline, "the session did not come"
                time.sleep(0.01)
        return answer


class TerminadoTerminal:
    def __init__(self, port: int, name: str) -> None:
        self._socket = WebSocket(port, f"/{name}")
        self._frames = self._socket.frames()
        self._offset = 0

    def type(self, data: bytes) -> None:
        self._socket.send_json(["stdin", data.decode()])

    def read(self) -> tuple[int, bytes | memoryview]:
        for _, frame in self._frames:
            kind, *rest = json.loads(bytes(frame))
            if kind == "stdout":
                data = rest[0].encode()
                self._offset += len(data)
                return self._offset, data
        raise AssertionError

    def close(self) -> None:
        self._socket.close()


class Terminado:
    name = "terminado"

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.terminado_server", json.dumps(COMMANDS)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # It logs each program that it ends.
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline())

    def open(self, name: str) -> TerminadoTerminal:
        return TerminadoTerminal(self.port, name)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(20)


class TtydTerminal:
    """A letter before each message; the program starts with the size. Its process ends with the connection."""

    def __init__(self, process: "subprocess.Popen[bytes]", port: int) -> None:
        self._process = process
        self._socket = WebSocket(port, "/ws", subprotocol="tty")
        self._socket.send(b'{"AuthToken":"","columns":80,"rows":24}', 2)
        self._frames = self._socket.frames()
        self._offset = 0

    def type(self, data: bytes) -> None:
        self._socket.send(b"0" + data, 2)

    def read(self) -> tuple[int, bytes | memoryview]:
        for _, frame in self._frames:
            if frame[0] == 0x30:
                self._offset += len(frame) - 1
                return self._offset, frame[1:]
        raise AssertionError

    def close(self) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(10)


class Ttyd:
    """ttyd, where it is on the PATH: one server for each terminal, because each serves one command."""

    name = "ttyd"

    def open(self, name: str) -> TtydTerminal:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        quiet = subprocess.DEVNULL
        words = ["ttyd", "-i", "127.0.0.1", "-p", str(port), "-W", *COMMANDS[name]]
        process = subprocess.Popen(words, stdout=quiet, stderr=quiet)
        for _ in range(200):
            try:
                return TtydTerminal(process, port)
            except ConnectionRefusedError:
                time.sleep(0.02)
        raise RuntimeError("ttyd does not start")

    def stop(self) -> None:
        pass


Server = BareServer | Termwall | Terminado | Ttyd
Peer = Terminado | Ttyd


def peers() -> list[Peer]:
    """The others in the run: terminado, and ttyd where it is installed."""
    return [Terminado(), Ttyd()] if shutil.which("ttyd") else [Terminado()]


@contextlib.contextmanager
def flooding(server: Server) -> Iterator[None]:
    """Meanwhile another session prints without end, and somebody watches it from a process of its own."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            os.setpgid(0, 0)  # What it starts, a ttyd, ends with it.
            terminal = server.open("cooked-0")
            ready(terminal)
            terminal.type(b"\n")
            told = False
            while True:
                offset, _ = terminal.read()
                if not told and offset > 2_000_000:
                    told = True
                    os.write(writer, b"%-40s" % getattr(terminal, "id", "").encode())
        finally:
            os._exit(1)
    os.close(writer)
    told = os.read(reader, 40)
    os.close(reader)
    session = told.strip().decode()
    try:
        if not told:
            raise RuntimeError(f"{server.name}: the other session does not flood")
        yield
    finally:
        os.killpg(pid, 9)
        os.waitpid(pid, 0)
        if session and isinstance(server, Termwall):
            server.call("DELETE", f"/api/sessions/{session}")
