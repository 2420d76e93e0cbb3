"""Shared documents over a network that loses, delays and repeats: one log, and an honest answer to each command."""

import heapq
import itertools
import random
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.replica import (
    MOST_WAITING,
    PATIENCE_SECONDS,
    RECENT_OPERATIONS,
    Accepted,
    Answered,
    Decide,
    Document,
    Effect,
    Propose,
    Replica,
    Value,
)


def add(item: str) -> Decide:
    def decide(value: Value | None) -> dict[str, Any]:
        return {"items": [*([] if value is None else value["items"]), item]}

    return decide


def nothing(value: Value | None) -> Value | None:
    return None


def stored(proposal: Propose) -> Document:
    return Document("k", 1 if proposal.after is None else proposal.after.version + 1, proposal.value)


def only(effects: list[Effect], kind: type) -> Any:
    (found,) = [one for one in effects if isinstance(one, kind)]
    return found


def test_F2_a_command_is_done_once_its_version_was_seen() -> None:
    replica = Replica()
    (proposal,) = replica.ask("a", add("x"), 0.0)
    assert isinstance(proposal, Propose)
    effects = replica.seen(stored(proposal))
    assert only(effects, Accepted).operation == "a"
    assert only(effects, Answered).outcome.value["items"] == ["x"]
    assert replica.seen(stored(proposal)) == [], "once"
    assert replica.ask("b", nothing, 0.0) == [Answered("b", None)]


def test_F4_what_waits_when_the_store_lost_its_log_is_decided_again_and_done_once() -> None:
    replica = Replica()
    replica.seen(Document("k", 7, {"items": ["old"]}, 70))
    (before,) = replica.ask("a", add("x"), 0.0)
    assert isinstance(before, Propose)
    (again,) = replica.lost()
    assert isinstance(again, Propose), "nobody says that it may have been stored"
    assert (again.operation, again.after) == ("a", None)
    assert replica.refused(before) == replica.unknown(before, 0.0) == replica.away(before) == [], "it is over"
    replica.refused(again)
    effects = replica.seen(Document("k", 1, {"items": ["from another node"], "operations": ["b"]}, 1))
    assert only(effects, Accepted).document.version == 1
    (third,) = replica.go()
    assert isinstance(third, Propose)
    assert third.value["items"] == ["from another node", "x"]
    # Proposed once more before the loss was known, and stored after it.
    replica.lost()
    effects = replica.seen(Document("k", 1, {"items": ["x"], "operations": ["a"]}, 2))
    assert only(effects, Answered).operation == "a"
    assert replica.waiting == 0
    # What may have been stored before the loss is told so.
    (tried,) = replica.ask("c", add("z"), 0.0)
    assert isinstance(tried, Propose)
    replica.unknown(tried, 0.0)
    (answered,) = replica.lost()
    assert isinstance(answered, Answered)
    assert "may still come" in str(answered.outcome)


def test_F4_what_another_was_first_with_is_decided_again() -> None:
    replica, other = Replica(), Replica()
    (ours,) = replica.ask("a", add("x"), 0.0)
    (theirs,) = other.ask("b", add("y"), 0.0)
    assert isinstance(ours, Propose)
    assert isinstance(theirs, Propose)
    assert replica.refused(ours) == []
    again = only(replica.seen(stored(theirs)) + replica.go(), Propose)
    assert again.value["items"] == ["y", "x"]

    def strict(value: Value | None) -> Value:
        raise TermwallError(ErrorCode.VERSION_CONFLICT, "no")

    effects = replica.ask("c", strict, 0.0) + replica.seen(stored(again)) + replica.go()
    assert [one.operation for one in effects if isinstance(one, Answered)] == ["a", "c"]


def test_what_was_stored_second_at_one_number_counts_for_nothing_but_the_next_compare_and_set() -> None:
    """Three servers of an engine may do so when their leader fails; then the store's newest is not the version's."""
    replica = Replica()
    replica.seen(Document("k", 1, {"items": ["first"]}, token=1))
    assert replica.seen(Document("k", 1, {"items": ["second"]}, token=2)) == []
    (proposal,) = replica.ask("a", add("x"), 0.0)
    assert isinstance(proposal, Propose)
    assert proposal.value["items"] == ["first", "x"]
    assert proposal.after is not None
    assert (proposal.after.version, proposal.after.token) == (1, 2)


