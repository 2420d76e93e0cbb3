"""When a PTY is read and when its output is told, on both event loops."""

import asyncio
import os
import pty
import tty
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import uvloop

from termwall.core.ring import Ring
from termwall.pty.pace import PORTION_BYTES, Pace
from termwall.pty.reader import BATCH_BYTES, PtyReader

Play = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


@pytest.fixture(params=["uvloop", "asyncio"])
def play(request: pytest.FixtureRequest) -> Play:
    """Runs a test's coroutine on a loop of each kind."""
    factory = uvloop.new_event_loop if request.param == "uvloop" else asyncio.new_event_loop

    def run(main: Callable[[], Coroutine[Any, Any, None]]) -> None:
        with asyncio.Runner(loop_factory=factory) as runner:
            runner.run(asyncio.wait_for(main(), 30))

    return run


class Tap:
    """A PTY whose other side the test holds."""

    def __init__(self, ring_bytes: int = 1 << 20) -> None:
        self.master, self.slave = pty.openpty()
        tty.setraw(self.slave)
        os.set_blocking(self.master, False)
        self.ring = Ring(bytearray(ring_bytes))
        self.reported: list[int] = []
        self.ends = 0
        self.pace = Pace()
        self.watched = False
        self.reader = PtyReader(
            asyncio.get_running_loop(),
            self.master,
            self.ring,
            lambda: self.reported.append(self.ring.end),
            self._end,
            self.pace,
            lambda: self.watched,
        )
        self.reader.start()

    def _end(self) -> None:
        self.ends += 1

    async def has(self, count: int) -> None:
        """Waits until so many bytes were told."""
        while not self.reported or self.reported[-1] < count:
            await asyncio.sleep(0.001)

    def close(self) -> None:
        """Leaves nothing open."""
        self.reader.stop()
        os.close(self.master)
        if self.slave >= 0:
            os.close(self.slave)


def test_a_key_is_told_in_the_turn_that_reads_it(play: Play) -> None:
    async def main() -> None:
        tap = Tap()
        os.write(tap.slave, b"k")
        while tap.ring.end == 0:
            await asyncio.sleep(0)
        assert tap.reported == [1], "not a timer later"
        tap.close()

    play(main)


def test_all_output_is_told_in_order_and_once(play: Play) -> None:
    async def main() -> None:
        tap = Tap(ring_bytes=1 << 22)
        data = os.urandom(3_000_000)
        await asyncio.get_running_loop().run_in_executor(None, write_all, tap.slave, data)
        await tap.has(len(data))
        assert tap.ring.read(0, tap.ring.end) == data
        assert tap.reported == sorted(set(tap.reported)), "each telling has new bytes"
        steps = [b - a for a, b in zip([0, *tap.reported], tap.reported, strict=False)]
        assert max(steps) < 2 * BATCH_BYTES, "a batch is bounded"
        tap.close()

    play(main)


def test_the_end_comes_once_after_the_last_byte(play: Play) -> None:
    async def main() -> None:
        tap = Tap()
        os.write(tap.slave, b"last words")
        os.close(tap.slave)
        tap.slave = -1
        while not tap.ends:
            await asyncio.sleep(0.001)
        assert tap.ring.read(0, tap.ring.end) == b"last words"
        assert tap.reported[-1] == 10
        tap.reader.stop()
        assert not tap.reader.drain(), "a reader that stopped reads no more"
        assert tap.ends == 1
        tap.close()

    play(main)


def test_a_drain_reads_without_the_loop(play: Play) -> None:
    async def main() -> None:
        tap = Tap()
        os.write(tap.slave, b"waiting")
        while not tap.reader.drain():
            pass  # The kernel hands it over a moment later.
        assert tap.reported == [7]
        assert not tap.reader.drain()
        tap.close()

    play(main)


def write_all(descriptor: int, data: bytes) -> None:
    """Blocks until the other side took it all."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


async def test_S6_a_flood_that_nobody_watches_rests_while_somebody_types() -> None:
    tap = Tap(ring_bytes=1 << 22)
    loop = asyncio.get_running_loop()
    tap.pace.key()
    data = os.urandom(200_000)
    writing = loop.run_in_executor(None, write_all, tap.slave, data)
    while tap.reader._rest is None:
        await asyncio.sleep(0)
    rested_at = tap.ring.end
    assert rested_at >= PORTION_BYTES
    for _ in range(50):
        await asyncio.sleep(0)
    assert tap.ring.end == rested_at or tap.reader._rest is None, "nothing is read in a rest"
    await tap.has(len(data))
    await writing
    assert tap.ring.read(0, tap.ring.end) == data
    tap.close()


def test_S6_keys_come_first_for_a_moment() -> None:
    pace = Pace()
    assert not pace.keys_first
    pace.key()
    assert pace.keys_first
