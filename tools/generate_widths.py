"""Writes the page's table of widths, react/src/xterm/widths.ts, from the server's terminal: for each new pyghostty.

It takes a minute. The library itself is asked, code point by code point: how many cells it takes, and which others it
joins. Code points that answer alike are one *kind*. Then it is asked what a character that has begun makes of each
kind: it ends, or goes on. Beginnings that go on alike are one *state*, so that states and kinds are all that a page
needs to know. `tests/screen/test_widths.py` holds the page to it.
"""

import sys
from itertools import groupby
from pathlib import Path

from pyghostty._ffi import ffi, lib  # type: ignore[import-untyped]

TARGET = Path(__file__).parent.parent / "web/packages/react/src/xterm/widths.ts"
CODE_POINTS = 0x110000
HANGUL, HANGUL_END, HANGUL_VOWELS = 0xAC00, 0xD7A4, 28
LETTER, IDEOGRAPH, JOINER, FLAG, PERSON, CONSONANT, VIRAMA = 0x61, 0x4E00, 0x200D, 0x1F1E6, 0x1F468, 0x915, 0x94D
TEXT, PICTURE, LEADING, VOWEL, TRAILING = 0xFE0E, 0xFE0F, 0x1100, 0x1161, 0x11A8
FIRST = (
    *((-1, other) for other in (0x301, PICTURE, LETTER, TRAILING)),
    *((other, -1) for other in (LETTER, FLAG, LEADING, PERSON)),
    (PERSON, JOINER, -1),
    (CONSONANT, VIRAMA, -1),
)
"""What every code point is asked for: itself is -1."""
MORE = (
    *((-1, other) for other in (TEXT, 0x1F3FD, FLAG, LEADING, VOWEL, 0x903)),
    *((other, -1) for other in (VOWEL, TRAILING, HANGUL, HANGUL + 1, 0x600, 0x231A, 0x2764)),
    (-1, JOINER, PERSON),
    (-1, VIRAMA, CONSONANT),
    (CONSONANT, -1, CONSONANT),
    (CONSONANT, VIRAMA, -1, CONSONANT),
    (PERSON, -1, JOINER, PERSON),
    (LETTER, -1, -1),
)
"""What those are asked for that are more than a narrow or a wide character."""
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ!#$%&()*+,-:;<=>?@[]^_{|}~"
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
DEEP = 2
"""How far ahead two beginnings are asked to tell them apart."""

_points = ffi.new("uint32_t[12]")
_width = ffi.new("uint8_t*")


def cluster(*points: int) -> tuple[int, int]:
    """How many of these are one character, and its cells."""
    for at, point in enumerate(points):
        _points[at] = point
    return int(lib.ghostty_unicode_grapheme_width(_points, len(points), _width)), int(_width[0])


def answers(point: int, plain: dict[int, tuple[object, ...]]) -> tuple[object, ...]:
    """What tells a code point from others."""

    def ask(questions: tuple[tuple[int, ...], ...]) -> tuple[object, ...]:
        return tuple(cluster(*(point if one < 0 else one for one in question)) for question in questions)

    width = int(lib.ghostty_unicode_codepoint_width(point))
    first = (width, *ask(FIRST))
    return first if first == plain.get(width) else first + ask(MORE)


def kinds() -> tuple[list[int], list[int]]:
    """Each code point's kind, and a code point of each kind."""
    plain = {width: answers(point, {})[: len(FIRST) + 1] for width, point in ((1, LETTER), (2, IDEOGRAPH))}
    known: dict[tuple[object, ...], int] = {}
    of = [known.setdefault(answers(point, plain), len(known)) for point in range(CODE_POINTS)]
    return of, [of.index(kind) for kind in range(len(known))]


def ahead(begun: tuple[int, ...], examples: list[int], deep: int) -> tuple[object, ...]:
    """What the next code points do to a character that has begun so."""
    found: list[object] = [cluster(*begun)[1]]
    for point in examples:
        longer = (*begun, point)
        joins = cluster(*longer)[0] == len(longer)
        found.append(joins and (ahead(longer, examples, deep - 1) if deep else cluster(*longer)[1]))
    return tuple(found)


def states(examples: list[int]) -> tuple[list[int], list[str], str]:
    """For each kind the state that it begins; for each state what each kind makes of it; the cells of each."""
    known: dict[tuple[object, ...], int] = {}
    begun: list[tuple[int, ...]] = []

    def state(points: tuple[int, ...]) -> int:
        found = known.setdefault(ahead(points, examples, DEEP - 1), len(known))
        if found == len(begun):
            begun.append(points)
        return found

    starts = [state((point,)) for point in examples]
    nexts = []
    for points in begun:  # It grows meanwhile.
        longer = [(*points, point) for point in examples]
        nexts.append("".join(LETTERS[state(one)] if cluster(*one)[0] == len(one) else "." for one in longer))
    return starts, nexts, "".join(str(cluster(*points)[1]) for points in begun)


def table(of: list[int]) -> str:
    """The runs of kinds. Of Hangul syllables, of which two kinds take turns, all are written as the second."""
    shown = [of[HANGUL + 1] if HANGUL <= point < HANGUL_END else kind for point, kind in enumerate(of)]
    assert all(of[point] == of[HANGUL + ((point - HANGUL) % HANGUL_VOWELS > 0)] for point in range(HANGUL, HANGUL_END))
    runs = ((kind, sum(1 for _ in run)) for kind, run in groupby(shown))
    return "".join(LETTERS[kind] + ("" if count == 1 else _base36(count)) for kind, count in runs)


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits


def main() -> None:
    """Write the file."""
    of, examples = kinds()
    starts, nexts, widths = states(examples)
    width = "".join(str(lib.ghostty_unicode_codepoint_width(point)) for point in examples)
    TARGET.write_text(
        "// Generated from pyghostty's tables by tools/generate_widths.py: do not edit.\n\n"
        "/** Code points in order, run by run: a kind (one letter) and how many have it (in base 36; none is 1). */\n"
        f'export const KINDS =\n  "{table(of)}";\n'
        "/** The kind of Hangul syllables without a final consonant; the run says that of the others. */\n"
        f'export const OPEN_SYLLABLE = "{LETTERS[of[HANGUL]]}";\n'
        f'export const LETTERS = "{LETTERS}";\n'
        f'/** Cells of each kind alone. */\nexport const WIDTHS = "{width}";\n'
        "/** The state that each kind begins. */\n"
        f'export const BEGINS = "{"".join(LETTERS[state] for state in starts)}";\n'
        "/** For each state: what each kind makes of it; a dot where it does not join. */\n"
        f'export const JOINS =\n  "{" ".join(nexts)}";\n'
        f'/** Cells of each state. */\nexport const CELLS = "{widths}";\n'
    )
    print(f"{len(examples)} kinds, {len(nexts)} states, {TARGET.stat().st_size} bytes", file=sys.stderr)


if __name__ == "__main__":
    main()
