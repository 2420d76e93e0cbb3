"""No output and no order of size changes leaves a terminal of which no picture can be had (cases T1 and T2)."""

import random
from collections.abc import Iterator

import pytest

from termwall.screen import snapshot as snapshots
from termwall.screen.ghostty import GhosttyEngine
from termwall.screen.swallow import STRING_BYTES
from tests.screen.fidelity.xterm import MISSING, Xterm

SCROLLBACK = 200
STRINGS = {
    "OSC": b"\x1b]1337;File=:",
    "OSC without a number": b"\x1b]A",
    "DCS": b"\x1bP1;2q",
    "DCS without an end of its beginning": b"\x1bP",
    "tmux -CC": b"\x1bP1000p",
    "APC": b"\x1b_Gf=24;",
    "PM": b"\x1b^",
    "SOS": b"\x1bX",
}
ENDS = {"BEL": b"\x07", "ST": b"\x1b\\", "CAN": b"\x18", "SUB": b"\x1a", "another sequence": b"\x1b[m"}
CSI = {"parameters": b"\x1b[1;", "intermediates": b"\x1b[ ", "an escape with intermediates": b"\x1b(("}
LONG = 3 * STRING_BYTES


def restored(engine: GhosttyEngine) -> GhosttyEngine:
    """The same terminal in another worker."""
    return GhosttyEngine.restore(engine.checkpoint(), engine.cols, engine.rows, SCROLLBACK)


@pytest.mark.parametrize("kind", STRINGS)
def test_case_terminal_1_a_string_of_any_length_is_swallowed_up_to_its_end(kind: str) -> None:
    open_ = GhosttyEngine(80, 24, SCROLLBACK)
    open_.feed(b"BEFORE " + STRINGS[kind])
    for _ in range(LONG >> 16):
        open_.feed(b"A" * (1 << 16))
    assert len(open_.snapshot(0)) < STRING_BYTES + 1000
    for end in ENDS.values():
        if end == b"\x07" and not kind.startswith("OSC"):
            continue
        engine = restored(open_)
        engine.feed(b"A" * STRING_BYTES + end + b"AFTER")
        assert engine.text(0).split() == ["BEFORE", "AFTER"]
        assert engine.take_replies() == b""
        again = GhosttyEngine(80, 24, SCROLLBACK)
        again.feed(open_.snapshot(0) + end + b"AFTER")
        assert again.text(0).split() == ["BEFORE", "AFTER"]


@pytest.mark.parametrize("kind", CSI)
def test_case_terminal_1_so_is_a_sequence_that_does_not_end(kind: str) -> None:
    engine = GhosttyEngine(80, 24, SCROLLBACK)
    filler = {"parameters": b"1;"}.get(kind, b"  ")
    engine.feed(b"BEFORE " + CSI[kind] + filler * LONG)
    assert len(engine.snapshot(0)) < STRING_BYTES + 1000
    again = restored(engine)
    again.feed(b"BAFTER")
    assert again.text(0).split() == ["BEFORE", "AFTER"]


def test_case_terminal_1_line_feeds_within_a_sequence_are_no_part_of_it() -> None:
    engine = GhosttyEngine(80, 24, SCROLLBACK)
    engine.feed(b"\x1b[3" + b"\n" * LONG + b"1mred")
    assert engine.runs(0)[23] == [{"text": "red", "fg": 1}]


@pytest.mark.parametrize("kind", STRINGS)
def test_case_terminal_1_a_string_that_is_long_and_not_too_long_is_kept(kind: str) -> None:
    string = STRINGS[kind] + b"A" * (STRING_BYTES - 1000)
    engine = GhosttyEngine(80, 24, SCROLLBACK)
    engine.feed(b"BEFORE" + string)
    # APC, PM and SOS are kept as a DCS string that means nothing, too.
    assert restored(engine).snapshot(0).endswith((string, b"\x1bP0z" + string[2:]))


@pytest.fixture(scope="module")
def xterm() -> Iterator[Xterm]:
    with Xterm() as running:
        yield running


@pytest.mark.skipif(MISSING, reason="needs Node and the page's packages (npm ci in web)")
@pytest.mark.parametrize("end", ENDS)
def test_case_terminal_1_a_picture_within_a_swallowed_string_goes_on_as_the_page_did(xterm: Xterm, end: str) -> None:
    for name, beginning in STRINGS.items():
        if end == "BEL" and not name.startswith("OSC"):
            continue
        raw = b"before \x1b[31m" + beginning + b"A" * LONG
        engine = GhosttyEngine(40, 10, SCROLLBACK)
        engine.feed(raw)
        rest = b"more\x00" * 20 + ENDS[end] + b"AFTER\r\n"
        assert xterm.compare((40, 10), [engine.snapshot(SCROLLBACK)], [raw], [rest]) == ([], []), name


