"""termwall's application under a plain ASGI server, in a thread of this process: the edge that others mount."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from termwall.app import create_app
from termwall.config import Settings


@contextmanager
def mounted(settings: Settings, *, ws: str = "websockets-sansio", send_buffer: int | None = None) -> Iterator[int]:
    """The port that it is served on, for the length of a block.

    Args:
        ws: uvicorn's WebSocket.
        send_buffer: bytes that the kernel keeps for a client.
    """
    with socket.socket() as listener:
        if send_buffer is not None:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
        listener.bind(("127.0.0.1", 0))
        listener.listen(512)
        port = listener.getsockname()[1]
        started = threading.Event()
        serving: list[uvicorn.Server] = []

        async def main() -> None:
            app = create_app(settings)
            server = uvicorn.Server(uvicorn.Config(app, ws=ws, log_config=None, lifespan="on"))
            serving.append(server)
            task = asyncio.create_task(server.serve(sockets=[listener]))
            while not server.started:
                await asyncio.sleep(0.01)
            started.set()
            await task

        thread = threading.Thread(target=lambda: asyncio.run(main()))
        thread.start()
        assert started.wait(60)
        try:
            yield port
        finally:
            serving[0].should_exit = True
            thread.join(20)
        assert not thread.is_alive()
