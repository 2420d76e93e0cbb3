"""`python -m termwall` in a process of its own, forked from one that has imported it: a start without its second.

What it does, prints and leaves behind is a started command's. Where the start itself matters (the command line of
the process, Python's own settings, a pipe that is closed early), tests start it with `subprocess`.
"""

import contextlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from multiprocessing.reduction import DupFd
from pathlib import Path
from types import ModuleType
from typing import Any

_CONTEXT = multiprocessing.get_context("forkserver")
USED_LATER = (
    "concurrent.futures.thread",
    "encodings.idna",
    "fastapi.telemetry._runtime",
    "pydantic.v1",
    "termwall.cluster.bus.nats",
    "termwall.cli.compatible",
    "uvicorn.lifespan.on",
    "uvloop",
)
"""What a server imports only once it needs it."""
_CONTEXT.set_forkserver_preload(
    ["termwall.__main__", "termwall.cli.main", "termwall.server", "termwall.cli.attach", "httpx2", *USED_LATER]
)


class Prepared:
    """One command that runs; the part of `subprocess.Popen` that tests use.

    Args:
        words: the arguments of `termwall`.
        env: its whole environment.
        cwd: its folder.
        stdin, stdout, stderr: descriptors, which stay the caller's.
    """

    def __init__(
        self, words: list[str], *, env: Mapping[str, str], cwd: Path, stdin: int, stdout: int, stderr: int
    ) -> None:
        streams = [DupFd(one) for one in (stdin, stdout, stderr)]  # type: ignore[no-untyped-call]
        self._process = _CONTEXT.Process(target=_run, args=(words, dict(env), str(cwd), streams))
        with _no_main():
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        """Its exit code, below 0 a signal's number; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Until it ends.

        Raises:
            subprocess.TimeoutExpired: it did not, for so many seconds.
        """
        self._process.join(timeout)
        code = self.poll()
        if code is None:
            raise subprocess.TimeoutExpired("termwall", timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        """Send it a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def run(
    words: list[str], *, env: Mapping[str, str], cwd: Path, text: str = "", timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, with this on its standard input.

    Raises:
        subprocess.TimeoutExpired: it did not end in so many seconds; it was killed.
    """
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(text.encode())
        given.seek(0)
        command = Prepared(words, env=env, cwd=cwd, stdin=given.fileno(), stdout=out.fileno(), stderr=err.fileno())
        try:
            code = command.wait(timeout)
        finally:
            command.kill()
        printed = []
        for file in (out, err):
            file.seek(0)
            printed.append(file.read().decode())
    return subprocess.CompletedProcess(words, code, *printed)


@contextlib.contextmanager
def _no_main() -> Iterator[None]:
    """Nothing of the caller's own main module is to be run again for each command."""
    main, sys.modules["__main__"] = sys.modules["__main__"], ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


def _run(words: list[str], env: dict[str, str], cwd: str, streams: list[Any]) -> None:
    for number, stream in enumerate(streams):
        descriptor = stream.detach()
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = (open(number, "w", buffering=1, closefd=False) for number in (1, 2))  # noqa: SIM115
    os.environ.clear()
    os.environ.update(env)
    os.chdir(cwd)
    sys.argv = ["termwall", *words]
    from termwall.__main__ import main

    try:
        main()
    finally:
        with contextlib.suppress(BrokenPipeError):
            sys.stdout.flush()
