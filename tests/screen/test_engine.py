"""What `GhosttyEngine` promises."""

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from termwall.core.session.session import RESET
from termwall.screen.engine import EngineError
from termwall.screen.ghostty import GhosttyEngine
from tests.screen.fidelity.fuzz import SIZE, stream
from tests.screen.fidelity.recordings import load

ENGINES: dict[str, type[GhosttyEngine]] = {"ghostty": GhosttyEngine}
RECORDINGS = {recording.name: recording for recording in load()}
SCROLLBACK = 200
COLOURED = (
    b"\x1b[1;31mred\x1b[0m plain \x1b[38;5;200;48;2;1;2;3;4mmany\x1b[m\r\n"
    b"\x1b]8;;https://example.com\x07link\x1b]8;;\x07 x"
)
QUERIES = {
    "DA1": (b"\x1b[c", rb"\x1b\[\?62;22c"),
    "DA2": (b"\x1b[>c", rb"\x1b\[>1;10;0c"),
    "DA3": (b"\x1b[=c", rb"\x1bP!\|[0-9A-F]{8}\x1b\\"),
    "DSR": (b"\x1b[5n", rb"\x1b\[0n"),
    "CPR": (b"\x1b[3;7H\x1b[6n", rb"\x1b\[3;7R"),
    "DECRQM": (b"\x1b[?2004$p", rb"\x1b\[\?2004;2\$y"),
    "DECRQM, ANSI": (b"\x1b[4$p", rb"\x1b\[4;2\$y"),
    "DECRQSS": (b"\x1bP$qm\x1b\\", rb"\x1bP1\$r0m\x1b\\"),
    "XTVERSION": (b"\x1b[>q", rb"\x1bP>\|termwall\x1b\\"),
    "foreground": (b"\x1b]10;?\x07", rb"\x1b\]10;rgb:d3d3/d6d6/dada\x07"),
    "background": (b"\x1b]11;?\x1b\\", rb"\x1b\]11;rgb:0d0d/0e0e/1010\x1b\\"),
    "palette": (b"\x1b]4;1;?\x07", rb"\x1b\]4;1;rgb:[0-9a-f/]+\x07"),
    "size in cells": (b"\x1b[18t", rb"\x1b\[8;24;80t"),
    "size in pixels": (b"\x1b[14t", rb"\x1b\[4;384;640t"),
    "size of a cell": (b"\x1b[16t", rb"\x1b\[6;16;8t"),
    "kitty keyboard": (b"\x1b[?u", rb"\x1b\[\?0u"),
    "kitty keyboard, set": (b"\x1b[>5u\x1b[?u\x1b[<u\x1b[?u", rb"\x1b\[\?5u\x1b\[\?0u"),
    "modifyOtherKeys": (b"\x1b[?4m\x1b[>4;1m\x1b[?4m\x1b[>4m", rb"\x1b\[>4;0m\x1b\[>4;1m"),
    "formatOtherKeys": (b"\x1b[>4;1f\x1b[?4g\x1b[>4f", rb"\x1b\[>4;1f"),
    "XTGETTCAP": (b"\x1bP+q5463\x1b\\", rb"\x1bP1\+r5463\x1b\\"),
    "colour scheme": (b"\x1b[?996n", rb"\x1b\[\?997;1n"),
}
NOT_ANSWERED = {
    "ENQ": b"\x05",
    "title": b"\x1b]2;rm -rf\x07\x1b[21t",
    "kitty graphics": b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\",
    "clipboard": b"\x1b]52;c;?\x07",
}


@pytest.fixture(params=ENGINES.values(), ids=list(ENGINES))
def make(request: pytest.FixtureRequest) -> type[GhosttyEngine]:
    return request.param


def fed(make: type[GhosttyEngine], data: bytes, cols: int = 80, rows: int = 24) -> GhosttyEngine:
    engine = make(cols, rows, SCROLLBACK)
    engine.feed(data)
    return engine


