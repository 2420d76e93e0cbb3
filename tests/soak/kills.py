"""`python -m tests.soak.kills`: kill -9 of the server a thousand times while everything prints as fast as it can.

In each batch a new data folder, programs that print as fast as two checkers follow, and programs that give back what a
checker types. The server is killed at random moments, a fifth of them before it is ready, some with a caretaker then.
Each checker must have each byte once, without a jump; each key must have been typed once; at the end each screen must
be right, and no process may be left.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.soak.checker import Viewing
from tests.soak.stand import Stand, Verdict, left, waited

AHEAD = 1 << 20
RING_BYTES = 4 << 20
"""More than a program prints ahead of its checkers, so that every resume must be exact."""
RUN_SECONDS, BEGIN_SECONDS = 0.6, 0.8
"""At most between a server that is ready and its kill, and between its start and a kill before that."""
CARETAKER_SECONDS = 120.0
"""Until a caretaker is there: 1 to 2 s, on a machine that does other work many times that."""
EARLY, KEPT = 0.2, 0.1
"""Which part of the kills comes before the server is ready; before which part of the starts there is a caretaker."""


@dataclass
class Kills:
    """What was done, and what came of it."""

    moments: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    printed: int = 0
    typed: int = 0
    verdicts: list[Verdict] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def batch(folder: Path, kills: int, chance: random.Random, floods: int, echoes: int, found: Kills) -> None:
    """So many kills of the servers of one data folder."""
    mark = f"{folder.name}-{chance.randrange(1 << 30)}"
    stand = Stand(
        folder,
        {"TERMWALL_RING_BYTES": str(RING_BYTES), "SOAK_MARK": mark},
        seed=chance.randrange(1 << 30),
        ring=RING_BYTES,
    )
    server = stand.server
    server.start()
    try:
        project = stand.project("wall", floods + echoes)
        for _ in range(floods):
            stand.add(project, "flood", "--ahead", str(AHEAD), "--slots", "2")
        typed = [stand.add(project, "echo").id for _ in range(echoes)]
        stand.focus()
        for slot in range(2):
            stand.check([Viewing(f"checker-{slot}", project, "steady", typed[slot::2], slot)])
        for one in stand.printed.values():
            stand.reached(one, 1)
        began, since = False, time.monotonic()
        for number in range(kills):
            if number % 10 == 0:
                print(f"  {number} of {kills}, {time.monotonic() - since:.0f} s", flush=True)
            if began and chance.random() < EARLY:
                time.sleep(chance.uniform(0, BEGIN_SECONDS))
                found.moments["at its start"] += 1
            else:
                if began:
                    server.ready()
                time.sleep(chance.uniform(0, RUN_SECONDS))
                found.moments["while it served"] += 1
            server.kill()
            if chance.random() < KEPT:
                waited(lambda: stand.caretaker, "a caretaker", CARETAKER_SECONDS)
                time.sleep(chance.uniform(0, RUN_SECONDS))
                found.moments["with a caretaker before the next"] += 1
            server.begin()
            began = True
        server.ready()
        verdict = stand.settle()
        found.verdicts.append(verdict)
        found.faults += verdict.faults
        found.printed += sum(one.written for one in stand.ledgers.values())
        found.typed += sum(stand.ledgers[one].written for one in typed)
        if text := server.tracebacks():
            found.faults.append(text[-4000:])
    finally:
        stand.end()
    found.faults += [f"a process is left: {one}" for one in left(mark)]


def main() -> None:
    """All batches, and the verdict."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--batches", type=int, default=10)
    parser.add_argument("--floods", type=int, default=3)
    parser.add_argument("--echoes", type=int, default=2)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, seed {options.seed}")
    chance, found = random.Random(options.seed), Kills()
    began = time.monotonic()
    for number in range(options.batches):
        since = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="termwall-kills-") as folder:
            batch(Path(folder), options.kills // options.batches, chance, options.floods, options.echoes, found)
        took = time.monotonic() - since
        load = os.getloadavg()[0]
        print(f"batch {number + 1}: {took:.0f} s, load {load:.1f}, {len(found.faults)} faults", flush=True)
        for fault in found.faults:
            print(fault[:4000], file=sys.stderr)
        if found.faults:
            break
    checked = sum(verdict.sum("checked") for verdict in found.verdicts)
    lost, doubled = (sum(getattr(one, name) for one in found.verdicts) for name in ("lost", "doubled"))
    kills = found.moments["at its start"] + found.moments["while it served"]
    print(f"\n{kills} kills in {time.monotonic() - began:.0f} s: {dict(found.moments)}")
    print(f"{found.printed / 1e6:.0f} MB printed, {checked / 1e6:.0f} MB compared, {found.typed} bytes typed")
    print(f"{lost} bytes lost, {doubled} doubled, {len(found.faults)} faults")
    sys.exit(1 if found.faults else 0)


if __name__ == "__main__":
    main()
