"""What a process has open, so that a test can say what was left behind."""

import gc
import os

Descriptor = tuple[int, str]


def descriptors(pid: int | str = "self") -> set[Descriptor]:
    """Each open descriptor of a process with what it leads to; empty where the system does not say.

    Compare with `<=`, not by number: what an earlier test left may be closed at any time, a new one may not be there.
    """
    folder = f"/proc/{pid}/fd"
    if not os.path.isdir(folder):
        return set()
    if pid == "self":
        gc.collect()
    found: set[Descriptor] = set()
    for name in os.listdir(folder):
        try:
            found.add((int(name), os.readlink(f"{folder}/{name}")))
        except FileNotFoundError:  # The one that the list was read with.
            continue
    return found
