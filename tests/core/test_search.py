"""Search in lines, and lines in output."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.plain import PlainText
from termwall.core.search import AROUND, Query


def test_small_letters_find_both_cases_and_a_capital_only_capitals() -> None:
    lines = ["Error: one", "an error", "nothing", "ERROR"]
    assert [found.line for found in Query("error").find_all(lines)] == [3, 1, 0]
    assert [found.line for found in Query("Error").find_all(lines)] == [0]


def test_a_long_line_is_cut_around_the_match() -> None:
    found = Query("needle").find("x" * 5000 + "needle" + "y" * 5000)
    assert found is not None
    assert found.text[found.start : found.end] == "needle"
    assert len(found.text) == 2 * AROUND + 6


@given(st.text(max_size=40), st.text(min_size=1, max_size=4))
def test_what_is_found_is_there(line: str, text: str) -> None:
    found = Query(text).find(line)
    if found is not None:
        assert found.text[found.start : found.end].lower() == text.lower() or len(text) != len(text.lower())
    elif text == text.lower() and len(line.lower()) == len(line):
        assert text not in line.rstrip("\r\n").lower() or len(text.lower()) != len(text)


PIECES = [
    "plain",
    " ",
    "\r\n",
    "\n",
    "\x1b[31m",
    "\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\",
    "é日",
    "\x1b(B",
    "\x1b7",
    "\x1bPq#\x1b\\",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30), st.data())
def test_sequences_are_left_out_however_they_are_split(pieces: list[str], data: st.DataObject) -> None:
    whole = "".join(pieces)
    plain, lines, at = PlainText(), [], 0
    while at < len(whole):
        size = data.draw(st.integers(1, 9))
        lines += plain.feed(whole[at : at + size])
        at += size
    expected = "".join(piece for piece in pieces if "\x1b" not in piece).replace("\r", "\n")
    assert [*lines, plain.rest] == [
        *[one for one in re.split("\n+", expected)[:-1] if one],
        expected.rpartition("\n")[2],
    ]


@pytest.mark.parametrize("rest", ["\x1b[" + "1;" * 5000, "\x1b]0;" + "x" * 9000, "y" * 50_000])
def test_X4_what_never_ends_is_bounded(rest: str) -> None:
    plain = PlainText()
    for start in range(0, len(rest), 500):
        plain.feed(rest[start : start + 500])
    assert len(plain._held) <= 5000
    assert len(plain.rest) <= 5000
