"""C5: keys by name and text as typed, for every keyboard that a program may have asked for."""

import pytest

from termwall.core.keys import KeyState, UnknownKey, encode_key, encode_keys, typed_text

PLAIN = KeyState()
KITTY = KeyState(kitty=1)
ALL = KeyState(kitty=8 | 16)


@pytest.mark.parametrize(
    ("name", "state", "wanted"),
    [
        ("Enter", PLAIN, b"\r"),
        ("S-Enter", PLAIN, b"\x1b\r"),
        ("Escape", PLAIN, b"\x1b"),
        ("Esc", KITTY, b"\x1b[27u"),
        ("Tab", KITTY, b"\t"),
        ("S-Tab", PLAIN, b"\x1b[Z"),
        ("BTab", PLAIN, b"\x1b[Z"),
        ("BSpace", PLAIN, b"\x7f"),
        ("C-Backspace", PLAIN, b"\x08"),
        ("Space", PLAIN, b" "),
        ("C-Space", PLAIN, b"\0"),
        ("C-c", PLAIN, b"\x03"),
        ("C-C", PLAIN, b"\x03"),
        ("Ctrl+c", PLAIN, b"\x03"),
        ("C-c", KITTY, b"\x1b[99;5u"),
        ("C-\\", PLAIN, b"\x1c"),
        ("M-x", PLAIN, b"\x1bx"),
        ("M-C-x", PLAIN, b"\x1b\x18"),
        ("C-M-x", KITTY, b"\x1b[120;7u"),
        ("S-a", PLAIN, b"A"),
        ("é", PLAIN, "é".encode()),
        ("-", PLAIN, b"-"),
        ("C--", PLAIN, b"-"),
        ("=", PLAIN, b"="),
        ("Up", PLAIN, b"\x1b[A"),
        ("Up", KeyState(application_cursor=True), b"\x1bOA"),
        ("Up", KeyState(application_cursor=True, kitty=1), b"\x1b[A"),
        ("C-Up", KeyState(application_cursor=True), b"\x1b[1;5A"),
        ("Home", PLAIN, b"\x1b[H"),
        ("End", KeyState(application_cursor=True), b"\x1bOF"),
        ("F1", PLAIN, b"\x1bOP"),
        ("S-F1", PLAIN, b"\x1b[1;2P"),
        ("F3", KITTY, b"\x1b[13~"),
        ("F5", PLAIN, b"\x1b[15~"),
        ("F13", PLAIN, b"\x1b[25~"),
        ("S-F13", KeyState(kitty=1), b"\x1b[57376;2u"),
        ("F12", PLAIN, b"\x1b[24~"),
        ("PgDn", PLAIN, b"\x1b[6~"),
        ("C-Delete", PLAIN, b"\x1b[3;5~"),
        ("S-Enter", KITTY, b"\x1b[13;2u"),
        ("Enter", ALL, b"\x1b[13u"),
        ("a", ALL, b"\x1b[97;;97u"),
        ("A", ALL, b"\x1b[97;2;65u"),
        ("S-Enter", KeyState(modify_other_keys=2), b"\x1b[27;2;13~"),
        ("S-Enter", KeyState(modify_other_keys=1, format_other_keys=1), b"\x1b[13;2u"),
        ("C-c", KeyState(modify_other_keys=1), b"\x03"),
        ("C-c", KeyState(modify_other_keys=2), b"\x1b[27;5;99~"),
    ],
)
def test_case_command_line_5_a_key_is_sent_as_the_program_asked_for_it(
    name: str, state: KeyState, wanted: bytes
) -> None:
    assert encode_key(name, state) == wanted


@pytest.mark.parametrize("name", ["Nonsense", "C-", "F99", "ab", "C-ab", "\x1b", ""])
def test_case_command_line_5_an_unknown_key_is_refused(name: str) -> None:
    with pytest.raises(UnknownKey):
        encode_keys([name], PLAIN)


def test_case_command_line_5_keys_and_text_follow_one_another() -> None:
    assert encode_keys(["Escape", "=:wq", "Enter"], PLAIN) == b"\x1b:wq\r"


PASTES = KeyState(paste=True)


@pytest.mark.parametrize(
    ("text", "state", "paste", "wanted"),
    [
        (b"hello", PLAIN, False, b"hello"),
        (b"hello", PASTES, False, b"\x1b[200~hello\x1b[201~"),
        (b"1", PASTES, False, b"1"),
        ("日".encode(), PASTES, False, "日".encode()),
        (b"1", PASTES, True, b"\x1b[200~1\x1b[201~"),
        (b"\x03", PLAIN, False, b"\x03"),
        (b"a\nb\r\nc\td", PLAIN, False, b"a\rb\rc\td"),
        (b"a\nb", PASTES, False, b"\x1b[200~a\rb\x1b[201~"),
        (b"x\x1b[201~rm\r", PASTES, False, "\x1b[200~x␛[201~rm\r\x1b[201~".encode()),
        (b"x\xc2\x9b201~", PASTES, False, "\x1b[200~x\ufffd201~\x1b[201~".encode()),
        (b"a\x03\x04b", PLAIN, False, "a␃␄b".encode()),
        (b"A\xff", PLAIN, False, b"A\xff"),
        (b"", PASTES, True, b"\x1b[200~\x1b[201~"),
    ],
)
def test_case_command_line_5_text_is_typed_and_presses_no_key(
    text: bytes, state: KeyState, paste: bool, wanted: bytes
) -> None:
    assert typed_text(text, state, paste=paste) == wanted