def test_F4_an_unknown_outcome_is_never_guessed() -> None:
    replica = Replica()
    (proposal,) = replica.ask("a", add("x"), 0.0)
    assert isinstance(proposal, Propose)
    replica.unknown(proposal, 1.0)
    assert replica.tick(1.1) == []
    assert replica.tick(1.6) == [proposal], "the very same, so that one of both at most is stored"
    assert replica.away(proposal) == [], "the first may have been stored nevertheless"
    replica.refused(proposal)
    assert only(replica.seen(stored(proposal)), Answered).operation == "a"


def test_F4_a_try_that_is_not_sent_says_nothing_of_the_tries_before_it() -> None:
    """Found by `test_many_nodes`: the second of three tries was refused, because the first was stored."""
    replica = Replica()
    (proposal,) = replica.ask("a", add("x"), 0.0)
    assert isinstance(proposal, Propose)
    replica.unknown(proposal, 2.0)
    assert [replica.tick(now) for now in (2.5, 3.0)] == [[proposal]] * 2
    replica.refused(proposal)
    assert replica.away(proposal) == [], "not `nothing was changed`"
    assert only(replica.seen(stored(proposal)), Answered).outcome.version == 1


def test_a_first_version_that_is_seen_late_does_not_tell_what_became_of_an_own_one() -> None:
    replica, other = Replica(), Replica()
    (ours,) = replica.ask("ours", add("1"), 0.0)
    assert isinstance(ours, Propose)
    other.seen(stored(ours))
    for index in range(RECENT_OPERATIONS):
        other.seen(stored(only(other.ask(f"o{index}", add("2"), 0.0), Propose)))
    assert other.document is not None
    effects = replica.seen(other.document) + replica.go()
    assert "may still come" in str(only(effects, Answered).outcome), "it is not decided a second time"


def test_what_cannot_be_sent_or_takes_too_long_is_told() -> None:
    replica = Replica()
    (proposal,) = replica.ask("a", add("x"), 0.0)
    assert isinstance(proposal, Propose)
    gone = only(replica.away(proposal), Answered).outcome
    assert str(gone).startswith("Nothing was changed")
    replica.ask("b", add("x"), 0.0)
    replica.ask("c", add("x"), 5.0)
    assert replica.next_deadline() == PATIENCE_SECONDS
    late = only(replica.tick(PATIENCE_SECONDS), Answered).outcome
    assert "may still come" in str(late)
    assert replica.waiting == 1


def test_a_line_is_bounded() -> None:
    replica = Replica()
    for index in range(MOST_WAITING):
        replica.ask(str(index), add("x"), 0.0)
    assert only(replica.ask("more", add("x"), 0.0), Answered).outcome.code is ErrorCode.RATE_LIMITED


@pytest.mark.parametrize(("missed", "known"), [(RECENT_OPERATIONS - 1, True), (RECENT_OPERATIONS, False)])
def test_a_jump_tells_its_own_operation_or_that_nobody_knows(missed: int, known: bool) -> None:
    replica, other = Replica(), Replica()
    (first,) = other.ask("first", add("0"), 0.0)
    assert isinstance(first, Propose)
    other.seen(stored(first))
    replica.seen(stored(first))
    (ours,) = replica.ask("ours", add("1"), 0.0)
    assert isinstance(ours, Propose)
    other.seen(stored(ours))
    for index in range(missed):
        other.seen(stored(only(other.ask(f"o{index}", add("2"), 0.0), Propose)))
    assert other.document is not None
    effects = replica.seen(other.document)
    assert only(effects, Accepted).jumped
    outcome = only(effects, Answered).outcome
    assert outcome is other.document if known else outcome.code is ErrorCode.ENGINE_AWAY


