"""A stream to another node over a network that loses, delays and repeats: no wrong byte, and every jump is told."""

import heapq
import itertools
import random
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.relay import (
    ACK_SECONDS,
    CHUNK_BYTES,
    LEASE_SECONDS,
    RESEND_SECONDS,
    WINDOW_BYTES,
    Receiver,
    Reset,
    Send,
    Sender,
)


def test_S3_a_copy_goes_on_exactly_where_it_was() -> None:
    sender = Sender(100, 0, 300, 0.0)
    assert sender.next(0, 300, 0.0) == Send(100, 300)
    assert sender.next(0, 300, 0.0) is None
    receiver = Receiver(100)
    assert receiver.data(100, 200) == 0
    assert receiver.data(50, 200) is None, "had all of that"
    assert receiver.data(250, 100) == 50
    assert receiver.data(400, 10) is None, "350 to 400 were lost: the host goes back"
    assert receiver.ack() == 350


def test_S3_a_place_that_the_ring_lost_or_never_had_is_reset_in_band() -> None:
    for place in (None, 99, 1001):
        sender = Sender(place, 100, 1000, 0.0)
        assert sender.next(100, 1000, 0.0) == Reset(1000)
        assert sender.next(100, 1200, 0.0) is None, "the data comes after the answer"
        sender.ack(1000, 0.1)
        assert sender.next(100, 1200, 0.1) == Send(1000, 1200)


def test_S3_a_gateway_that_has_nothing_may_begin_before_the_end_and_that_is_told_until_it_is_heard() -> None:
    sender = Sender(None, 100, 1000, 0.0, fresh=700)
    assert sender.next(100, 1000, 0.0) == Reset(700)
    assert sender.next(100, 1200, 0.1 + RESEND_SECONDS) == Reset(700)
    sender.ack(700, 1.2)
    assert sender.next(100, 1200, 1.2) == Send(700, 1200)
    assert sender.next(5000, 6000, 1.3) == Reset(6000), "a later one is told the end, as ever"
    assert Sender(100, 100, 1000, 0.0, fresh=700).next(100, 1000, 0.0) == Send(100, 1000)
    lost = Sender(None, 100, 1000, 0.0, fresh=700)
    lost.next(100, 1000, 0.0)
    assert lost.next(800, 2000, 0.1 + RESEND_SECONDS) == Reset(2000)


def test_S5_at_most_a_window_is_on_its_way_and_what_is_lost_comes_again() -> None:
    sender = Sender(0, 0, 10 << 20, 0.0)
    sent = 0
    while isinstance(step := sender.next(0, 10 << 20, 0.0), Send):
        sent += step.stop - step.start
        assert step.stop - step.start <= CHUNK_BYTES
    assert sent == WINDOW_BYTES
    assert sender.next(0, 10 << 20, RESEND_SECONDS + 0.1) == Send(0, CHUNK_BYTES)


def test_a_slow_answer_to_a_reset_is_an_answer() -> None:
    """Found by the draft: with acks slower than the timer, each answer was too old for the newest reset."""
    sender = Sender(0, 0, 100, 0.0)
    sender.next(0, 100, 0.0)
    assert sender.next(5000, 6000, 0.1) == Reset(6000)
    assert sender.next(6000, 7000, 0.2 + RESEND_SECONDS) == Reset(7000)
    sender.ack(6000, 0.3 + RESEND_SECONDS)
    assert sender.reset_at is None
    assert sender.next(6000, 7000, 0.3 + RESEND_SECONDS) == Send(6000, 7000)


def test_a_silent_gateway_costs_nothing() -> None:
    sender = Sender(0, 0, 0, 0.0)
    assert not sender.expired(LEASE_SECONDS)
    sender.ack(0, 2.0)
    assert not sender.expired(2.0 + LEASE_SECONDS)
    assert sender.expired(2.1 + LEASE_SECONDS)


