"""Acts as they go to another node."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.ids import ClientId
from termwall.core.session.acts import (
    Act,
    Claimed,
    Coloured,
    Held,
    Left,
    Renamed,
    Reported,
    Reset,
    Resized,
    Saw,
    Typed,
    UnknownAct,
    act_of,
    plain,
)

SIZE = st.tuples(st.integers(2, 1000), st.integers(2, 1000))
ACTS = st.one_of(
    st.builds(Typed, st.binary(max_size=9), st.none() | st.integers(1, 9), st.none(), st.just(ClientId("log"))),
    st.builds(Resized, SIZE),
    st.builds(Claimed, st.none() | SIZE),
    st.builds(Held, st.booleans()),
    st.builds(Renamed, st.text(max_size=9)),
    st.builds(Reported, st.sampled_from(["working", "needs input", "done", "idle"]), st.text(), st.text()),
    st.sampled_from([Coloured(), Saw(), Left(), Reset()]),
)


@given(ACTS)
def test_N4_an_act_reaches_its_node_as_it_was(act: Act) -> None:
    sent = json.loads(json.dumps(plain(act) | {"log": "log"}))
    assert act_of(sent, act.data if isinstance(act, Typed) else b"") == act


def test_N5_an_act_of_a_newer_version_is_an_error_with_its_name() -> None:
    with pytest.raises(UnknownAct, match="juggle"):
        act_of({"do": "juggle"}, b"")


@pytest.mark.parametrize(
    "found",
    [{}, {"do": "resize"}, {"do": "resize", "size": [1]}, {"do": "rename", "to": 5}, {"do": "report", "state": "odd"}],
)
def test_N5_what_is_no_act_is_an_error(found: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        act_of(found, b"")
