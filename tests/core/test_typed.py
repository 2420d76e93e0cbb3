"""C1: the key that leaves an attached session, in every form that a terminal may send it in."""

import pytest

from termwall.core.typed import HELD_SECONDS, Typed, in_pixels

KEYS = [
    b"\x1c",
    b"\x1b[92;5u",
    b"\x1b[92;5:1u",
    b"\x1b[92;5:2u",
    b"\x1b[92::92;5u",
    b"\x1b[92:124;6u",
    b"\x1b[92:124:92;6:1u",
    b"\x1b[92;69u",  # Caps lock
    b"\x1b[92;133u",  # Num lock
    b"\x1b[92;5;28u",
    b"\x1b[92;5:1;28u",
    b"\x1b[47:92;6u",  # Shift and / make a backslash on some layouts.
    b"\x1b[1105::92;5u",  # A layout that has a letter of its own on that key.
    b"\x1b[27;5;92~",
    b"\x1b[27;6;92~",
    b"\x1b[220;43;28;1;8;1_",
]
OTHERS = [
    b"\x1b",
    b"\x1b[A",
    b"\x1b[92u",
    b"\x1b[92;1u",
    b"\x1b[92;3u",
    b"\x1b[92;7u",  # Ctrl and Alt
    b"\x1b[93;5u",
    b"\x1b[35::92;5u",  # German: Ctrl and # is another key.
    b"\x1b[27;3;92~",
    b"\x1b[27;5;93~",
    b"\x1b[220;43;92;1;0;1_",
    "naïve".encode(),
]


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("cut", range(1, 12))
def test_case_command_line_1_the_key_that_leaves_is_found_in_every_form(key: bytes, cut: int) -> None:
    typed = Typed()
    sent, left = typed.feed(b"hello world" + key[:cut], encoded=True)
    if not left:
        more, left = typed.feed(key[cut:] + b"more", encoded=True)
        sent += more
    assert left
    assert sent == b"hello world"


@pytest.mark.parametrize("key", OTHERS)
def test_case_command_line_1_other_keys_are_the_programs(key: bytes) -> None:
    typed = Typed()
    sent, left = typed.feed(b"a" + key, encoded=True)
    assert not left
    assert sent + typed.flush() == b"a" + key


def test_case_command_line_1_a_key_let_go_is_not_typed() -> None:
    assert Typed().feed(b"a\x1b[92;5:3ub", encoded=True) == (b"ab", False)


def test_case_command_line_1_nothing_is_held_while_keys_come_as_bytes() -> None:
    typed = Typed()
    assert typed.feed(b"\x1b", encoded=False) == (b"\x1b", False)
    assert not typed.holds


@pytest.mark.parametrize("cut", range(30))
def test_case_command_line_1_a_paste_leaves_nothing(cut: int) -> None:
    whole = b"\x1b[200~one\x1ctwo\x1b[92;5u\x1b[201~x"
    typed = Typed()
    sent, left = typed.feed(whole[:cut], encoded=True)
    more, left_then = typed.feed(whole[cut:], encoded=True)
    if whole[:cut].endswith(b"\x1b[200~one") is False:
        assert (sent + more, left or left_then) == (whole, False)
    assert typed.feed(b"\x1c", encoded=False) == (b"", True)


def test_case_command_line_1_a_paste_without_an_end_can_be_left() -> None:
    typed = Typed()
    typed.feed(b"\x1b[200~lost", encoded=False)
    assert typed.feed(b"\x1c", encoded=False) == (b"", True)


def test_case_terminal_17_mouse_reports_are_scaled_to_the_promised_cell() -> None:
    assert in_pixels(b"a\x1b[<0;100;30Mb") == b"a\x1b[<0;796;472Mb"


def test_S7_a_focus_report_is_the_servers_not_the_programs() -> None:
    typed = Typed()
    assert typed.feed(b"a\x1b[Ob", encoded=False) == (b"ab", False)
    assert not typed.focused
    assert typed.feed(b"\x1b[I", encoded=False) == (b"", False)
    assert typed.focused


@pytest.mark.parametrize("cut", range(1, 11))
def test_case_command_line_2_the_terminals_answer_is_no_typing(cut: int) -> None:
    typed = Typed()
    typed.asked()
    data = b"\x1bP1$r4 q\x1b\\"
    got = [typed.feed(b"a" + data[:cut], encoded=False), typed.feed(data[cut:] + b"b", encoded=False)]
    assert got == [(b"a", False), (b"b", False)]
    assert typed.style == 4
    assert typed.answered
    assert typed.feed(data, encoded=False) == (data, False), "there was one question"
    assert typed.style == 4


def test_case_command_line_2_keys_that_begin_like_the_answer_are_typed() -> None:
    typed = Typed()
    typed.asked()
    assert typed.feed(b"\x1bP", encoded=False) == (b"", False)
    assert not typed.answered
    assert typed.hold_seconds == HELD_SECONDS
    assert typed.flush() == b"\x1bP"
    typed.late()
    assert typed.feed(b"\x1b", encoded=False) == (b"\x1b", False)
    assert typed.feed(b"\x1bP0$r\x1b\\x", encoded=False) == (b"x", False), "it does not know"
    assert typed.answered
    assert typed.style is None
