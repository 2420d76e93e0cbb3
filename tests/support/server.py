"""A real `termwall serve` in a process of its own, for tests that need the whole of it."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from tests.support.holder import end_holder
from tests.support.prepared import Prepared

STOP_SECONDS = 15
_requests = httpx2.Client(timeout=15, trust_env=False, verify=False, limits=httpx2.Limits(max_keepalive_connections=0))
"""Each on a connection of its own: servers are killed and come back."""


class Server:
    """A server on a free port. `start` again after `stop` or `kill`: the same data folder, port and token."""

    stop_seconds: float = STOP_SECONDS
    """Until one that was to end has ended."""

    def __init__(
        self,
        data_dir: Path,
        *options: str,
        cwd: Path | None = None,
        env: dict[str, str] | None = None,
        within: Sequence[str] = (),
    ) -> None:
        """`within`: a command that runs it, such as in another network namespace."""
        self.data_dir = data_dir
        self.options = options
        self.cwd = cwd or data_dir
        self.env = env or {}
        self.within = within
        self.port = 0
        self.token = ""
        self.base = ""
        self.process: subprocess.Popen[bytes] | Prepared | None = None
        self.errors = data_dir / "stderr.log"

    def start(self) -> "Server":
        """Start, and wait for the ready line."""
        return self.begin().ready()

    def begin(self) -> "Server":
        """Start, and wait for nothing."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        root = Path(__file__).parent.parent.parent
        env = {name: value for name, value in os.environ.items() if not name.startswith("TERMWALL_")}
        env |= {"PYTHONPATH": str(root / "src"), "PYTHONUNBUFFERED": "1", "SHELL": "/bin/sh", "PS1": "$ ", **self.env}
        words = ["serve", "--no-open", "--port", str(self.port), "--data-dir", str(self.data_dir), *self.options]
        reading, writing = os.pipe()
        with open(self.errors, "ab") as errors, open(os.devnull, "rb") as nothing:
            streams = {"stdin": nothing.fileno(), "stdout": writing, "stderr": errors.fileno()}
            if self.within or "PYTHONPATH" in self.env:
                command = [*self.within, sys.executable, "-m", "termwall", *words]
                self.process = subprocess.Popen(command, env=env, cwd=self.cwd, **streams)
            else:
                self.process = Prepared(words, env=env, cwd=self.cwd, **streams)
        os.close(writing)
        self._output = open(reading, "rb")  # noqa: SIM115
        return self

    def ready(self) -> "Server":
        """Wait for the ready line."""
        line = self._output.readline().decode()
        if not line:
            self._output.close()
        assert line.startswith("termwall ready: http://"), f"{line!r} {self.errors.read_text()[-2000:]}"
        self.base, _, self.token = line.split()[-1].partition("/?token=")
        self.port = int(self.base.rpartition(":")[2])
        return self

    @property
    def pid(self) -> int:
        """The server's process id."""
        assert self.process is not None
        return self.process.pid

    def call(self, method: str, path: str, body: object = None, **options: Any) -> httpx2.Response:
        """One request with the owner's token."""
        headers = {"authorization": f"Bearer {self.token}", **options.pop("headers", {})}
        return _requests.request(method, self.base + path, json=body, headers=headers, **options)

    def project(self, path: Path, **fields: Any) -> str:
        """A new project's id."""
        path.mkdir(parents=True, exist_ok=True)
        answer = self.call("POST", "/api/projects", {"path": str(path), **fields})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def session(self, project: str, *command: str, **fields: Any) -> str:
        """A new session's id."""
        body = {"command": list(command), **fields} if command else fields
        answer = self.call("POST", f"/api/projects/{project}/sessions", body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def focus(self, project: str, *sessions: str) -> dict[str, Any]:
        """Make these the stage."""
        answer = self.call("PUT", "/api/terminal/focus", {"projectId": project, "sessionIds": list(sessions)})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def stop(self) -> int:
        """SIGTERM; returns the exit code."""
        return self._end(signal.SIGTERM)

    def end(self) -> None:
        """Stop it, and end the programs that would outlive it."""
        self.stop()
        end_holder(self.data_dir)

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def _end(self, number: int) -> int:
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            code = self.process.wait(self.stop_seconds)
        finally:
            if self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            self._output.close()
            self.process = None
        return code

    def tracebacks(self) -> str:
        """What no test wants to see on standard error."""
        text = self.errors.read_text(errors="replace")
        return text if "Traceback" in text or "never retrieved" in text else ""


@contextmanager
def running(data_dir: Path, *options: str, **more: Any) -> Iterator[Server]:
    """A server for the length of a block; it must end without a traceback."""
    server = Server(data_dir, *options, **more).start()
    try:
        yield server
    finally:
        server.end()
    assert not server.tracebacks(), server.tracebacks()
