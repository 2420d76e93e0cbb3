"""Input numbers: nothing twice, nothing lost, over any link that repeats, reorders and loses."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.clients import bound
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ClientId
from termwall.core.session.inputs import InputLog, client_key

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


def types(log: InputLog, client: ClientId, seq: int = 1) -> None:
    """A client's input, as a session takes it."""
    assert log.accept(client, seq) == "write"
    log.taken(client, seq)


def test_case_hardening_L6_ids_that_one_token_invents_cost_that_token_its_own_places() -> None:
    log = InputLog(limit=8)
    types(log, ANN)
    types(log, bound("jo", "t2"))
    for number in range(40):
        types(log, bound(f"invented-{number}", "t1"))
    assert (log.last(ANN), log.last(bound("jo", "t2"))) == (1, 1)
    assert sum(log.last(bound(f"invented-{number}", "t1")) for number in range(40)) == 6


def test_case_hardening_L6_a_token_with_many_clients_makes_room_for_other_tokens() -> None:
    log = InputLog(limit=4)
    log.connected = lambda: [bound(f"c{number}", "t1") for number in range(4)]
    for number in range(4):
        types(log, bound(f"c{number}", "t1"))
    types(log, ANN)
    types(log, bound("jo", "t2"))
    assert [log.last(bound(f"c{number}", "t1")) for number in range(4)] == [0, 0, 1, 1]


def test_case_hardening_L6_who_is_connected_is_not_forgotten_for_others_of_its_token() -> None:
    log = InputLog(limit=3)
    log.connected = lambda: [ANN, BOB]
    for client in (ANN, BOB, *(ClientId(f"c{number}") for number in range(9))):
        types(log, client)
    assert (log.last(ANN), log.last(BOB), log.last(ClientId("c8"))) == (1, 1, 1)
    log.connected = lambda: [ANN, BOB, ClientId("c8")]
    with pytest.raises(TermwallError) as refused:
        log.accept(ClientId("one more"), 1)
    assert refused.value.code is ErrorCode.INPUT_OVERFLOW
    types(log, ANN, 2)


def test_case_hardening_L6_tokens_are_told_apart_in_what_is_read_back() -> None:
    again = InputLog(limit=4)
    for client in (ANN, bound("a", "t1"), bound("b", "t1"), bound("c", "t1")):
        again.restore(client_key(client), 1)
    types(again, bound("d", "t1"))
    assert (again.last(ANN), again.last(bound("a", "t1"))) == (1, 0)


def test_P5_numbers_of_a_version_that_knew_names_alone_hold_over_the_upgrade() -> None:
    log = InputLog(limit=10)
    log.restore(client_key(ClientId("page")), 7)
    assert log.accept(bound("page", "t1"), 8) == 1, "of this version it is another client's"
    log.name_only()
    assert [log.accept(bound("page", "t1"), seq) for seq in (7, 8, 9)] == ["duplicate", "write", 8]
    log.taken(bound("page", "t1"), 8)
    assert (log.last(bound("page", "t1")), log.last(ClientId("page")), log.last(bound("other", "t1"))) == (8, 7, 0)


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
