"""`python -m tests.soak`: half an hour of everything at once, each byte checked.

100 sessions print or give back what is typed, 50 clients watch them: 10 stall again and again, 10 cut their
connections. Every process of the server is killed in turn: all of them in the first and the last minutes; in between
the server itself lives, so that what it holds can be compared, while its screen worker and its holder are killed.
Sessions are opened and closed, some are recorded. At the end holder and server are killed together, which is what a
reboot does: that ends the programs, and their sessions must be listed as lost, with a last screen (P5).

It fails for a byte lost or doubled, a key not typed once, a wrong picture, a process that was left behind, and for
memory or descriptors that grow by more than `footprint.py` says.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx2

from termwall.screen.starving import Turn
from tests.soak import faults
from tests.soak.checker import Viewing
from tests.soak.footprint import Figures, Footprint, grown
from tests.soak.stand import ROOT, Stand, Verdict, left
from tests.soak.text import PERIOD, Text
from tests.soak.turns import Turns

A_PROJECT = 10
"""Sessions of a project; one of them gives back what is typed, one is recorded."""
CHECKERS = 4
RING_BYTES, WAITING_BYTES = 128 << 10, 32 << 10
"""Output that is kept, and input that may wait. With 2,000 bytes a second a server has gone through all of a ring, and
so maps all of it, after 131 s (`GUARD_BYTES` are part of it): before minute 5. A client that stalls long falls out."""
FLAT_SECONDS = 1_700.0
"""A shorter run says nothing of memory: its minute 5 is earlier."""
PAUSE_SECONDS = 1.0
"""Between two portions that a session prints."""
STARVED = 0.5
"""Which part of a call's time the server must have had its turns: of one that mostly waited for a processor, a missing
answer says nothing."""
VISIT_SECONDS = 5.0
"""Between two sessions that are opened and closed."""


class Soak:
    """One run. `seconds` is its length without the setup and the last checks."""

    def __init__(
        self, folder: Path, seconds: float, sessions: int, clients: int, rate: int, seed: int, plant: str | None = None
    ) -> None:
        """`plant`: a fault of the first session that prints, which must be found."""
        self.seconds, self.rate, self.plant = seconds, rate, plant
        self.chance = random.Random(seed)
        self.mark = f"{folder.name}-{seed}"
        # Not forked from a prepared process: its memory is to be a real server's.
        env = {
            "TERMWALL_RING_BYTES": str(RING_BYTES),
            "TERMWALL_INPUT_BYTES": str(WAITING_BYTES),
            "SOAK_MARK": self.mark,
            "PYTHONPATH": str(ROOT / "src"),
            "TERMWALL_CLOSE_SECONDS": "1",
        }
        pauses = (5.0, max(6.0, seconds / 10))
        self.stand = Stand(folder, env, seed=seed, pauses=pauses, ring=RING_BYTES)
        self.footprint = Footprint(self._pids)
        self.kills: Counter[str] = Counter()
        self.found: list[str] = []
        self.recorded: dict[str, str] = {}
        """Recordings of sessions."""
        self.answers: Counter[int | str] = Counter()
        """To calls for screens and searches, by their status."""
        self.excused: list[str] = []
        """What did not come in time and is no fault: a server that has no turns, a holder that was just killed."""
        self.turns = Turns()
        self._visited: tuple[str, float] | None = None
        self._visits = 0
        self.views: dict[str, list[Viewing]] = {}
        self.sessions, self.clients = sessions, clients

    def set_up(self) -> None:
        """Start the server, its sessions, and who watches them."""
        sessions, clients, rate = self.sessions, self.clients, self.rate
        self.stand.server.start()
        projects = [self.stand.project(f"p{number}", A_PROJECT) for number in range(max(1, sessions // A_PROJECT))]
        for project in projects:
            typed = self.stand.add(project, "echo")
            options = "--rate", str(rate), "--pause", str(PAUSE_SECONDS)
            planted = ("--plant", self.plant) if self.plant and not self.recorded else ()
            shown = [self.stand.add(project, "print", *options, *planted)]
            shown += [self.stand.add(project, "print", *options) for _ in range(A_PROJECT - 2)]
            made = self.stand.server.call("POST", f"/api/sessions/{shown[0].id}/recording")
            assert made.status_code in (200, 201), made.text
            self.recorded[shown[0].id] = made.json()["id"]
            self._views(project, typed.id, clients, len(projects))
        self.stand.focus()
        self.projects = projects
        for number in range(CHECKERS):
            mine = [view for project in projects[number::CHECKERS] for view in self.views[project]]
            if mine:
                self.stand.check(mine)
        self.stand.watch_turns(projects[0])
        self.footprint.begin()

    def _views(self, project: str, typed: str, clients: int, projects: int) -> None:
        """A fifth of the clients stalls, a fifth reconnects; the first of a project types."""
        each = max(3, clients // projects)
        kinds = ["steady"] * (each - 2 * max(1, each // 5))
        kinds += ["stalled"] * max(1, each // 5) + ["reconnecting"] * max(1, each // 5)
        views = [Viewing(f"{project}-{n}-{kind}", project, kind, slot=n % 8) for n, kind in enumerate(kinds)]
        views[0].types.append(typed)
        self.views[project] = views

    def _pids(self) -> dict[str, int]:
        stand, found = self.stand, {}
        if stand.server.process is not None and stand.server.base:
            found["server"] = stand.server.pid
            try:
                worker = stand.worker
            except OSError:
                worker = None
            if worker is not None:
                found["screen worker"] = worker
        holder = stand.holder
        if holder is not None:
            found["holder"] = holder
        return found

    # ---- what happens

    def until(self, part: float, turn: Sequence[Callable[[Stand], None]], each: float) -> None:
        """Go on until this part of the time has passed, with a fault each so many seconds."""
        number, due = 0, self.footprint.now + each
        while self.footprint.now < part * self.seconds:
            if turn and self.footprint.now >= due:
                self._do(turn[number % len(turn)])
                number, due = number + 1, self.footprint.now + each
            self._visit()
            time.sleep(0.25)

    def _do(self, fault: Callable[[Stand], None]) -> None:
        """One fault. What does not come back is found, and the rest goes on with a server that does."""
        began, server = time.monotonic(), self.stand.server
        try:
            fault(self.stand)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            self.found.append(f"after `{fault.__name__}`, {time.monotonic() - began:.0f} s: {error!r}")
            if server.process is None or server.process.poll() is not None:
                server.start()
        self.kills[fault.__name__] += 1

    def _visit(self) -> None:
        try:
            self._open_and_close()
        except httpx2.TransportError as error:  # None of the kills is under way meanwhile.
            self.found.append(f"a call failed: {error!r}")

    def _call(self, method: str, path: str, body: object = None) -> httpx2.Response | None:
        """One call; None where it had no answer, which is a fault unless the server had no turns."""
        server = self.stand.server
        before = Turn.of(server.pid)
        try:
            return server.call(method, path, body)
        except httpx2.TimeoutException:
            now = Turn.of(server.pid)
            took, idle = now.at - before.at, now.idle_since(before)
            self.answers["none"] += 1
            what = f"{method} {path} had no answer in {took:.0f} s, of which the server waited {took - idle:.0f} s"
            (self.found if idle > STARVED * took else self.excused).append(what)
            return None

    def _open_and_close(self) -> None:
        """Open a session, look at it, search, and close it with the next."""
        now, call = time.monotonic(), self._call
        if self._visited is not None and now < self._visited[1] + VISIT_SECONDS:
            return
        if self._visited is not None:
            closed, self._visited = call("DELETE", f"/api/sessions/{self._visited[0]}"), None
            if closed is not None and closed.status_code != 204:
                self.found.append(f"a session cannot be closed: {closed.text[:200]}")
        project = self.chance.choice(self.projects)
        body = {"command": ["sh", "-c", "echo a visit; exec cat"]}
        made = call("POST", f"/api/projects/{project}/sessions", body)
        if made is None:
            return
        if made.status_code != 201:
            away = made.status_code == 503  # A holder that was just killed, or has no turn, starts nothing in 10 s.
            (self.excused if away else self.found).append(f"a session cannot be opened: {made.text[:200]}")
            return
        self._visited, self._visits = (made.json()["id"], now), self._visits + 1
        for path in (f"sessions/{made.json()['id']}/screen", f"projects/{project}/search?q=visit"):
            answer = call("GET", f"/api/{path}")
            if answer is None:
                continue
            self.answers[answer.status_code] += 1
            if answer.status_code not in (200, 503):  # 503 while a screen worker was just killed.
                self.found.append(f"{path}: {answer.status_code} {answer.text[:200]}")

    def run(self) -> Verdict:
        """All of it."""
        self.until(2.5 / 30, faults.ALL, max(5.0, self.seconds / 180))
        self.until(5 / 30, (), 0)
        before = self.footprint.figures(self.footprint.now)
        self._print("at minute 5 of 30", before)
        self.until(25 / 30, faults.WITHOUT_SERVER, max(15.0, self.seconds / 60))
        self.until(26 / 30, (), 0)
        middle = self.footprint.figures(self.footprint.now)
        self._print("at minute 26 of 30, the same server", middle)
        self.until(29 / 30, faults.ALL, max(5.0, self.seconds / 180))
        self.until(1, (), 0)
        end = self.footprint.figures(self.footprint.now)
        self._print("at the end, after more kills", end)
        self.footprint.end()
        if self.seconds >= FLAT_SECONDS:  # Before that screens and rings may still be filling.
            self.found += grown(before, middle) + grown(before, end)
        self.turns = self.stand.turned()
        if late := self.turns.judge():
            self.found.append(late)
        verdict = self.stand.settle()
        self.found += [fault for session in self.recorded if (fault := self._recording(session))]
        self.found += faults.reboot(self.stand)
        if text := self.stand.server.tracebacks():
            self.found.append(text[-4000:])
        return verdict

    def _recording(self, session: str) -> str | None:
        """What is wrong with a session's recording: it must have each byte once, to the end (R2)."""
        stand, made = self.stand, self.recorded[session]
        ended = stand.server.call("DELETE", f"/api/sessions/{session}/recording").json()
        cast = stand.server.call("GET", f"/api/recordings/{made}/cast")
        events = [json.loads(line) for line in cast.text.splitlines()[1:]]
        printed = "".join(event[2] for event in events[1:] if event[1] == "o").encode()
        if ended.get("error") or ended.get("parts") != 1 or [event for event in events if event[1] == "m"]:
            return f"the recording of {session} has gaps, parts or an error: {ended}"
        text, total = Text(stand.printed[session].number), stand.ledgers[session].written
        start = total - len(printed)
        for at in range(0, len(printed), PERIOD):
            piece = printed[at : at + PERIOD]
            if text.piece(start + at, start + at + len(piece)) != piece:
                lost = text.shift(start + at, piece[:1000])
                return f"the recording of {session} has other bytes near {start + at} of {total}: {lost} lost"
        return None

    @staticmethod
    def _print(when: str, found: dict[str, Figures]) -> None:
        for role, figures in found.items():
            sizes = " | ".join(f"{size / 1024:.1f} MB" for size in figures[:3])
            print(f"| {role}, {when} | {sizes} | {figures.descriptors} |", flush=True)

    def end(self) -> None:
        """End everything; what is left is a fault."""
        self.footprint.end()
        self.stand.end()
        self.found += [f"a process is left: {one}" for one in left(self.mark)]


