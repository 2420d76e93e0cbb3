"""Composes a snapshot: bytes that rebuild a terminal's whole state in a fresh xterm.js of the same size (S4).

The order is what makes it work. Text comes first, as one stream that scrolls into place; then what changes how text is
placed (tab stops, margins, origin, wrapping, inserting); the cursor and its pen late; the title before the bytes of an
unfinished sequence, which come last, so that the next byte of output fits.
"""

from termwall.screen.cells import cell
from termwall.screen.checkpoint import Saved, Screen, State, shown_title
from termwall.screen.drawing import Drawing, lines

RESET = b"\x1bc\x1b[?25h\x1b[20l"
"""When it is reset, xterm.js leaves a hidden cursor hidden, and newline mode on."""
DEFAULT_CHARSET = 2 << 10
"""UTF-8 in all four, G0 and G2 selected."""
TAB_WIDTH = 8
PICTURE_BYTES = 3 << 20
"""Less than what may wait to be sent to a client (W9): a larger one would end its connection each time."""
CELL_BYTES = 2
"""Of these for each cell of a screen that is too large: its text, in most scripts."""
MOST_LOOKS = 4 * PICTURE_BYTES
"""Composed at most before it is known that it is too much."""
PROBE_CELLS = 250_000
"""So many cells are composed before it is known what they take: each with a colour of its own, about a second."""

_DESIGNATE = (b"(", b")", b"*", b"+")
_CHARSETS = (b"B", b"B", b"A", b"0")
_DRAWN = "◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"
_UNDRAWN = dict(zip(_DRAWN, (chr(code) for code in range(0x60, 0x7F)), strict=True))
"""What is printed for a character of line drawing."""
_SHIFTS = (b"\x0f", b"\x0e", b"\x1bn", b"\x1bo")
_CURSOR_STYLES = (5, 1, 3, 1)
"""DECSCUSR's blinking bar, block and underline, and the block again for a hollow one, which it does not have."""
_MOUSE_EVENTS = (b"", b"9", b"1000", b"1002", b"1003")
_MOUSE_FORMATS = (b"", b"1005", b"1006", b"1015", b"1016")
_ON = ("1", "5", "45", "1004", "2004", "2026", "2031")
"""Private modes that are off after a reset and have no effect on what comes before them."""


