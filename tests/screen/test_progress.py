"""What is new on a screen, and what only looks as if it were (case agents 7)."""

import pytest

from termwall.screen.progress import MOST_ROWS, KnownRows

QUESTION = "Allow this command?\n  touch a-file\n> Yes, once\n"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("⠋ Thinking (1s)", "⠙ Thinking (12s)"),
        ("12:59:59 up", "13:00:00 up"),
        ("[####    ] Fetching", "[#####   ] Fetching"),
        ("⠋", "✻"),
        ("9s", "1m 0s"),
        ("> text▏", "> text"),
    ],
)
def test_case_agents_7_a_clock_or_a_spinner_is_no_new_text(one: str, other: str) -> None:
    known = KnownRows()
    assert [known.has_new(QUESTION + line) for line in (one, other, one, other)] == [False] * 4


def test_case_agents_7_what_blinks_is_new_once() -> None:
    known = KnownRows()
    assert [known.has_new(text) for text in (QUESTION, "", "Action required", QUESTION, "Action required", "")] == [
        False,
        False,
        True,
        False,
        False,
        False,
    ]


def test_other_words_are_new() -> None:
    known = KnownRows()
    assert [known.has_new(f"compiled file {name}") for name in ("one", "two", "three")] == [False, True, True]


def test_the_rows_that_are_remembered_are_bounded() -> None:
    known = KnownRows()
    words = ["".join(chr(97 + int(digit)) for digit in str(index)) + "abc" for index in range(2 * MOST_ROWS)]
    for start in range(0, len(words), 50):
        known.has_new("\n".join(words[start : start + 50]))
    assert known.has_new(words[0]), "forgotten"
    assert not known.has_new(words[0])
