"""Titles in a program's output, however the batches cut it."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from termwall.core.title import MAX_CARRY, MAX_TITLE, TitleScanner

OSC, ST, BEL = b"\x1b]", b"\x1b\\", b"\x07"


def newest(*batches: bytes) -> str | None:
    """The newest title after these batches."""
    scanner, title = TitleScanner(), None
    for batch in batches:
        found = scanner.feed(batch)
        title = title if found is None else found
    return title


@pytest.mark.parametrize(
    ("output", "title"),
    [
        (OSC + b"0;vim" + BEL, "vim"),
        (OSC + b"2;vim" + ST, "vim"),
        (b"$ " + OSC + b"0;one" + BEL + b"text" + OSC + b"2;two" + ST + b"more", "two"),
        (OSC + b"0;" + BEL, ""),
        (OSC + b"2;a;b" + BEL, "a;b"),
        (OSC + b"1;icon" + BEL, None),
        (OSC + b"7;file://host/" + BEL + b"plain", None),
        (OSC + b"0;never finished", None),
        (OSC + b"0;cancelled\x18" + BEL, None),
        (OSC + b"0;cancelled\x1a" + BEL, None),
        (OSC + b"0;broken off\x1b[0m" + BEL, None),
        (OSC + b"0;broken off" + OSC + b"0;next" + BEL, "next"),
        (b"\x1b" + OSC + b"0;after a lone escape" + BEL, "after a lone escape"),
        (b"no sequence at all", None),
    ],
)
def test_S9_titles(output: bytes, title: str | None) -> None:
    assert newest(output) == title
    assert newest(*(output[place : place + 1] for place in range(len(output)))) == title


def test_S9_invalid_bytes_become_the_replacement_character() -> None:
    assert newest(OSC + b"0;a\xffb\xc3" + BEL) == "a\ufffdb\ufffd"


def test_S9_control_characters_are_removed() -> None:
    assert newest(OSC + b"0;a\tb\r\nc\x00d\x7f\xc2\x85e" + BEL) == "abcde"


def test_X1_characters_that_turn_the_text_around_are_removed() -> None:
    assert newest(OSC + "0;a\u202eb\u2066c\u2028d".encode() + BEL) == "abcd"


def test_S9_joined_emoji_wide_spaces_and_icons_stay() -> None:
    for text in ("👩\u200d💻 work", "端末\u3000一", "\ue0b0 prompt"):
        assert newest(OSC + b"0;" + text.encode() + BEL) == text


def test_X4_a_long_title_is_cut_at_characters() -> None:
    assert newest(OSC + b"0;" + "é".encode() * 1000 + BEL) == "é" * MAX_TITLE


def test_X4_an_endless_title_is_none_and_what_follows_is_found() -> None:
    endless = OSC + b"0;" + b"x" * (3 * MAX_CARRY)
    assert newest(endless + BEL) is None
    assert newest(endless, BEL + OSC + b"0;next" + BEL) == "next"


def test_X4_what_is_carried_is_bounded() -> None:
    scanner = TitleScanner()
    for _ in range(100):
        scanner.feed(OSC + b"0;" + b"x" * (MAX_CARRY - 10))
        scanner.feed(b"x" * 1000)
        assert len(scanner._carry) <= MAX_CARRY + 2


PIECES = st.one_of(
    st.sampled_from([OSC, OSC + b"0;", OSC + b"2;", OSC + b"8;;", ST, BEL, b"\x1b", b"]", b"0;", b"\x18", b"\x1a"]),
    st.binary(max_size=8),
    st.sampled_from([MAX_CARRY - 3, MAX_CARRY - 2, MAX_CARRY - 1, MAX_CARRY, MAX_CARRY + 1]).map(lambda n: b"x" * n),
)


@settings(max_examples=600, deadline=None)
@given(pieces=st.lists(PIECES, max_size=14), cuts=st.lists(st.integers(0, 3 * MAX_CARRY), max_size=8))
@example(pieces=[OSC + b"0;", b"x" * (MAX_CARRY - 3), BEL], cuts=[MAX_CARRY + 1])
@example(pieces=[OSC + b"0;", b"x" * (MAX_CARRY - 3), ST], cuts=[MAX_CARRY + 2])
@example(pieces=[OSC + b"0;", b"x" * (MAX_CARRY - 2), ST], cuts=[MAX_CARRY + 3])
@example(pieces=[OSC + b"0;", b"x" * (MAX_CARRY - 2), OSC + b"0;", BEL], cuts=[MAX_CARRY + 3])
def test_S9_any_split_of_any_bytes_gives_the_same_title(pieces: list[bytes], cuts: list[int]) -> None:
    output = b"".join(pieces)
    places = [0, *sorted(min(cut, len(output)) for cut in cuts), len(output)]
    batches = [output[start:stop] for start, stop in pairwise(places)]
    assert b"".join(batches) == output
    assert newest(*batches) == newest(output)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=10).map(b"".join))
def test_S9_byte_by_byte_is_the_same(output: bytes) -> None:
    output = output[:5000]
    assert newest(*(output[place : place + 1] for place in range(len(output)))) == newest(output)
