"""asciicast: what is written is read, what other players take is taken, and nonsense is told with its line."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from termwall.core.asciicast import (
    Cast,
    CastError,
    Event,
    Header,
    Version,
    encode_event,
    encode_header,
    joined,
    parse_size,
    read_cast,
)
from termwall.store.castfile import cast_lines

TEXT = st.text(st.characters(blacklist_categories=["Cs"]))
V2 = '{"version":2,"width":80,"height":24}\n'
V3 = '{"version":3,"term":{"cols":80,"rows":24}}\n'


def events(text: str) -> list[Event]:
    return list(read_cast(text.splitlines(keepends=True) if "\n" in text else [text]).events)


def lines(text: str) -> list[str]:
    return [line + "\n" for line in text.split("\n")]


@given(
    st.integers(1, 1000),
    st.integers(1, 1000),
    st.integers(0, 1 << 39),
    TEXT,
    st.lists(st.tuples(st.floats(0, 1e5), TEXT)),
    st.sampled_from([2, 3]),
)
def test_what_is_written_is_read(
    cols: int, rows: int, stamp: int, title: str, told: list[tuple[float, str]], version: Version
) -> None:
    header = Header(cols, rows, stamp, title, version)
    written = [encode_header(header, {"TERM": "xterm"}, version)]
    before = 0.0
    for time, data in sorted(told):
        written.append(encode_event(Event(time, "o", data), before if version == 3 else None))
        before = time
    assert all(line.count("\n") == 1 and line.endswith("\n") for line in written)
    cast = read_cast(written)
    assert cast.header == header
    found = list(cast.events)
    assert [event.data for event in found] == [data for _, data in sorted(told)]
    assert [event.time for event in found] == pytest.approx([time for time, _ in sorted(told)], abs=1e-5)


def test_what_version_3_says_of_the_terminal_is_in_its_place() -> None:
    value = json.loads(encode_header(Header(100, 30, 7, "x"), {"TERM": "xterm-256color", "LANG": "C"}, 3))
    assert value == {
        "version": 3,
        "term": {"cols": 100, "rows": 30, "type": "xterm-256color"},
        "timestamp": 7,
        "title": "x",
        "env": {"LANG": "C"},
    }


def test_case_command_line_6_R1_lone_surrogates_become_the_replacement_character() -> None:
    assert json.loads(encode_event(Event(1, "o", "a\ud800b"))) == [1, "o", "a\ufffdb"]
    found = events(
        V2
        + '[1,"o","a\\ud800b"]\n[2,"o","\\udc00\\ud83d\\ude00"]\n[3,"o","\\ud83d"]\n[3.5,"m",""]\n[4,"o","\\ude00!"]\n'
    )
    assert "".join(event.data for event in found) == "a\ufffdb\ufffd\U0001f600\U0001f600!"
    assert encode_header(Header(80, 24, 0, "a\udfff")).encode()


@pytest.mark.parametrize("end", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1c", "\x1e"])
def test_case_command_line_6_R1_a_line_of_a_recording_ends_at_no_other_sign(tmp_path: Path, end: str) -> None:
    path = tmp_path / "a.cast"
    event = json.dumps([1, "o", f"one{end}two"], ensure_ascii=False)
    path.write_text(V2 + event + "\n", encoding="utf-8", newline="")
    assert [one.data for one in read_cast(cast_lines(path)).events] == [f"one{end}two"]


V1 = {"version": 1, "width": 80, "height": 24, "duration": 1.5, "stdout": [[0.5, "a"], [1.0, "b"]]}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps(V1), [(0.5, "o", "a"), (1.5, "o", "b")]),
        (json.dumps(V1, indent=2).replace("\n", "\r\n"), [(0.5, "o", "a"), (1.5, "o", "b")]),
        (V2 + '[0.5,"o","a"]\n[1.5,"o","b"]', [(0.5, "o", "a"), (1.5, "o", "b")]),
        (
            V3 + '[0.5,"o","a"]\n[1,"r","90x30"]\n[0.25,"x","0"]\n',
            [(0.5, "o", "a"), (1.5, "r", "90x30"), (1.75, "x", "0")],
        ),
        ("\ufeff" + V2 + '[1,"o","a"]\n', [(1, "o", "a")]),
        ("\n\n" + V2 + '\n[1,"o","a"]\r\n\r\n  \n[2,"o","b"]\r\n', [(1, "o", "a"), (2, "o", "b")]),
        (V3 + '# a comment\n[1,"o","a"]\n#\n', [(1, "o", "a")]),
        (V2 + '[1,"o","a",{"more":true}]\n', [(1, "o", "a")]),
        (V2 + '[1,"z",[1,2]]\n[2,"q","?"]\n', [(1, "z", ""), (2, "q", "?")]),
        (
            V2 + '[2,"o","a"]\n[1,"o","b"]\n[-3,"o","c"]\n[2.5,"o","d"]\n',
            [(2, "o", "a"), (2, "o", "b"), (2, "o", "c"), (2.5, "o", "d")],
        ),
        (V3 + '[2,"o","a"]\n[-1,"o","b"]\n[1,"o","c"]\n', [(2, "o", "a"), (2, "o", "b"), (3, "o", "c")]),
        (V2 + '[1,"o","a"]\n[2,"o","hal', [(1, "o", "a")]),
        (V2 + '[1,"o","a"]\n[2,"o","hal\n\n', [(1, "o", "a")]),
        (V2 + '[1,"o","a"]\n\0\0\0\0', [(1, "o", "a")]),
        (V2, []),
    ],
)
def test_case_command_line_6_R1_what_other_players_take_is_taken(
    text: str, expected: list[tuple[float, str, str]]
) -> None:
    cast = read_cast(lines(text))
    assert (cast.header.cols, cast.header.rows) == (80, 24)
    assert [tuple(event) for event in cast.events] == expected


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ({"version": 2, "width": 0, "height": 0}, Header(80, 24)),
        ({"version": 2, "width": 90.0, "height": 30}, Header(90, 30)),
        ({"version": 2, "width": 1, "height": 1, "timestamp": 5.9, "title": None}, Header(1, 1, 5)),
        ({"version": 2, "width": 1, "height": 1, "idle_time_limit": 2, "env": None}, Header(1, 1, idle_limit=2.0)),
        (
            {"version": 3, "term": {"cols": 9, "rows": 8, "theme": {}}, "tags": ["x"], "title": "t"},
            Header(9, 8, 0, "t", 3),
        ),
    ],
)
def test_case_command_line_6_R1_headers_of_others(header: dict[str, Any], expected: Header) -> None:
    assert read_cast([json.dumps(header)]).header == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1: this is not JSON"),
        ("\n\n", "line 1: this is not JSON"),
        ("{", "line 1: this is not JSON"),
        ("[" * 100_000, "not JSON"),
        ("1" * 10_000, "not JSON"),
        ("[]", "not an asciicast"),
        ("3", "not an asciicast"),
        ('{"version": 4}', "says version 4"),
        ('{"version": true}', "says version true"),
        ('{"width": 80}', "not an asciicast"),
        ('{"version": 2, "height": 24}', "not the size"),
        ('{"version": 2, "width": true, "height": 24}', "not the size"),
        ('{"version": 2, "width": 1e400, "height": 24}', "not the size"),
        ('{"version": 2, "width": NaN, "height": 24}', "not the size"),
        ('{"version": 3, "width": 80, "height": 24}', "not the size"),
        ('{"version": 3, "term": 7}', "not the size"),
        ('{"version": 1, "width": 80, "height": 24}', "`stdout`"),
        ('{"version": 1, "width": 80, "height": 24, "stdout": [[1]]}', "item 1"),
        ('{"version": 1, "width": 80, "height": 24, "stdout": [[0, "a"], ["x", "b"]]}', "item 2"),
        (V2 + "nonsense\n" + '[1,"o","a"]\n', "line 2: this is not JSON"),
        *(
            (V2 + line + '\n[9,"o",""]\n', "line 2")
            for line in (
                "{}",
                "[]",
                '[1, "o"]',
                '[1, 2, "x"]',
                '["1", "o", "x"]',
                '[true, "o", ""]',
                '[1e99, "o", ""]',
                '[NaN, "o", ""]',
                '[Infinity, "o", ""]',
                '[1, "o", 7]',
                '[1, "r", null]',
                "7",
            )
        ),
    ],
)
def test_case_command_line_6_R1_what_is_no_recording_is_told_with_its_place(text: str, says: str) -> None:
    with pytest.raises(CastError, match=says):
        list(read_cast(lines(text)).events)


@given(st.one_of(st.text(), st.lists(st.one_of(TEXT, st.recursive(st.none() | st.floats() | TEXT, st.lists))).map(str)))
def test_case_command_line_6_R1_no_text_ends_in_anything_but_a_sentence(text: str) -> None:
    for begin in ("", V2, V3):
        try:
            for event in read_cast(lines(begin + text)).events:
                event.data.encode()
        except CastError:
            pass


def part(start: float | None, cols: int, told: list[tuple[float, str, str]], continues: bool = False) -> Cast:
    return Cast(Header(cols, 24, start=start, continues=continues), iter([Event(*one) for one in told]))


def test_case_command_line_10_R1_parts_are_one_recording() -> None:
    cast = joined(
        [
            part(5.0, 80, [(0, "o", "picture"), (1, "o", "a"), (2, "r", "90x24"), (3, "o", "b")]),
            part(8.5, 90, [(0, "o", "not again"), (0.5, "o", "c")], continues=True),
            part(10.0, 100, [(0, "o", "not again"), (1, "o", "d")], continues=True),
            part(None, 100, [(0, "o", "of an older version"), (1, "o", "e")]),
        ]
    )
    assert cast.header == Header(80, 24)
    assert [tuple(event) for event in cast.events] == [
        (0, "o", "picture"),
        (1, "o", "a"),
        (2, "r", "90x24"),
        (3, "o", "b"),
        (4.0, "o", "c"),
        (5.0, "r", "100x24"),
        (6.0, "o", "d"),
        (6.0, "o", "of an older version"),
        (7.0, "o", "e"),
    ]
    with pytest.raises(CastError):
        joined([])


def test_sizes() -> None:
    assert [parse_size(text) for text in ("80x24", "0x24", "80", "ax1", "9999999x1", "80x24\n")] == [
        (80, 24),
        None,
        None,
        None,
        None,
        (80, 24),
    ]
