"""One class sends frames without waiting and takes those that come, over real sockets."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from tempfile import TemporaryFile
from typing import Any

import pytest

from termwall.ipc.channel import Channel
from termwall.ipc.frames import Unpacker, pack
from termwall.ipc.passing import Passed, receive
from tests.support.patience import until

LARGE = b"x" * (4 << 20)
"""More than a socket has room for."""


class Ends:
    """A channel, and the bare other end of its socket."""

    def __init__(self) -> None:
        ours, self.other = socket.socketpair()
        self.other.setblocking(False)
        self.frames: list[tuple[dict[str, Any], bytes, list[int]]] = []
        self.faults: list[str | None] = []
        self.channel = Channel(ours, lambda *frame: self.frames.append(frame), self.faults.append, descriptors=True)

    async def read(self, whole: Callable[[list[Any]], bool]) -> tuple[list[tuple[dict[str, Any], bytes]], Passed]:
        """What comes out at the other end."""
        frames: list[tuple[dict[str, Any], bytes]] = []
        unpacker, passed = Unpacker(), Passed()
        while not whole(frames):
            with contextlib.suppress(BlockingIOError):
                frames += unpacker.feed(receive(self.other, passed))
            await asyncio.sleep(0)
        return frames, passed


@pytest.fixture
async def ends() -> "Iterator[Ends]":
    one = Ends()
    yield one
    one.channel.close()
    one.other.close()


async def test_L1_what_the_other_side_does_not_read_waits_and_nobody_waits_for_it(ends: Ends) -> None:
    ends.channel.put({"op": "large"}, LARGE)
    for number in range(100):
        ends.channel.put({"op": "keep", "number": number}, key=("keep", "a"))
    ends.channel.put({"op": "dropped"}, key=("start", 1))
    ends.channel.put({"op": "last"})
    ends.channel.outbox.drop(("start", 1))
    assert len(ends.channel.outbox) == 3, "the half of one, the newest of its key, and the last"
    frames, _ = await ends.read(lambda frames: len(frames) == 3)
    assert frames == [({"op": "large"}, LARGE), ({"op": "keep", "number": 99}, b""), ({"op": "last"}, b"")]
    await until(lambda: not ends.channel.outbox)


async def test_P5_descriptors_go_with_their_frame_also_behind_one_that_is_half_sent(ends: Ends) -> None:
    with TemporaryFile() as file, TemporaryFile() as gone:
        left = [gone.fileno()]
        ends.channel.put({"op": "large"}, LARGE)
        ends.channel.put({"op": "one", "descriptors": 1}, LARGE, given=lambda: [file.fileno()])
        ends.channel.put({"op": "gone", "descriptors": 1}, given=lambda: left)
        ends.channel.put({"op": "last"})
        left.clear()  # It has ended meanwhile: nothing of it is there to be given.
        frames, passed = await ends.read(lambda frames: len(frames) == 3)
        assert [header["op"] for header, _ in frames] == ["large", "one", "last"]
        (given,) = passed.take(1)
        assert os.path.sameopenfile(given, file.fileno())
        os.close(given)


async def test_frames_come_with_their_descriptors_and_nothing_comes_after_a_close(ends: Ends) -> None:
    with TemporaryFile() as file:
        socket.send_fds(ends.other, [pack({"op": "one", "descriptors": 1}, b"body")], [file.fileno()])
        await until(lambda: ends.frames)
        (header, body, (given,)) = ends.frames.pop()
        assert (header["op"], body) == ("one", b"body")
        assert os.path.sameopenfile(given, file.fileno())
        os.close(given)
    ends.other.send(pack({"op": "two"}) + pack({"op": "three"}))
    ends.channel._took = lambda *frame: (ends.frames.append(frame), ends.channel.close())  # type: ignore[func-returns-value]
    await until(lambda: ends.frames)
    await asyncio.sleep(0)
    assert [header["op"] for header, *_ in ends.frames] == ["two"]
    assert ends.faults == []


@pytest.mark.parametrize(
    ("said", "fault"),
    [(None, None), (b"\xff" * 8, "nobody understands"), (pack({"op": 1})[:-1] + b"!", "nobody understands")],
)
async def test_C5_an_end_that_goes_or_says_nonsense_is_one_call(
    ends: Ends, said: bytes | None, fault: str | None
) -> None:
    ends.other.close() if said is None else ends.other.send(said)
    await until(lambda: ends.faults)
    (found,) = ends.faults
    assert found is None if fault is None else fault in str(found)
    ends.channel.close()
    ends.channel.close()
    assert ends.frames == []


async def test_a_channel_whose_other_side_died_has_nothing_left_to_send(ends: Ends) -> None:
    ends.channel.put({"op": "large"}, LARGE)
    ends.other.close()
    await until(lambda: ends.faults and not ends.channel.outbox)
    ends.channel.put({"op": "late"})
    assert not ends.channel.outbox