@pytest.mark.parametrize("engine_type", ENGINES.values())
@settings(max_examples=60, deadline=None)
@given(st.data())
def test_S3_output_in_any_split_gives_the_same_terminal(engine_type: type[GhosttyEngine], data: st.DataObject) -> None:
    raw = stream(data.draw(st.integers(0, 10_000)))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=12)))
    whole, pieces = fed(engine_type, raw, *SIZE), engine_type(*SIZE, SCROLLBACK)
    for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True):
        pieces.feed(raw[start:end])
    assert pieces.snapshot(SCROLLBACK) == whole.snapshot(SCROLLBACK)
    assert pieces.text(SCROLLBACK) == whole.text(SCROLLBACK)
    assert (pieces.cursor, pieces.title, pieces.alternate) == (whole.cursor, whole.title, whole.alternate)
    assert pieces.take_replies() == whole.take_replies()
    assert pieces.take_bells() == whole.take_bells()


@pytest.mark.parametrize("name", RECORDINGS)
def test_S3_a_recorded_program_byte_by_byte_gives_the_same_terminal(make: type[GhosttyEngine], name: str) -> None:
    recording = RECORDINGS[name]
    raw = recording.raw[:20_000]
    whole, pieces = fed(make, raw, recording.cols, recording.rows), make(recording.cols, recording.rows, SCROLLBACK)
    for at in range(len(raw)):
        pieces.feed(raw[at : at + 1])
    assert pieces.snapshot(SCROLLBACK) == whole.snapshot(SCROLLBACK)


def test_S3_a_memoryview_and_a_bytearray_are_fed_as_bytes_are(make: type[GhosttyEngine]) -> None:
    ring = bytearray(b"...before" + COLOURED + b"after...")
    engine = make(80, 24, SCROLLBACK)
    engine.feed(memoryview(ring)[9 : 9 + len(COLOURED)])
    assert engine.snapshot(SCROLLBACK) == fed(make, COLOURED).snapshot(SCROLLBACK)
    engine.feed(b"")
    engine.feed(bytearray(b"!"))
    assert engine.text(0).splitlines()[1] == "link x!"


@pytest.mark.parametrize("query", QUERIES)
def test_S7_a_query_is_answered_once(make: type[GhosttyEngine], query: str) -> None:
    asked, answer = QUERIES[query]
    engine = fed(make, asked)
    reply = engine.take_replies()
    assert re.fullmatch(answer, reply), reply
    assert engine.take_replies() == b""


@pytest.mark.parametrize("query", QUERIES)
def test_S7_nothing_is_answered_while_muted_and_nothing_later(make: type[GhosttyEngine], query: str) -> None:
    engine = make(80, 24, SCROLLBACK)
    engine.muted = True
    engine.feed(QUERIES[query][0])
    engine.muted = False
    assert engine.take_replies() == b""
    engine.feed(b"\x1b[5n")
    assert engine.take_replies() == b"\x1b[0n"


@pytest.mark.parametrize("query", NOT_ANSWERED)
def test_S7_what_the_pages_terminal_cannot_keep_or_would_betray_is_not_answered(
    make: type[GhosttyEngine], query: str
) -> None:
    assert fed(make, NOT_ANSWERED[query]).take_replies() == b""


@pytest.mark.parametrize(("name", "there"), [("fullkbd", True), ("Tc", True), ("Cmg", False), ("cols", False)])
def test_case_terminal_9_a_capability_is_promised_where_it_is_there(
    make: type[GhosttyEngine], name: str, there: bool
) -> None:
    asked = name.encode().hex().encode()
    engine = fed(make, b"\x1bP+q" + asked + b"\x1b\\")
    assert engine.take_replies().lower().startswith(b"\x1bp%d+r%s" % (there, asked))


