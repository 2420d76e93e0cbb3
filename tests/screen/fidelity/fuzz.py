"""Sequences thrown together: what xterm.js and libghostty-vt both claim to know, in no sensible order."""

import random

SIZE = 40, 10
LEAST, MOST = 10, 60
"""Pieces of a stream."""
TEXT = [
    "hello",
    "a longer piece of text that is likely to wrap",
    "日本語",
    "é",
    "e\u0301",
    "👍",
    "👨\u200d👩\u200d👧",
    " ",
    "x" * 40,
]
COLOURS = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "7",
    "9",
    "22",
    "27",
    "31",
    "92",
    "39",
    "44",
    "105",
    "49",
    "38;5;120",
    "48;5;17",
    "48;2;1;2;3",
]
MODES = ["1", "6", "7", "25", "45", "1000", "1002", "1003", "1004", "1006", "2004", "2026", "47", "1047", "1049"]


def piece(chance: random.Random) -> str:
    """Text, a control, or a sequence."""
    small, other = chance.randint(1, 12), chance.randint(1, 45)
    return chance.choice(
        [
            *[chance.choice(TEXT)] * 8,
            *["\r\n", "\n", "\r", "\b", "\t", "\x07"],
            *[f"\x1b[{';'.join(chance.sample(COLOURS, chance.randint(1, 3)))}m"] * 5,
            *[f"\x1b[{small};{other}H"] * 3,
            *[f"\x1b[{small}{final}" for final in "ABCDEFGdLMPX@STIZ"],
            *[f"\x1b[{chance.randint(0, 2)}{final}" for final in "JK"],
            f"\x1b[{chance.randint(1, 5)};{chance.randint(6, 10)}r",
            "\x1b[r",
            f"\x1b[?{chance.choice(MODES)}{chance.choice('hl')}",
            f"\x1b[{chance.choice(['4', '20'])}{chance.choice('hl')}",
            *["\x1b7", "\x1b8", "\x1bM", "\x1bD", "\x1bE", "\x1bH", "\x1b[3g", "\x1b=", "\x1b>", "\x1b(0", "\x1b(B"],
            *["\x1b)0", "\x0e", "\x0f", "\x1b[!p", "\x1bc", f"\x1b[{chance.randint(0, 6)} q"],
            f"\x1b]2;title {small}\x07",
            f"\x1b]8;;https://example.com/{small}\x1b\\link\x1b]8;;\x1b\\",
        ]
    )


def stream(seed: int) -> bytes:
    """One stream; the same for the same seed."""
    chance = random.Random(seed)
    return "".join(piece(chance) for _ in range(chance.randint(LEAST, MOST))).encode()
