"""What programs say of themselves, however the batches cut their output."""

import base64
import json
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from termwall.core.osc import (
    MAX_BODY,
    MAX_CARRY,
    MAX_LINE,
    MAX_TITLE,
    MAX_UNFINISHED,
    Asked,
    Copied,
    Marked,
    Moved,
    Notified,
    OscEvent,
    OscScanner,
    Progressed,
    Ran,
    Titled,
    decode_events,
    encode_events,
)

OSC, ST, BEL = b"\x1b]", b"\x1b\\", b"\x07"


def said(*batches: bytes) -> list[OscEvent]:
    """All that was said in these batches."""
    scanner = OscScanner()
    return [event for batch in batches for event in scanner.feed(batch)]


def newest(*batches: bytes) -> str | None:
    """The newest title after these batches."""
    titles = [event.title for event in said(*batches) if isinstance(event, Titled)]
    return titles[-1] if titles else None


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
    scanner = OscScanner()
    for _ in range(100):
        scanner.feed(OSC + b"0;" + b"x" * (MAX_CARRY - 10))
        scanner.feed(b"x" * 1000)
        assert len(scanner._carry) <= MAX_CARRY + 2


@pytest.mark.parametrize(
    ("content", "event"),
    [
        ("7;file://host/home/ada/a%20b", Moved("/home/ada/a b")),
        ("7;file:///srv/%C3%A9", Moved("/srv/é")),
        ("7;http://host/x", None),
        ("7;file://host/really?#1", Moved("/really?#1")),
        ("7;kitty-shell-cwd://host/a%20b", Moved("/a%20b")),
        ("7;file:relative", None),
        ("7;file://host/" + "x" * 4095, Moved("/" + "x" * 4095)),
        ("7;file://host/" + "x" * 4096, None),
        ("9;9;", None),
        ('9;9;"C:\\src"', Moved("C:\\src")),
        ("9;9;/home/ada", Moved("/home/ada")),
        ("9;Build finished", Notified("OSC 9", "", "Build finished")),
        ("9;3 of 4; done", Notified("OSC 9", "", "3 of 4; done")),
        ("9;", None),
        ("9; \t", None),
        ("9;two\nlines\u202e", Notified("OSC 9", "", "two lines")),
        ("9;" + "é" * 2000, Notified("OSC 9", "", "é" * MAX_BODY)),
        ("9;12 tests failed", Notified("OSC 9", "", "12 tests failed")),
        ("9;12;1", None),
        ("9;13;1", Notified("OSC 9", "", "13;1")),
        ("9;4;1;40", Progressed("normal", 40)),
        ("9;4;1;400", Progressed("normal", 100)),
        ("9;4;2;7", Progressed("error", 7)),
        ("9;4;3", Progressed("indeterminate", None)),
        ("9;4;3;50", Progressed("indeterminate", None)),
        ("9;4;4;x", Progressed("paused", None)),
        ("9;4;0", Progressed(None, None)),
        ("9;4;9;1", None),
        ("9;4", None),
        ("9;4;1", Progressed("normal", None)),
        ("9;4;1;-3", Progressed("normal", None)),
        ("9;4;1;" + "9" * 5000, Progressed("normal", None)),
        ("9;1;500", None),
        ("777;notify;Build;failed; twice", Notified("OSC 777", "Build", "failed; twice")),
        ("777;notify;Build", Notified("OSC 777", "Build", "")),
        ("777;other;x", None),
        ("777;notify;;", None),
        ("777;notify;" + "t" * 999 + ";b", Notified("OSC 777", "t" * MAX_TITLE, "b")),
        ("99;;Hello", Notified("OSC 99", "Hello", "")),
        ("99;i=1:p=body;text", Notified("OSC 99", "", "text")),
        ("99;e=1;SGk=", Notified("OSC 99", "Hi", "")),
        ("99;e=1;*", None),
        ("99;p=close:i=1;", None),
        ("99;i=1:p=?;", None),
        ("99;i=1:p=icon;Hello", None),
        ("99;i=1:d=0;Hello", None),
        ("99;i=1", None),
        ("133;A", Marked("prompt", None)),
        ("133;A;aid=3", Marked("prompt", None)),
        ("133;B", Marked("input", None)),
        ("133;C", Marked("running", None)),
        ("133;D", Marked("finished", None)),
        ("133;D;0", Marked("finished", 0)),
        ("133;D;130;aid=3", Marked("finished", 130)),
        ("133;D;x", Marked("finished", None)),
        ("133;D;-1", Marked("finished", -1)),
        ("133;D;" + "9" * 5000, Marked("finished", None)),
        ("133;A;0", Marked("prompt", None)),
        ("133;Anything", None),
        ("133;C;cmdline_url=make%20test%3B%20echo%20%C3%A9", Marked("running", None, "make test; echo é")),
        ("133;C;aid=3;cmdline_url=ls", Marked("running", None, "ls")),
        ("133;C;cmdline_url=", Marked("running")),
        ("133;D;0;cmdline_url=ls", Marked("finished", 0)),
        ("633;E;cat", Ran("cat")),
        ("633;E;cat;a-nonce", Ran("cat")),
        (r"633;E;echo a\x3b echo \\\\x3b\x0aecho \xC3\xA9", Ran(r"echo a; echo \\x3b echo é")),
        ("633;E;" + r"\x1b[31m" + "\u202ered", Ran("[31mred")),
        (r"633;E;a\xzz\x2", Ran(r"a\xzz\x2")),
        ("633;E;" + "x" * 2000, Ran("x" * MAX_LINE)),
        ("633;E;", None),
        ("633;E", None),
        ("133;E;cat", None),
        ("133;Z", None),
        ("633;D;1", Marked("finished", 1)),
        ("52;c;SGVsbG8=", Copied("Hello")),
        ("52;;SGVsbG8=", Copied("Hello")),  # tmux
        ("52;p;SGVsbG8=", Copied("Hello")),
        ("52;s;SGVsbG8=", Copied("Hello")),
        ("52;s0;SGVsbG8=", Copied("Hello")),  # xterm's own default
        ("52;pc;SGVsbG8=", Copied("Hello")),
        ("52;c;SGVsbG8", Copied("Hello")),
        ("52;c;SGVs\nbG8=\n", Copied("Hello")),  # base64 without -w 0
        ("52;c;5pel5pys8J+mgA==", Copied("日本🦀")),
        ("52;c;/w==", Copied("\ufffd")),
        ("52;c;", Copied("")),
        ("52;c;?", Asked("c", True)),
        ("52;;?", Asked("", True)),
        ("52;pc;?", Asked("pc", True)),
        ("52;c;!!!", None),
        ("52;c;SGVsbG8=SGVsbG8=", None),
        ("52;C;SGVsbG8=", None),
        ("52;SGVsbG8=", None),
        ("52;" + "c" * 17 + ";SGVsbG8=", None),
        ("52", None),
        ("520;c;SGVsbG8=", None),
        ("", None),
        (";", None),
    ],
)
def test_S9_what_is_said(content: str, event: OscEvent | None) -> None:
    assert said(OSC + content.encode() + BEL) == ([] if event is None else [event])


