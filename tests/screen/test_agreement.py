"""The server's terminal and the page's show the same: a page that was there all along, one that was reloaded, `screen`.

Each case is fed to the page's xterm.js as it is, and to the server's terminal, whose snapshot another one takes; the
two are compared cell by cell, then both get more. See `fidelity/`.
"""

import random
from collections.abc import Iterator

import pytest

from termwall.core.osc import OscScanner, Titled
from termwall.screen.ghostty import GhosttyEngine
from tests.screen.fidelity.scripts import texts
from tests.screen.fidelity.xterm import MISSING, SCROLLBACK, Steps, Xterm, snapshot

pytestmark = pytest.mark.skipif(MISSING, reason="needs Node and the page's packages (npm ci in web)")

WIDE = (80, 24)
SMALL = (20, 8)
REST = "|\x1b[1;12H*\x1b[3;1Hmore 日本 e\u0301 👍🏽\r\n\x1b[31mend".encode()


@pytest.fixture(scope="module")
def xterm() -> Iterator[Xterm]:
    with Xterm() as running:
        yield running


def differences(xterm: Xterm, size: tuple[int, int], steps: Steps, rest: Steps = (REST,)) -> list[str]:
    """What differs between a page that took these steps and one that begins with the server's snapshot after them."""
    taken, _ = snapshot(size, steps)
    sizes = [step for step in steps if isinstance(step, tuple)]
    first, then = xterm.compare(size, [*sizes, taken], steps, rest)
    return first + then


def text_after(size: tuple[int, int], *steps: bytes | tuple[int, int]) -> list[str]:
    engine = GhosttyEngine(*size, SCROLLBACK)
    for step in steps:
        if isinstance(step, bytes):
            engine.feed(step)
        else:
            engine.resize(*step)
    return engine.text(0).split("\n")


ROWS = b"\r\n".join(b"row %d" % number for number in range(1, 9))
ALTERNATE = b"\x1b[?1049h" + ROWS


@pytest.mark.parametrize(
    ("steps", "shown"),
    [
        ((ALTERNATE + b"\x1b[H", (20, 5)), ["row 1", "row 2", "row 3", "row 4", "row 5"]),
        ((ALTERNATE, (20, 5)), ["row 4", "row 5", "row 6", "row 7", "row 8"]),
        ((ALTERNATE + b"\x1b[6;1H", (20, 5)), ["row 2", "row 3", "row 4", "row 5", "row 6"]),
        ((ALTERNATE, (20, 5), (20, 8)), ["row 4", "row 5", "row 6", "row 7", "row 8", "", "", ""]),
        ((ALTERNATE + b"\x1b[H", (3, 8), (20, 8)), ["row"] * 8),
        ((ALTERNATE + b"\x1b[41m\x1b[2;6r\x1b[?6h\x1b[2;3H\x1b]2;half", (20, 4)), ["row 1", "row 2", "row 3", "row 4"]),
        (("\x1b[?1049h日本日本\r\n日".encode(), (5, 4), (3, 4), (9, 4)), ["日", "日", "", ""]),
    ],
)
def test_case_terminal_3_the_alternate_screen_is_cut_as_in_the_page(
    xterm: Xterm, steps: Steps, shown: list[str]
) -> None:
    assert text_after(SMALL, *steps) == shown
    assert differences(xterm, SMALL, steps) == []


PIECES = [
    "日",
    "👍",
    "x",
    "é",
    "👨\u200d👩\u200d👧",
    "🇩🇪",
    "❤\ufe0f",
    "some text",
    "\x1b[41m",
    "\x1b[m",
    "\x1b[?6h",
    "\x1b[?6l",
]


