"""What counts as typing, the same for every door (case agents 5)."""

import pytest

from termwall.core.session.doings import doing_of, enters, focus_of

REPORTS = [
    b"\x1b[I",
    b"\x1b[O",
    b"\x1b[O\x1b[I",
    b"\x1b[<35;10;4M",  # The mouse moved,
    b"\x1b[<39;1;1m",
    b"\x1b[<64;10;4M",  # its wheel,
    b"\x1b[<65;718;413M",
    b"\x1b[<0;10;4m",  # a button released, and dragged;
    b"\x1b[<32;10;4M",
    b"\x1b[M" + bytes((32 + 35, 40, 40)),
    b"\x1b[M" + bytes((32 + 64, 40, 40)),
    b"\x1b[M#\xc4\x80\xc4\x81",
    b"\x1b[67;10;4M",
    b"\x1b[?62;22c",  # DA,
    b"\x1b[>1;10;0c",
    b"\x1b[12;40R",  # CPR,
    b"\x1b[?12;40R",
    b"\x1b[0n",
    b"\x1b[?997;1n",
    b"\x1b[?2026;2$y",
    b"\x1b[?1u",
    b"\x1b[8;24;80t",
    b"\x1b[48;24;80;384;640t",
    b"\x1b]11;rgb:0d0d/0e0e/1010\x1b\\",
    b"\x1b]52;c;aGVsbG8=\x07",
    b"\x1bP1$r0m\x1b\\",
    b"\x1bP>|xterm(390)\x1b\\",
    b"\x1b[97;1:3u",  # Keys let go, and modifiers alone.
    b"\x1b[97:65;2:3u",
    b"\x1b[1;5:3A",
    b"\x1b[3;1:3~",
    b"\x1b[57441;2u",
    b"\x1b[57441;1:3u",
]
PRESSES = [b"\x1b[<0;10;4M", b"\x1b[<2;10;4M", b"\x1b[<0;10;4M\x1b[<0;10;4m", b"\x1b[M !!", b"\x1b[32;10;4M"]
TYPING = [
    b"x",
    b"\r",
    b"\x1b",
    b"\x1b[A",
    b"\x1b[Ox",
    b"\x1b[Ix",
    b"x\x1b[I",
    b"\x1b[200~x\x1b[201~",
    b"",
    b"\x1b[1;5R",  # Ctrl+F3
    b"\x1b[97;5u",
    b"\x1b[97;1:2u",
    b"\x1b[57399u",
    b"\x1b[13u",
    b"\x1b[27;2;13~",
    b"\x1b]",
    b"\x1bP",
    b"\x1b[<0;10",
]


@pytest.mark.parametrize("data", REPORTS)
def test_case_agents_5_a_terminals_own_reports_are_no_typing(data: bytes) -> None:
    assert doing_of(data) == "reported"
    assert doing_of(data + b"\x1b[I") == "reported"
    assert doing_of(data + b"x") == "typed"


@pytest.mark.parametrize("data", PRESSES)
def test_case_agents_5_a_press_of_the_mouse_is_no_typing_either(data: bytes) -> None:
    assert doing_of(data) == "pressed"


@pytest.mark.parametrize("data", TYPING)
def test_case_agents_5_keys_and_pastes_are(data: bytes) -> None:
    assert doing_of(data) == "typed"


def test_focus_reports_alone() -> None:
    assert focus_of(b"\x1b[I") is True
    assert focus_of(b"\x1b[I\x1b[O") is False
    assert [focus_of(data) for data in (b"", b"\x1b[", b"x\x1b[I", b"\x1b[Ix", b"\x1b[A")] == [None] * 5


@pytest.mark.parametrize(
    "data", [b"\r", b"\n", b"yes\r", b"\x1b[13u", b"\x1b[13;1:1u", b"\x1b[13;129u", b"\x1b[13;;13u"]
)
def test_case_page_3_enter_sends_a_line_in_each_of_its_forms(data: bytes) -> None:
    assert enters(data)


@pytest.mark.parametrize("data", [b"y", b"\x1b\r", b"\x1b[13;2u", b"\x1b[13;1:3u", b"\x1b[27;2;13~", b"\x1b[130u"])
def test_case_page_3_a_new_line_is_no_enter(data: bytes) -> None:
    assert not enters(data)
