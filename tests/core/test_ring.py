"""The ring against the whole log kept beside it."""

import mmap
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.ring import GUARD_BYTES, LINE_SEARCH_BYTES, MARGIN_BYTES, Ring

STEPS = st.lists(st.tuples(st.sampled_from(["append", "commit"]), st.binary(max_size=60)), max_size=40)


def fill(ring: Ring, steps: list[tuple[str, bytes]]) -> bytes:
    """Write the steps, both ways, and return everything that was ever written."""
    log = b""
    for way, data in steps:
        if way == "append":
            ring.append(data)
        else:
            space = ring.free()
            assert len(space) > 0, "a read into no space would look like the end of the program"
            data = data[: len(space)]
            space[: len(data)] = data
            ring.commit(len(data))
        log += data
    return log


@settings(max_examples=300, deadline=None)
@given(capacity=st.integers(1, 50), steps=STEPS, data=st.data())
def test_S1_any_mix_of_writes_reads_back_as_the_log(
    capacity: int, steps: list[tuple[str, bytes]], data: st.DataObject
) -> None:
    ring = Ring(bytearray(capacity))
    log = fill(ring, steps)
    assert (ring.end, ring.start) == (len(log), max(0, len(log) - capacity))
    assert ring.read(ring.start, ring.end) == log[ring.start :]
    start = data.draw(st.integers(ring.start, ring.end))
    stop = data.draw(st.integers(start, ring.end))
    assert ring.read(start, stop) == log[start:stop]


@settings(max_examples=100, deadline=None)
@given(capacity=st.integers(1, 20), steps=STEPS)
def test_S10_two_readers_get_the_same_bytes_at_the_same_offsets(capacity: int, steps: list[tuple[str, bytes]]) -> None:
    """One reader takes it whole, the other byte by byte."""
    ring = Ring(bytearray(capacity))
    fill(ring, steps)
    single = b"".join(ring.read(offset, offset + 1) for offset in range(ring.start, ring.end))
    assert single == ring.read(ring.start, ring.end)


def test_S1_what_the_ring_does_not_have_is_refused() -> None:
    ring = Ring(bytearray(4))
    ring.append(b"abcdef")
    assert ring.read(2, 6) == b"cdef"
    assert ring.read(6, 6) == b""
    for start, stop in [(1, 6), (2, 7), (5, 4), (-1, 3), (0, 0)]:
        with pytest.raises(ValueError, match="not in the ring"):
            ring.read(start, stop)


def test_S1_what_is_read_stays_what_it_was_when_the_ring_goes_on() -> None:
    ring = Ring(bytearray(4))
    ring.append(b"abcd")
    before = ring.read(0, 4)
    ring.append(b"wxyz")
    assert before == b"abcd"


def test_S1_until_the_commit_the_oldest_bytes_are_still_there() -> None:
    ring = Ring(bytearray(4))
    ring.append(b"abcd")
    assert len(ring.free()) == 4
    assert ring.read(0, 4) == b"abcd"


def test_S1_it_works_over_shared_memory() -> None:
    with mmap.mmap(-1, mmap.PAGESIZE) as memory:
        ring = Ring(memory)
        ring.append(b"x" * mmap.PAGESIZE + b"tail")
        assert ring.read(ring.end - 4, ring.end) == b"tail"
        assert memory[:4] == b"tail"
        ring.free().release()
        ring._view.release()  # or the mapping could not be closed


def test_S3_a_replay_begins_at_the_beginning_while_that_is_there() -> None:
    ring = Ring(bytearray(100))
    ring.append(b"a\n" * 50)
    assert ring.replay_start(limit=10) == 0


def test_S3_a_replay_begins_with_a_line() -> None:
    ring = Ring(bytearray(20))
    ring.append(b"0123456789" * 3 + b"end\nlast one")
    assert ring.read(ring.replay_start(20), ring.end) == b"last one"


