"""Keys by their names, and text as a person would type it, as bytes for a program (A7).

What a key sends depends on what the program asked its terminal for: the table of `docs/reference/keyboard.md`, of which
this is the part for whoever presses keys without a keyboard.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

SHIFT, ALT, CTRL = 1, 2, 4
_MODIFIERS = {"S": SHIFT, "Shift": SHIFT, "M": ALT, "A": ALT, "Alt": ALT, "Meta": ALT, "C": CTRL, "Ctrl": CTRL}
_DISAMBIGUATE, _ALL_KEYS, _TEXT = 1, 8, 16
_WITH_MODIFIERS = re.compile(r"((?:(?:S|M|A|C|Shift|Alt|Meta|Ctrl)[-+])*)(.+)", re.DOTALL)

_CODES = {"Enter": 13, "Escape": 27, "Tab": 9, "Backspace": 127}
_LETTERS = dict(zip(("Up", "Down", "Right", "Left", "End", "Home"), "ABCDFH", strict=True))
_FUNCTIONS = dict(zip(("F1", "F2", "F3", "F4"), "PQRS", strict=True))
_NUMBERS = {"Insert": 2, "Delete": 3, "PageUp": 5, "PageDown": 6} | {
    f"F{number}": code
    for number, code in enumerate((15, 17, 18, 19, 20, 21, 23, 24, 25, 26, 28, 29, 31, 32, 33, 34), 5)
}
_OTHER_NAMES = {
    "Return": "Enter",
    "Esc": "Escape",
    "BSpace": "Backspace",
    "BS": "Backspace",
    "BTab": "S-Tab",
    "Del": "Delete",
    "DC": "Delete",
    "IC": "Insert",
    "Ins": "Insert",
    "PgUp": "PageUp",
    "PPage": "PageUp",
    "PgDn": "PageDown",
    "NPage": "PageDown",
    "Space": " ",
}
NAMES = (*_CODES, "Space", *_LETTERS, *_FUNCTIONS, *_NUMBERS)
"""All names of keys; others are the characters themselves."""
_CONTROL = {
    " ": 0,
    "@": 0,
    "`": 0,
    "2": 0,
    "3": 27,
    "[": 27,
    "{": 27,
    "4": 28,
    "\\": 28,
    "|": 28,
    "5": 29,
    "]": 29,
    "}": 29,
    "6": 30,
    "^": 30,
    "~": 30,
    "7": 31,
    "/": 31,
    "_": 31,
    "8": 127,
    "?": 127,
}

_PASTE, _PASTE_END = b"\x1b[200~", b"\x1b[201~"
_PICTURES = {code: chr(0x2400 + code).encode() for code in range(32)} | {127: "\u2421".encode()}
_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]|\xc2[\x80-\x9f]")


class UnknownKey(Exception):
    """No key has this name; the message says which have."""


@dataclass(frozen=True, slots=True)
class KeyState:
    """What a program asked of its terminal's keys."""

    paste: bool = False
    """Marks around what is pasted (2004)."""
    application_cursor: bool = False
    kitty: int = 0
    modify_other_keys: int = 0
    format_other_keys: int = 0


def encode_keys(names: Sequence[str], state: KeyState) -> bytes:
    """Several keys, one after the other. A name that begins with `=` stands for the text behind it.

    Raises:
        UnknownKey: one has no such name.
    """
    return b"".join(_typed(name[1:], state) if name[:1] == "=" != name else encode_key(name, state) for name in names)


def _typed(text: str, state: KeyState) -> bytes:
    return b"".join(_character(one, 0, state) for one in text)


def encode_key(name: str, state: KeyState) -> bytes:
    """A key such as `Enter`, `C-c`, `S-Up`, `Ctrl+Alt+F5` or `x`.

    Raises:
        UnknownKey: none has this name.
    """
    found = _WITH_MODIFIERS.fullmatch(name)
    if found is None:
        raise UnknownKey("A key has a name.")
    modifiers, key = sum({_MODIFIERS[one] for one in re.split("[-+]", found[1]) if one}), found[2]
    key = _OTHER_NAMES.get(key, key)
    if key == "S-Tab":
        modifiers, key = modifiers | SHIFT, "Tab"
    if key in _CODES:
        return _coded(key, modifiers, state)
    if key in _LETTERS:
        return _lettered(_LETTERS[key], modifiers, state.application_cursor and not state.kitty)
    if key in _FUNCTIONS:
        if key == "F3" and state.kitty:
            return _numbered(13, modifiers)  # Its letter is that of a cursor report.
        return _lettered(_FUNCTIONS[key], modifiers, not state.kitty)
    if key in _NUMBERS:
        if state.kitty and key[0] == "F" and int(key[1:]) >= 13:
            return _kitty(57363 + int(key[1:]), modifiers)
        return _numbered(_NUMBERS[key], modifiers)
    if len(key) == 1 and key.isprintable():
        return _character(key, modifiers, state)
    raise UnknownKey(
        f"No key is named `{name[:64]}`; there are characters, {', '.join(NAMES[:7])}, F5 ..., C-, M- and S-."
    )