def resized(seed: int) -> Steps:
    """A full-screen program whose window changes its size often, narrower and lower too."""
    chance = random.Random(seed)
    steps: list[bytes | tuple[int, int]] = [b"below\r\n" * chance.randint(0, 30) + b"\x1b[?1049h"]
    for _ in range(chance.randint(2, 5)):
        parts = [
            chance.choice(
                [
                    chance.choice(PIECES) * chance.randint(1, 6),
                    f"\x1b[{chance.randint(1, 10)};{chance.randint(1, 24)}H",
                    "\r\n",
                    f"\x1b[{chance.randint(1, 5)}{chance.choice('XJK')}",
                ]
            )
            for _ in range(chance.randint(3, 25))
        ]
        steps += ["".join(parts).encode(), (chance.randint(2, 40), chance.randint(2, 14))]
    return steps


def test_case_terminal_3_the_alternate_screen_is_the_same_after_any_sizes(xterm: Xterm) -> None:
    """All but whether rows count as one line: libghostty-vt forgets that with some sizes, and a picture follows."""
    for seed in range(50):
        found = differences(xterm, SMALL, resized(seed))
        cells = [
            line for line in found if not line.startswith(("below", "scrollback", "tabs")) and " wrap of " not in line
        ]
        assert cells == [], seed


BYTES = {
    "Latin-1": (b"caf\xe9 au", "caf\ufffd au"),
    "8-bit C1": (b"a\x9b31mb", "a\ufffd31mb"),
    "C1 in UTF-8": (b"a\xc2\x9b31mb\xc2\x85c\xc2\x9d2;d", "a31mbc2;d"),
    "cut short": (b"\xe6\x97\x1b[31mx", "\ufffdx"),
    "too long forms": (b"\xc0\x80\xe0\x80x", "\ufffd\ufffd\ufffd\ufffdx"),
    "a surrogate": (b"\xed\xa0\x80x", "\ufffd\ufffd\ufffdx"),
    "beyond Unicode": (b"\xf4\x90\x80\x80\xf5x", "\ufffd" * 5 + "x"),
    "four bytes cut short": (b"\xf0\x9f\x98x\xf0\x9fy", "\ufffdx\ufffdy"),
    "a byte order mark": (b"a\xef\xbb\xbfb", "ab"),
    "DEL": (b"a\x7fb\x1b[3\x7f1mc", "abc"),
}


@pytest.mark.parametrize("kind", BYTES)
def test_case_terminal_4_bytes_that_are_no_utf8_are_the_same_everywhere(xterm: Xterm, kind: str) -> None:
    raw, shown = BYTES[kind]
    assert text_after(WIDE, raw)[0] == shown
    for cut in range(len(raw) + 1):
        assert differences(xterm, WIDE, [raw[:cut]], [raw[cut:], REST]) == [], cut
    assert text_after(WIDE, *(raw[at : at + 1] for at in range(len(raw))))[0] == shown


def test_case_terminal_4_broken_bytes_thrown_together_are_the_same(xterm: Xterm) -> None:
    chance = random.Random(4)
    pieces = [
        b"a",
        b"\xc3",
        b"\xa9",
        b"\xe2\x82",
        b"\xac",
        b"\xf0\x9f",
        b"\x98",
        b"\x80",
        b"\xed",
        b"\xf4",
        b"\xff",
        b"\xc2\x85",
    ]
    pieces += [b"\r\n", b"\x1b[31m", "日".encode(), "👍".encode(), b"\x7f"]
    for _ in range(40):
        raw = b"".join(chance.choice(pieces) for _ in range(60))
        cut = chance.randrange(len(raw))
        assert differences(xterm, SMALL, [raw[:cut]], [raw[cut:]]) == [], raw


MODES_OF_ONE = (3, 4, 5, 8, 40, 45, 67, 69, 1005, 1007, 1015, 1035, 1036, 1039, 1045, 2033, 5522)


@pytest.mark.parametrize("mode", MODES_OF_ONE)
def test_case_terminal_13_a_mode_of_only_one_terminal_is_not_promised(mode: int) -> None:
    engine = GhosttyEngine(*WIDE, SCROLLBACK)
    engine.feed(b"\x1b[?%dh\x1b[?%d$p" % (mode, mode))
    assert engine.take_replies() == b"\x1b[?%d;0$y" % mode
    assert engine.cols == 80