KEYS = {
    "pushed": (b"\x1b[>1u\x1b[>5u", [b"\x1b[?u", b"\x1b[<u\x1b[?u", b"\x1b[<u\x1b[?u"]),
    "set": (b"\x1b[=3u", [b"\x1b[?u", b"\x1b[<u\x1b[?u"]),
    "more than fit": (b"".join(b"\x1b[>%du" % n for n in range(1, 13)), [b"\x1b[?u"] + [b"\x1b[<u\x1b[?u"] * 8),
    "of both screens": (b"\x1b[>1u\x1b[?1049h\x1b[>3u", [b"\x1b[?u", b"\x1b[?1049l\x1b[?u", b"\x1b[?1049h\x1b[?u"]),
    "of the other screen": (b"\x1b[?1049h\x1b[>3u\x1b[?1049l\x1b[>1u", [b"\x1b[?u", b"\x1b[?1049h\x1b[?u"]),
    "other keys": (b"\x1b[>4;1m", [b"\x1b[?4m"]),
    "other keys in the form CSI u": (b"\x1b[>4;2m\x1b[>4;1f", [b"\x1b[?4m", b"\x1b[?4g"]),
    "other keys, switched off": (b"\x1b[>4;2m\x1b[>4n", [b"\x1b[?4m"]),
    "reset": (b"\x1b[>5u\x1b[>4;2m\x1b[>4;1f\x1bc", [b"\x1b[?u", b"\x1b[?4m", b"\x1b[?4g"]),
    "softly reset": (b"\x1b[>5u\x1b[>4;2m\x1b[>4;1f\x1b[!p", [b"\x1b[?u", b"\x1b[?4m", b"\x1b[?4g"]),
}


@pytest.mark.parametrize("name", KEYS)
def test_case_page_3_the_keys_that_were_asked_for_are_kept(make: type[GhosttyEngine], name: str) -> None:
    output, questions = KEYS[name]

    def answers(engine: GhosttyEngine) -> list[bytes]:
        given = []
        for question in questions:
            engine.feed(question)
            given.append(engine.take_replies())
        return given

    wanted = answers(fed(make, output))
    assert all(wanted)
    assert answers(fed(make, fed(make, output).snapshot(SCROLLBACK))) == wanted
    checkpoint = fed(make, output).checkpoint()
    assert checkpoint is not None
    assert answers(make.restore(checkpoint, 80, 24, SCROLLBACK)) == wanted
    pieces = make(80, 24, SCROLLBACK)
    for at in range(len(output)):
        pieces.feed(output[at : at + 1])
    assert answers(pieces) == wanted


def test_S7_a_snapshot_asks_nothing(make: type[GhosttyEngine]) -> None:
    for name, (asked, _) in QUERIES.items():
        taken = fed(make, asked).snapshot(SCROLLBACK)
        assert fed(make, taken).take_replies() == b"", name


def test_S9_bells_are_counted_until_they_are_taken(make: type[GhosttyEngine]) -> None:
    engine = fed(make, b"a\x07b\x07\x07\x1b]2;a title\x07")
    assert (engine.take_bells(), engine.take_bells(), engine.title) == (3, 0, "a title")


def test_S4_a_snapshot_rebuilds_the_terminal_that_made_it(make: type[GhosttyEngine]) -> None:
    """With itself in place of xterm.js: what is in a snapshot must be all that is in a snapshot of it."""
    for name, recording in RECORDINGS.items():
        engine = make(recording.cols, recording.rows, SCROLLBACK)
        engine.feed(recording.raw[: recording.until_resize(0)])
        taken = engine.snapshot(SCROLLBACK)
        again = fed(make, taken, recording.cols, recording.rows)
        assert again.text(SCROLLBACK) == engine.text(SCROLLBACK), name
        assert again.runs(0) == engine.runs(0), name
        assert (again.cursor, again.title, again.alternate) == (engine.cursor, engine.title, engine.alternate), name


def test_S4_a_snapshot_begins_with_a_reset_and_ends_with_what_is_unfinished(make: type[GhosttyEngine]) -> None:
    for unfinished in (
        b"\x1b",
        b"\x1b[38;5",
        b"\x1b]2;half a ti",
        "日".encode()[:2],
        b"\x1bP$q",
        b"\x1b]52;c;" + b"A" * 200_000,
    ):
        taken = fed(make, COLOURED + unfinished).snapshot(SCROLLBACK)
        assert taken.startswith(b"\x1bc")
        assert taken.endswith(unfinished)


def test_S4_a_snapshot_has_the_scrollback_that_is_asked_for(make: type[GhosttyEngine]) -> None:
    engine = fed(make, b"\r\n".join(b"line %d" % n for n in range(3000)))
    for wanted in (0, 1, SCROLLBACK):
        again = fed(make, engine.snapshot(wanted))
        shown = again.text(SCROLLBACK).splitlines()
        assert shown == [f"line {n}" for n in range(3000 - 24 - wanted, 3000)]
        assert engine.text(wanted).splitlines() == shown