def _lettered(letter: str, modifiers: int, application: bool) -> bytes:
    if modifiers:
        return f"\x1b[1;{modifiers + 1}{letter}".encode()
    return f"\x1b{'O' if application else '['}{letter}".encode()


def _numbered(number: int, modifiers: int) -> bytes:
    return f"\x1b[{number};{modifiers + 1}~".encode() if modifiers else f"\x1b[{number}~".encode()


def _kitty(code: int, modifiers: int, text: str = "") -> bytes:
    if text:
        return f"\x1b[{code};{modifiers + 1 if modifiers else ''};{ord(text)}u".encode()
    return f"\x1b[{code};{modifiers + 1}u".encode() if modifiers else f"\x1b[{code}u".encode()


def _other(code: int, modifiers: int, state: KeyState) -> bytes:
    if state.format_other_keys:
        return f"\x1b[{code};{modifiers + 1}u".encode()
    return f"\x1b[27;{modifiers + 1};{code}~".encode()


def _coded(key: str, modifiers: int, state: KeyState) -> bytes:
    """Enter, Escape, Tab and Backspace."""
    code = _CODES[key]
    if state.kitty & _ALL_KEYS or (state.kitty & _DISAMBIGUATE and (modifiers or key == "Escape")):
        return _kitty(code, modifiers)
    if modifiers and state.modify_other_keys and not (key == "Tab" and modifiers == SHIFT):
        return _other(code, modifiers, state)
    if key == "Tab" and modifiers & SHIFT:
        return b"\x1b[Z"
    if key == "Enter":
        return b"\x1b\r" if modifiers else b"\r"
    plain = b"\x08" if key == "Backspace" and modifiers & CTRL else bytes((code,))
    return b"\x1b" + plain if modifiers & ALT else plain


def _character(key: str, modifiers: int, state: KeyState) -> bytes:
    # Shift is in the character; a program that asked for keys gets the small letter's, and Shift.
    shown = key.upper() if modifiers & SHIFT and len(key.upper()) == 1 else key
    if state.kitty & _ALL_KEYS:
        sent = modifiers | (SHIFT if shown.lower() != shown else 0)
        return _kitty(ord(shown.lower()[0]), sent, "" if modifiers & ~SHIFT or not state.kitty & _TEXT else shown)
    if not modifiers & ~SHIFT:
        return shown.encode()
    if state.kitty & _DISAMBIGUATE:
        return _kitty(ord(key.lower()[0]), modifiers)
    if state.modify_other_keys == 2 or (state.modify_other_keys and modifiers & CTRL and _controlled(key) is None):
        return _other(ord(shown), modifiers, state)
    control = _controlled(key) if modifiers & CTRL else None
    plain = shown.encode() if control is None else bytes((control,))
    return b"\x1b" + plain if modifiers & ALT else plain


def _controlled(key: str) -> int | None:
    return ord(key) & 31 if key.isascii() and key.isalpha() else _CONTROL.get(key)


def typed_text(text: bytes, state: KeyState, *, paste: bool = False) -> bytes:
    """Text for a program, which may be no UTF-8: never a key that does something else than to write it.

    A line's end is the Enter key. Other control characters become their pictures, so that no text can end a paste or
    press a key. Where the program takes pastes, it is one; but a single character is a key, so that it can choose from
    a menu.

    Args:
        paste: a single character too.
    """
    safe = re.sub(rb"\r?\n", b"\r", text)
    if not paste and len(safe.decode("utf-8", "replace")) <= 1:
        return safe
    safe = _CONTROLS.sub(lambda found: _PICTURES.get(found[0][0], b"\xef\xbf\xbd"), safe)
    return _PASTE + safe + _PASTE_END if state.paste else safe