def test_case_terminal_13_clusters_are_always_on() -> None:
    engine = GhosttyEngine(*WIDE, SCROLLBACK)
    engine.feed("\x1b[?2027l\x1b[?2027$p👨\u200d👩\u200d👧".encode())
    assert (engine.take_replies(), engine.cursor[0]) == (b"\x1b[?2027;3$y", 2)


ONE_SIDED = [
    b"\x1b[2J\x1b[H\x1b[?69h\x1b[5;10s\x1b[1;5H abcdefghij",
    b"\x1b[?25;69;7h\x1b[5;10s\x1b[1;5H abcdefghij",
    b"abc\r\n\x1b[1 @def\x1b[1 A\x1b[2'}\x1b[2'~ghi",
    b"abc\x1b[?40h\x1b[?3hdef\x1b[?5hghi",
    b"hello\x1b]133;A\x07$ \x1b]133;B\x07ls\r\n\x1b]133;C\x07out\x1b]133;D\x07\x1b]133;A\x07$ \x1b[2J",
    b"x" * 25 + b"\r\n\x1b[?45h\x1b[H\x1b[2;1H\b\b\by\x1b[3Dz",
    b"\x1b(K[]{|}\x1b(Rabc\x1b(B\x1b-A\x1b.Aabc",
    b"one\x1b[?47htwo\x1b[?47l\x1b[?1049hthree\x1b[?1049hfour\x1b[?1049l\x1b[44m\x1b[?1047h",
    b"\x1b[?1049h\x1b[2;5r\x1b[3g\x1b[?1049l\ta\x1b[5;1H\r\n\n\nb",
    b"x" * 20 + b"\x1b[3Jy\r\n\x1b[22Jz\x1b[2;3H\x1b[22J\x1b[5K",
    b"abc\x1b[2jd\x1b[k\x1b[2ke\x1b[W\r\tf\x1b[1$}g\x1b[0$}h",
    ROWS[:46] + b"\x1b[2;6r\x1b[3;3H\x1b[4h\x1b[0;1!pjk",
]


@pytest.mark.parametrize("raw", ONE_SIDED)
def test_case_terminal_13_what_only_one_terminal_knows_does_nothing(xterm: Xterm, raw: bytes) -> None:
    for cut in (len(raw), *random.Random(13).sample(range(1, len(raw)), 6)):
        assert differences(xterm, SMALL, [raw[:cut]], [raw[cut:], REST]) == [], cut
    pieces = GhosttyEngine(*SMALL, SCROLLBACK)
    for at in range(len(raw)):
        pieces.feed(raw[at : at + 1])
    assert pieces.text(0).split("\n") == text_after(SMALL, raw)


NUMBERED = "@ A B C D E F G H I J K L M P S T X Z ` a b d e f ?J ?K"


@pytest.mark.parametrize("end", NUMBERED.split())
def test_case_terminal_13_numbers_count_alike_in_odd_forms(xterm: Xterm, end: str) -> None:
    private, final = end[:-1], end[-1]
    for numbers in ("", "0", "1", "2", "00", "0;0", "1;0", "2;3", "1;1;2;2", ";2"):
        begin = ROWS[:46] + b"\x1b[2;6r\x1b[4;2H"
        raw = begin + f"\x1b[{private}{numbers}{final}jk".encode()
        for cut in (len(raw), len(raw) - 3, len(raw) - 4):
            assert differences(xterm, SMALL, [raw[:cut]], [raw[cut:], REST]) == [], (numbers, cut)
        if final != "Z":  # Known to be taken otherwise there.
            full = b"\x1b[4;1H" + b"x" * 20
            assert differences(xterm, SMALL, [begin + full + raw[len(begin) :]]) == [], numbers
        pieces = GhosttyEngine(*SMALL, SCROLLBACK)
        for at in range(len(raw)):
            pieces.feed(raw[at : at + 1])
        assert pieces.text(0).split("\n") == text_after(SMALL, raw), numbers


