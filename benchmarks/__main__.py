"""Run `python -m benchmarks [--rounds 7] [--only flood,echo,...]`: a table of ratios. README.md tells what is what."""

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.costs import FEW, MANY, PIECES_PER_SECOND, SESSIONS, measure, viewer_memory, wall
from benchmarks.measure import FanOut, echo, flood
from benchmarks.processes import spent
from benchmarks.screens import FLOODS, FULL, attaches, echo_beside_floods, memory, sent
from benchmarks.terminals import BareServer, Server, Termwall, ThroughNats, flooding, peers
from benchmarks.wall import CHANGES, alone, idle, joined
from tests.support.broker import Broker


def show(what: str, values: list[float], unit: str = "", aim: str = "") -> None:
    """One row: median and range."""
    text = f"{statistics.median(values):.2f}{unit} [{min(values):.2f}-{max(values):.2f}]"
    print(f"| {what} | {text} | {aim} |", flush=True)


def floods(servers: list[Server], rounds: int, megabytes: int) -> None:
    for mode in ("cooked", "raw", "lines"):
        found: dict[str, list[float]] = {one.name: [] for one in servers}
        shares: list[float] = []
        for _ in range(rounds):
            for one in servers:
                result = flood(one, mode, megabytes)
                found[one.name].append(result.rate)
                if isinstance(one, Termwall):
                    shares.append(result.share)
        ours, bare = found["termwall"], found["bare"]
        aim = ">= 0.8" if mode == "cooked" else ""
        show(f"flood {mode}: termwall / bare", [a / b for a, b in zip(ours, bare, strict=True)], aim=aim)
        for name in (one.name for one in servers if one.name not in ("termwall", "bare")):
            peer = found[name]
            show(f"flood {mode}: {name} / bare", [a / b for a, b in zip(peer, bare, strict=True)])
            show(f"flood {mode}: termwall / {name}", [a / b for a, b in zip(ours, peer, strict=True)])
        show(f"flood {mode}: share of the output that reached termwall's client", shares)
        show(f"flood {mode}: bare, for orientation", bare, " MB/s")


