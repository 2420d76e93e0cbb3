"""What knowing every screen costs: pictures after a long log, keys beside unfocused floods, bytes sent, memory."""

import select
import statistics
import time
from typing import Any

from benchmarks.child import expected
from benchmarks.measure import echo
from benchmarks.processes import held
from benchmarks.terminals import COMMANDS, Termwall, TermwallTerminal, ready

FLOODS = 20
"""Unfocused sessions that print without end beside the one that is typed into."""
SESSIONS = 50
"""Sessions whose memory is taken together, because one alone is lost in the noise."""
FULL = r"""i=0; while [ $i -lt 60000 ]; do i=$((i+1))
printf '\033[3%dmline %d\033[0m of a log with colours\n' $((i%8)) $i; done; cat"""
"""Fills a ring of 2 MiB and all its scrollback."""


def attach(server: Termwall, session: str) -> float:
    """Milliseconds from the handshake's begin until the whole snapshot is there."""
    started = time.perf_counter()
    socket = server.connect(session)
    for binary, frame in socket.frames():
        if binary and frame[0] == 2:
            break
    seconds = time.perf_counter() - started
    socket.close()
    return seconds * 1000


def printed(server: Termwall, megabytes: int) -> TermwallTerminal:
    """A session on the stage that has printed so much, and has been drawn."""
    terminal = TermwallTerminal(server, f"cooked-{megabytes}")
    end = ready(terminal) + expected("cooked", megabytes)
    terminal.type(b"\n")
    while terminal.read()[0] < end:
        pass
    screen(server, terminal.id)
    return terminal


def screen(server: Termwall, session: str) -> str:
    """The rows of a session."""
    rows = server.call("GET", f"/api/sessions/{session}/screen")["lines"]
    return "\n".join("".join(run["text"] for run in row) for row in rows)


def attaches(server: Termwall, rounds: int) -> tuple[list[float], list[float]]:
    """Per round the median of ten pictures after 1 MB and after 1 GB, in turns."""
    small, large = printed(server, 1), printed(server, 1000)
    found: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        pairs = [(attach(server, small.id), attach(server, large.id)) for _ in range(10)]
        found[0].append(statistics.median(a for a, _ in pairs))
        found[1].append(statistics.median(b for _, b in pairs))
    small.close()
    large.close()
    return found


class Floods:
    """Sessions that nobody has on the stage, printing without end while it is entered."""

    def __init__(self, server: Termwall, count: int) -> None:
        self._server = server
        path = f"/api/projects/{server.project}/sessions"
        body = {"command": COMMANDS["cooked-0"], "cols": 80, "rows": 24}
        self._ids = [server.call("POST", path, body)["id"] for _ in range(count)]

    def __enter__(self) -> None:
        for session in self._ids:
            while "READY" not in screen(self._server, session):
                pass
            self._server.call("POST", f"/api/sessions/{session}/input", {"data": "\n"})
        time.sleep(1)

    def __exit__(self, *_: object) -> None:
        for session in self._ids:
            self._server.call("DELETE", f"/api/sessions/{session}")
        time.sleep(1)


def echo_beside_floods(server: Termwall, rounds: int, keys: int) -> tuple[list[float], list[float]]:
    """Per round the p50 of keys in milliseconds, idle and beside the floods."""
    idle, busy = [], []
    for number in range(rounds):
        times = echo(server, keys, number)
        idle.append(times[len(times) // 2])
        with Floods(server, FLOODS):
            times = echo(server, keys, number)
        busy.append(times[len(times) // 2])
    return idle, busy


def sent(server: Termwall, floods: int, seconds: float = 4.0) -> float:
    """Bytes a second that a client of the whole project gets while so many unfocused sessions flood."""
    with Floods(server, floods):
        socket = server.connect()
        received, until = 0, time.perf_counter() + seconds
        begun = until - seconds / 2
        while (now := time.perf_counter()) < until:
            if select.select([socket.socket], [], [], 0.1)[0]:
                count = len(socket.socket.recv(1 << 16))
                received += count if now > begun else 0
        socket.close()
    return received / (seconds / 2)


def memory(server: Termwall, command: list[str]) -> float:
    """KB that one more session takes in the server and the screen worker together."""
    before = held(server.process.pid)
    path = f"/api/projects/{server.project}/sessions"
    made: list[dict[str, Any]] = [server.call("POST", path, {"command": command}) for _ in range(SESSIONS)]
    for session in made:
        screen(server, session["id"])
    time.sleep(3)
    for session in made:
        screen(server, session["id"])
    used = (held(server.process.pid) - before) / SESSIONS
    for session in made:
        server.call("DELETE", f"/api/sessions/{session['id']}")
    time.sleep(2)
    return used
