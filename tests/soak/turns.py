"""How long a message waits for the server's loop, beside a bare loop that does nothing else (L6).

By the wall, without what the server's process was ready to run and had no processor: on two cores with a hundred
programs it waits for one, as any process that has work does, and a bare loop does not.

`python -m tests.soak.turns`, given a `Watch` as a line of JSON on standard input; after another line it reports. It
asks the server and the bare loop, a process of its own, in turn. What the machine adds is in both figures, so the
server's is judged against the bare one's, and only where that one was quick: a busy machine says nothing of the server.
"""

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import uvloop
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from termwall.screen.starving import Turn

ASK_SECONDS = 0.25
QUIET_SECONDS = 0.02
"""A bare loop that answers later than that, one time in a hundred, stands on a busy machine."""
TURN_SECONDS = 0.1
MOST_RATIO = 5.0
"""What the server then has for one answer in a hundred: a turn of 100 ms, or so many times what the bare loop took."""
FEW = 100
"""Fewer answers than that say nothing."""


@dataclass(frozen=True)
class Watch:
    """What is asked."""

    base: str
    token: str
    project: str
    record: str
    """The server's `server.json`, for its process id."""

    def dump(self) -> bytes:
        """As a line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"


@dataclass
class Turns:
    """Seconds until an answer came, of each question; in turn, so that both saw the same machine."""

    server: list[float] = field(default_factory=list)
    bare: list[float] = field(default_factory=list)

    def judge(self) -> str | None:
        """What is wrong, if the machine was quiet enough to say so."""
        if min(len(self.server), len(self.bare)) < FEW or not self.quiet:
            return None
        most = max(TURN_SECONDS, MOST_RATIO * late(self.bare))
        if late(self.server) <= most:
            return None
        server, bare = late(self.server) * 1000, late(self.bare) * 1000
        return f"one answer in a hundred took more than {server:.0f} ms, and one of a bare loop {bare:.0f} ms"

    @property
    def quiet(self) -> bool:
        """Whether the bare loop was quick."""
        return bool(self.bare) and late(self.bare) <= QUIET_SECONDS


def late(values: list[float]) -> float:
    """The 99th of a hundred."""
    return sorted(values)[int(len(values) * 0.99)]


async def _bare() -> None:
    """The bare loop: gives each byte back, and ends with its standard input."""

    async def give_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(give_back, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await _line()


async def _line() -> bytes:
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    return await lines.readline()


async def _ask_server(watch: Watch, found: list[float], asked: asyncio.Event, over: "asyncio.Future[bytes]") -> None:
    url = f"{watch.base.replace('http', 'ws', 1)}/ws/terminal?projectId={watch.project}&clientId=turns"
    headers = {"Authorization": f"Bearer {watch.token}"}
    options: dict[str, Any] = {"additional_headers": headers, "subprotocols": ["termwall.v1"], "proxy": None}
    while not over.done():  # A cancel may be lost in the end of a connection.
        with contextlib.suppress(OSError, InvalidHandshake, ConnectionClosed, EOFError, TimeoutError):
            async with connect(url, max_size=None, **options) as ws:
                pid = json.loads(Path(watch.record).read_text())["pid"]
                while True:
                    await asked.wait()
                    asked.clear()
                    if over.done():
                        return
                    before, turn = time.monotonic(), Turn.of(pid)
                    await ws.send(json.dumps({"type": "heartbeat", "timestamp": int(before * 1e6)}))
                    while '"heartbeat"' not in str(await ws.recv())[:40]:
                        pass
                    took, waited = time.monotonic() - before, Turn.of(pid).waited - turn.waited
                    found.append(round(max(0.0, took - waited), 5))
        await asyncio.sleep(ASK_SECONDS)


async def _ask_bare(port: int, found: list[float], asked: asyncio.Event) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while True:
        await asked.wait()
        asked.clear()
        before = time.monotonic()
        writer.write(b"?")
        await reader.readexactly(1)
        found.append(round(time.monotonic() - before, 5))


async def _watch() -> None:
    found, events = Turns(), (asyncio.Event(), asyncio.Event())
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    watch = Watch(**json.loads(await lines.readline()))
    command = [sys.executable, "-m", "tests.soak.turns", "bare"]
    bare = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert bare.stdout is not None
    port = int(await bare.stdout.readline())
    over = asyncio.ensure_future(lines.readline())
    asking = [
        asyncio.ensure_future(_ask_server(watch, found.server, events[0], over)),
        asyncio.ensure_future(_ask_bare(port, found.bare, events[1])),
    ]
    number = 0
    while not over.done():
        events[number % 2].set()
        number += 1
        await asyncio.wait((over,), timeout=ASK_SECONDS)
    print(json.dumps(asdict(found)), flush=True)
    for one in asking:
        one.cancel()
    await asyncio.gather(*asking, return_exceptions=True)
    await bare.communicate()


if __name__ == "__main__":
    uvloop.run(_bare() if sys.argv[1:] == ["bare"] else _watch())
