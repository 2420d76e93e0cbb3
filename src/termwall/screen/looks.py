"""What a style of libghostty-vt looks like: as an SGR sequence, and as the fields of a run."""

from functools import lru_cache
from struct import Struct
from typing import Any

from termwall.screen.checkpoint import PLAIN

_STYLE = Struct("<4s4s4sHH")
_PALETTE, _RGB = 1, 2
_FLAGS = ((1, b";1"), (2, b";3"), (4, b";2"), (8, b";5"), (16, b";7"), (32, b";8"), (64, b";9"), (128, b";53"))
_UNDERLINES = (b"", b";4", b";4:2", b";4:3", b";4:4", b";4:5")
_NAMES = ((1, "bold"), (2, "italic"), (4, "dim"), (16, "inverse"), (64, "strikethrough"))


def has_background(style: bytes) -> bool:
    """Whether cells of this style have a background of their own."""
    return style[4] != 0


@lru_cache(maxsize=4096)
def sgr(style: bytes) -> bytes:
    """The sequence that sets the pen to this style, whatever it was."""
    if style == PLAIN:
        return b"\x1b[m"
    foreground, background, underline, flags, _ = _STYLE.unpack(style)
    parts = [b"0"]
    parts += [code for bit, code in _FLAGS if flags & bit]
    parts.append(_UNDERLINES[min(flags >> 8 & 7, 5)])
    parts.append(_colour(foreground, 30))
    parts.append(_colour(background, 40))
    if underline[0] == _PALETTE:
        parts.append(b";58:5:%d" % underline[1])
    elif underline[0] == _RGB:
        parts.append(b";58:2::%d:%d:%d" % tuple(underline[1:]))
    return b"\x1b[" + b"".join(parts) + b"m"


def _colour(colour: bytes, base: int) -> bytes:
    if colour[0] == _PALETTE:
        index = colour[1]
        if index < 8:
            return b";%d" % (base + index)
        return b";%d" % (base + 52 + index) if index < 16 else b";%d;5;%d" % (base + 8, index)
    if colour[0] == _RGB:
        return b";%d;2;%d;%d;%d" % (base + 8, *colour[1:])
    return b""


@lru_cache(maxsize=4096)
def fields(style: bytes) -> dict[str, Any]:
    """The fields of `protocol.parts.Run` that this style sets; not to be changed."""
    if style == PLAIN:
        return {}
    foreground, background, _, flags, _ = _STYLE.unpack(style)
    result: dict[str, Any] = {}
    for name, colour in (("fg", foreground), ("bg", background)):
        if colour[0] == _PALETTE:
            result[name] = colour[1]
        elif colour[0] == _RGB:
            result[name] = f"#{colour[1:].hex()}"
    for bit, name in _NAMES:
        if flags & bit:
            result[name] = True
    if flags >> 8 & 7:
        result["underline"] = True
    return result