WIDTHS = {
    "\u2630 menu": 7,
    "กำ": 2,
    "ຳ": 1,
    "\U0001fae8": 2,
    "\U0001f1e9": 2,
    "a\u200bb": 2,
    "\u231a\ufe0e": 1,
    "\u231a\ufe0f": 2,
    "\u2764\ufe0f": 2,
    "a\ufe0f": 1,
    "1\ufe0f\u20e3": 2,
    "👨\u200d👩\u200d👧": 2,
    "👍🏽": 2,
    "\u0915\u094d\u0937": 2,
    "각": 2,
    "\u1100\u1161\u11a8": 2,
    "\u2060a": 1,
}


@pytest.mark.parametrize("text", WIDTHS, ids=ascii)
def test_case_terminal_14_a_text_takes_the_same_cells(xterm: Xterm, text: str) -> None:
    raw = text.encode()
    engine = GhosttyEngine(*WIDE, SCROLLBACK)
    engine.feed(raw)
    assert engine.cursor[0] == WIDTHS[text]
    assert differences(xterm, WIDE, [raw + b"|\x1b[1;12H*"]) == []
    # At every place of a row, cut in itself, and behind a cursor that moved.
    for column in range(15, 21):
        there = b"\x1b[1;%dH" % column + raw
        assert differences(xterm, SMALL, [there]) == [], column
        cut = len(there) - len(raw) // 2
        assert differences(xterm, SMALL, [there[:cut]], [there[cut:], REST]) == [], column
    first = text[0].encode()
    assert differences(xterm, SMALL, [first + b"\x1b[5;5H\x1b[1;2H" + raw[len(first) :]]) == []


COLOURS = """38:2:1:2:3 58:2:0:9:9 38:2::1:2:3 48:2:7:1:2:3 38:5:200 38:5 38:2:1:2 38;2;1;2;3 38;2;1 48;5;17 4:3 4:0
4:9 21 6 1:2 38;5;300 38:2:300:2:3 4:3;58:5:9 38:2:1:2:3:4:5 ;1 38;7;1 4;58;5;3 38:5:1;4 38;2;1;2;3;4 4:1;1;24;22
59 4;59 58;5;3;59 58:5:3;59;1 59;58;5;3 58:2::1:2:3;59;58;5;4 59;59"""


@pytest.mark.parametrize("colour", COLOURS.split())
def test_case_terminal_21_a_colour_is_the_same_in_each_form(xterm: Xterm, colour: str) -> None:
    raw = f"\x1b[4m\x1b[{colour}mtext".encode()
    assert differences(xterm, SMALL, [raw], [b"more\x1b[mplain"]) == []
    if colour == "38:2:1:2:3":
        assert b"38;2;1;2;3" in snapshot(SMALL, [raw])[0]


@pytest.mark.parametrize("size", [(60, 45), (80, 45), (140, 45), (60, 20), (140, 20), (80, 12)])
def test_case_terminal_22_rows_that_a_size_brings_come_from_the_scrollback(xterm: Xterm, size: tuple[int, int]) -> None:
    raw = b"".join(b"row-%d\r\n" % number for number in range(400))
    shown = text_after(WIDE, raw, size)
    assert shown == [*(f"row-{number}" for number in range(401 - size[1], 400)), ""]
    assert differences(xterm, WIDE, [raw, size]) == []


LONG = [100, 256, 257, 1024, 1025, 2040, 2046, 2047, 2048, 5000]


