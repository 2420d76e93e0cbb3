"""Reads what libghostty-vt writes of a terminal: all of its state, in its snapshot format version 1.

The format is a ten-byte envelope and then framed records, little-endian: one of the terminal, per screen one and the
pages that hold its rows, the bytes of an unfinished sequence, and then older pages, newest first. Only what is shown
or sent is read; rows stay bytes until somebody asks for their cells (`cells.py`).
"""

import json
from dataclasses import dataclass, field
from struct import Struct, unpack_from
from zlib import crc32

from termwall.core.osc import MAX_TITLE
from termwall.screen.engine import EngineError
from termwall.screen.otherkeys import OtherKeys

MAGIC = b"GHOSTSNP\x01\x00"
TERMINAL, SCREEN, PAGE, HISTORY, READY, FINISH, CONTINUATION = range(1, 8)
RECORD = Struct("<HII")
"""Tag, bytes that follow, checksum."""
STYLE_BYTES = 16
PLAIN = bytes(STYLE_BYTES)
"""The style of a cell that nobody coloured."""

_MORE = Struct("<IBI")
_KEYS_SHIFT = 24
"""What ends a checkpoint: the checksum of what is before it (the output's end and an unfinished sequence), and the
length of each. The highest bits of the latter say which other keys were asked for, and whether there are titles.
"""
_HAS_TITLES = 8
_STACK = Struct("<H")
"""Bytes of the pushed titles, as JSON, before it."""

_TERMINAL = Struct("<HHIIHHHHBHHI10BQQQ24sQQ")
_SCREEN = Struct("<HHQHHBB16sIHBB8sBBB")
_SAVED = Struct("<HH16sBH")
_PAGE = Struct("<HHHHHHII")
_PALETTE_BYTES = 256 * 3
_MASK_BYTES = 32

_MODE_NAMES = (
    "a2 a4 a12 a20 1 3 4 5 6 7 8 9 12 25 40 45 47 66 67 69 1000 1002 1003 1004 1005 1006 1007 1015 1016 1035 1036 1039 "
    "1045 1047 1048 1049 2004 2026 2027 2031 2033 2048 5522"
)
MODES = {name: 1 << bit for bit, name in enumerate(_MODE_NAMES.split())}
"""Bits of the modes, by their number; ANSI modes begin with an a."""


@dataclass(slots=True)
class Page:
    """Rows that share tables of styles and links."""

    columns: int
    styles: dict[int, bytes]
    links: dict[int, bytes]
    """`parameters;uri`, as OSC 8 has them."""
    rows: list[tuple[int, bytes]]
    """Flags and cells, without the blank ones at the end."""
    clusters: dict[tuple[int, int], str]
    """What follows a cell's first code point, by row and column."""
    looks: dict[bytes, tuple[bytes, bytes, bool, str]] = field(default_factory=dict)
    """Kept by `cells.py`: a cell's look, by the bits that say so."""


@dataclass(slots=True)
class Saved:
    """A cursor saved with DECSC."""

    x: int
    y: int
    pen: bytes
    protected: bool
    pending_wrap: bool
    origin: bool
    charset: int


@dataclass(slots=True)
class Screen:
    """The primary screen, or the alternate one."""

    x: int
    y: int
    cursor_style: int
    pending_wrap: bool
    protected: bool
    pen: bytes
    link: bytes
    charset: int
    kitty: list[int]
    """The stack of kitty keyboard flags, the current ones last; without those that are as a reset left them."""
    saved: Saved | None
    pages: list[Page] = field(default_factory=list)
    """Oldest first."""


