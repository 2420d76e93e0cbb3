"""A TCP connection that can be pulled: a proxy in front of a server, cut and mended by the test."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Link:
    """Forwards a port of its own to a server's. Runs in a thread, so that a browser test may block."""

    def __init__(self, target: int, host: str = "127.0.0.1") -> None:
        self.target = target
        self.host = host
        self.port = 0
        self._up = True
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._started.wait(10)

    def cut(self) -> None:
        """Pull it: what is open breaks, and nothing new gets through."""
        self._call(self._cut)

    def mend(self) -> None:
        """Put it back."""
        self._up = True

    def close(self) -> None:
        """End the proxy."""
        self._call(self._stop)
        self._thread.join(10)
        self._loop.close()

    def _call(self, function: object) -> None:
        done = threading.Event()

        def run() -> None:
            function()  # type: ignore[operator]
            done.set()

        self._loop.call_soon_threadsafe(run)
        done.wait(10)

    def _cut(self) -> None:
        self._up = False
        for writer in tuple(self._writers):
            writer.transport.abort()

    def _stop(self) -> None:
        self._cut()
        self._server.close()
        self._loop.call_later(0.05, self._loop.stop)

    def _run(self) -> None:
        async def start() -> None:
            self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
            self.port = self._server.sockets[0].getsockname()[1]
            self._started.set()

        self._loop.run_until_complete(start())
        self._loop.run_forever()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._up:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            far_reader, far_writer = await asyncio.open_connection(self.host, self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(far_writer)
        try:
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._writers -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


@contextmanager
def pullable(target: int) -> Iterator[Link]:
    """A link for the length of a block."""
    link = Link(target)
    try:
        yield link
    finally:
        link.close()
