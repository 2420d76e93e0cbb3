"""asciicast v2: what is written is read, and nonsense is told with its line."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.asciicast import (
    CastError,
    Event,
    Header,
    decode_event,
    decode_header,
    encode_event,
    encode_header,
)

TEXT = st.text(st.characters(blacklist_categories=["Cs"]))


@given(
    st.integers(1, 1000),
    st.integers(1, 1000),
    st.integers(0, 1 << 40),
    TEXT,
    st.lists(st.tuples(st.floats(0, 1e5), TEXT)),
)
def test_what_is_written_is_read(cols: int, rows: int, stamp: int, title: str, events: list[tuple[float, str]]) -> None:
    header = Header(cols, rows, stamp, title)
    line = encode_header(header, {"TERM": "xterm"})
    assert line.count("\n") == 1
    assert decode_header(line) == header
    after = 0.0
    for time, data in sorted(events):
        line = encode_event(Event(time, "o", data))
        assert line.count("\n") == 1
        found = decode_event(line, 2, after)
        assert found.data == data
        assert found.time == pytest.approx(time, abs=1e-6)
        after = found.time


def test_a_lone_surrogate_cannot_break_a_file() -> None:
    assert json.loads(encode_event(Event(1, "o", "a\ud800b"))) == [1, "o", "a?b"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[]", "no asciicast v2"),
        ('{"version": 1}', "says version 1"),
        ('{"version": 2, "width": 0, "height": 24}', "no size"),
        ('{"version": 2, "width": true, "height": 24}', "no size"),
    ],
)
def test_a_bad_header_is_told(line: str, says: str) -> None:
    with pytest.raises(CastError, match=says):
        decode_header(line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        "[]",
        '[1, "o"]',
        '[1, 2, "x"]',
        '["1", "o", "x"]',
        '[4, "o", "x"]',
        '[true, "o", ""]',
        '[1e99, "o", ""]',
    ],
)
def test_a_bad_event_is_told_with_its_line(line: str) -> None:
    with pytest.raises(CastError, match="line 7"):
        decode_event(line, 7, 5.0)