@dataclass(slots=True)
class State:
    """A terminal's whole state, as far as it was read."""

    columns: int
    rows: int
    top: int
    bottom: int
    alternate: bool
    cursor_is_default: bool
    mouse_event: int
    """None, or of the modes 9, 1000, 1002 and 1003 the one that counts."""
    mouse_format: int
    """None, or of the modes 1005, 1006, 1015 and 1016 the one that counts."""
    modes: int
    """Bits of `MODES`."""
    tab_stops: bytes
    palette: list[tuple[int, bytes]]
    """Colours of the palette that the program changed."""
    colours: tuple[bytes | None, bytes | None, bytes | None]
    """Background, foreground and cursor, where the program changed them."""
    title: bytes
    screens: list[Screen | None] = field(default_factory=lambda: [None, None])
    """Primary and alternate; the latter only once it was used."""
    unfinished: bytes = b""
    other_keys: OtherKeys = field(default_factory=OtherKeys)
    """Not in the library's state: `ghostty.py` adds it."""

    def mode(self, name: str) -> bool:
        """Whether a mode of `MODES` is set."""
        return bool(self.modes & MODES[name])

    @property
    def screen(self) -> Screen:
        """The screen that is shown."""
        screen = self.screens[self.alternate]
        assert screen is not None
        return screen


def read_state(data: bytes, history: bool = True) -> State:
    """Read a terminal's state.

    Args:
        data: from its first byte on; it may end after any record that follows the screens.
        history: whether to read the rows that are not in the pages of the screens.

    Raises:
        EngineError: it is none, or of another version.
    """
    if not data.startswith(MAGIC):
        raise EngineError("not a snapshot of version 1")
    state: State | None = None
    screen: Screen | None = None
    older: list[Page] | None = None
    at = len(MAGIC)
    end = len(data)
    while at < end:
        tag, size, _ = RECORD.unpack_from(data, at)
        at += RECORD.size
        if tag == TERMINAL:
            state = _read_terminal(data, at)
        elif tag == FINISH or (tag == READY and not history):
            break
        elif state is None:
            raise EngineError("a snapshot begins with its terminal")
        elif tag == SCREEN:
            screen, key = _read_screen(data, at)
            state.screens[key] = screen
        elif tag == HISTORY:
            key = unpack_from("<H", data, at)[0]
            screen = state.screens[key]
            older = []
        elif tag == PAGE and screen is not None:
            page = _read_page(data, at)
            if older is None:
                screen.pages.append(page)
            else:
                screen.pages.insert(0, page)
        elif tag == CONTINUATION:
            state.unfinished = data[at : at + size]
        at += size
    if state is None or state.screens[state.alternate] is None:
        raise EngineError("a snapshot without its screen")
    return state


def _read_terminal(data: bytes, at: int) -> State:
    values = _TERMINAL.unpack_from(data, at)
    columns, rows, _, _, top, bottom = values[:6]
    dynamic = values[25]
    at += _TERMINAL.size
    tabs = (columns + 7) // 8
    tab_stops = data[at : at + tabs]
    at += tabs + _PALETTE_BYTES
    mask = int.from_bytes(data[at : at + _MASK_BYTES], "little")
    at += _MASK_BYTES
    palette = []
    if mask:
        for index in range(256):
            if mask >> index & 1:
                palette.append((index, data[at : at + 3]))
                at += 3
    at += 4 + unpack_from("<I", data, at)[0]
    size = unpack_from("<I", data, at)[0]
    background, foreground, cursor = (dynamic[i + 5 : i + 8] if dynamic[i + 4] else None for i in (0, 8, 16))
    return State(
        columns=columns,
        rows=rows,
        top=top,
        bottom=bottom,
        alternate=values[9] == 1,
        cursor_is_default=bool(values[12]),
        mouse_event=values[17],
        mouse_format=values[18],
        modes=values[22],
        tab_stops=tab_stops,
        palette=palette,
        colours=(background, foreground, cursor),
        title=data[at + 4 : at + 4 + size],
    )


def _read_screen(data: bytes, at: int) -> tuple[Screen, int]:
    key, _, _, x, y, style, flags, pen, _, charset, _, index, kitty, _, _, has_saved = _SCREEN.unpack_from(data, at)
    at += _SCREEN.size
    saved = None
    if has_saved:
        saved_x, saved_y, saved_pen, saved_flags, saved_charset = _SAVED.unpack_from(data, at)
        at += _SAVED.size
        protected, pending, origin = (bool(saved_flags & bit) for bit in (1, 2, 4))
        saved = Saved(saved_x, saved_y, saved_pen, protected, pending, origin, saved_charset)
    return Screen(
        x=x,
        y=y,
        cursor_style=style,
        pending_wrap=bool(flags & 1),
        protected=bool(flags & 2),
        pen=pen,
        link=_read_link(data, at)[0],
        charset=charset,
        kitty=_stack(kitty, index),
        saved=saved,
    ), key


