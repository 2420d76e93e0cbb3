"""Watches an event loop: no turn may take long, and nothing that waits may be called on it (L6).

Judged is the processor time of the loop's thread, which a busy machine does not change, and the calls that would wait.
`watching` judges each callback of asyncio's own loop, and not what a test itself does on it; `TurnClock` judges whole
turns of any loop, also uvloop's, which is written in C and shows nobody its callbacks.
"""

import asyncio
import fcntl
import os
import select
import socket
import stat
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


TICK_SECONDS = 0.005
SAMPLE_SECONDS = 0.03
_sleep = time.sleep
BIG_BYTES = 1 << 20
"""Of a file that is opened on the loop: reading it takes milliseconds, and for ever on a disk that hangs."""


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


class TurnClock:
    """Judges the turns of the running loop until the process ends; for one in which no test runs on the loop.

    A timer fires each `TICK_SECONDS`, at most once a turn. What the loop's thread has computed since it fired last, but
    for the time until it was due, one turn took: so what is judged is never more than a turn was. A thread looks
    meanwhile at where the loop is, to name what took long.
    """

    def __init__(self, dog: Watchdog) -> None:
        self._dog = dog
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._clock = time.pthread_getcpuclockid(self._thread)
        self._spent = time.thread_time()
        self._places: list[str] = []
        self._loop.call_later(TICK_SECONDS, self._tick)
        threading.Thread(target=self._sample, name="watchdog", daemon=True).start()

    def _tick(self) -> None:
        spent = time.thread_time()
        took, places, self._spent = spent - self._spent - TICK_SECONDS, self._places, spent
        self._places = []
        self._dog.judge(max(took, 0.0), lambda: " / ".join(places[-4:]) or "nothing was seen")
        self._loop.call_later(TICK_SECONDS, self._tick)

    def _sample(self) -> None:
        while True:
            _sleep(SAMPLE_SECONDS)
            frame = sys._current_frames().get(self._thread)
            if frame is not None and time.clock_gettime(self._clock) - self._spent > SAMPLE_SECONDS:
                self._places.append(_place(frame))


def _place(frame: Any) -> str:
    """The innermost calls of the product in a stack."""
    names: list[str] = []
    while frame is not None and len(names) < 4:
        if frame.f_code.co_filename.startswith(SOURCE):
            names.append(f"{frame.f_code.co_qualname}:{frame.f_lineno}")
        frame = frame.f_back
    return " < ".join(names)


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
    """Watch every loop of this thread for the length of the block. Turns are judged of asyncio's own."""
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
    for name in ("getaddrinfo", "gethostbyname", "gethostbyname_ex", "gethostbyaddr", "getnameinfo"):
        forbid(socket, name, lambda *_, **__: True)
    watched = True

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        suspect = event == "open" and watched and threading.get_ident() == thread and _on_loop()
        if suspect and _is_big(arguments) and (where := _caller()):
            dog.faults.append(f"a big file is opened on the event loop at {where}: {arguments[0]}")

    sys.addaudithook(audit)  # It cannot be taken away again.
    try:
        yield
    finally:
        watched = False
        for one in undo:
            one()


def _is_big(arguments: tuple[Any, ...]) -> bool:
    """Whether a file is opened for reading, and is big."""
    path, _, flags = arguments
    if not isinstance(path, (str, bytes, os.PathLike)) or (flags or 0) & os.O_ACCMODE == os.O_WRONLY:
        return False
    try:
        found = os.stat(path)
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size > BIG_BYTES


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