def test_S9_kitty_notifications_come_in_pieces() -> None:
    pieces = ["99;i=a:d=0;Build ", "99;i=b;other", "99;i=a:d=0:p=body;all ", "99;i=a:d=1:p=body;green"]
    assert said(*(OSC + piece.encode() + ST for piece in pieces)) == [
        Notified("OSC 99", "other", ""),
        Notified("OSC 99", "Build", "all green"),
    ]


def test_S9_a_character_may_be_split_over_pieces_of_base64() -> None:
    first, second = (base64.b64encode("é".encode()[place : place + 1]).rstrip(b"=") for place in (0, 1))
    pieces = [b"99;i=a:d=0:e=1;" + first, b"99;i=a:d=0:e=1;*no base64*", b"99;i=a:e=1;" + second]
    assert said(*(OSC + piece + ST for piece in pieces)) == [Notified("OSC 99", "é", "")]


def test_X4_unfinished_notifications_are_bounded() -> None:
    scanner = OscScanner()
    for number in range(1000):
        scanner.feed(OSC + f"99;i={number}:d=0;{'x' * 999}".encode() + BEL)
    assert len(scanner._unfinished) == MAX_UNFINISHED
    for _ in range(100):
        scanner.feed(OSC + b"99;i=999:d=0:p=body;" + b"y" * 999 + BEL)
    most = 4 * MAX_TITLE, 4 * MAX_BODY  # Bytes of so many characters.
    assert all(len(title) <= most[0] and len(body) <= most[1] for title, body in scanner._unfinished.values())
    assert scanner.feed(OSC + b"99;i=0:p=body;z" + BEL) == [Notified("OSC 99", "", "z")], "the oldest is forgotten"


