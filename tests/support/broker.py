"""Real NATS servers, each a process that can be killed and started again with what it had stored."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import nats

from tests.support.patience import PATIENCE


def server_path() -> str | None:
    """The nats-server beside this Python, else the one on PATH."""
    beside = Path(sys.executable).parent / "nats-server"
    return str(beside) if beside.exists() else shutil.which("nats-server")


def free_port(address: str = "127.0.0.1") -> int:
    with socket.socket() as one:
        one.bind((address, 0))
        return int(one.getsockname()[1])


class Broker:
    """One server. Its port and its store stay the same from start to start.

    Args:
        host: where it listens.
        port: a free one of this machine unless given.
        within: a command that runs it, such as in another network namespace.
    """

    def __init__(
        self,
        folder: Path,
        *,
        jetstream: bool = True,
        more: str = "",
        host: str = "127.0.0.1",
        port: int | None = None,
        within: Sequence[str] = (),
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.host = host
        self.port = free_port() if port is None else port
        self.url = f"nats://{host}:{self.port}"
        self._within = within
        self._config = folder / "nats.conf"
        text = f"listen: {host}:{self.port}\n"
        if jetstream:
            text += f'jetstream {{ store_dir: "{folder / "store"}", sync_interval: always }}\n'
        self._config.write_text(text + more)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, wait: bool = True) -> None:
        path = server_path()
        assert path is not None, "there is no nats-server"
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen([*self._within, path, "-c", str(self._config)], stdout=log, stderr=log)
        if wait:
            self.wait()

    def wait(self) -> None:
        """Until it listens."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                socket.create_connection((self.host, self.port), 1).close()
                return
            except OSError:
                assert self._process is not None and self._process.poll() is None, (self.folder / "log").read_text()
                assert time.monotonic() < deadline
                time.sleep(0.01)

    def forget(self) -> None:
        """Lose all that was stored; while it does not run."""
        shutil.rmtree(self.folder / "store")

    def signal(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """`kill -9`."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def _end(self, number: int) -> None:
        if self._process is None:
            return
        self._process.send_signal(signal.SIGCONT)
        self._process.send_signal(number)
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    def __enter__(self) -> "Broker":
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()


class Cluster:
    """Three servers that replicate their streams."""

    def __init__(self, folder: Path, *, more: str = "") -> None:
        routes = [free_port() for _ in range(3)]
        listed = ", ".join(f"nats://127.0.0.1:{port}" for port in routes)
        self.brokers = [
            Broker(
                folder / f"n{number}",
                more=f"server_name: n{number}\n"
                f"cluster {{ name: three, listen: 127.0.0.1:{routes[number]}, routes: [{listed}] }}\n" + more,
            )
            for number in range(3)
        ]

    @property
    def urls(self) -> list[str]:
        return [broker.url for broker in self.brokers]

    def start(self) -> None:
        for broker in self.brokers:
            broker.start(wait=False)
        for broker in self.brokers:
            broker.wait()

    async def kill_leader(self, stream: str) -> Broker:
        """`kill -9` of the server that leads the stream."""
        client = await nats.connect(self.urls)
        try:
            answer = await client.request(f"$JS.API.STREAM.INFO.{stream}", b"", timeout=PATIENCE)
        finally:
            await client.close()
        broker = self.brokers[int(json.loads(answer.data)["cluster"]["leader"].removeprefix("n"))]
        broker.kill()
        return broker

    def stop(self) -> None:
        for broker in self.brokers:
            broker.kill()
