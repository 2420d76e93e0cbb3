"""Watches an event loop: no turn may take long, and nothing that waits may be called on it (L6).

Judged is the processor time of the loop's thread in one callback, which a busy machine does not change, and the calls
that would wait. What a test itself does on the loop is not judged.
"""

import asyncio
import fcntl
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

TURN_SECONDS = 0.1
"""Of processor time."""
LOOPS = str(Path(asyncio.__file__).parent)
"""What the loop itself waits for, when it ends, is its own affair."""
SOURCE = str(Path(__file__).parents[2] / "src")


class Watchdog:
    """What it saw: `faults` are sentences."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.turns = 0
        self.longest = 0.0, "nothing"

    def judge(self, seconds: float, what: Callable[[], str]) -> None:
        """A turn is over."""
        self.turns += 1
        if seconds > self.longest[0]:
            self.longest = seconds, what()
        if seconds > TURN_SECONDS:
            self.faults.append(f"a turn took {seconds * 1000:.0f} ms of processor time: {what()}")

    def forget(self) -> None:
        """What was until now does not count."""
        self.__init__()  # type: ignore[misc]


def _ours(callback: Any) -> bool:
    """Whether what runs is the product's, and not a test's own."""
    task = getattr(callback, "__self__", None)
    if isinstance(task, asyncio.Task):
        code = getattr(task.get_coro(), "cr_code", None)
        return code is None or "/tests/" not in code.co_filename
    code = getattr(getattr(callback, "__func__", callback), "__code__", None)
    return code is None or "/tests/" not in code.co_filename


def _name(callback: Any) -> str:
    task = getattr(callback, "__self__", None)
    if not isinstance(task, asyncio.Task):
        return repr(callback)
    work = task.get_coro()
    frame = getattr(work, "cr_frame", None)
    scope = {} if frame is None else getattr(frame.f_locals.get("self"), "scope", None) or {}
    return f"{getattr(work, '__qualname__', work)} {scope.get('method', '')} {scope.get('path', '')}".strip()


@contextmanager
def watching() -> Iterator[Watchdog]:
    """Watch every loop of this thread for the length of the block. They must be asyncio's own."""
    dog = Watchdog()
    thread = threading.get_ident()
    handle = asyncio.events.Handle
    run = handle._run  # type: ignore[attr-defined]

    def judged(self: Any) -> None:
        callback = self._callback
        ours = callback is not None and _ours(callback)
        name = _name(callback) if ours else ""
        began = time.thread_time()
        run(self)
        if ours and threading.get_ident() == thread:
            dog.judge(time.thread_time() - began, lambda: name)

    with _forbidden(dog, thread):
        handle._run = judged  # type: ignore[attr-defined]
        try:
            yield dog
        finally:
            handle._run = run  # type: ignore[attr-defined]


@contextmanager
def _forbidden(dog: Watchdog, thread: int) -> Iterator[None]:
    """Calls that wait, while a loop runs in this thread and the product makes them."""
    undo: list[Callable[[], None]] = []

    def forbid(owner: Any, name: str, waits: Callable[..., bool]) -> None:
        before = getattr(owner, name)
        inherited = name not in vars(owner)

        def guarded(*arguments: Any, **named: Any) -> Any:
            if threading.get_ident() == thread and _on_loop() and waits(*arguments, **named) and (where := _caller()):
                dog.faults.append(f"{owner.__name__}.{name}, which waits, is called on the event loop at {where}")
            return before(*arguments, **named)

        setattr(owner, name, guarded)
        undo.append(lambda: delattr(owner, name) if inherited else setattr(owner, name, before))

    def blocking(channel: socket.socket, *_: Any, **__: Any) -> bool:
        return channel.gettimeout() != 0

    forbid(time, "sleep", lambda seconds: seconds > 0)
    forbid(subprocess, "run", lambda *_, **__: True)
    forbid(subprocess.Popen, "wait", lambda self, *_, **__: self.returncode is None)
    forbid(subprocess.Popen, "communicate", lambda *_, **__: True)
    forbid(fcntl, "flock", lambda _, operation: not operation & (fcntl.LOCK_NB | fcntl.LOCK_UN))
    forbid(os, "waitpid", lambda _, options: not options & os.WNOHANG)
    forbid(select, "select", lambda *arguments: len(arguments) < 4 or arguments[3] != 0)
    for name in ("connect", "recv", "recvmsg", "recv_into", "send", "sendall", "sendmsg", "accept"):
        forbid(socket.socket, name, blocking)
    forbid(threading.Thread, "join", lambda *_, **__: True)
    try:
        yield
    finally:
        for one in undo:
            one()


def _on_loop() -> bool:
    return asyncio._get_running_loop() is not None


def _caller() -> str:
    """Where the product makes the call; nothing where a test or the library that runs the loop does."""
    frame = sys._getframe(2)
    if frame.f_code.co_filename.startswith(LOOPS):
        return ""
    while frame is not None and not frame.f_code.co_filename.startswith(SOURCE):
        if "/tests/" in frame.f_code.co_filename and not frame.f_code.co_filename.endswith("watchdog.py"):
            return ""
        frame = frame.f_back  # type: ignore[assignment]
    return "" if frame is None else f"{frame.f_code.co_filename.removeprefix(SOURCE)}:{frame.f_lineno}"