TEXT = ["日", "한", "👍", "x", "é", "ab", "  ", "👨\u200d👩\u200d👧", "🇩🇪", "❤\ufe0f"]
MODES = [f"\x1b[?{mode}{state}" for mode in (6, 7, 45, 47, 1047, 1049, 2027) for state in "hl"]
MODES += ["\x1b[4h", "\x1b[4l", "\x1b[2;4r", "\x1b[r", '\x1b[1"q', '\x1b[0"q', "\x1bV", "\x1bW", "\x1b7", "\x1b8"]
MODES += ["\x1b]2;half", "\x1bP$q", "\x1b[3", "\x1b[?40h\x1b[?3h", "\x1b[?3l", "\x1bc", "\x1b[!p"]
MODES += ["\x1b[?69h\x1b[3;9s", "\x1b[?69l"]


def shuffled(chance: random.Random) -> bytes:
    """Text with wide characters at every margin, and what moves, erases and inserts."""
    pieces = []
    for _ in range(4):
        place = f"\x1b[{chance.randint(1, 10)};{chance.randint(1, 24)}H"
        other = f"\x1b[{chance.randint(1, 5)}{chance.choice('@PXLMSTJKb')}"
        pieces.append(chance.choice([chance.choice(TEXT) * chance.randint(1, 6), place, "\r\n", other]))
    pieces.append(chance.choice(MODES) if chance.random() < 0.4 else "")
    data = "".join(pieces).encode()
    return data[: chance.randrange(len(data))] if data and chance.random() < 0.1 else data


@pytest.mark.parametrize("seed", range(40))
def test_case_terminal_2_there_is_a_picture_whatever_is_printed_in_whatever_order_of_sizes(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(4):
        engine = GhosttyEngine(20, 8, SCROLLBACK)
        for _ in range(30):
            if chance.random() < 0.25:
                engine.resize(chance.randint(2, 24), chance.randint(2, 10))
            else:
                engine.feed(shuffled(chance))
            shown = engine.cursor, engine.alternate
            engine.snapshot(SCROLLBACK)
            engine.runs(SCROLLBACK)
            assert (engine.cursor, engine.alternate) == shown
            if chance.random() < 0.1:
                engine = restored(engine)
        engine.close()


@pytest.mark.parametrize("enter", ["\x1b[?1049h", "\x1b[?47h", "\x1b[?7l", "\x1b[?1049h\x1bV"])
@pytest.mark.parametrize("narrow", range(2, 20))
def test_case_terminal_2_a_wide_character_cut_anywhere_costs_its_cell_at_most(enter: str, narrow: int) -> None:
    for column in (1, 2):
        engine = GhosttyEngine(20, 8, SCROLLBACK)
        engine.feed(f"{enter}\x1b[1;{column}H{'中' * 9}\x1b[3;1HSTATUS".encode())
        for cols in (narrow, 20, narrow + 1, 20):
            engine.resize(cols, 8)
        assert "中" * ((narrow + 1 - column) // 2) in engine.text(SCROLLBACK).replace("\n", "")
        assert engine.snapshot(SCROLLBACK)
        assert restored(engine).text(SCROLLBACK) == engine.text(SCROLLBACK)


def painted(cols: int, lines: int, coloured: bool) -> GhosttyEngine:
    """A terminal of numbered lines, in which each cell may have a colour of its own."""
    engine = GhosttyEngine(cols, 10, SCROLLBACK)
    for line in range(lines):
        cells = [f"\x1b[38;2;{line % 250};{column};7mx" if coloured else "x" for column in range(cols - 8)]
        engine.feed(f"\r\n\x1b[m{line:06d}{''.join(cells)}".encode())
    return engine


@pytest.mark.parametrize("probe", [100, 2_000, 1 << 30])
def test_S4_a_picture_is_no_larger_than_what_a_client_may_be_sent(monkeypatch: pytest.MonkeyPatch, probe: int) -> None:
    monkeypatch.setattr(snapshots, "PICTURE_BYTES", 100_000)
    monkeypatch.setattr(snapshots, "PROBE_CELLS", probe)
    for coloured in (True, False):
        engine = painted(60, SCROLLBACK + 10, coloured)
        taken = engine.snapshot(SCROLLBACK)
        assert len(taken) <= 100_000
        again = GhosttyEngine(60, 10, SCROLLBACK)
        again.feed(taken)
        shown, whole = again.text(SCROLLBACK).splitlines(), engine.text(SCROLLBACK).splitlines()
        assert shown == whole[-len(shown) :]
        assert len(shown) > 60 if coloured else len(shown) == len(whole)
    huge = painted(1000, 20, True)
    assert huge.text(0).splitlines()[-1].startswith("000019")
    taken = huge.snapshot(SCROLLBACK)
    assert len(taken) <= 100_000, "looks as far as they go, then text alone"
    again = GhosttyEngine(1000, 10, SCROLLBACK)
    again.feed(taken)
    assert again.text(0) == huge.text(0)
    assert again.runs(0)[0] == huge.runs(0)[0]


@pytest.mark.parametrize("numbers", ["69;", "1;", "0;"])
@pytest.mark.parametrize("begin", ["\x1b[", "\x1b[?"])
def test_case_terminal_1_a_sequence_of_very_many_numbers_is_looked_through_once(begin: str, numbers: str) -> None:
    engine = GhosttyEngine(20, 5)
    engine.feed(begin.encode() + numbers.encode() * 150_000)  # Looked through for each number it takes many minutes.
    engine.feed(b"\x1b[mAFTER")
    assert engine.text(0).split() == ["AFTER"]