def _stack(ring: bytes, current: int) -> list[int]:
    """Eight places in a ring; the one behind the current one is the oldest."""
    ordered = ring[current + 1 :] + ring[: current + 1]
    return list(ordered.lstrip(b"\0"))


def _read_link(data: bytes, at: int) -> tuple[bytes, int]:
    """A link as `parameters;uri`, and where the data goes on."""
    kind = data[at]
    at += 1
    if kind == 0:
        return b"", at
    parameters = b""
    size = unpack_from("<I", data, at)[0]
    at += 4
    if kind == 2:
        parameters = b"id=" + data[at : at + size]
        at += size
    size = unpack_from("<I", data, at)[0]
    at += 4
    return parameters + b";" + data[at : at + size], at + size


def _read_page(data: bytes, at: int) -> Page:
    columns, rows, style_count, link_count, *_ = _PAGE.unpack_from(data, at)
    at += _PAGE.size
    styles = {0: PLAIN}
    for _ in range(style_count):
        styles[unpack_from("<H", data, at)[0]] = data[at + 2 : at + 2 + STYLE_BYTES]
        at += 2 + STYLE_BYTES
    links = {}
    for _ in range(link_count):
        number = unpack_from("<H", data, at)[0]
        links[number], at = _read_link(data, at + 2)
    found = []
    for _ in range(rows):
        flags = data[at]
        start = at + 3
        at = start + ((data[at + 1] | data[at + 2] << 8) << (flags >> 4))
        found.append((flags, data[start:at]))
    clusters = {}
    entries = unpack_from("<I", data, at)[0]
    at += 4
    for _ in range(entries):
        row, column, size = unpack_from("<HHH", data, at)
        at += 6
        clusters[row, column] = data[at : at + 4 * size].decode("utf-32-le", "replace")
        at += 4 * size
    return Page(columns, styles, links, found, clusters)


def shown_title(title: bytes) -> str:
    """A title, at most as long as one may be (X4)."""
    return title.decode("utf-8", "replace")[:MAX_TITLE]


def tie(state: bytes, tail: bytes, unfinished: bytes, keys: OtherKeys, titles: list[str]) -> bytes:
    """A checkpoint: the native state, and what it lacks: the output's end before it, an unfinished sequence, keys and
    pushed titles.
    """
    stack = json.dumps(titles).encode()
    more = tail + unfinished + stack + _STACK.pack(len(stack))
    facts = keys.encode() | _HAS_TITLES
    return state + more + _MORE.pack(crc32(more), len(tail), len(unfinished) | facts << _KEYS_SHIFT)


def untie(checkpoint: bytes) -> tuple[bytes, bytes, bytes, OtherKeys, list[str]]:
    """What was tied, also by a version that kept no titles.

    Raises:
        EngineError: it is none, or damaged.
    """
    if len(checkpoint) < _MORE.size + _STACK.size:
        raise EngineError("not a checkpoint")
    end = len(checkpoint) - _MORE.size
    checksum, tail, unfinished = _MORE.unpack_from(checkpoint, end)
    unfinished, facts = unfinished & (1 << _KEYS_SHIFT) - 1, unfinished >> _KEYS_SHIFT
    stack = _STACK.unpack_from(checkpoint, end - _STACK.size)[0] + _STACK.size if facts & _HAS_TITLES else 0
    start = max(0, end - tail - unfinished - stack)
    more = checkpoint[start:end]
    if crc32(more) != checksum:
        raise EngineError("a damaged checkpoint")
    titles = json.loads(more[tail + unfinished : -_STACK.size]) if stack else []
    return checkpoint[:start], more[:tail], more[tail : tail + unfinished], OtherKeys.decode(facts), titles
