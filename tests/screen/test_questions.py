"""S7: every question of docs/reference/queries.md is answered as it says, or not at all, however it comes in pieces."""

import re
from pathlib import Path

import pytest

from termwall.screen.ghostty import GhosttyEngine

PAGE = (Path(__file__).parents[2] / "docs/reference/queries.md").read_text()
WORDS = {"CSI": "\x1b[", "DCS": "\x1bP", "OSC": "\x1b]", "ESC": "\x1b", "ST": "\x1b\\", "BEL": "\a", "ENQ": "\5"}
WORDS |= {"SP": " ", "\\|": "|"}


def sequence(words: str) -> bytes:
    """`CSI 5 n` as bytes."""
    return "".join(WORDS.get(word, word) for word in words.split(" ")).encode()


def rows(title: str) -> list[list[str]]:
    """The cells of a section's table, each as it stands between the bars."""
    section = PAGE.split(f"## {title}\n")[1].split("\n## ")[0]
    lines = [line for line in section.split("\n") if line.startswith("| `")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def answered() -> list[tuple[str, bytes]]:
    """Each question, with its answer."""
    found = []
    for asked, answer, _ in rows("Answered"):
        answers = [b"".join(map(sequence, re.findall("`([^`]+)`", one))) for one in answer.split("·")]
        questions = re.findall("`([^`]+)`", asked)
        found += list(zip(questions, answers * (len(questions) // len(answers)), strict=True))
    return found


ANSWERED = answered()
SILENT = [words for asked, _ in rows("Not answered") for words in re.findall("`([^`]+)`", asked)]


@pytest.fixture
def engine() -> GhosttyEngine:
    return GhosttyEngine(80, 24, 0)


def test_S7_the_page_of_queries_is_read_whole() -> None:
    assert len(ANSWERED) > 50
    assert len(SILENT) > 35


@pytest.mark.parametrize(("words", "answer"), ANSWERED, ids=[words for words, _ in ANSWERED])
def test_S7_a_question_has_the_answer_of_the_page(engine: GhosttyEngine, words: str, answer: bytes) -> None:
    asked = sequence(words)
    engine.feed(asked)
    assert engine.take_replies() == answer
    for at in range(len(asked)):
        engine.feed(asked[at : at + 1])
    assert engine.take_replies() == answer, "byte by byte"
    for cut in range(1, len(asked)):
        engine.feed(b"x\r" + asked[:cut])
        engine.feed(asked[cut:] + b"\x1b[c")
        assert engine.take_replies() == answer + b"\x1b[?62;22c"
    engine.muted = True
    engine.feed(asked)
    engine.muted = False
    assert engine.take_replies() == b""
    assert engine.text(0).strip() == "x", "nothing is printed"


@pytest.mark.parametrize("words", SILENT)
def test_S7_what_the_page_leaves_out_has_no_answer(engine: GhosttyEngine, words: str) -> None:
    engine.feed(b"\x1b]2;rm -rf\x07" + sequence(words) + b"\x1b[5n")
    assert engine.take_replies() == b"\x1b[0n"


def test_S7_answers_come_in_the_order_of_the_questions(engine: GhosttyEngine) -> None:
    engine.feed(b"\x1bP+q7a\x1b\\\x1b]11;?\x1b[?15n\x1b[6n\x1b[?6n\x1b[5\x1b[?25n\x1b[c")
    told = b"\x1bP0+r7a\x1b\\ \x1b]11;rgb:0d0d/0e0e/1010\x1b\\ \x1b[?13n \x1b[1;1R \x1b[?1;1R \x1b[?21n \x1b[?62;22c"
    assert engine.take_replies() == told.replace(b" ", b"")


def test_S7_where_the_cursor_is_counts_from_the_margin_in_origin_mode(engine: GhosttyEngine) -> None:
    engine.feed(b"\x1b[5;20r\x1b[?6h\x1b[3;4H\x1b[?6n")
    assert engine.take_replies() == b"\x1b[?3;4R"


def test_S7_sizes_are_those_of_now(engine: GhosttyEngine) -> None:
    engine.resize(100, 30)
    engine.feed(b"\x1b[19t\x1b[15t\x1b[14;2t")
    assert engine.take_replies() == b"\x1b[9;30;100t\x1b[5;480;800t\x1b[4;480;800t"


def test_S7_a_question_goes_on_after_a_checkpoint(engine: GhosttyEngine) -> None:
    names = b";".join(b"%04x" % number for number in range(40))
    engine.feed(b"before\x1bP+q" + names)
    again = GhosttyEngine.restore(engine.checkpoint(), 80, 24, 0)
    for one in (engine, again):
        one.feed(b"\x1b\\after")
        assert one.take_replies() == b"".join(b"\x1bP0+r%04x\x1b\\" % number for number in range(40))
        assert one.text(0).strip() == "beforeafter"


def test_S7_only_digits_are_repeated_and_long_questions_cost_little(engine: GhosttyEngine) -> None:
    engine.feed(b"\x1bP+q" + b"7a;" * 300 + b"\x1b\\")
    assert engine.take_replies() == b"\x1bP0+r7a\x1b\\" * 64
    engine.feed(
        b"\x1bP+q"
        + b"7a;" * 100_000
        + b"\x1b\\\x1bP+q; ls \x1b\\\x1b]99;i=;ls:p=?;\x1b\\\x1b]99;i=$(ls):p=?;\x07\x1b[5n"
    )
    assert engine.take_replies() == b"\x1bP0+r\x1b\\\x1b]99;p=?;p=title,body\x1b\\\x1b[0n"
