"""Search in lines, and lines in output."""

import re
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.plain import MAX_LINE, PlainText
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
        there = found.text[found.start : found.end]
        assert same(there, text, text == text.lower())
        assert line[found.at :].startswith(there)
    elif line.isascii():
        assert text not in line.rstrip("\r\n")


def same(one: str, other: str, any_case: bool) -> bool:
    keys = [normalize("NFD", text) for text in (one, other)]
    return len({normalize("NFD", key.casefold()) if any_case else key for key in keys}) == 1


WORDS = st.text(
    st.sampled_from("eEéÉñçåÅüßİıſΣσς한글日本ệươʼnạ\u0301\u0323\u0307\U0001f600 x"), min_size=1, max_size=12
)


@given(WORDS, WORDS, WORDS)
def test_case_terminal_5_R7_one_text_is_found_in_every_form(before: str, text: str, after: str) -> None:
    line = f"{before}|.{text}.|{after}"
    for form in ("NFC", "NFD"):
        for other in ("NFC", "NFD"):
            found = Query(normalize(form, f".{text}.")).find(normalize(other, line))
            assert found is not None, (form, other)
            assert same(found.text[found.start : found.end], f".{text}.", text == text.lower())


@pytest.mark.parametrize(
    ("query", "line", "there"),
    [
        ("café", "un cafe\u0301 noir", "cafe\u0301"),
        ("cafe\u0301", "un CAFÉ noir", "CAFÉ"),
        ("CAFÉ", "un café, un CAFE\u0301", "CAFE\u0301"),
        ("한글", normalize("NFD", "이 한글 저"), normalize("NFD", "한글")),
        (normalize("NFD", "한글"), "이 한글 저", "한글"),
        ("οδοσ", "ΟΔΟΣ οδος", "ΟΔΟΣ"),
        ("οδος", "x οδος", "οδος"),
        ("istanbul", "İSTANBUL, ISTANBUL", "ISTANBUL"),
        ("日本", "a日本b", "日本"),
        ("\U0001f44d", "ok \U0001f44d\U0001f3fd", "\U0001f44d"),
        ("å", "A\u030angstrom \u212b", "A\u030a"),
        ("ế", "e\u0302\u0301", "e\u0302\u0301"),
        ("ạ\u0307", "a\u0307\u0323", "a\u0307\u0323"),
    ],
)
def test_case_terminal_5_R7_the_right_characters_are_found(query: str, line: str, there: str) -> None:
    found = Query(query).find(line)
    assert found is not None
    assert found.text[found.start : found.end] == there


@pytest.mark.parametrize(
    ("query", "line"), [("cafe", "café"), ("cafe", "cafe\u0301"), ("하", "한"), ("하", normalize("NFD", "한"))]
)
def test_case_terminal_5_R7_half_a_character_is_none_in_either_form(query: str, line: str) -> None:
    assert Query(query).find(line) is None


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
    assert [line.text for line in (*lines, plain.rest)] == [
        *[one for one in re.split("\n+", expected)[:-1] if one],
        expected.rpartition("\n")[2],
    ]


@pytest.mark.parametrize("rest", ["\x1b[" + "1;" * 5000, "\x1b]0;" + "x" * 9000, "y" * 50_000])
def test_X4_what_never_ends_is_bounded(rest: str) -> None:
    plain = PlainText()
    for start in range(0, len(rest), 500):
        plain.feed(rest[start : start + 500])
    assert len(plain._held) <= 5000
    assert len(plain.rest.text) <= MAX_LINE + 500


@given(st.integers(0, 300), st.integers(1, 5000), st.integers(0, 2))
def test_case_terminal_5_R7_a_match_where_a_very_long_line_is_cut_is_found_once(
    shift: int, size: int, more: int
) -> None:
    whole = "x" * (MAX_LINE - 150 + shift) + "NEEDLE" + "y" * (MAX_LINE * more)
    plain, lines = PlainText(), []
    for start in range(0, len(whole), size):
        lines += plain.feed(whole[start : start + size])
    query = Query("NEEDLE")
    assert sum(query.find(line.text, after=line.seen) is not None for line in (*lines, plain.rest)) == 1


def test_case_terminal_5_R7_cursor_moves_are_blanks_and_other_rows() -> None:
    plain = PlainText()
    lines = plain.feed("two\x1b[Cwords\x1b[3Chere\x1b[5;1Hnext row\x1b[2Bbelow\n")
    assert [line.text for line in lines] == ["two words   here", "next row", "below"]
