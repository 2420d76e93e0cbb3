"""A server with sessions whose programs print their texts, and checkers that watch them: the stand of every soak."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from termwall.pty.rendezvous import HolderError, look
from tests.soak.checker import Printed, Task, Viewing
from tests.soak.text import Ledger, Text
from tests.soak.turns import Turns, Watch
from tests.support.server import Server

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("program.py")
TYPED_SECONDS, REPORT_SECONDS, DONE_SECONDS = 300.0, 600.0, 300.0
"""Until checkers say what they typed and it has come, until they have reported, until the programs print no more."""
CALL_SECONDS = 60.0
"""Until a call is answered: longer than the server's own bounds, which end in 503."""
END_SECONDS = 60.0
"""Until a server that was to stop has ended: its own bound is 10 s, on a machine on which it has turns."""
SCREEN_SECONDS = 60.0
"""Until a screen can be had at the end."""
LOOK_SECONDS = 0.02


def waited(condition: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Wait for what must come.

    Raises:
        AssertionError: it did not come in time.
    """
    until = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < until, f"{what} did not come in {seconds} s"
        time.sleep(LOOK_SECONDS)
    return value


@dataclass
class Verdict:
    """What the checkers found in all."""

    clients: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    shifts: dict[str, int] = field(default_factory=dict)
    """Of each session whose bytes were not all there once: by how many bytes; less than 0 came twice."""
    lag: list[float] = field(default_factory=list)

    def sum(self, name: str) -> int:
        """Of all clients."""
        return int(sum(client[name] for client in self.clients))

    @property
    def lost(self) -> int:
        """Bytes that did not come, where that can be said."""
        return sum(max(0, shift) for shift in self.shifts.values())

    @property
    def doubled(self) -> int:
        """Bytes that came twice."""
        return sum(max(0, -shift) for shift in self.shifts.values())

    @property
    def closes(self) -> Counter[str]:
        """How often connections ended, by close code; 1006 is without one."""
        found: Counter[str] = Counter()
        for client in self.clients:
            found.update(client["closes"])
        return found

    def add(self, report: dict[str, Any]) -> None:
        """A checker's report."""
        self.clients += report["clients"]
        self.lag += report["lag"]
        for client in report["clients"]:
            for fault in client["faults"]:
                self.faults.append(
                    f"{fault['client']}, session {fault['session']} at {fault['offset']}: {fault['what']}"
                )
                if fault["lost"] is not None:
                    self.shifts.setdefault(fault["session"], fault["lost"])
            self.faults += [f"{client['name']}: `{text}` was not typed" for text in client["refused"]]
            self.faults += [f"{client['name']}, session {name}: a jump ({how})" for name, how in client["jumps"]]


class PatientServer(Server):
    """A server on a machine that may do other work."""

    stop_seconds = END_SECONDS

    def call(self, method: str, path: str, body: object = None, **options: Any) -> httpx2.Response:
        """One request with the owner's token."""
        return super().call(method, path, body, **{"timeout": CALL_SECONDS, **options})


class Stand:
    """One server, what runs in it, and who watches."""

    def __init__(self, folder: Path, env: dict[str, str] | None = None, *, seed: int = 1, **task: Any) -> None:
        """`task`: what the checkers' `Task` gets besides."""
        self.folder = folder
        self.seed = seed
        self.server = PatientServer(folder / "data", env=env)
        self.printed: dict[str, Printed] = {}
        self.kinds: dict[str, str] = {}
        self.ledgers: dict[str, Ledger] = {}
        self.checkers: list[subprocess.Popen[bytes]] = []
        self.turns: subprocess.Popen[bytes] | None = None
        self._task = task

    def add(self, project: str, kind: str, *options: str) -> Printed:
        """A session that prints, floods or echoes."""
        number = len(self.printed)
        path = str(self.folder / f"{number}.ledger")
        command = [sys.executable, "-S", str(PROGRAM), kind, str(number), path, *options]
        answer = self.server.call("POST", f"/api/projects/{project}/sessions", {"command": command})
        assert answer.status_code == 201, answer.text
        one = Printed(answer.json()["id"], project, number, answer.json()["epoch"], path)
        self.printed[one.id], self.kinds[one.id], self.ledgers[one.id] = one, kind, Ledger(path)
        return one

    def project(self, name: str, focused: int) -> str:
        """A project whose sessions can all be on the stage."""
        return self.server.project(self.folder / name, id=name, maxFocused=focused)

    def focus(self) -> None:
        """All sessions on their stages: each byte is then streamed."""
        for project in {one.project for one in self.printed.values()}:
            self.server.focus(project, *(one.id for one in self.printed.values() if one.project == project))

    def check(self, viewings: list[Viewing]) -> None:
        """Start a checker with these clients."""
        sessions = [one for one in self.printed.values() if any(one.project == viewing.project for viewing in viewings)]
        server = self.server
        task = Task(server.base, server.token, self.seed + len(self.checkers), sessions, viewings, **self._task)
        self.checkers.append(self._started("tests.soak.checker", task.dump()))

    def watch_turns(self, project: str) -> None:
        """Measure from now on how long the server's loop lets a message wait."""
        watch = Watch(self.server.base, self.server.token, project, str(self.server.data_dir / "server.json"))
        self.turns = self._started("tests.soak.turns", watch.dump())

    def turned(self) -> Turns:
        """What was measured."""
        assert self.turns is not None
        self._say(self.turns, {})
        return Turns(**self._hear(self.turns, REPORT_SECONDS))

    def _started(self, module: str, task: bytes) -> "subprocess.Popen[bytes]":
        process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}"},
            start_new_session=True,
        )
        assert process.stdin is not None
        process.stdin.write(task)
        process.stdin.flush()
        return process

    def reached(self, one: Printed, offset: int) -> None:
        """Wait until the first checker of a session has come so far."""
        waited(lambda: self.ledgers[one.id].checked(0) >= offset, f"offset {offset} of {one.id}")

    def settle(self) -> Verdict:
        """Let the typists rest, then the programs; have each checker see everything to the end."""
        totals: dict[str, int] = {}
        for checker in self.checkers:
            self._say(checker, {})
        for checker in self.checkers:
            totals |= self._hear(checker, TYPED_SECONDS)["typed"]
        verdict = Verdict()
        for session, count in totals.items():
            until, ledger = time.monotonic() + TYPED_SECONDS, self.ledgers[session]
            while ledger.written < count and time.monotonic() < until:
                time.sleep(LOOK_SECONDS)
            if ledger.written != count:
                verdict.faults.append(f"session {session}: {count} bytes were typed, and it got {ledger.written}")
        for session, ledger in self.ledgers.items():
            ledger.stop = True
            waited(lambda ledger=ledger: ledger.done, f"the end of {session}'s output", DONE_SECONDS)  # type: ignore[misc]
            totals[session] = ledger.written
        for checker in self.checkers:
            self._say(checker, totals)
        for checker in self.checkers:
            verdict.add(self._hear(checker, REPORT_SECONDS))
        verdict.faults += [fault for session, total in totals.items() if (fault := self._shows(session, total))]
        return verdict

    def _shows(self, session: str, total: int) -> str | None:
        """What is wrong with a session's screen, now that all was printed."""
        until = time.monotonic() + SCREEN_SECONDS
        while True:  # A worker that was just started may still be away.
            screen = self.server.call("GET", f"/api/sessions/{session}/screen?format=text")
            if screen.status_code != 503 or time.monotonic() > until:
                break
            time.sleep(0.5)
        line = Text(self.printed[session].number).line(total)
        if screen.status_code != 200:
            return f"session {session}: no screen ({screen.status_code} {screen.text[:200]})"
        offset = int(screen.headers["x-termwall-offset"])
        if offset != total or line not in screen.text:
            return f"session {session}: the screen of offset {offset} for {total} lacks the line {line!r}"
        return None

    def _say(self, checker: "subprocess.Popen[bytes]", message: object) -> None:
        assert checker.stdin is not None
        checker.stdin.write(json.dumps(message).encode() + b"\n")
        checker.stdin.flush()

    def _hear(self, checker: "subprocess.Popen[bytes]", seconds: float) -> dict[str, Any]:
        assert checker.stdout is not None
        assert select.select([checker.stdout], [], [], seconds)[0], f"a checker took more than {seconds} s"
        line = checker.stdout.readline()
        assert line, "a checker ended"
        return dict(json.loads(line))

    def end(self) -> None:
        """End everything."""
        for checker in [*self.checkers, *([] if self.turns is None else [self.turns])]:
            checker.kill()
            checker.wait()
            for stream in (checker.stdin, checker.stdout):
                if stream is not None:
                    stream.close()
        self.server.end()

    # ---- its processes

    def _look(self) -> dict[str, Any] | None:
        try:
            return look(self.server.data_dir)
        except HolderError:
            return None

    @property
    def holder(self) -> int | None:
        """The holder's process; None also where a busy machine keeps it from answering."""
        found = self._look()
        return None if found is None else int(found["pid"])

    @property
    def caretaker(self) -> int | None:
        """Who owns the sessions: the caretaker, while there is no server."""
        found = self._look()
        return None if found is None or found["owner"] is None else int(found["owner"])

    @property
    def worker(self) -> int | None:
        """The server's screen worker."""
        pid = self.server.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            try:
                command = Path(f"/proc/{child}/cmdline").read_bytes()
            except OSError:
                continue
            if b"termwall.screen.worker" in command:
                return int(child)
        return None


def kill(pid: int) -> None:
    """At once."""
    os.kill(pid, signal.SIGKILL)


def left(mark: str, seconds: float = 10.0) -> list[str]:
    """The processes that have a mark in their environment, after a while in which they may end."""
    until = time.monotonic() + seconds
    while (found := _marked(mark.encode())) and time.monotonic() < until:
        time.sleep(LOOK_SECONDS)
    return found


def _marked(mark: bytes) -> list[str]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (path / "environ").read_bytes() and int(path.name) != os.getpid():
                found.append(f"{path.name} {(path / 'cmdline').read_bytes()[:200]!r}")
        except OSError:
            continue
    return found
