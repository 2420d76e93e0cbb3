"""Processor time and memory of a server's processes."""

import re
from pathlib import Path


def spent(pid: int) -> float:
    """Seconds of processor time of a server and its screen worker so far."""
    # In nanoseconds, of each thread; `/proc/PID/stat` counts ticks of 10 ms.
    threads = [thread for one in with_worker(pid) for thread in Path(f"/proc/{one}/task").iterdir()]
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def on_loop(pid: int) -> float:
    """Seconds of processor time of a server's first thread, which runs its event loop, so far."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e9


def held(pid: int) -> int:
    """KB that a server and its screen worker hold, shared pages counted once."""
    total = 0
    for one in with_worker(pid):
        found = re.search(r"^Pss:\s+(\d+) kB", Path(f"/proc/{one}/smaps_rollup").read_text(), re.MULTILINE)
        assert found is not None
        total += int(found[1])
    return total


def with_worker(pid: int) -> list[str]:
    """A server's process and its worker's; its programs and their holder are not among them."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    workers = [child for child in children if b"termwall.screen.worker" in Path(f"/proc/{child}/cmdline").read_bytes()]
    return [str(pid), *workers]
