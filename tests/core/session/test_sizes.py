"""The size log against a list with the size of every byte."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.session.sizes import SizeLog, SizeMark


def test_S3_a_size_holds_from_its_offset_on() -> None:
    sizes = SizeLog(80, 24, limit=10)
    sizes.record(5, 100, 30)
    assert [sizes.at(offset) for offset in (0, 4, 5, 99)] == [(80, 24), (80, 24), (100, 30), (100, 30)]


def test_case_hardening_L3_sizes_at_one_offset_are_one() -> None:
    sizes = SizeLog(80, 24, limit=10)
    sizes.record(5, 100, 30)
    for number in range(1_000):
        sizes.record(5, 2 + number, 20)
    assert sizes.next_after(0) == sizes.next_after(1) == SizeMark(1_001, 5, 1_001, 20)
    assert sizes.next_after(1_000) == sizes.next_after(0), "who was told one that is gone is told the last"
    assert sizes.next_after(1_001) is None
    assert sizes.at(5) == sizes.size_of(7) == sizes.size_of(1_001) == (1_001, 20)
    assert sizes.at(4) == sizes.size_of(0) == (80, 24)
    assert sizes.serial_at(5) == sizes.last_serial == 1_001
    assert (sizes.count_after(0), sizes.count_after(1_000), sizes.count_after(1_001)) == (1, 1, 0)
    assert len(sizes.marks) == 2, "what is kept for the next server does not grow"


def test_S3_a_change_cannot_come_before_the_last_one() -> None:
    sizes = SizeLog(80, 24, limit=10)
    sizes.record(5, 100, 30)
    with pytest.raises(ValueError, match="comes after"):
        sizes.record(4, 90, 20)


def test_X4_of_more_changes_than_the_limit_the_newest_are_kept() -> None:
    sizes = SizeLog(80, 24, limit=3)
    for number in range(1, 10):
        sizes.record(number * 10, 80 + number, 24)
    assert sizes.next_after(0) == SizeMark(7, 70, 87, 24), "who is far behind is told the oldest that is known"
    assert sizes.at(0) == (87, 24)
    assert sizes.at(95) == (89, 24)
    assert sizes.next_after(8) == SizeMark(9, 90, 89, 24)


def test_S3_a_log_that_goes_on_elsewhere_tells_its_size_there_and_nothing_of_before() -> None:
    sizes = SizeLog(80, 24, limit=10)
    sizes.record(50, 100, 30)
    sizes.begin(20, 90, 20)
    assert sizes.next_after(1) == SizeMark(2, 20, 90, 20)
    sizes.record(30, 100, 30)
    assert [sizes.at(offset) for offset in (20, 30, 50)] == [(90, 20), (100, 30), (100, 30)]


def test_S3_who_was_shown_a_size_is_told_the_changes_after_it() -> None:
    sizes = SizeLog(80, 24, limit=10)
    sizes.record(5, 100, 30)
    assert sizes.serial_shown(5, 80, 24) == 0, "drawn just before the change"
    assert sizes.serial_shown(5, 100, 30) == 1
    assert sizes.serial_shown(5, 70, 20) == 1, "drawn after one that is not known yet"
    sizes.record(5, 80, 24)
    assert sizes.serial_shown(5, 80, 24) == 2
    assert sizes.serial_shown(4, 80, 24) == 0


@settings(max_examples=300, deadline=None)
@given(
    changes=st.lists(st.tuples(st.integers(0, 6), st.integers(2, 9), st.integers(2, 9)), max_size=20), data=st.data()
)
def test_S3_from_any_offset_a_viewer_is_told_each_change_once_in_its_place(
    changes: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    sizes = SizeLog(80, 24, limit=100)
    at_byte, size = [], (80, 24)
    for step, cols, rows in changes:
        at_byte += [size] * step
        size = (cols, rows)
        sizes.record(len(at_byte), cols, rows)
    at_byte += [size] * 5
    assert [sizes.at(offset) for offset in range(len(at_byte))] == at_byte

    start = data.draw(st.integers(0, len(at_byte) - 1))
    serial, seen = sizes.serial_at(start), sizes.at(start)
    told = []
    for offset in range(start, len(at_byte)):
        while (mark := sizes.next_after(serial)) is not None and mark.offset <= offset:
            assert mark.offset == offset, "a change was told late"
            serial, seen = mark.serial, (mark.cols, mark.rows)
            told.append(mark.serial)
        assert seen == at_byte[offset]
    assert told == [serial for serial, *_ in sizes.marks if serial > sizes.serial_at(start)]
    assert len({offset for _, offset, *_ in sizes.marks}) == len(sizes.marks), "one at each offset (L11)"
