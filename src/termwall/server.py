"""Runs termwall's application with uvicorn on one port, until it is asked to stop (A5)."""

import asyncio
import contextlib
import errno
import faulthandler
import json
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import TextIO

import uvicorn

from termwall.app import Termwall, create_app
from termwall.config import Settings
from termwall.pty.launcher import write_launcher
from termwall.store.folder import RECORD, Claim, data_folder
from termwall.system import descriptors, shortage
from termwall.system.descriptors import raise_limit
from termwall.transport.picows_edge import http_protocol, websocket_protocol
from termwall.version import version

MIN_BACKLOG, MAX_BACKLOG = 16, 2048
"""Connections that wait to be accepted."""
SHUTDOWN_SECONDS = 1.5
"""How long requests may take to end once the server was asked to stop."""
END_SECONDS = 8.5
"""A server that has not ended so long after it was asked to is ended, with where it hung in its log (L3)."""

LOOK_SECONDS, MOST_LOOK_SECONDS = 1.0, 60.0
"""Between two looks at what the data folder must have; longer each time it cannot be put back."""

log = logging.getLogger("termwall.server")


class CannotListen(OSError):
    """The address cannot be had."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    Raises:
        CannotListen: the address cannot be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(MAX_BACKLOG)
    except OSError as error:
        listener.close()
        raise CannotListen(error.errno, error.strerror or str(error)) from None
    except BaseException:
        listener.close()
        raise
    return listener


def serve(settings: Settings, ready: Callable[[str, Termwall], None]) -> None:
    """Serve until SIGTERM or SIGINT. `ready` gets the base address once the server can be used.

    Raises:
        DataFolderError, HolderError, BusError, CannotListen, OSError: it cannot be started.
    """
    raise_limit()
    if descriptors.limit() < descriptors.LEAST:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    with (
        data_folder(settings.data_dir, take_over=settings.take_over) as claim,
        listen(settings.host, settings.port) as listener,
    ):
        port = listener.getsockname()[1]
        shown = "127.0.0.1" if settings.host in ("0.0.0.0", "localhost") else settings.host
        url = f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"
        loop_factory = _loop_factory()
        with asyncio.Runner(loop_factory=loop_factory) as runner:
            runner.run(_serve(settings, listener, url, claim, ready))
    # All is closed, and whoever waits for the folder has it: the last resort would only make a failure of it.
    faulthandler.cancel_dump_traceback_later()


async def _serve(
    settings: Settings, listener: socket.socket, url: str, claim: Claim, ready: Callable[[str, Termwall], None]
) -> None:
    app = create_app(settings)
    termwall: Termwall = app.state.termwall
    config = uvicorn.Config(
        app,
        http=http_protocol(termwall.bounds, termwall.access.knows_sender),
        ws=websocket_protocol(termwall.service, termwall.access, termwall.bounds),  # type: ignore[arg-type]
        loop="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,  # type: ignore[arg-type]
        # Those that wait in the kernel may all come in one turn, before anybody could be sent away (L4).
        backlog=max(MIN_BACKLOG, min(MAX_BACKLOG, descriptors.spare() // 4)),
    )
    server = _Server(config)
    server.on_started = lambda: _started(claim, url, termwall, ready)
    server.on_stop = termwall.service.stops
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    # What kept it from starting is reported as a sentence, not as uvicorn's traceback.
    uvicorns = logging.getLogger("uvicorn.error")
    uvicorns.addFilter(unexplained := lambda record: termwall.failure is None)
    try:
        await server.serve(sockets=[listener])
    except SystemExit:
        if termwall.failure is not None:
            raise termwall.failure from None
        raise
    finally:
        uvicorns.removeFilter(unexplained)


def _started(claim: Claim, url: str, termwall: Termwall, ready: Callable[[str, Termwall], None]) -> None:
    known = {"url": url, "pid": os.getpid(), "version": version(), "settings": termwall.settings.as_environment()}
    try:
        claim.write_down(json.dumps(known))
    except OSError as error:
        place = termwall.settings.data_dir
        sentence = "`%s` is not written: %s. Until it is, termwall's commands need `--url %s --token-file %s`."
        log.error(sentence, place / RECORD, shortage.why(error), url, place / "token")
    claim.secrets = {"token": termwall.access.token, "instance": termwall.access.instance}
    _look_after(claim, termwall)
    try:
        ready(url, termwall)
    except OSError as error:  # The disk of a file is full, or who read it is gone.
        log.error("the address cannot be printed: %s. The server runs nevertheless.", shortage.why(error))
        with contextlib.suppress(OSError, ValueError):  # What is left of it would fail again at the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC), sys.stdout.fileno())


def _look_after(claim: Claim, termwall: Termwall, failed: int = 0) -> None:
    """Put back what somebody removes from the data folder, within a second, and as often as it takes (L12)."""
    try:
        if claim.look_after():
            log.warning("`lock` or `%s` was gone from the data folder, and is there again", RECORD)
            write_launcher(termwall.settings.data_dir)
        termwall.store.look_after()
        failed = 0
    except OSError as error:
        if not failed:
            log.error("what is gone from the data folder cannot be put back yet: %s", shortage.why(error))
        failed += 1
    delay = min(LOOK_SECONDS * 2**failed, MOST_LOOK_SECONDS)
    asyncio.get_running_loop().call_later(delay, _look_after, claim, termwall, failed)


class _Server(uvicorn.Server):
    """uvicorn's server with our signals: its own re-raise them at the end, and a clean stop exits with 0."""

    on_started: Callable[[], None]
    on_stop: Callable[[], None]

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals to the loop's handlers."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then say so."""
        await super().startup(sockets)
        if self.started:
            self.on_started()

    def stop(self) -> None:
        """Stop; how long that takes is bounded (by requests, then by programs), so a second signal changes nothing."""
        if not self.should_exit:
            self.should_exit = True
            end_at_last()
            self.on_stop()


def end_at_last() -> None:
    """End the process after `END_SECONDS`, with where it hung on standard error: the last resort of a stop.

    No event loop and no thread can hold it up, and no reader of standard error who reads no more: a pipe is opened once
    more, so that nothing waits for room in it (Linux; elsewhere who stops the server kills it).
    """
    file: int | TextIO = sys.stderr
    with contextlib.suppress(OSError):
        file = os.open("/proc/self/fd/2", os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    faulthandler.dump_traceback_later(END_SECONDS, exit=True, file=file)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
