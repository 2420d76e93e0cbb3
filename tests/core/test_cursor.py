"""One viewer's cursor, alone and on a ring, against the whole log."""

from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.cursor import Cursor
from termwall.core.ring import Ring


def test_S5_without_an_ack_there_is_no_window() -> None:
    cursor = Cursor(0, window=10)
    assert cursor.next(0, 1000, most=64) == (0, 64)
    cursor.advance(64)
    assert cursor.next(0, 1000, most=64) == (64, 128)


def test_S5_after_the_first_ack_at_most_window_bytes_are_unacknowledged() -> None:
    cursor = Cursor(0, window=10)
    cursor.advance(5)
    assert cursor.ack(5)
    assert cursor.next(0, 1000, most=64) == (5, 15)
    cursor.advance(15)
    assert cursor.next(0, 1000, most=64) == "wait"
    assert cursor.ack(8)
    assert cursor.next(0, 1000, most=64) == (15, 18)


def test_S5_old_and_impossible_acks_are_ignored() -> None:
    cursor = Cursor(0, window=10)
    cursor.advance(20)
    assert not cursor.ack(21), "never sent"
    assert cursor.acked is None
    assert cursor.ack(15)
    assert not cursor.ack(15)
    assert not cursor.ack(3)
    assert cursor.acked == 15


def test_S5_a_paused_viewer_that_falls_out_of_the_ring_has_lagged() -> None:
    cursor = Cursor(0, window=10)
    assert cursor.ack(0)
    cursor.advance(10)
    assert cursor.next(0, 50, most=64) == "wait"
    assert cursor.next(10, 60, most=64) == "wait"
    assert cursor.next(11, 61, most=64) == "wait", "a snapshot too would be more than its window"
    assert cursor.ack(9)
    assert cursor.next(11, 61, most=64) == "wait"
    assert cursor.ack(10)
    assert cursor.next(11, 61, most=64) == "lagged"


def test_S3_nothing_new_is_nothing_to_send() -> None:
    cursor = Cursor(7, window=10)
    assert cursor.next(0, 7, most=64) is None


def test_S5_a_jump_owes_nothing() -> None:
    cursor = Cursor(0, window=10)
    cursor.ack(0)
    cursor.advance(10)
    cursor.jump(500)
    assert cursor.next(490, 600, most=64) == (500, 510)


def test_S5_a_jump_before_the_first_ack_opens_no_window() -> None:
    cursor = Cursor(0, window=10)
    cursor.jump(500)
    assert cursor.next(490, 600, most=64) == (500, 564)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("output"), st.integers(0, 30)),
        st.tuples(st.just("pump"), st.integers(1, 20)),
        st.tuples(st.just("ack"), st.integers(-5, 40)),
    ),
    max_size=80,
)


@settings(max_examples=400, deadline=None)
@given(capacity=st.integers(1, 40), window=st.integers(1, 40), steps=STEPS)
def test_S3_S5_any_mix_of_output_acks_and_drops_is_the_log(
    capacity: int, window: int, steps: list[tuple[str, int]]
) -> None:
    ring, cursor = Ring(bytearray(capacity)), Cursor(0, window)
    log, received_from, received = b"", 0, b""
    acked: int | None = None
    for what, amount in steps:
        position = cursor.position
        if what == "output":
            data = bytes((len(log) + index) % 251 for index in range(amount))
            ring.append(data)
            log += data
        elif what == "ack":
            offset = position - amount
            believable = offset <= position and (acked is None or offset > acked)
            assert cursor.ack(offset) is believable
            if believable:
                acked = offset
        else:
            step = cursor.next(ring.start, ring.end, amount)
            behind = position < ring.start
            assert (step == "lagged") is (behind and acked in (None, position))
            if behind and step == "wait":
                continue
            if step == "lagged":
                cursor.jump(ring.start)
                received_from, received = ring.start, b""
                acked = None if acked is None else ring.start
            elif step == "wait":
                assert acked is not None
                assert position - acked >= window
                assert position < ring.end
            elif step is None:
                assert position == ring.end
            else:
                start, stop = step
                assert start == position < stop <= start + amount
                received += ring.read(start, stop)
                cursor.advance(stop)
                assert acked is None or stop - acked <= window
        assert received == log[received_from : cursor.position]