@pytest.mark.parametrize("length", LONG)
@pytest.mark.parametrize("letter", ["t", "é", "日"])
def test_case_terminal_15_long_titles_and_links_are_kept_or_ignored_by_both(
    xterm: Xterm, length: int, letter: str
) -> None:
    text = letter * (length // len(letter.encode()))
    for start in ("\x1b]2;before\x07\x1b]2;", "\x1b]0;", "\x1b]8;;https://example.com/", "\x1b]8;id=a;https://e.org/"):
        raw = f"{start}{text}\x1b\\linked\x1b]8;;\x1b\\ not".encode()
        assert differences(xterm, WIDE, [raw]) == [], start
    engine = GhosttyEngine(*WIDE, SCROLLBACK)
    engine.feed(f"\x1b]2;{text}\x07".encode())
    taken = len(text.encode()) < 2048
    assert engine.title == (text[:256] if taken else "")
    assert OscScanner().feed(f"\x1b]2;{text}\x07".encode()) == ([Titled(text[:256])] if taken else [])


def test_case_terminal_14_texts_of_all_scripts_take_the_same_cells_everywhere(xterm: Xterm) -> None:
    """Each at its own column, so that they wrap at different places; cut within, and with the cursor put back to it."""
    groups = texts()
    assert sum(map(len, groups)) >= 500
    chance = random.Random(8)
    for group in groups:
        raw = b"".join(b"\x1b[%dG%s|\r\n" % (chance.randint(1, 40), text.encode("utf-8", "replace")) for text in group)
        cut = chance.randrange(len(raw))
        assert differences(xterm, (40, 24), [raw[:cut]], [raw[cut:], REST]) == [], group[0]


@pytest.mark.parametrize("columns", [7, 10, 20])
def test_case_terminal_14_wide_characters_at_every_margin_are_the_same(xterm: Xterm, columns: int) -> None:
    wide = ["日", "👍", "👨\u200d👩\u200d👧", "❤\ufe0f", "🇩🇪", "각"]
    acts = [
        "",
        "x",
        "\b",
        "\x1b[K",
        "\x1b[1K",
        "\x1b[X",
        "\x1b[2X",
        "\x1b[P",
        "\x1b[@",
        "\x1b[4hx\x1b[4l",
        "日",
        "\u0301",
    ]
    acts += ["\x1b[1J", "\x1b[J", "\x1b[L", "\x1b[M", "\r\n", "\t", "\x1b[3b", "\x1b[?7lx日\x1b[?7h"]
    chance = random.Random(columns)
    for character in wide:
        for act in acts:
            column = chance.choice([1, 2, columns - 1, columns])
            there = chance.choice([column, max(1, column - 1), min(columns, column + 1)])
            raw = f"\x1b[44m\x1b[2;{column}H{character}\x1b[4;31m\x1b[2;{there}H{act}".encode()
            found = [line for line in differences(xterm, (columns, 6), [raw], [REST]) if ": look at" not in line]
            assert found == [], (character, act, column, there)


def test_case_terminal_4_no_string_ends_within_a_character(xterm: Xterm) -> None:
    """Of the characters of UTF-8 some hold a byte that would end a string were it alone."""
    pieces = [
        b"\x1b_",
        b"\x1b^",
        b"\x1bX",
        b"\x1bPq",
        b"\x1bP1;2z",
        b"\x1b]999;",
        "✓".encode(),
        "日本".encode(),
        b"abc",
        b"G",
    ]
    pieces += [
        b"\x9c",
        b"\xc2\x9c",
        b"\x9d",
        b"\x90",
        b"\x9b",
        b"\x98",
        b"\xe9",
        b"\n",
        b"\x1b\\",
        b"\x07",
        b"\x18",
        b"\x1b[31m",
    ]
    for seed in range(60):
        chance = random.Random(seed)
        raw = b"".join(chance.choice(pieces) for _ in range(14))
        cut = chance.randrange(1, len(raw))
        assert differences(xterm, (40, 8), [raw[:cut]], [raw[cut:]]) == [], (raw[:cut], raw[cut:])
    for start in (b"\x1b_", b"\x1b^", b"\x1bX", b"\x1bPz"):
        assert text_after(SMALL, start + "✓ 日本".encode() + b"\x1b\\after")[0] == "after"
