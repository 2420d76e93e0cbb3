"""Who drives a session, row by row of the table in core/session/driver.py."""

from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.ids import ClientId
from termwall.core.session.driver import Seat

ANN, BOB = ClientId("ann"), ClientId("bob")


def seat_with(driver: ClientId | None) -> Seat:
    seat = Seat(80, 24)
    if driver is not None:
        seat.claim(driver, None)
    return seat


def test_I4_without_a_driver_the_next_that_types_claims_or_resizes_takes_it() -> None:
    typed, claimed, resized = seat_with(None), seat_with(None), seat_with(None)
    assert typed.typed(ANN)
    assert claimed.claim(ANN, None)
    assert resized.resize(ANN, (100, 30))
    assert [seat.driver for seat in (typed, claimed, resized)] == [ANN, ANN, ANN]
    assert resized.size == (100, 30)


def test_I4_the_last_that_typed_or_claimed_drives() -> None:
    seat = seat_with(ANN)
    assert seat.typed(BOB)
    assert seat.driver == BOB
    assert seat.claim(ANN, None)
    assert seat.driver == ANN


def test_I4_a_resize_from_another_changes_nothing() -> None:
    seat = seat_with(ANN)
    assert not seat.resize(BOB, (40, 10))
    assert (seat.driver, seat.size) == (ANN, (80, 24))


def test_I4_a_take_over_by_typing_brings_the_size_at_once() -> None:
    seat = seat_with(ANN)
    seat.resize(BOB, (40, 10))
    assert seat.typed(BOB)
    assert (seat.driver, seat.size) == (BOB, (40, 10))


def test_I4_more_typing_and_the_same_size_change_nothing() -> None:
    seat = seat_with(None)
    seat.resize(ANN, (100, 30))
    assert not seat.typed(ANN)
    assert not seat.resize(ANN, (100, 30))
    assert not seat.claim(ANN, (100, 30))


def test_I4_when_the_driver_leaves_nobody_drives_and_the_size_stays() -> None:
    seat = seat_with(None)
    seat.resize(ANN, (100, 30))
    assert seat.leave(ANN)
    assert (seat.driver, seat.size) == (None, (100, 30))
    assert not seat.leave(ANN)
    assert not seat.leave(BOB)


def test_I4_who_left_is_forgotten_with_its_size() -> None:
    seat = seat_with(ANN)
    seat.resize(BOB, (40, 10))
    assert not seat.leave(BOB)
    seat.typed(BOB)
    assert seat.size == (80, 24)


def test_I4_over_http_the_size_is_set_once_and_nobody_drives() -> None:
    seat = seat_with(None)
    assert seat.set_size((100, 30))
    assert not seat.set_size((100, 30))
    assert (seat.driver, seat.size) == (None, (100, 30))
    assert seat.resize(ANN, (80, 24))
    assert seat.size == (80, 24)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["typed", "claim", "resize", "leave", "set_size"]),
            st.sampled_from([ANN, BOB, ClientId("cid")]),
            st.tuples(st.integers(2, 4), st.integers(2, 4)),
        ),
        max_size=40,
    )
)
def test_I4_true_exactly_when_driver_or_size_changed(steps: list[tuple[str, ClientId, tuple[int, int]]]) -> None:
    seat = Seat(80, 24)
    present: set[ClientId] = set()
    for what, client, size in steps:
        before = seat.driver, seat.size
        match what:
            case "typed":
                changed = seat.typed(client)
                assert seat.driver == client
            case "claim":
                changed = seat.claim(client, size)
                assert (seat.driver, seat.size) == (client, size)
            case "resize":
                changed = seat.resize(client, size)
                if before[0] in (None, client):
                    assert (seat.driver, seat.size) == (client, size)
                else:
                    assert (seat.driver, seat.size) == before
            case "leave":
                changed = seat.leave(client)
                assert seat.driver != client
                assert seat.size == before[1]
            case _:
                changed = seat.set_size(size)
                assert (seat.driver, seat.size) == (before[0], size)
        if what == "leave":
            present.discard(client)
        elif what != "set_size":
            present.add(client)
        assert seat.driver is None or seat.driver in present
        assert changed is ((seat.driver, seat.size) != before)
