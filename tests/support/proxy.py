"""A proxy in front of a server that changes each request's head, as a badly written configuration does."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress

Rewrite = Callable[[list[bytes]], list[bytes]]
"""Makes other lines of a request's head."""


def unchanged(lines: list[bytes]) -> list[bytes]:
    """As it came."""
    return lines


def without_upgrade(lines: list[bytes]) -> list[bytes]:
    """As a proxy that does not know WebSockets."""
    return [line for line in lines if not line.lower().startswith((b"upgrade:", b"connection:", b"sec-websocket"))]


def without_port(lines: list[bytes]) -> list[bytes]:
    """As nginx with `Host $host`, on a port of its own."""
    return [line.rpartition(b":")[0] if line.lower().startswith(b"host:") else line for line in lines]


@contextmanager
def proxied(target: int, rewrite: Rewrite, silent: bool = False) -> Iterator[int]:
    """Its port, for the length of a block. One request a connection; it runs in a thread of its own.

    `silent`: nothing of a WebSocket that the server sends gets through, besides that it is let in.
    """
    loop = asyncio.new_event_loop()
    ports: list[int] = []
    servers: list[asyncio.Server] = []
    started = threading.Event()

    async def forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with closing(writer), suppress(OSError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            lines = rewrite(head.rstrip().split(b"\r\n"))
            upgrades = any(line.lower().startswith(b"upgrade:") for line in lines)
            if not upgrades:
                lines = [line for line in lines if not line.lower().startswith(b"connection:")]
                lines.append(b"Connection: close")
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", target)
            with closing(far_writer):
                far_writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
                back: asyncio.StreamWriter | None = writer
                if upgrades and silent:
                    writer.write(await far_reader.readuntil(b"\r\n\r\n"))
                    back = None
                await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, back))

    async def serve() -> None:
        server = await asyncio.start_server(forward, "127.0.0.1", 0)
        ports.append(server.sockets[0].getsockname()[1])
        started.set()
        servers.append(server)

    def run() -> None:
        loop.run_until_complete(serve())
        loop.run_forever()
        loop.run_until_complete(_end(asyncio.all_tasks(loop)))
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    started.wait(10)
    try:
        yield ports[0]
    finally:
        loop.call_soon_threadsafe(servers[0].close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)


async def _end(tasks: set[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.sleep(0)  # What was closed is closed by now.


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter | None) -> None:
    """From one side to the other; without a writer it is dropped."""
    with suppress(OSError):
        while data := await reader.read(65536):
            if writer is not None:
                writer.write(data)
                await writer.drain()
    if writer is not None:
        writer.close()
