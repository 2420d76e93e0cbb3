"""Places that several share."""

from termwall.core.shares import Shares


def test_X4_nobody_keeps_all_places_from_the_others() -> None:
    shares = Shares(8)
    greedy = [shares.take("a") for _ in range(8)]
    assert greedy == [True] * 4 + [False] * 4
    assert [shares.take("b") for _ in range(8)].count(True) == 2
    assert [shares.take("c") for _ in range(8)].count(True) == 1
    shares.give("a")
    assert shares.take("c")


def test_X4_what_was_given_back_is_there_again() -> None:
    shares = Shares(2)
    for _ in range(100):
        assert shares.take("a")
        assert not shares.take("a")
        shares.give("a")