EVENTS: list[OscEvent] = [
    Titled("é"),
    Moved("/x"),
    Notified("OSC 9", "a", "b"),
    Progressed(None, None),
    Progressed("normal", 3),
    Marked("finished", 1),
    Marked("running", None, "make"),
    Ran("make"),
]


def test_S9_events_cross_as_json() -> None:
    assert decode_events(json.loads(json.dumps(encode_events(EVENTS)))) == EVENTS
    with pytest.raises((KeyError, TypeError)):
        decode_events([["Titled"]])
    with pytest.raises((KeyError, TypeError)):
        decode_events([["object"]])


PIECES = st.one_of(
    st.sampled_from(
        [
            OSC,
            OSC + b"0;",
            OSC + b"9;4;1;5",
            OSC + b"99;i=1:d=0;",
            OSC + b"99;i=1:p=body;",
            OSC + b"133;D;1",
            OSC + b"7;file://h/x",
            OSC + b"8;;",
            ST,
            BEL,
            b"\x1b",
            b"]",
            b"0;",
            b"\x18",
            b"\x1a",
        ]
    ),
    st.binary(max_size=8),
    st.sampled_from([MAX_CARRY - 3, MAX_CARRY - 2, MAX_CARRY - 1, MAX_CARRY, MAX_CARRY + 1]).map(lambda n: b"x" * n),
)


@settings(max_examples=600, deadline=None)
@given(pieces=st.lists(PIECES, max_size=14), cuts=st.lists(st.integers(0, 3 * MAX_CARRY), max_size=8))
@example(pieces=[OSC + b"0;", b"x" * (MAX_CARRY - 3), BEL], cuts=[MAX_CARRY + 1])
@example(pieces=[OSC + b"0;", b"x" * (MAX_CARRY - 3), ST], cuts=[MAX_CARRY + 2])
@example(pieces=[OSC + b"0;", b"x" * (MAX_CARRY - 2), ST], cuts=[MAX_CARRY + 3])
@example(pieces=[OSC + b"0;", b"x" * (MAX_CARRY - 2), OSC + b"0;", BEL], cuts=[MAX_CARRY + 3])
def test_S9_any_split_of_any_bytes_says_the_same(pieces: list[bytes], cuts: list[int]) -> None:
    output = b"".join(pieces)
    places = [0, *sorted(min(cut, len(output)) for cut in cuts), len(output)]
    batches = [output[start:stop] for start, stop in pairwise(places)]
    assert b"".join(batches) == output
    assert said(*batches) == said(output)


@settings(max_examples=300, deadline=None)
@given(st.lists(PIECES, max_size=10).map(b"".join))
def test_S9_byte_by_byte_is_the_same(output: bytes) -> None:
    output = output[:5000]
    assert said(*(output[place : place + 1] for place in range(len(output)))) == said(output)


def test_case_page_15_a_long_copy_comes_whole_however_it_is_cut() -> None:
    text = "".join(chr(97 + index * 7 % 26) for index in range(100_000))
    data = b"\x1b]0;t\x07" + OSC + b"52;c;" + base64.b64encode(text.encode()) + b"\x1b\\after" + OSC + b"2;u\x07"
    for step in (1, 7, 4096, len(data)):
        scanner = OscScanner()
        events = [event for at in range(0, len(data), step) for event in scanner.feed(data[at : at + step])]
        assert events == [Titled("t"), Copied(text), Titled("u")]
        assert not scanner.waiting


def test_case_page_15_a_copy_that_is_too_long_is_nothing_and_what_follows_is_heard() -> None:
    scanner = OscScanner(copied_bytes=1000)
    for length, whole in ((1000, True), (1001, False), (100_000, False)):
        sequence = OSC + b"52;c;" + base64.b64encode(b"x" * length) + BEL
        for step in (99, len(sequence)):
            events = [event for at in range(0, len(sequence), step) for event in scanner.feed(sequence[at : at + step])]
            assert events == ([Copied("x" * length)] if whole else [])
            assert scanner.feed(OSC + b"2;t" + BEL) == [Titled("t")]


def test_case_terminal_19_the_answer_is_as_it_was_asked() -> None:
    assert Asked("c", True).answer("Hello") == b"\x1b]52;c;SGVsbG8=\x07"
    assert Asked("", False).answer("") == b"\x1b]52;;\x1b\\"