@pytest.mark.parametrize("cols", [2, 7, 30, 62, 80, 215, 400])
def test_S4_at_no_time_and_no_width_is_there_less_scrollback(make: type[GhosttyEngine], cols: int) -> None:
    """pyghostty 0.1.3 drops a page of it at a time, of which a narrow terminal's has many more rows."""
    for engine in (make(cols, 5, SCROLLBACK), make(500, 5, SCROLLBACK)):
        engine.resize(cols, 5)
        engine.feed(b"x\r\n" * (SCROLLBACK + 50))
        for _ in range(300):
            engine.feed(b"x\r\n" * max(5, 300 // cols))
            assert engine.text(SCROLLBACK).count("x") >= SCROLLBACK
        engine.close()


def test_S4_runs_text_and_ansi_agree(make: type[GhosttyEngine]) -> None:
    for name, recording in RECORDINGS.items():
        engine = make(recording.cols, recording.rows, SCROLLBACK)
        engine.feed(recording.raw[: recording.until_resize(0)])
        text = engine.text(SCROLLBACK)
        runs = engine.runs(SCROLLBACK)
        assert "\n".join("".join(run["text"] for run in row).rstrip() for row in runs) == text, name
        bare = re.sub(rb"\x1b\[[0-9;:]*m", b"", engine.ansi(SCROLLBACK)).decode()
        assert "\n".join(line.rstrip() for line in bare.split("\n")) == text, name


def test_S6_runs_tell_what_cells_look_like(make: type[GhosttyEngine]) -> None:
    first, second, *rest = fed(make, COLOURED).runs(0)
    assert first == [
        {"text": "red", "fg": 1, "bold": True},
        {"text": " plain "},
        {"text": "many", "fg": 200, "bg": "#010203", "underline": True},
    ]
    assert second == [{"text": "link", "link": "https://example.com"}, {"text": " x"}]
    assert rest == [[]] * 22
    blank = fed(make, b"\x1b[44m\x1b[K\x1b[0m\r\n\x1b[7m  \x1b[27m  \x1b[3mi\x1b[23;2md\x1b[22;9ms").runs(0)
    assert blank[0] == [{"text": " " * 80, "bg": 4}]
    assert blank[1] == [
        {"text": "  ", "inverse": True},
        {"text": "  "},
        {"text": "i", "italic": True},
        {"text": "d", "dim": True},
        {"text": "s", "strikethrough": True},
    ]


@pytest.mark.parametrize("resized", [False, True])
def test_case_terminal_5_R7_a_line_that_wraps_is_one_line(make: type[GhosttyEngine], resized: bool) -> None:
    text = "x" * 70 + "NEEDLE-ACROSS-THE-WRAP " + "日本語" * 20 + " e\u0301 end"
    engine = fed(make, f"one\r\n{text}\r\nthree  \r\n\r\n".encode(), 81)
    if resized:
        engine.resize(33, 24)
    lines = engine.lines(100)
    assert ["".join(rows) for rows in lines[:4]] == ["one", text, "three", ""]
    assert sum(map(len, lines)) == 24
    assert [row.rstrip() for rows in lines for row in rows] == [row.rstrip() for row in engine.text(100).split("\n")]


def test_case_terminal_5_R7_blanks_at_the_end_of_a_row_that_wraps_stay(make: type[GhosttyEngine]) -> None:
    engine = fed(make, b"one" + b" " * 17 + b"two\r\n", 20)
    assert engine.lines(0)[0] == ["one" + " " * 17, "two"]


def test_S8_wide_and_joined_characters_take_the_cells_they_take_in_the_page(make: type[GhosttyEngine]) -> None:
    for text, width in (
        ("日本", 4),
        ("e\u0301", 1),
        ("👍🏽", 2),
        ("👨\u200d👩\u200d👧", 2),
        ("🇩🇪", 2),
        ("❤\ufe0f", 2),
        ("❤", 1),
    ):
        engine = fed(make, text.encode())
        assert engine.cursor[0] == width, text
        assert engine.text(0).splitlines()[0] == text


@pytest.mark.parametrize("erase", [b"\x1b[K", b"\x1b[0K"])
def test_S4_erasing_behind_a_full_row_erases_nothing_as_in_the_page(make: type[GhosttyEngine], erase: bytes) -> None:
    """`top` and `grep --color` do that; libghostty-vt would erase the row's last character."""
    for output in (b"x" * 20 + erase, b"x" * 20 + b"\x1b[m" + erase):
        for cut in range(len(output)):
            engine = fed(make, output[:cut], 20, 4)
            engine.feed(output[cut:])
            assert engine.text(0).splitlines()[0] == "x" * 20
            engine.feed(b"y")
            assert engine.text(0).splitlines()[1] == "y"
    assert fed(make, b"x" * 19 + erase + b"\b\b" + erase, 20, 4).text(0).strip() == "x" * 17
    engine = fed(make, b"x" * 20 + b"\x1b]2;title" + erase + b"y", 20, 4)
    assert (engine.text(0).split(), engine.title) == (["x" * 20, "y"], "title")


def test_S4_a_soft_reset_resets_what_it_resets_in_the_page(make: type[GhosttyEngine]) -> None:
    engine = fed(make, b"\x1b[2;5r\x1b[?6h\x1b[?1h\x1b[?2004h\x1b[4h\x1b[?25l\x1b[31m\x1b(0\x1b[3;4H\x1b[!p")
    place = engine.cursor
    engine.feed(b"q\r")
    assert place[2]
    assert (place[0] + 1, {"text": " " * place[0] + "q"}) in [(len(r[0]["text"]), r[0]) for r in engine.runs(0) if r]
    assert b"\x1b[?2004h" not in engine.snapshot(0)
    assert engine.scrolls_plainly


def test_S4_sizes_are_at_least_two_by_two(make: type[GhosttyEngine]) -> None:
    engine = make(1, 1, SCROLLBACK)
    assert (engine.cols, engine.rows) == (2, 2)
    engine.feed("a日b\r\nc\x1b[?1049h日".encode())
    for cols, rows in ((1, 1), (2, 2), (0, 5), (1000, 1000), (2, 2)):
        engine.resize(cols, rows)
        engine.feed("x日\x1b[2;2H\x1b[?1049l".encode())
        assert (engine.cols, engine.rows) == (max(2, cols), max(2, rows))
        engine.snapshot(SCROLLBACK)


def test_S3_a_resize_reflows_the_primary_screen(make: type[GhosttyEngine]) -> None:
    engine = fed(make, b"a" * 70 + b"\r\n$ ")
    engine.resize(40, 24)
    assert engine.text(0).splitlines()[:3] == ["a" * 40, "a" * 30, "$"]
    engine.resize(80, 24)
    assert engine.text(0).splitlines()[:2] == ["a" * 70, "$"]
    assert engine.cursor == (2, 1, True)


def test_a_program_that_asked_is_told_of_a_resize(make: type[GhosttyEngine]) -> None:
    engine = fed(make, b"\x1b[?2048h")
    engine.take_replies()
    engine.resize(100, 30)
    assert engine.take_replies() == b"\x1b[48;30;100;480;800t"


def test_the_alternate_screen_is_told(make: type[GhosttyEngine]) -> None:
    for mode in (b"47", b"1047", b"1049"):
        engine = fed(make, b"below\x1b[?%sh\x1b[Habove" % mode)
        assert (engine.alternate, engine.text(0).strip()) == (True, "above")
        again = fed(make, engine.snapshot(SCROLLBACK))
        assert (again.alternate, again.text(0).strip()) == (True, "above")
        for one in (engine, again):
            one.feed(b"\x1b[?%sl" % mode)
            assert (one.alternate, one.text(0).splitlines()[0]) == (False, "below")


@pytest.mark.parametrize(
    ("output", "plainly"),
    [
        (b"plain\r\n", True),
        (b"\x1b[31mcoloured", True),
        (b"\x1b[?1049h", False),
        (b"\x1b[2;10r", False),
        (b"\x1b[2;10r\x1b[r", True),
        (b"\x1b[1;23r", False),
        (b"\x1b[?6h", False),
        (b"\x1b[?7l", False),
        (b"\x1b[20h", False),
        (b"\x1b[?69h\x1b[5;20s", True),
        (b"\x1b[31", False),
        (b"\x1b]2;half", False),
        ("日".encode()[:1], False),
    ],
)
def test_scrolls_plainly_is_true_only_where_nothing_is_left(
    make: type[GhosttyEngine], output: bytes, plainly: bool
) -> None:
    assert fed(make, output).scrolls_plainly is plainly


def test_a_checkpoint_restores_all_of_a_terminal(make: type[GhosttyEngine]) -> None:
    for name, recording in RECORDINGS.items():
        for cut in recording.cuts()[::6]:
            cut = min(cut, recording.until_resize(0))
            engine = fed(make, recording.raw[:cut], recording.cols, recording.rows)
            state = engine.checkpoint()
            again = make.restore(state, recording.cols, recording.rows, SCROLLBACK)
            assert again.snapshot(SCROLLBACK) == engine.snapshot(SCROLLBACK), (name, cut)
            for one in (engine, again):
                one.take_replies()
                one.feed(recording.raw[cut : cut + 2000] + b"\x18\x07\x1b[5n\x1b[>q")
            assert again.snapshot(SCROLLBACK) == engine.snapshot(SCROLLBACK), (name, cut)
            assert again.take_replies() == engine.take_replies() != b""
            assert again.take_bells() > 0


def test_a_restored_terminal_keeps_as_much_and_takes_another_size(make: type[GhosttyEngine]) -> None:
    state = fed(make, COLOURED + b"\x1b]52;c;" + b"A" * 100_000).checkpoint()
    engine = make.restore(state, 60, 20, SCROLLBACK)
    assert (engine.cols, engine.rows) == (60, 20)
    engine.feed(b"\x07" + b"\r\n".join(b"line %d" % n for n in range(3000)))
    assert len(engine.text(SCROLLBACK).splitlines()) == SCROLLBACK + 20
    engine.feed(b"\x1b]2;" + b"B" * 100_000)
    assert engine.snapshot(0).endswith(b"B" * 100_000)


@pytest.mark.parametrize("garbage", [b"", b"garbage" * 50, b"GHOSTSNP\x01\x00", b"GHOSTSNP\x02\x00" + bytes(100)])
def test_a_checkpoint_of_something_else_is_refused(make: type[GhosttyEngine], garbage: bytes) -> None:
    with pytest.raises(EngineError):
        make.restore(garbage, 80, 24, SCROLLBACK)


def test_a_damaged_checkpoint_is_refused(make: type[GhosttyEngine]) -> None:
    state = fed(make, COLOURED).checkpoint()
    chance = random.Random(1)
    for _ in range(100):
        damaged = bytearray(state)
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
        with pytest.raises(EngineError):
            make.restore(bytes(damaged), 80, 24, SCROLLBACK)
        with pytest.raises(EngineError):
            make.restore(state[: chance.randrange(len(state))], 80, 24, SCROLLBACK)


@pytest.mark.parametrize("enter", [b"\x1b[?1049h", b"\x1b[?47h", b"\x1b[?1049h\x1b[2;5r\x1b[?6h"])
@pytest.mark.parametrize("leave", [b"", b"\x1b[?1049l$ "])
@pytest.mark.parametrize("unfinished", [b"", b"\x1b[3"])
def test_S4_a_wide_character_cut_by_a_resize_hides_no_state(
    make: type[GhosttyEngine], enter: bytes, leave: bytes, unfinished: bytes
) -> None:
    """pyghostty 0.1.3 refuses to tell the state of a terminal with such a cell."""
    engine = fed(make, b"below" + enter + ("\x1b[2;1H" + "日" * 20 + "\x1b[3;4H").encode() + leave + unfinished, 40, 6)
    engine.resize(31, 6)
    before = engine.cursor
    taken = engine.snapshot(SCROLLBACK)
    assert engine.cursor == before
    assert taken.endswith(unfinished)
    shown = engine.text(0)
    assert ("low" if leave else "日" * 15) in shown
    state = engine.checkpoint()
    assert make.restore(state, 31, 6, SCROLLBACK).snapshot(SCROLLBACK) == taken


def test_S4_the_state_is_told_inside_of_broken_sequences(make: type[GhosttyEngine]) -> None:
    """pyghostty 0.1.3 refuses it where the unfinished sequence holds another one's 8-bit beginning."""
    for unfinished in (b"\x1b_\x9d", b"\x1bX\x90abc", b"\x1b^\x9b1;2"):
        engine = fed(make, COLOURED + unfinished)
        taken = engine.snapshot(SCROLLBACK)
        assert engine.text(0).startswith("red plain many\nlink x")
        state = engine.checkpoint()
        again = make.restore(state, 80, 24, SCROLLBACK)
        assert again.snapshot(SCROLLBACK) == taken
        for one in (engine, again, fed(make, taken)):
            one.feed(b"\x1b\\!")
            assert one.text(0).startswith("red plain many\nlink x!")


def test_hostile_bytes_and_sizes_raise_nothing(make: type[GhosttyEngine]) -> None:
    chance = random.Random(7)
    engine = make(40, 10, SCROLLBACK)
    for round_ in range(300):
        data = chance.randbytes(chance.randrange(1, 600)) if chance.random() < 0.5 else stream(chance.randrange(10_000))
        engine.feed(data)
        if chance.random() < 0.3:
            engine.resize(chance.randint(1, 120), chance.randint(1, 60))
        if round_ % 7 == 0:
            engine.snapshot(SCROLLBACK)
            engine.runs(0)
            engine.text(SCROLLBACK).encode("utf-8")
            engine.ansi(SCROLLBACK)
            state = engine.checkpoint()
            engine.close()
            engine = make.restore(state, engine.cols, engine.rows, SCROLLBACK)


def test_an_engine_leaves_nothing_behind(make: type[GhosttyEngine]) -> None:
    def run(times: int) -> None:
        for _ in range(times):
            engine = fed(make, COLOURED * 50)
            engine.snapshot(SCROLLBACK)
            engine.close()
            engine.close()

    run(20)
    before = resident()
    run(200)
    # Each holds more than a quarter of a MiB of cells while it lives.
    assert resident() - before < 20 << 20


def resident() -> int:
    """Bytes of memory that this process has."""
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096


@pytest.mark.parametrize("size", [(1, 1), (1, 24), (80, 1), (0, 0), (80, 0)])
def test_case_server_6_the_library_never_gets_a_size_that_it_does_not_bear(
    make: type[GhosttyEngine], size: tuple[int, int]
) -> None:
    """Not at the creation, nor at a resize, nor from a checkpoint: with less than 2x2 it may end the whole process."""
    wanted = max(2, size[0]), max(2, size[1])
    resized = make(80, 24, SCROLLBACK)
    resized.resize(*size)
    for engine in (make(*size, SCROLLBACK), resized, make.restore(resized.checkpoint(), *size, SCROLLBACK)):
        assert (engine._get("COLS", "uint16_t"), engine._get("ROWS", "uint16_t")) == wanted
        engine.feed(b"a")
        assert engine.text(0).splitlines()[0] == "a"


def test_case_terminal_11_reset_leaves_the_text_and_no_mode(make: type[GhosttyEngine]) -> None:
    modes = b"\x1b[?1049h\x1b[?1000;1003;1006;1004;2004;1;2031;2048h\x1b=\x1b[>5u\x1b[>4;2m\x1b[3;10r"
    looks = b"\x1b[31m\x1b(0\x1b[5 q\x1b[?25l\x1b[?7l\x1b[4h\x1b[20h\x1b]11;#ff0000\x07\x1b[?5h\x1b[?2026h"
    left, new = make(40, 12, SCROLLBACK), make(40, 12, SCROLLBACK)
    left.feed(b"one\r\ntwo\r\n" + modes + looks + b"\x1b[3;1H\x1b]0;a title that does not end" + RESET)
    new.feed(b"one\r\ntwo\r\n")
    assert left.text(0) == new.text(0)
    assert left.modes == new.modes
    left.take_replies()
    for query in (b"\x1b[?1$p", b"\x1b[?2004$p", b"\x1b[?7$p", b"\x1b[4$p", b"\x1b[?u", b"\x1b[?4m", b"\x1b]11;?\x07"):
        left.feed(query)
        new.feed(query)
        assert left.take_replies() == new.take_replies(), query
    left.feed(b"x\r\ny\x1b[0m")
    new.feed(b"x\r\ny\x1b[0m")
    assert left.text(0) == new.text(0)
    assert left.cursor == new.cursor
