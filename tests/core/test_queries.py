"""A second terminal that shows a program's output is asked nothing (S7)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.queries import QueryFilter

QUERIES = [
    b"\x05",
    b"\x1bZ",
    b"\x1b[c",
    b"\x1b[0c",
    b"\x1b[>c",
    b"\x1b[>0c",
    b"\x1b[=c",
    b"\x1b[5n",
    b"\x1b[6n",
    b"\x1b[?6n",
    b"\x1b[?996n",
    b"\x1b[?2004$p",
    b"\x1b[4$p",
    b"\x1b[>q",
    b"\x1b[>0q",
    b"\x1b[14t",
    b"\x1b[18t",
    b"\x1b[21t",
    b"\x1b[?u",
    b"\x1b[?4m",
    b"\x1b[?4g",
    b"\x1b]11;?\x07",
    b"\x1b]10;?\x1b\\",
    b"\x1b]4;7;?\x07",
    b"\x1b]52;c;?\x07",
    b"\x1bP$qm\x1b\\",
    b"\x1bP+q544e\x1b\\",
]
OTHERS = [
    b"text",
    b"\r\n",
    b"\x07",
    b"\x1b[1;31m",
    b"\x1b[2J",
    b"\x1b[3;4H",
    b"\x1b[?25l",
    b"\x1b[?1049h",
    b"\x1b[2 q",
    b"\x1b[8;24;80t",
    b"\x1b]0;title\x07",
    b"\x1b]11;#112233\x1b\\",
    b"\x1b]8;;http://x/?c\x1b\\",
    b"\x1b[>4;2m",
    b"\x1b[>4;1f",
    b"\x1b[>4n",
    b"\x1b[>1u",
    b"\x1b[<u",
    b"\x1b[=5;1u",
    b"\x1b[5X",
    b"\x1b7",
    b"\x1b(0",
    "日本".encode(),
]


@pytest.mark.parametrize("query", QUERIES)
def test_S7_a_query_is_taken_out(query: bytes) -> None:
    assert QueryFilter().feed(b"before" + query + b"after") == b"beforeafter"


@pytest.mark.parametrize("other", OTHERS)
def test_S7_everything_else_stays(other: bytes) -> None:
    assert QueryFilter().feed(b"before" + other + b"after") == b"before" + other + b"after"


@given(st.lists(st.sampled_from(QUERIES + OTHERS)), st.integers(1, 9))
def test_S7_however_the_output_is_cut(pieces: list[bytes], step: int) -> None:
    data = b"".join(pieces)
    watched = QueryFilter()
    shown = b"".join(watched.feed(data[i : i + step]) for i in range(0, len(data), step)) + watched.flush()
    assert shown == b"".join(piece for piece in pieces if piece not in QUERIES)


@given(st.binary(max_size=600))
def test_X4_what_is_held_back_is_bounded(data: bytes) -> None:
    watched = QueryFilter()
    watched.feed(data)
    assert len(watched.flush()) <= 300
