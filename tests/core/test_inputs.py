"""Input numbers: nothing twice, nothing lost, over any link that repeats, reorders and loses."""

from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.ids import ClientId
from termwall.core.inputs import InputLog

ANN, BOB = ClientId("ann"), ClientId("bob")


def test_I1_the_first_is_1_and_a_gap_names_the_expected_one() -> None:
    log = InputLog(limit=10)
    assert log.accept(ANN, 2) == 1
    assert log.accept(ANN, 1) == "write"
    log.taken(ANN, 1)
    assert log.accept(ANN, 1) == "duplicate"
    assert log.accept(ANN, 4) == 2
    assert log.accept(ANN, 2) == "write"
    assert log.last(ANN) == 1


def test_I1_what_could_not_be_written_is_still_expected() -> None:
    log = InputLog(limit=10)
    assert log.accept(ANN, 1) == "write"
    assert log.accept(ANN, 1) == "write", "it was never `taken`"


def test_I1_each_client_counts_for_itself() -> None:
    log = InputLog(limit=10)
    log.taken(ANN, 1)
    assert log.accept(BOB, 1) == "write"
    assert (log.last(ANN), log.last(BOB)) == (1, 0)


def test_X4_the_one_that_was_silent_longest_is_forgotten() -> None:
    log = InputLog(limit=2)
    log.taken(ANN, 1)
    log.taken(BOB, 1)
    log.taken(ANN, 2)
    log.taken(ClientId("cid"), 1)
    assert (log.last(ANN), log.last(BOB)) == (2, 0)
    assert log.accept(BOB, 2) == 1, "told to begin again, and nothing is written"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([ANN, BOB]), st.integers(1, 12)), max_size=120))
def test_I1_over_any_link_each_input_is_written_once_in_order(arrivals: list[tuple[ClientId, int]]) -> None:
    log = InputLog(limit=10)
    written: dict[ClientId, list[int]] = {ANN: [], BOB: []}
    for client, seq in arrivals:
        before = list(written[client])
        answer = log.accept(client, seq)
        if answer == "write":
            log.taken(client, seq)
            written[client].append(seq)
        elif answer == "duplicate":
            assert seq in before
        else:
            assert answer == len(before) + 1 < seq
        assert written[client] == list(range(1, len(written[client]) + 1))
