"""Token buckets against a sum over all that was ever spent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.bucket import Allowance, Bucket

STEPS = st.lists(st.tuples(st.floats(0, 5), st.floats(0, 50)), max_size=60)


@given(rate=st.floats(0.1, 100), burst=st.floats(1, 100), steps=STEPS)
def test_L7_no_more_is_taken_in_any_time_than_the_burst_and_its_rate(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    bucket, now = Bucket(rate, burst, 0.0), 0.0
    taken: list[tuple[float, float]] = []
    for pause, amount in steps:
        now += pause
        before = bucket.level(now)
        if bucket.take(amount, now):
            taken.append((now, amount))
            assert before >= amount
        else:
            assert bucket.level(now) == before < amount, "what is refused costs nothing"
        for begin, _ in taken:
            spent = sum(amount for at, amount in taken if at >= begin)
            assert spent <= burst + rate * (now - begin) + 1e-6


@given(rate=st.floats(0.1, 100), burst=st.floats(1, 100), steps=STEPS, amount=st.floats(0, 100))
def test_L7_after_the_wait_it_is_there_and_not_before(
    rate: float, burst: float, steps: list[tuple[float, float]], amount: float
) -> None:
    bucket, now = Bucket(rate, burst, 0.0), 0.0
    for pause, spent in steps:
        now += pause
        bucket.spend(spent, now)
    wanted, wait = min(amount, burst), bucket.wait(now, amount)
    assert (wait == 0) == (bucket.level(now) >= wanted)
    assert bucket.level(now + wait) == pytest.approx(max(wanted, bucket.level(now)), abs=1e-6)
    assert bucket.level(now + wait + 1e9) == burst, "it holds no more than its burst"


@given(steps=STEPS)
def test_L7_what_is_overdrawn_is_paid_off_by_time_alone(steps: list[tuple[float, float]]) -> None:
    bucket, now, level = Bucket(10, 20, 0.0), 0.0, 20.0
    for pause, amount in steps:
        now += pause
        level = min(20.0, level + 10 * pause) - amount
        bucket.spend(amount, now)
        assert bucket.level(now) == pytest.approx(level, abs=1e-6)
        assert bucket.level(now - 3) == bucket.level(now), "a time that goes back counts as none"


@given(sizes=st.lists(st.integers(0, 3_000), max_size=40))
def test_L7_who_waits_as_long_as_asked_keeps_to_both_rates(sizes: list[int]) -> None:
    allowance, now, sent = Allowance(10, 1_000, 2_500, 0.0), 0.0, 0
    for count, size in enumerate(sizes, 1):
        now += allowance.wait(now)
        allowance.spend(1, size, now)
        sent += size
        assert count <= 10 + 10 * now + 1 + 1e-6
        assert sent - size <= 2_500 + 1_000 * now + 1e-6
    assert not allowance.exhausted(now), "one message at a time never owes a second's"


def test_L7_the_largest_message_may_always_come_at_once() -> None:
    allowance = Allowance(10, 1_000, 5_000, 0.0)
    allowance.spend(1, 5_000, 0.0)
    assert allowance.wait(0.0) == 0
    allowance.spend(1, 500, 0.0)
    assert allowance.wait(0.0) == pytest.approx(0.5)
    for _ in range(18):
        allowance.spend(1, 0, 0.0)
    assert allowance.exhausted(0.0)
    assert not allowance.exhausted(0.1)
