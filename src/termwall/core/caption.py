"""Names, titles and sentences of others as they may stand in a page, a terminal or a log: text, and nothing else (X9).

Without control characters, which a terminal would obey, and without those that turn text around or break its line, with
which one name pretends to be another. Where text comes in it is made so once; the command line does it again for
what it prints, because a server of another version may not have.
"""

from collections.abc import Mapping
from typing import Final

_TURNING: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""What Unicode calls bidirectional formatting characters."""
_BREAKING: Final = (0x09, 0x0A, 0x0D, 0x2028, 0x2029)
_UNWANTED: Final[Mapping[int, str]] = {
    **dict.fromkeys((*range(0x20), *range(0x7F, 0xA0), *_TURNING, 0x2028, 0x2029), ""),
    **dict.fromkeys(range(0xD800, 0xE000), "\ufffd"),
}
_UNWANTED_IN_SENTENCES: Final[Mapping[int, str]] = {**_UNWANTED, **dict.fromkeys(_BREAKING, " ")}


def caption(text: str) -> str:
    """A name or a title: one line of it."""
    return text if text.isascii() and text.isprintable() else text.translate(_UNWANTED)


def sentence(text: str) -> str:
    """The same of a longer text: a line's end becomes a blank."""
    return text if text.isascii() and text.isprintable() else text.translate(_UNWANTED_IN_SENTENCES)
