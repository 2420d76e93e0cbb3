"""The clocks of deadlines and dates: what is done to the machine's clock does not reach them."""

import time

import pytest

from termwall.system import clock


def test_case_page_30_dates_do_not_follow_a_clock_that_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    dates = clock.Dates()
    real = time.time_ns
    before = dates()
    for hours in (-1, 1):
        monkeypatch.setattr(time, "time_ns", lambda h=hours: real() + h * 3600 * 10**9)
        assert 0 <= dates() - before < 60_000


def test_case_page_30_dates_follow_a_machine_that_learns_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() - 20_000 * 86_400 * 10**9)
    dates = clock.Dates()
    before = dates()
    monkeypatch.setattr(time, "time_ns", real)
    assert dates() - before >= 19_999 * clock.DAY_MILLISECONDS
    assert dates() >= dates() - 1


def test_case_page_29_another_machines_clock_is_taken_for_what_it_is_at_least() -> None:
    other = clock.Remote()
    assert other.at(0) is None
    now = clock.milliseconds()
    for late in (900, 40, 300):
        other.heard(now + 1_000_000 - late)
    assert now + 1_000_000 - 60_000 < (other.at(now) or 0) <= now + 1_000_000 - 40
    other.forget()
    assert other.at(0) is None
