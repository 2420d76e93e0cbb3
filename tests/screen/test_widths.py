"""The page's table of widths (`web/packages/react/src/xterm/widths.ts`) is the server's terminal's (S8)."""

import random
import re
from pathlib import Path

import pytest
from pyghostty._ffi import ffi, lib  # type: ignore[import-untyped]

TABLE = Path(__file__).resolve().parents[2] / "web/packages/react/src/xterm/widths.ts"
SYLLABLES = range(0xAC00, 0xD7A4, 28)
SPECIAL = [0x61, 0x301, 0x200D, 0xFE0E, 0xFE0F, 0x1F1E6, 0x1F468, 0x1F3FD, 0x231A, 0x2764, 0x915, 0x94D, 0x903, 0x600]
SPECIAL += [0x1100, 0x1161, 0x11A8, 0xAC00, 0xAC01, 0xE33, 0xEB3, 0x2630, 0x1FAE8, 0x200B, 0x200C, 0x4E00, 0x1F385]


@pytest.fixture(scope="module")
def table() -> dict[str, str]:
    return dict(re.findall(r'export const (\w+) =\s+"([^"]*)";', TABLE.read_text()))


@pytest.fixture(scope="module")
def kinds(table: dict[str, str]) -> list[str]:
    found: list[str] = []
    for kind, count in re.findall(r"([^0-9a-z])([0-9a-z]*)", table["KINDS"]):
        found += kind * (int(count, 36) if count else 1)
    for point in SYLLABLES:
        found[point] = table["OPEN_SYLLABLE"]
    return found


def test_S8_each_code_point_has_the_width_it_has_on_the_server(table: dict[str, str], kinds: list[str]) -> None:
    assert len(kinds) == 0x110000
    widths = dict(zip(table["LETTERS"], map(int, table["WIDTHS"]), strict=False))
    wrong = [point for point, kind in enumerate(kinds) if widths[kind] != lib.ghostty_unicode_codepoint_width(point)]
    assert wrong == []


def test_S8_what_joins_and_its_width_are_as_on_the_server(table: dict[str, str], kinds: list[str]) -> None:
    """Texts thrown together of all kinds, and of each code point that is more than narrow or wide."""
    letters = table["LETTERS"]
    joins = [[letters.find(letter) for letter in row] for row in table["JOINS"].split(" ")]
    begins = [letters.index(letter) for letter in table["BEGINS"]]
    odd = [point for point, kind in enumerate(kinds) if kind not in (kinds[0x61], kinds[0x4E00])]
    assert len(odd) > 3000
    chance = random.Random(8)
    points = ffi.new("uint32_t[8]")
    width = ffi.new("uint8_t*")
    for at in range(60_000):
        text = [chance.choice(SPECIAL) for _ in range(chance.randint(1, 5))]
        text.insert(chance.randint(0, len(text)), odd[at % len(odd)])
        for place, point in enumerate(text):
            points[place] = point
        count = lib.ghostty_unicode_grapheme_width(points, len(text), width)
        state, length = begins[letters.index(kinds[text[0]])], 1
        while length < len(text):
            after = joins[state][letters.index(kinds[text[length]])]
            if after < 0:
                break
            state, length = after, length + 1
        assert (length, int(table["CELLS"][state])) == (count, width[0]), [hex(point) for point in text]