def compose_bounded(state: State, scrollback: int, printed: bool = False) -> bytes:
    """As `compose`, with less scrollback where it would be more than `PICTURE_BYTES`.

    A screen that is more alone has its looks as far as they go, from the top, and then its text.
    """
    whole = state.rows + scrollback
    tried = min(whole, max(state.rows, PROBE_CELLS // state.columns))
    taken = compose(state, tried - state.rows, printed)
    fits = tried * PICTURE_BYTES * 9 // (10 * len(taken))
    rows = max(state.rows, min(whole, fits))
    if rows > tried or (rows < tried and len(taken) > PICTURE_BYTES):
        taken = compose(state, rows - state.rows, printed)
        if len(taken) > PICTURE_BYTES:  # Older lines have more colours than newer ones.
            taken = compose(state, 0, printed)
    if len(taken) > PICTURE_BYTES:
        taken = compose(state, 0, printed, looks=max(0, PICTURE_BYTES - CELL_BYTES * state.columns * state.rows))
    return taken


def compose(state: State, scrollback: int, printed: bool = False, looks: int = MOST_LOOKS) -> bytes:
    """Write a snapshot.

    Args:
        state: of the terminal, with its history.
        scrollback: the most lines above the screen.
        printed: whether the last thing the terminal did was to print a character, which the next may join.
        looks: bytes that colours, attributes and links may take.
    """
    drawing = Drawing(state.columns, looks)
    out = drawing.out
    out.append(RESET)
    primary, alternate = state.screens
    if not state.alternate and alternate is not None and alternate.kitty:
        out.append(b"\x1b[?47h%s\x1b[?47l" % _kitty(alternate))
    if primary is not None:
        drawing.rows(lines(primary, state.rows, scrollback))
        drawing.end()
    charset = DEFAULT_CHARSET
    if state.alternate and alternate is not None:
        _enter_alternate(state, drawing)
        drawing.rows(lines(alternate, state.rows, 0), scrolls=True)
        drawing.end()
    screen = state.screen
    out.append(_tab_stops(state))
    if screen.saved is not None:
        _save(screen.saved, drawing)
        charset = screen.saved.charset
    if (state.top, state.bottom) != (0, state.rows - 1):
        out.append(b"\x1b[%d;%dr" % (state.top + 1, state.bottom + 1))
    out.append(_modes(state, screen))
    out.append(_colours(state))
    out.append(b"\x1b]2;%s\x1b\\" % shown_title(state.title).encode())
    _cursor(state, screen, charset, drawing, printed and not state.unfinished.startswith(b"\x1b"))
    out.append(state.unfinished)
    return b"".join(out)


def _enter_alternate(state: State, drawing: Drawing) -> None:
    primary = state.screens[0]
    charset = DEFAULT_CHARSET
    if primary is not None:
        drawing.out.append(_kitty(primary))
    if primary is not None and primary.saved is not None:
        _save(primary.saved, drawing)
        charset = primary.saved.charset
    mode = next((mode for mode in ("1049", "1047", "47") if state.mode(mode)), "1047").encode()
    if mode != b"1049":
        drawing.end()
    # 1049 saves the cursor as it is entered: all is still as `_save` left it.
    drawing.out.append(b"\x1b[?%sh" % mode)
    drawing.end()
    drawing.out.append(_charset(charset, DEFAULT_CHARSET) + b"\x1b[H\x1b[2J")


def _save(saved: Saved, drawing: Drawing) -> None:
    """Save a cursor; origin mode is off afterwards, the rest stays as it was saved."""
    place = b"\x1b[%d;%dH" % (saved.y + 1, saved.x + 1)
    drawing.out.append(b"\x1b[?6h" + place if saved.origin else place)
    drawing.pen(saved.pen, b"", saved.protected)
    drawing.out.append(_charset(DEFAULT_CHARSET, saved.charset) + b"\x1b7")
    if saved.origin:
        drawing.out.append(b"\x1b[?6l" + place)


def _charset(old: int, new: int) -> bytes:
    """What turns one state of the character sets into another."""
    parts = []
    for slot in range(4):
        before, after = (_CHARSETS[state >> 2 * slot & 3] for state in (old, new))
        if before != after:
            parts.append(b"\x1b" + _DESIGNATE[slot] + after)
    if (old ^ new) >> 8 & 3:
        parts.append(_SHIFTS[new >> 8 & 3])
    return b"".join(parts)


def _tab_stops(state: State) -> bytes:
    stops = [column for column in range(state.columns) if state.tab_stops[column >> 3] >> (column & 7) & 1]
    if stops in (list(range(TAB_WIDTH, end, TAB_WIDTH)) for end in (state.columns - 1, state.columns)):
        return b""  # With or without one in the last column, where each tab ends anyway.
    return b"\x1b[3g" + b"".join([b"\x1b[%dG\x1bH" % (column + 1) for column in stops])


def _modes(state: State, screen: Screen) -> bytes:
    parts = [b"\x1b[?%sh" % mode.encode() for mode in _ON if state.mode(mode)]
    if state.mode("66"):
        parts.append(b"\x1b=")
    mouse = _MOUSE_EVENTS[state.mouse_event], _MOUSE_FORMATS[state.mouse_format]
    parts += [b"\x1b[?%sh" % number for number in mouse if number]
    if not state.mode("25"):
        parts.append(b"\x1b[?25l")
    if not state.cursor_is_default:
        parts.append(b"\x1b[%d q" % (_CURSOR_STYLES[screen.cursor_style] + (not state.mode("12"))))
    elif state.mode("12"):
        parts.append(b"\x1b[?12h")
    parts += [state.other_keys.sequences(), _kitty(screen)]
    return b"".join(parts)


def _kitty(screen: Screen) -> bytes:
    """Pushes a screen's kitty keyboard flags; that screen must be shown."""
    return b"".join([b"\x1b[>%du" % flags for flags in screen.kitty])


def _colours(state: State) -> bytes:
    parts = [b"\x1b]104\x1b\\\x1b]110\x1b\\\x1b]111\x1b\\\x1b]112\x1b\\"]
    parts += [b"\x1b]4;%d;%s\x1b\\" % (index, _rgb(colour)) for index, colour in state.palette]
    background, foreground, cursor = state.colours
    for number, colour in ((10, foreground), (11, background), (12, cursor)):
        if colour is not None:
            parts.append(b"\x1b]%d;%s\x1b\\" % (number, _rgb(colour)))
    return b"".join(parts)


def _rgb(colour: bytes) -> bytes:
    return b"rgb:%02x/%02x/%02x" % tuple(colour)


def _cursor(state: State, screen: Screen, charset: int, drawing: Drawing, printed: bool) -> None:
    """The cursor and the pen. Where it hangs behind the last column, or text may join the last character, that is
    written again.
    """
    out = drawing.out
    top = 0
    if state.mode("6"):
        out.append(b"\x1b[?6h")
        top = state.top
    pen = screen.pen, screen.link, screen.protected
    after = _charset(charset, screen.charset) + _late_modes(state)
    last = None
    if screen.pending_wrap or (printed and screen.x > 0 and state.mode("7")):
        page, row = lines(screen, state.rows, 0)[screen.y]
        last = cell(page, row, screen.x - (not screen.pending_wrap))
        if last is not None and not screen.pending_wrap and last[0] + last[1][1] != screen.x:
            last = None  # The cursor is within it.
    if last is None:
        out.append(_place(screen.x, screen.y - top))
        drawing.pen(*pen)
        out.append(after)
        return
    column, (text, _, (style, link, protected, _)) = last
    look = style, link, protected
    place = _place(column, screen.y - top)
    printed_as = _UNDRAWN.get(text, text) if _translates(screen.charset) else text
    if look == pen and not state.mode("a4") and (printed_as.isascii() or not _translates(screen.charset)):
        out.append(after + place)
        drawing.pen(*pen)
        out.append(printed_as.encode("utf-8", "replace"))
    else:
        out.append(_charset(charset, DEFAULT_CHARSET) + place)
        drawing.pen(*look)
        out.append(text.encode("utf-8", "replace"))
        drawing.pen(*pen)
        out.append(_charset(DEFAULT_CHARSET, screen.charset) + _late_modes(state))


def _place(x: int, y: int) -> bytes:
    return b"\x1b[%d;%dH" % (max(0, y) + 1, x + 1)


def _translates(charset: int) -> bool:
    """Whether the selected character set is not ASCII."""
    return charset >> 2 * (charset >> 8 & 3) & 3 > 1


def _late_modes(state: State) -> bytes:
    parts = [b"" if state.mode("7") else b"\x1b[?7l"]
    parts += [b"\x1b[%sh" % mode[1:].encode() for mode in ("a4", "a20") if state.mode(mode)]
    return b"".join(parts)
