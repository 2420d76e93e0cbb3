"""Lines that only scroll by need not be drawn: what is fed instead leaves the same terminal behind."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.screen.ghostty import GhosttyEngine
from termwall.screen.skim import SKIM_BYTES, skim

SCROLLBACK = 50
LINES = 24 + SCROLLBACK + 700
PENS = [b"", b"\x1b[m", b"\x1b[0m", b"\x1b[31m", b"\x1b[1;48;5;17m", b"\x1b[38:2::1:2:3m", b"\x1b[7;4m", b"\x1b[39;49m"]
WORDS = [b"error", b"ok", b"\t", b"a" * 90, "日本語".encode(), "é".encode(), b" " * 12, b"\r", b"x\ry"]


def flood(seed: int, pens: list[bytes]) -> bytes:
    """Lines of text, long enough to be skimmed."""
    chance = random.Random(seed)
    lines = []
    size = 0
    while size < SKIM_BYTES * 2:
        lines.append(b"".join(chance.choice(pens) + chance.choice(WORDS) for _ in range(chance.randint(0, 9))))
        size += len(lines[-1]) + 2
    return b"\r\n".join(lines)


def state(engine: GhosttyEngine) -> tuple[object, ...]:
    """All that a viewer could tell."""
    return engine.snapshot(SCROLLBACK), engine.text(SCROLLBACK), engine.cursor


BEFORE = [
    b"",
    b"half a line",
    b"\x1b[1;44mcoloured",
    b"\x1b]0;title\x07\x1b[?25l\x1b[?2004h",
    b"\x1b[3;5H\x1b7\x1b[H",
    b"\x1b(0lqqk\x1b(B",
    b"\x1b[4h",
    b"\x1b]8;;https://example.org\x1b\\link",
    b"x" * 80,
]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 30), st.sampled_from(BEFORE), st.booleans(), st.binary(max_size=40))
def test_S4_a_skimmed_flood_leaves_the_same_terminal(seed: int, before: bytes, colours: bool, after: bytes) -> None:
    data = flood(seed, PENS if colours else PENS[:1])
    less = skim(data, LINES, 80, 0)
    assert less is not None
    assert len(less) < len(data)
    whole, skimmed = GhosttyEngine(80, 24, SCROLLBACK), GhosttyEngine(80, 24, SCROLLBACK)
    for engine, part in ((whole, data), (skimmed, less)):
        engine.feed(before)
        assert engine.scrolls_plainly
        engine.feed(part)
    assert state(whole) == state(skimmed)
    for engine in (whole, skimmed):
        engine.feed(after)
        engine.resize(60, 20)
        engine.resize(100, 30)
    assert (whole.snapshot(0), whole.cursor) == (skimmed.snapshot(0), skimmed.cursor)
    # The engine drops whole pages of scrollback when it reflows, not the same ones in both.
    shorter, longer = sorted((whole.text(SCROLLBACK), skimmed.text(SCROLLBACK)), key=len)
    assert longer.endswith(shorter.split("\n", 1)[1])


@pytest.mark.parametrize(
    "odd",
    [
        b"\x1b[2J",
        b"\x1b]0;title\x07",
        b"\x07",
        b"\x0e",
        b"\x1b[5n",
        b"\x1b[>4;2m",
        b"\x1b7",
        b"\x1b",
        b"\x0b",
        b"\x08",
        "\x9b".encode() + b"2J",
        b"\x1bP1$r0m\x1b\\",
    ],
)
def test_S4_only_plain_lines_are_skimmed(odd: bytes) -> None:
    data = flood(1, PENS)
    assert skim(data, LINES, 80, 0) is not None
    middle = len(data) // 3
    assert skim(data[:middle] + odd + data[middle:], LINES, 80, 0) is None


def test_S4_too_few_lines_are_drawn_whole() -> None:
    assert skim(b"x\r\n" * 1000, LINES, 80, 0) is None
    assert skim((b"x" * 1000 + b"\r\n") * (LINES - 10), LINES, 80, 0) is None
    assert skim(b"x" * SKIM_BYTES * 2, LINES, 80, 0) is None


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 1 << 30),
    st.sampled_from([b"", b"half a line", b"x" * 79, b"x" * 80, b"\x1b[5;70H"]),
    st.booleans(),
    st.integers(0, 3),
    st.integers(2, 120),
)
def test_S4_lines_without_a_carriage_return_are_skimmed_to_the_same_column(
    seed: int, before: bytes, colours: bool, returns: int, columns: int
) -> None:
    chance = random.Random(seed)
    pens = PENS if colours else PENS[:1]
    lines = [b"w" * chance.choice([0, 1, 7, columns - 1, columns, columns + 1, 200]) for _ in range(3 * LINES)]
    data = b"\n".join(chance.choice(pens) + line for line in lines).replace(b"www\n", b"ww\r\n", returns)
    whole, skimmed = GhosttyEngine(columns, 24, SCROLLBACK), GhosttyEngine(columns, 24, SCROLLBACK)
    for engine in (whole, skimmed):
        engine.feed(before)
        assert engine.scrolls_plainly
    column = whole.cursor[0]
    less = skim(data, LINES, columns, column if column < columns - 1 else None)
    whole.feed(data)
    skimmed.feed(data if less is None else less)
    assert state(whole) == state(skimmed)


def test_S4_the_column_is_known_unless_a_terminal_must_tell() -> None:
    data = b"abc\n" * SKIM_BYTES
    assert skim(data, LINES, 80, 3) is not None
    assert skim(data, LINES, 80, None) is None, "beyond the last column the first character wraps"
    assert skim(b"\r\n" + data, LINES, 80, None) is not None
    assert skim("日\n".encode() * SKIM_BYTES, LINES, 80, 0) is None, "wide characters wrap sooner"
    assert skim("日\r\n".encode() * SKIM_BYTES, LINES, 80, 0) is not None