class Simulation:
    """Many replicas, one store, and a network that a seed makes bad."""

    def __init__(self, seed: int, nodes: int, loss: float) -> None:
        self.random = random.Random(seed)
        self.loss = loss
        self.now = 0.0
        self._order = itertools.count()
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self.log: list[Document] = []
        self.replicas = [Replica() for _ in range(nodes)]
        self.histories: list[list[Document]] = [[] for _ in range(nodes)]
        self.answers: dict[str, list[Document | TermwallError | None]] = {}
        self.cut: set[int] = set()

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        heapq.heappush(self._queue, (self.now + seconds, next(self._order), call))

    def run(self) -> None:
        while self._queue:
            self.now, _, call = heapq.heappop(self._queue)
            call()

    def do(self, node: int, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Propose():
                    self.propose(node, effect)
                case Accepted(document):
                    self.histories[node].append(document)
                case Answered(operation, outcome):
                    self.answers.setdefault(operation, []).append(outcome)
        deadline = self.replicas[node].next_deadline()
        if deadline is not None:
            self.later(max(0.0, deadline - self.now), lambda: self.tick(node))

    def tick(self, node: int) -> None:
        deadline = self.replicas[node].next_deadline()
        if deadline is not None and deadline <= self.now:
            self.do(node, self.replicas[node].tick(self.now))

    def ask(self, node: int, operation: str) -> None:
        self.do(node, self.replicas[node].ask(operation, add(operation), self.now))

    def propose(self, node: int, proposal: Propose) -> None:
        replica = self.replicas[node]
        if node in self.cut:
            self.later(0.0, lambda: self.do(node, replica.away(proposal)))
            return
        if self.random.random() < self.loss:  # It, or its answer, is lost; it may come very late.
            self.later(2.0, lambda: self.do(node, replica.unknown(proposal, self.now)))
            if self.random.random() < 0.6:
                self.later(self.random.random() * 8.0, lambda: self.store(proposal))
            return

        def arrive() -> None:
            if not self.store(proposal):
                self.later(self.random.random() * 0.1, lambda: self.do(node, replica.refused(proposal)))

        self.later(self.random.random() * 0.1, arrive)

    def store(self, proposal: Propose) -> bool:
        if len(self.log) != (0 if proposal.after is None else proposal.after.version):
            return False
        document = stored(proposal)
        self.log.append(document)
        for node in range(len(self.replicas)):
            self.watch(node)
        return True

    def watch(self, node: int) -> None:
        """Each node's consumer: in order, from its last seen version, whenever its connection lets it."""

        def deliver() -> None:
            if node in self.cut:
                self.later(1.0, deliver)
                return
            seen = self.histories[node][-1].version if self.histories[node] else 0
            for document in self.log[seen : seen + self.random.randint(1, 3)]:
                self.do(node, self.replicas[node].seen(document))
                self.do(node, self.replicas[node].go())
            if seen < len(self.log):
                self.later(self.random.random() * 0.05, deliver)

        self.later(self.random.random() * 0.2, deliver)

    def check(self, asked: int) -> None:
        assert [one.version for one in self.log] == list(range(1, len(self.log) + 1))
        made = [one.operations[-1] for one in self.log]
        assert len(set(made)) == len(made), "no command was carried out twice"
        if self.log:
            assert list(self.log[-1].value["items"]) == made, "no command was lost that was carried out"
        for history in self.histories:
            assert history == self.log, "every node saw every version, once and in order"
        assert len(self.answers) == asked
        for operation, outcomes in self.answers.items():
            (outcome,) = outcomes
            if isinstance(outcome, Document):
                assert operation in made
            elif "may still come" not in str(outcome):
                assert operation not in made, f"{operation}: {outcome}"


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32), nodes=st.integers(1, 6), loss=st.sampled_from([0.0, 0.1, 0.5]))
def test_F1_F4_any_network_gives_one_log_and_honest_answers(seed: int, nodes: int, loss: float) -> None:
    simulation = Simulation(seed, nodes, loss)
    for index in range(40):
        node = simulation.random.randrange(nodes)
        simulation.later(simulation.random.random() * 3, lambda n=node, i=index: simulation.ask(n, f"op{i}"))  # type: ignore[misc]
    for _ in range(nodes):
        node, begin = simulation.random.randrange(nodes), simulation.random.random() * 3
        simulation.later(begin, lambda n=node: simulation.cut.add(n))  # type: ignore[misc]
        simulation.later(begin + 2, lambda n=node: simulation.cut.discard(n))  # type: ignore[misc]
    simulation.run()
    simulation.check(40)


def test_F8_two_hundred_nodes_and_a_storm() -> None:
    simulation = Simulation(20261124, 200, 0.02)
    for index in range(200):
        node = simulation.random.randrange(200)
        simulation.later(simulation.random.random() * 60, lambda n=node, i=index: simulation.ask(n, f"op{i}"))  # type: ignore[misc]
    simulation.run()
    simulation.check(200)


def test_case_server_5_what_the_store_says_is_what_the_command_is_told() -> None:
    replica = Replica()
    (proposal,) = replica.ask("a", add("x"), 0.0)
    assert isinstance(proposal, Propose)
    refused = only(replica.away(proposal, "NATS has no room to store it."), Answered).outcome
    assert (refused.code, refused.message) == ("engine_away", "Nothing was changed: NATS has no room to store it.")