def test_a_gateway_that_never_got_a_reset_says_so_and_gets_one() -> None:
    """Found by `test_many_nodes`: it acked nothing, its lease ended, and nobody ever told it."""
    sender, receiver = Sender(None, 0, 0, 0.0), Receiver(None)
    assert sender.next(0, 0, 0.0) == Reset(0), "lost"
    for now in range(1, 9):
        sender.ack(receiver.ack(), float(now))
    assert not sender.expired(8.0 + LEASE_SECONDS)
    assert sender.next(0, 10, 8.5) == Reset(10), "it was no answer"
    receiver.reset(10)
    sender.ack(receiver.ack(), 9.0)
    assert sender.next(0, 20, 9.0) == Send(10, 20)


class Simulation:
    """A host that prints, a gateway that copies, and a network between them that a seed makes bad until `calm`."""

    def __init__(self, seed: int, ring: int, loss: float, calm: float) -> None:
        self.random = random.Random(seed)
        self.ring, self.loss, self.calm = ring, loss, calm
        self.now = 0.0
        self.end = 0
        self._order = itertools.count()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self.receiver = Receiver(None)
        self.sender = Sender(None, 0, 0, 0.0)
        self.pieces: list[tuple[int, int]] = []
        self.resets: list[int] = []

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._order), call))

    def carry(self, call: Callable[[], None]) -> None:
        if self.now < self.calm:
            if self.random.random() < self.loss:
                return
            if self.random.random() < 0.1:
                self.later(self.random.random() * 3, call)
            self.later(self.random.random() * 0.3, call)
        else:
            self.later(0.01, call)

    @property
    def start(self) -> int:
        return max(0, self.end - self.ring)

    def pump(self) -> None:
        while (step := self.sender.next(self.start, self.end, self.now)) is not None:
            if isinstance(step, Send):
                assert self.start <= step.start < step.stop <= self.end
                assert step.stop - self.sender.acked <= WINDOW_BYTES
                self.carry(lambda s=step: self.data(s))  # type: ignore[misc]
            else:
                self.carry(lambda s=step: self.reset(s))  # type: ignore[misc]

    def data(self, step: Send) -> None:
        skip = self.receiver.data(step.start, step.stop - step.start)
        if skip is not None:
            self.pieces.append((step.start + skip, step.stop))
        if self.receiver.due():
            self.ack()

    def reset(self, step: Reset) -> None:
        if self.receiver.reset(step.offset):
            self.resets.append(step.offset)
        self.ack()

    def ack(self) -> None:
        offset = self.receiver.ack()
        self.carry(lambda: (self.sender.ack(offset, self.now), self.pump()))  # type: ignore[func-returns-value]

    def run(self, seconds: float, chunk: int) -> None:
        def prints() -> None:
            if self.now < seconds - 20:
                self.end += self.random.randrange(chunk)
                self.pump()
                self.later(self.random.random() * 0.2, prints)

        def beat() -> None:
            self.ack()
            if self.sender.expired(self.now):  # The gateway is told, and attaches anew.
                self.sender = Sender(self.receiver.offset, self.start, self.end, self.now)
            self.pump()
            if self.now < seconds:
                self.later(ACK_SECONDS, beat)

        self.later(0, prints)
        self.later(0, beat)
        while self._queue:
            self.now, _, call = heapq.heappop(self._queue)
            call()


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    ring=st.sampled_from([1 << 16, 1 << 20, 1 << 22]),
    loss=st.sampled_from([0.0, 0.05, 0.4]),
    chunk=st.sampled_from([100, 20_000, 400_000]),
)
def test_S3_S5_any_network_gives_the_log_with_told_jumps(seed: int, ring: int, loss: float, chunk: int) -> None:
    simulation = Simulation(seed, ring, loss, calm=20.0)
    simulation.run(50.0, chunk)
    expected: int | None = None
    resets = iter(simulation.resets)
    expected = next(resets)
    for start, stop in simulation.pieces:
        while start != expected:
            expected = next(resets)
            assert expected <= start, "a jump that nobody told"
        expected = stop
    assert simulation.receiver.offset == simulation.end, "once the network is calm, the copy has everything"
