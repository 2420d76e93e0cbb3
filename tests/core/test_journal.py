"""The input journal: whenever its writer is killed, the program gets each byte once, and clients hear the truth."""

from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.ids import ClientId
from termwall.core.journal import SLOT_BYTES, WRITE_BYTES, InputJournal

ANN, BOB = ClientId("ann"), ClientId("bob")


class Killed(Exception):
    """The server ended here."""


class Marks(list[int]):
    """Numbers in shared memory whose writer can be killed before any of them."""

    left = 1 << 30

    def step(self) -> None:
        """Something else in which its writer can be killed."""
        if self.left == 0:
            raise Killed
        self.left -= 1

    def __setitem__(self, index: Any, value: Any) -> None:
        self.step()
        super().__setitem__(index, value)

    def release(self) -> None:
        """As a view has it."""


class Memory:
    """What outlives a server."""

    def __init__(self, size: int = 4096, clients: int = 8, limit: int = 1024) -> None:
        self.area = bytearray(size)
        self.table = bytearray(clients * SLOT_BYTES)
        self.marks = Marks([0] * 8)
        self.limit = limit

    def open(self, counter: "Count | None" = None) -> InputJournal:
        """A server's journal."""
        marks = cast(memoryview, self.marks)
        return InputJournal(memoryview(self.area), memoryview(self.table), marks, self.limit, counter)


class Count:
    """The place that a kernel moves."""

    def __init__(self) -> None:
        self.at = -1

    def get(self) -> int:
        return self.at

    def set(self, at: int) -> None:
        self.at = at


def drain(journal: InputJournal, most: int = WRITE_BYTES) -> bytes:
    """What a program gets that takes so many bytes at once."""
    typed = b""
    while data := journal.next():
        typed += data[:most]
        journal.wrote(len(data[:most]))
    return typed


def test_I3_what_waits_is_bounded() -> None:
    journal = Memory(size=4096, limit=100).open()
    assert journal.room(100)
    assert not journal.room(101)
    journal.append(b"x" * 60)
    assert journal.room(40)
    assert not journal.room(41)
    assert drain(journal) == b"x" * 60
    assert journal.room(100)


def test_I3_many_small_records_are_bounded_by_their_room() -> None:
    journal = Memory(size=300, limit=1000).open()
    count = 0
    while journal.room(1):
        journal.append(b"k")
        count += 1
    assert 5 <= count <= 300
    assert drain(journal) == b"k" * count
    assert journal.room(1)


def test_I1_numbers_are_remembered_by_the_next_server() -> None:
    memory = Memory()
    journal = memory.open()
    journal.append(b"a", ANN, 1)
    journal.append(b"b", ANN, 2)
    journal.append(b"c", BOB, 1)
    other = memory.open()
    assert (other.log.last(ANN), other.log.last(BOB)) == (2, 1)
    assert other.waiting == 3
    assert drain(other) == b"abc"


def test_X4_the_client_that_was_silent_longest_makes_room_in_the_table() -> None:
    memory = Memory(clients=2)
    journal = memory.open()
    for name in ("ann", "bob", "cid", "dan"):
        journal.append(b"x", ClientId(name), 1)
    other = memory.open()
    assert [other.log.last(ClientId(name)) for name in ("ann", "bob", "cid", "dan")] == [0, 0, 1, 1]


def test_P2_what_waited_for_a_program_that_ended_is_dropped() -> None:
    memory = Memory()
    journal = memory.open()
    journal.append(b"too late")
    journal.next()
    journal.drop()
    assert (journal.waiting, journal.next()) == (0, b"")
    assert memory.open().waiting == 0


INPUTS = st.lists(st.tuples(st.sampled_from([ANN, BOB, None]), st.integers(0, 300)), min_size=1, max_size=12)