def echoes(servers: list[Server], rounds: int, keys: int) -> None:
    found: dict[tuple[str, bool, int], list[float]] = {}
    for number in range(rounds):
        for busy in (False, True):
            for one in servers:
                if not busy:
                    times = echo(one, keys, number)
                else:
                    with flooding(one):
                        times = echo(one, keys, number)
                found.setdefault((one.name, busy, 50), []).append(times[len(times) // 2])
                found.setdefault((one.name, busy, 99), []).append(times[len(times) * 99 // 100])
    for one in servers:
        for percentile in (50, 99):
            idle, busy_times = found[one.name, False, percentile], found[one.name, True, percentile]
            aim = "< 2" if one.name == "termwall" and percentile == 50 else ""
            show(f"echo p{percentile}, idle: {one.name}", idle, " ms")
            show(f"echo p{percentile}, another session floods: {one.name}", busy_times, " ms")
            ratios = [b / a for a, b in zip(idle, busy_times, strict=True)]
            show(f"echo p{percentile}, flood / idle: {one.name}", ratios, aim=aim)
    for name in (one.name for one in servers if one.name not in ("termwall", "bare")):
        # A ttyd server has one terminal, so another session's flood is another process's: only idle compares.
        for busy in (False, True) if name != "ttyd" else (False,):
            pairs = zip(found["termwall", busy, 50], found[name, busy, 50], strict=True)
            show(f"echo p50, {'flood' if busy else 'idle'}: termwall / {name}", [a / b for a, b in pairs])


def fan_outs(server: Termwall, rounds: int) -> None:
    fan_out = FanOut(server)
    try:
        ours, bare = [], []
        for _ in range(rounds):
            # Each value is the median of some changes, taken in turns.
            pairs = [(fan_out.termwall(), fan_out.bare()) for _ in range(5)]
            ours.append(statistics.median(a for a, _ in pairs))
            bare.append(statistics.median(b for _, b in pairs))
        ratios = [a / b for a, b in zip(ours, bare, strict=True)]
        show("a focus change to 1,000 sockets: termwall / bare loop", ratios, aim="<= 1.5")
        show("the same, termwall until the last has it", ours, " ms")
        show(f"the same, bare loop of {fan_out.bytes} bytes", bare, " ms")
    finally:
        fan_out.close()


def screens(server: Termwall, rounds: int, keys: int) -> None:
    small, large = attaches(server, rounds)
    show("a picture after 1 MB: until a new client has it", small, " ms", "< 30")
    show("a picture after 1 GB: until a new client has it", large, " ms", "< 30")
    show("a picture: after 1 GB / after 1 MB", [b / a for a, b in zip(small, large, strict=True)], aim="<= 1.5")
    idle, busy = echo_beside_floods(server, rounds, keys)
    show("echo p50, idle: termwall", idle, " ms")
    show(f"echo p50, {FLOODS} unfocused sessions flood: termwall", busy, " ms")
    show(f"echo p50, {FLOODS} unfocused floods / idle", [b / a for a, b in zip(idle, busy, strict=True)], aim="< 2")
    for floods in (0, 1, 5, 20):
        show(f"bytes a second to a client while {floods} unfocused sessions flood", [sent(server, floods)])
    show("memory of an idle session", [memory(server, ["cat"])], " KB")
    show("memory of a session whose ring and scrollback are full", [memory(server, ["sh", "-c", FULL])], " KB")


def two_ways(
    names: tuple[str, str], servers: Sequence[Server], rounds: int, megabytes: int, keys: int, aims: tuple[str, str]
) -> None:
    """The same flood and the same keys in both ways; the ratio of the first to the second."""
    rates: list[tuple[float, float]] = []
    times: list[tuple[float, float]] = []
    for number in range(rounds):
        # Who begins changes, so that what one leaves behind does not always hit the same one.
        order = (0, 1) if number % 2 == 0 else (1, 0)
        rate, middle = [0.0, 0.0], [0.0, 0.0]
        for index in order:
            rate[index] = flood(servers[index], "cooked", megabytes).rate
        for index in order:
            found = echo(servers[index], keys, number)
            middle[index] = found[len(found) // 2]
        rates.append((rate[0], rate[1]))
        times.append((middle[0], middle[1]))
    what = " / ".join(names)
    show(f"flood cooked: {what}", [a / b for a, b in rates], aim=aims[0])
    show(f"echo p50, idle: {what}", [a / b for a, b in times], aim=aims[1])
    show(f"echo p50, idle: {names[0]}", [a for a, _ in times], " ms")


def holder(rounds: int, megabytes: int, keys: int) -> None:
    """What it costs that programs outlive the server: the same server with and without."""
    servers = [Termwall(), Termwall("--no-outlive")]
    try:
        two_ways(("with a holder", "without"), servers, rounds, megabytes, keys, (">= 0.95", "<= 1.05"))
    finally:
        for one in servers:
            one.stop()


def cluster(rounds: int, megabytes: int, keys: int) -> None:
    """The same host's sessions, served by another node through NATS and by the host itself."""
    with tempfile.TemporaryDirectory(prefix="termwall-bench-") as folder, Broker(Path(folder)) as broker:
        host = Termwall("--nats", broker.url, "--node", "host")
        servers = [ThroughNats(host, broker.url), host]
        try:
            two_ways(("through NATS", "directly"), servers, rounds, megabytes, keys, ("", ""))
        finally:
            for one in servers:
                one.stop()


def stages(rounds: int) -> None:
    """Changes of the stage, told to ten clients: on one server, and on ten nodes joined by NATS, in turns."""
    with tempfile.TemporaryDirectory(prefix="termwall-bench-") as folder, joined(Path(folder)) as (broker, many):
        one = alone()
        try:
            rates: list[tuple[float, float]] = []
            times: list[tuple[float, float]] = []
            costs: dict[int, list[float]] = {many.servers[0].process.pid: [], broker.pid: []}
            for number in range(rounds):
                rate, middle = [0.0, 0.0], [0.0, 0.0]
                for index in (0, 1) if number % 2 == 0 else (1, 0):
                    wall = (many, one)[index]
                    before = {pid: spent(pid) for pid in costs}
                    rate[index] = wall.in_turn()
                    if wall is many:
                        for pid, took in costs.items():
                            took.append((spent(pid) - before[pid]) * 1e6 / CHANGES)
                    found = wall.until_all()
                    middle[index] = found[len(found) // 2]
                rates.append((rate[0], rate[1]))
                times.append((middle[0], middle[1]))
            show("changes of a stage in turn, 10 watchers: 10 nodes / one server", [a / b for a, b in rates])
            show("changes of a stage in turn: 10 nodes", [a for a, _ in rates], " a second")
            for what, took in zip(
                ("a node that another one's change is told to", "the broker of 10"), costs.values(), strict=True
            ):
                show(f"{what}, a change", took, " us")
            show("until the last of 10 watchers is told, p50: 10 nodes / one server", [a / b for a, b in times])
            show("until the last of 10 watchers is told, p50: 10 nodes", [a for a, _ in times], " ms")
        finally:
            one.stop()


def heartbeats(rounds: int) -> None:
    """What it costs that nodes hear each other once a second, from walls of 5 and of 20 that do nothing else."""
    small, large = 5, 20
    found = [(idle(small), idle(large)) for _ in range(rounds)]
    others = large - small
    show("a node, processor time for each other one", [(b.node - a.node) / others for a, b in found], " ms/s")
    pairs = large**2 - small**2
    show("the broker, for each heartbeat and node", [(b.broker - a.broker) * 1000 / pairs for a, b in found], " us")
    show(f"a node of {large}, all in all", [b.node for _, b in found], " ms/s")


def wall_costs(rounds: int) -> None:
    """Processor time of each part of a wall whose sessions print ten times a second, with few viewers and with many."""
    with tempfile.TemporaryDirectory(prefix="termwall-bench-") as folder, wall(Path(folder)) as one:
        show(f"gateway, memory of each of {MANY} viewers more", [viewer_memory(one)], " KB")
        quiet = [measure(one, 0) for _ in range(rounds)]
        one.print()
        found = [[measure(one, viewers) for viewers in (0, FEW, MANY)] for _ in range(rounds)]
    nobody, few, many = ([row[index] for row in found] for index in range(3))
    pieces = SESSIONS * PIECES_PER_SECOND

    def each(after: list[list[float]], before: list[list[float]], part: int) -> list[float]:
        """Microseconds of processor time that each piece costs a part on top."""
        return [(b[part] - a[part]) * 1000 / pieces for a, b in zip(before, after, strict=True)]

    show("host, a piece of 80 bytes while nobody looks", each(nobody, quiet, 0), " us")
    show(f"host, on top of it with {FEW} viewers on a gateway", each(few, nobody, 0), " us")
    show(f"host, on top of it with {MANY} viewers on a gateway", each(many, nobody, 0), " us")
    show(f"broker, with {FEW} viewers on a gateway", each(few, nobody, 1), " us")
    show(f"broker, with {MANY} viewers on a gateway", each(many, nobody, 1), " us")
    show(f"gateway, with {FEW} viewers", each(few, nobody, 2), " us")
    frames = [spent / (MANY - FEW) for spent in each(many, few, 2)]
    show(f"gateway, each viewer more, up to {MANY}", frames, " us")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="flood,echo,fanout,screens,holder,cluster,stages,heartbeats,costs")
    parser.add_argument("--megabytes", type=int, choices=(8, 40), default=40)
    parser.add_argument("--keys", type=int, default=300)
    options = parser.parse_args()
    print(f"{time.strftime('%Y-%m-%d')}, {os.cpu_count()} cores, Python {sys.version.split()[0]}, ", end="")
    print(f"{options.rounds} rounds; load {os.getloadavg()[0]:.1f} at the start\n")
    print("| what | median [min-max] | aim |\n|---|---|---|", flush=True)
    if "holder" in options.only:
        holder(options.rounds, options.megabytes, options.keys)
    if "cluster" in options.only:
        cluster(options.rounds, options.megabytes, options.keys)
    if "stages" in options.only:
        stages(options.rounds)
    if "heartbeats" in options.only:
        heartbeats(options.rounds)
    if "costs" in options.only:
        wall_costs(options.rounds)
    if options.only in ("holder", "cluster", "stages", "costs"):
        return
    servers: list[Server] = [BareServer(), Termwall(), *peers()]
    try:
        if "flood" in options.only:
            floods(servers, options.rounds, options.megabytes)
        if "echo" in options.only:
            echoes(servers, options.rounds, options.keys)
        if "fanout" in options.only:
            fan_outs(next(one for one in servers if isinstance(one, Termwall)), options.rounds)
        if "screens" in options.only:
            screens(next(one for one in servers if isinstance(one, Termwall)), options.rounds, options.keys)
    finally:
        for one in servers:
            one.stop()
    print(f"\nload {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