@settings(max_examples=200, deadline=None)
@given(
    text=st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\n"), min_size=30), limit=st.integers(0, 40)
)
def test_S3_a_replay_without_lines_begins_with_a_character(text: str, limit: int) -> None:
    data = text.encode()
    ring = Ring(bytearray(29))
    ring.append(data)
    start = ring.replay_start(limit)
    assert max(ring.start, ring.end - limit) <= start <= ring.end
    assert text.endswith(data[start:].decode("utf-8", "strict"))


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=80), capacity=st.integers(1, 40), limit=st.integers(0, 60))
def test_S3_a_replay_of_any_bytes_is_in_the_ring_and_in_the_limit(data: bytes, capacity: int, limit: int) -> None:
    ring = Ring(bytearray(capacity))
    ring.append(data)
    start = ring.replay_start(limit)
    assert ring.start <= start <= ring.end
    assert start == 0 or ring.end - start <= limit


def test_S3_a_far_line_is_not_waited_for() -> None:
    """Else one long line would eat the whole replay."""
    ring = Ring(bytearray(LINE_SEARCH_BYTES * 4))
    ring.append(b"x" * (LINE_SEARCH_BYTES * 5) + b"\nend")
    assert ring.replay_start(LINE_SEARCH_BYTES * 2) == ring.end - LINE_SEARCH_BYTES * 2


@given(st.integers(2, 40), st.lists(st.text("\x1b]ab", max_size=12), max_size=12))
def test_S9_a_search_in_place_misses_no_introducer(capacity: int, pieces: list[str]) -> None:
    ring, log = Ring(bytearray(capacity)), b""
    for piece in pieces:
        data = piece.encode()[:capacity]
        start = ring.end
        ring.append(data)
        log += data
        whole = log[start:]
        assert ring.holds(b"\x1b]", start, ring.end) is (b"\x1b]" in whole or whole.endswith(b"\x1b"))


@given(st.lists(st.binary(max_size=40), max_size=8), st.integers(0, 400), st.integers(0, 400))
def test_S1_a_byte_is_found_in_place(pieces: list[bytes], start: int, count: int) -> None:
    ring = Ring(bytearray(64))
    for piece in pieces:
        ring.append(piece)
    start = min(max(ring.start, start), ring.end)
    stop = min(start + count, ring.end)
    for byte in (b"\x00", b"\x1b"):
        assert ring.contains(byte, start, stop) == (byte in ring.read(start, stop))


class Killed(Exception):
    """The process ended here."""


class Marks(list[int]):
    """Numbers in shared memory whose writer can be killed between two of them."""

    left = 1 << 30

    def __setitem__(self, index: Any, value: Any) -> None:
        if self.left == 0:
            raise Killed
        self.left -= 1
        super().__setitem__(index, value)


def shared(memory: bytearray, marks: Marks) -> Ring:
    return Ring(memory, guard=GUARD_BYTES, marks=cast(memoryview, marks))


PIECES = st.lists(st.integers(1, MARGIN_BYTES), min_size=1, max_size=12)


@settings(max_examples=60, deadline=None)
@given(capacity=st.integers(1, 3 * MARGIN_BYTES), pieces=PIECES, kill=st.integers(0, 60), seed=st.integers(0, 255))
def test_P5_who_takes_over_a_ring_finds_what_was_read_and_not_counted(
    capacity: int, pieces: list[int], kill: int, seed: int
) -> None:
    """Killed before any of the numbers is written down, each byte that the kernel gave is there exactly once."""
    memory, marks = bytearray(capacity + GUARD_BYTES), Marks([0, 0])
    ring, log = shared(memory, marks), b""
    marks.left = kill
    try:
        for number, size in enumerate(pieces):
            space = ring.free()
            data = bytes([1 + (seed + number) % 255]) * min(size, len(space))
            space[: len(data)] = data  # What a read does: if it is killed in there, all of this has happened.
            log += data
            ring.commit(len(data))
    except Killed:
        pass
    marks.left = 1 << 30
    other = shared(memory, marks)
    other.take_over()
    assert other.end == len(log)
    assert other.read(other.start, other.end) == log[other.start :]
    other.append(b"more")
    assert other.read(other.end - min(4, capacity), other.end) == b"more"[-capacity:]


def test_P5_a_ring_that_nobody_was_killed_over_is_taken_over_as_it_is() -> None:
    memory, marks = bytearray(100 + GUARD_BYTES), Marks([0, 0])
    ring = shared(memory, marks)
    ring.append(b"all of it")
    other = shared(memory, marks)
    assert other.take_over() == 0
    assert (other.end, other.read(0, 9)) == (9, b"all of it")