@settings(max_examples=400, deadline=None)
@given(inputs=INPUTS, kills=st.lists(st.integers(0, 90), max_size=6))
def test_I1_P5_killed_before_any_number_is_written_nothing_is_typed_twice_and_nothing_told_is_lost(
    inputs: list[tuple[ClientId | None, int]], kills: list[int]
) -> None:
    """The program takes each write whole, as the kernel does with so few bytes. The one kill that is left out is that
    in the moment between the note that a write comes and the write."""
    memory = Memory(size=1 << 14, limit=1 << 13)
    program, told = b"", b""
    waiting = [(client, bytes([65 + number]) * size) for number, (client, size) in enumerate(inputs)]
    kills = [*kills]
    journal = memory.open()
    number = 0
    while True:
        memory.marks.left = kills.pop() if kills else 1 << 30
        try:
            while number < len(waiting):
                client, data = waiting[number]
                seq = journal.log.last(client) + 1 if client else 0
                journal.append(data, client, seq)
                told += data
                number += 1
                while data := journal.next():
                    program += data
                    journal.wrote(len(data))
            break
        except Killed:
            memory.marks.left = 1 << 30
            journal = memory.open()
            if number < len(waiting):
                client, data = waiting[number]
                # A client that was not told sends again; with a number, what was taken is recognised.
                taken_already = journal._end > memory_end(told, waiting[:number])
                if taken_already:
                    told += data
                    number += 1
            program += drain(journal)
    memory.marks.left = 1 << 30
    program += drain(journal)
    assert program == told == b"".join(data for _, data in waiting)


@settings(max_examples=300, deadline=None)
@given(
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=12),
    kills=st.lists(st.integers(0, 60), max_size=8),
    most=st.integers(1, 300),
)
def test_case_hardening_I1_where_the_kernel_counts_no_kill_at_all_loses_or_doubles_a_key(
    sizes: list[int], kills: list[int], most: int
) -> None:
    """Also right before the write and right after it, of which the program may take a part; and over the area's end."""
    memory, count, program, told = Memory(size=700, limit=650), Count(), b"", b""
    journal = memory.open(count)
    for number, size in enumerate(sizes):
        data = bytes([65 + number]) * size
        memory.marks.left = 1 << 30
        journal.append(data)
        told += data
        while True:
            memory.marks.left = kills.pop() if kills else 1 << 30
            try:
                while piece := journal.next():
                    memory.marks.step()  # Killed before the write.
                    taken = piece[:most]
                    program, count.at = program + taken, count.at + len(taken)
                    memory.marks.step()
                    journal.wrote(len(taken))
                break
            except Killed:
                memory.marks.left = 1 << 30
                journal = memory.open(count)
                assert journal.waiting == len(told) - len(program)
    assert program == told


def test_I1_what_another_version_wrote_is_not_taken_for_counted() -> None:
    memory, count = Memory(), Count()
    journal = memory.open(count)
    journal.append(b"first")
    journal.next()
    count.at += 3
    journal.wrote(3)
    old = memory.open()
    old.next()  # Written, and then it was killed.
    assert memory.open(count).next() == b""


def test_L4_a_write_that_the_kernel_could_not_count_is_not_repeated() -> None:
    memory, count = Memory(), Count()
    journal = memory.open(count)
    journal.append(b"first")
    journal.next()
    journal.uncounted()  # Written in another way, and then it was killed.
    following = memory.open(count)
    assert following.next() == b""
    following.append(b"second")
    assert (following.next(), following.counted) == (b"second", True)


def memory_end(told: bytes, done: list[tuple[ClientId | None, bytes]]) -> int:
    """Where the journal ends if it holds exactly these."""
    return len(told) + 28 * len(done)


@pytest.mark.parametrize("size", [1, WRITE_BYTES, WRITE_BYTES + 1, 5 * WRITE_BYTES])
def test_I1_a_long_input_is_written_in_pieces_and_in_order(size: int) -> None:
    memory = Memory(size=1 << 15, limit=1 << 14)
    journal = memory.open()
    data = bytes(index % 251 for index in range(size))
    journal.append(data)
    assert drain(journal, most=777) == data
