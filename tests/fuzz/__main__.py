"""`make fuzz`: the schema fuzzer and the WebSocket fuzzer for a quarter of an hour; figures on standard output.

What they find ends the run with what was sent; the number that is printed first begins the same run again.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz import http, sockets
from tests.fuzz.stand import edges, fuzzed


def main() -> None:
    """Half of the time for HTTP, a quarter for each edge."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--number", type=int, default=random.SystemRandom().randrange(1_000_000))
    given = parser.parse_args()
    print(f"number {given.number}", flush=True)
    seconds = given.minutes * 60
    with tempfile.TemporaryDirectory() as folder:
        _http(Path(folder) / "http", given.number, seconds / 2)
        for name in edges:
            _sockets(name, Path(folder) / name, given.number, seconds / 4)


def _http(root: Path, number: int, seconds: float) -> None:
    root.mkdir()
    statuses: Counter[int] = Counter()
    rounds = 0
    with fuzzed(root) as server:
        until = time.monotonic() + seconds
        statuses += http.sweep(server, root)
        calls = http.operations(server)
        while time.monotonic() < until:
            rounds += 1
            for operation in calls:
                statuses += http.fuzz(server, operation, root, examples=40, number=number * 1000 + rounds)
                if time.monotonic() > until:
                    break
        print(f"http: {statuses.total()} calls in {rounds} rounds; {_shown(statuses)}", flush=True)


def _sockets(name: str, root: Path, number: int, seconds: float) -> None:
    root.mkdir()

    async def rounds(stand: sockets.Stand) -> sockets.Figures:
        figures = sockets.Figures()
        each, until = number, time.monotonic() + seconds
        while time.monotonic() < until:
            await sockets.fuzz(stand, each, 200, figures)
            each += 1
        return figures

    with edges[name](root) as stand:
        figures = asyncio.run(rounds(stand))
        _print(name, figures)


def _print(name: str, figures: sockets.Figures) -> None:
    sent = figures.sent.total()
    print(f"{name}: {figures.connections} connections, {sent} messages and frames; {figures.seq} lines of the witness")
    for title, found in (("sent", figures.sent), ("errors", figures.errors), ("ends", figures.ends)):
        print(f"  {title}: {_shown(found)}")
    sys.stdout.flush()


def _shown(found: "Counter[int] | Counter[str]") -> str:
    return ", ".join(f"{name} {count}" for name, count in found.most_common())


if __name__ == "__main__":
    main()
