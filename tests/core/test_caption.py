"""Text of others: what a terminal would obey, and what turns the text beside it around, is not in it."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.caption import caption, sentence


@pytest.mark.parametrize(
    ("text", "shown", "as_sentence"),
    [
        ("plain name", "plain name", "plain name"),
        ("größer 名前 👩\u200d🚀", "größer 名前 👩\u200d🚀", "größer 名前 👩\u200d🚀"),
        ("a\x1b[31mb", "a[31mb", "a[31mb"),
        ("a\x1b]0;title\x07b", "a]0;titleb", "a]0;titleb"),
        ("a\x9b31mb\x7f", "a31mb", "a31mb"),
        ("one\r\ntwo\tthree", "onetwothree", "one  two three"),
        ("a\u202egpj.exe\u202c\u2066x\u2069\u200e\u200f\u061c", "agpj.exex", "agpj.exex"),
        ("a\u2028b\u2029c", "abc", "a b c"),
        ("half \ud800", "half \ufffd", "half \ufffd"),
        ("", "", ""),
    ],
)
def test_case_hardening_X6_only_text_is_left(text: str, shown: str, as_sentence: str) -> None:
    assert (caption(text), sentence(text)) == (shown, as_sentence)


@given(st.text(st.characters()))
def test_X9_nothing_that_acts_is_left(text: str) -> None:
    for shown in (caption(text), sentence(text)):
        assert not [one for one in shown if unicodedata.category(one) in ("Cc", "Cs", "Zl", "Zp")]
        assert not [one for one in shown if unicodedata.bidirectional(one) in _TURNING]
        assert caption(shown) == sentence(shown) == shown


_TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
