"""The states of a connection, driven by a clock that the test turns."""

from hypothesis import given
from hypothesis import strategies as st

from termwall.core.limits import Bounds
from termwall.protocol.peer import Event, GiveUp, Peer, Resume, Retry, Silent

BOUNDS = Bounds()


def run(peer: Peer, until: float) -> list[tuple[float, Event]]:
    """Everything the peer asks for up to a time, with when."""
    events = []
    while peer.deadline <= until:
        now = peer.deadline
        while (event := peer.tick(now)) is not None:
            events.append((round(now, 3), event))
            if isinstance(event, GiveUp | Silent):
                return events
    return events


def test_W5_five_attempts_with_the_seeds_delays_then_it_gives_up() -> None:
    peer = Peer(0, BOUNDS, waiting=True, resume=False)
    assert run(peer, 10) == [
        (0.1, Retry(1)),
        (0.6, Retry(2)),
        (1.6, Retry(3)),
        (3.6, Retry(4)),
        (3.6, GiveUp()),
    ]


def test_W5_a_session_that_appears_ends_the_waiting() -> None:
    peer = Peer(0, BOUNDS, waiting=True, resume=False)
    run(peer, 0.3)
    peer.found(0.3)
    assert peer.state == "open"
    assert [event for _, event in run(peer, 20)] == []


def test_W5_delays_are_settable() -> None:
    peer = Peer(0, Bounds(registration_delays=(1000,)), waiting=True, resume=False)
    assert run(peer, 10) == [(1.0, Retry(1)), (1.0, GiveUp())]


def test_W1_a_resumed_connection_waits_two_seconds_for_its_sync_request() -> None:
    peer = Peer(0, BOUNDS, waiting=False, resume=True)
    assert peer.state == "resuming"
    assert run(peer, 5) == [(2.0, Resume())]
    assert peer.synced() is False


def test_W1_a_sync_request_ends_the_resuming_once() -> None:
    peer = Peer(0, BOUNDS, waiting=False, resume=True)
    assert peer.synced() is True
    assert peer.synced() is False
    assert run(peer, 5) == []


def test_W6_silence_of_two_and_a_half_intervals_ends_a_connection() -> None:
    peer = Peer(0, BOUNDS, waiting=False, resume=False)
    peer.heard(10)
    assert run(peer, 84.9) == []
    assert run(peer, 85.1) == [(85.0, Silent())]


@given(st.lists(st.floats(0.01, 3), max_size=60), st.booleans(), st.booleans())
def test_W6_a_peer_never_asks_twice_for_one_moment(steps: list[float], waiting: bool, resume: bool) -> None:
    peer = Peer(0, BOUNDS, waiting=waiting, resume=resume)
    now, ended = 0.0, False
    for step in steps:
        now += step
        count = 0
        while not ended and (event := peer.tick(now)) is not None:
            count += 1
            ended = isinstance(event, GiveUp | Silent)
            assert count <= len(BOUNDS.registration_delays) + 2
        if not ended:
            assert peer.deadline > now
