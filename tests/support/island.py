"""A part of this machine with a network of its own, which can be cut off from the rest without a word."""

import itertools
import os
import subprocess
from types import TracebackType

import pytest

_numbers = itertools.count()


def _ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False, timeout=10)
    if done.returncode:
        raise OSError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")


class Island:
    """A network namespace with two ways to it: one for the nodes, which can be cut, and one for their clients.

    Both ends of the cut way stay as they are: packets vanish, as with a broken switch.
    """

    def __init__(self) -> None:
        number = next(_numbers)
        self.name = f"tw{os.getpid() % 100_000}-{number}"
        # In the block for private use; a test process has its own of 64 networks.
        net = f"10.{64 + os.getpid() % 64}.{(os.getpid() // 64 % 64) * 4 + number % 2 * 2}"
        client = f"{net.rpartition('.')[0]}.{int(net.rpartition('.')[2]) + 1}"
        self.outside, self.inside = f"{net}.1", f"{net}.2"
        """Addresses on the way of the nodes."""
        self.clients_outside, self.clients = f"{client}.1", f"{client}.2"
        self._bridge, self._port, self._door = (f"{kind}{self.name[2:]}" for kind in ("tb", "tp", "td"))
        self.within = ("ip", "netns", "exec", self.name)
        """What a command begins with to run there."""

    def __enter__(self) -> "Island":
        try:
            self._make()
        except OSError as error:
            self.__exit__(None, None, None)
            pytest.skip(f"this machine makes no network namespaces: {error}")
        return self

    def _make(self) -> None:
        _ip("netns", "add", self.name)
        _ip("-n", self.name, "link", "set", "lo", "up")
        _ip("link", "add", self._bridge, "type", "bridge")
        _ip("addr", "add", f"{self.outside}/24", "dev", self._bridge)
        _ip("link", "set", self._bridge, "up")
        for port, far, address in ((self._port, "nodes", self.inside), (self._door, "clients", self.clients)):
            _ip("link", "add", port, "type", "veth", "peer", "name", far, "netns", self.name)
            _ip("link", "set", port, "up")
            _ip("-n", self.name, "addr", "add", f"{address}/24", "dev", far)
            _ip("-n", self.name, "link", "set", far, "up")
        _ip("addr", "add", f"{self.clients_outside}/24", "dev", self._door)
        self.join()

    def cut(self) -> None:
        """Nothing comes or goes between the nodes any more, and nobody is told."""
        _ip("link", "set", self._port, "nomaster")

    def join(self) -> None:
        _ip("link", "set", self._port, "master", self._bridge)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for arguments in (("netns", "del", self.name), ("link", "del", self._bridge)):
            subprocess.run(["ip", *arguments], capture_output=True, check=False, timeout=10)