def tell(verdict: Verdict, soak: Soak) -> None:
    """The figures."""
    beats = sorted(one for client in verdict.clients for one in client["latencies"])
    lag = sorted(verdict.lag)
    kinds = Counter(client["kind"] for client in verdict.clients)
    printed = sum(ledger.written for ledger in soak.stand.ledgers.values())
    print(f"\n{len(soak.stand.printed)} sessions, clients: {dict(kinds)}; {soak._visits} sessions opened and closed")
    print(f"screens and searches were answered with {dict(soak.answers)}")
    print(f"killed: {dict(soak.kills)}; then all at once")
    print(f"{printed / 1e6:.1f} MB printed, {verdict.sum('checked') / 1e6:.1f} MB compared, ", end="")
    print(f"{verdict.sum('skipped') / 1e6:.1f} MB left out, {verdict.sum('shown')} pictures, ", end="")
    print(f"{verdict.sum('overtaken')} of them for clients that the ring had left behind")
    print(f"connections ended: {dict(verdict.closes)}, of them cut by clients: {verdict.sum('cuts')}")
    turns = soak.turns
    figures = {"a heartbeat's answer": beats, "a checker's own lateness": lag}
    figures |= {"the server's loop": sorted(turns.server), "a bare loop beside it": sorted(turns.bare)}
    for name, values in figures.items():
        if values:
            middle, late = values[len(values) // 2], values[int(len(values) * 0.99)]
            print(f"{name}: p50 {middle * 1000:.1f} ms, p99 {late * 1000:.1f} ms, longest {values[-1] * 1000:.0f} ms")
    print(
        "turns are judged"
        if turns.quiet
        else "turns are not judged: the bare loop was late too, so the machine is busy"
    )
    for one in soak.excused:
        print(f"no fault: {one}")
    print(f"{verdict.lost} bytes lost, {verdict.doubled} doubled, {len(verdict.faults) + len(soak.found)} faults")


def main() -> None:
    """Run, and say what was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--sessions", type=int, default=100)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--rate", type=int, default=2_000, help="bytes a second of each session")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--plant", choices=("lost", "doubled", "changed", "last"), help="a fault that must be found")
    options = parser.parse_args()
    load = os.getloadavg()[0]
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, ", end="")
    print(f"{options.minutes:g} minutes, seed {options.seed}; load {load:.1f} at the start\n")
    print("| what | resident | its own | its part (Pss) | descriptors |\n|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory(prefix="termwall-soak-", ignore_cleanup_errors=True) as folder:
        numbers = options.sessions, options.clients, options.rate, options.seed
        soak = Soak(Path(folder), options.minutes * 60, *numbers, options.plant)
        try:
            soak.set_up()
            verdict = soak.run()
        finally:
            soak.end()
    tell(verdict, soak)
    print(f"load {os.getloadavg()[0]:.1f} at the end")
    for fault in (*verdict.faults, *soak.found):
        print(fault[:4000], file=sys.stderr)
    sys.exit(1 if verdict.faults or soak.found else 0)


if __name__ == "__main__":
    main()
