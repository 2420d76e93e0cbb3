"""The folder that a holder is found in. Standard library only."""

import os

from termwall.pty.rendezvous import take_lock
from termwall.store.disk import has_name


class Home:
    """The data folder of a holder, with its lock. It may be renamed; one that is gone makes room for another (L12).

    Args:
        path: where it was when the holder began.
        lock: the descriptor of the folder, with its lock.
    """

    def __init__(self, path: str, lock: int) -> None:
        self._path, self._lock = path, lock

    @property
    def folder(self) -> str:
        """A path of it: by its descriptor, where that is possible."""
        own = f"/proc/self/fd/{self._lock}"
        return own if os.path.isdir(own) else self._path

    def secure(self) -> None:
        """Where nobody can reach the folder any more, because it was removed or unmounted, have the one at its path.

        Raises:
            OSError: that cannot be had now; BlockingIOError: another holder has it.
        """
        if has_name(self._lock, self._path):
            return
        os.makedirs(self._path, 0o700, exist_ok=True)
        lock = take_lock(self._path)
        os.close(self._lock)
        self._lock = lock
