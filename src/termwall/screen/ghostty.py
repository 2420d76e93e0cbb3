"""libghostty-vt, through pyghostty, as a session's terminal.

The native library is young: what it was found to crash on, or to answer wrongly, is kept away from it here, and each
has a test. It is asked for its whole state at once and `checkpoint.py` reads that; no cell is asked for singly.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from termwall.core.modes import Modes
from termwall.core.theme import DARK, Theme, rgb
from termwall.screen import rows
from termwall.screen.checkpoint import State, read_state, tie, untie
from termwall.screen.effects import Effects, Front
from termwall.screen.engine import EngineError
from termwall.screen.library import check
from termwall.screen.looks import sgr
from termwall.screen.mending import CLEAR_ALTERNATE, MENDINGS, blank, blank_below, cut_at, cut_cells
from termwall.screen.native import ffi, lib
from termwall.screen.parsing import CANCEL, Parsing
from termwall.screen.questions import CELL_HEIGHT, CELL_WIDTH
from termwall.screen.rewriting import without_deletes
from termwall.screen.snapshot import compose_bounded
from termwall.screen.swallow import STRING_BYTES, swallowed
from termwall.screen.titles import Titles

if TYPE_CHECKING:
    from typing_extensions import Buffer

LEAST = 2
"""Columns and rows: smaller terminals ended the process of the library (pyghostty 0.1.3)."""
PAGE_CELLS = 46_300
"""Cells of a page. Scrollback is kept in pages, and the oldest is dropped whole: asked for 1,000 lines of 80
columns the library kept 426 to 760. So it is asked for a page's rows more, which are the more the narrower they are.
"""
SCROLLBACK_BYTES = 64 << 20
PIECE_BYTES = 512 << 10
"""Parsed at once, at most."""
UNFINISHED_BYTES = 2 << 20
"""The longest unfinished sequence that the library hands over: more than `STRING_BYTES` and a piece."""
GRAPHEME_CLUSTERS = 2027
"""The mode in which clusters take the cells that xterm.js' grapheme add-on gives them."""
ORIGIN, WRAP, SIDE_MARGINS, NEWLINE = 6, 7, 69, 20 | 1 << 15
"""Modes; the highest bit says that it is one of ANSI's."""
REPORTS = ((int(Modes.FOCUS), 1004), (int(Modes.SCHEME), 2031))
STATES = (
    (int(Modes.GROUND), lib.GHOSTTY_TERMINAL_DATA_VT_GROUND),
    (int(Modes.MOUSE), lib.GHOSTTY_TERMINAL_DATA_MOUSE_TRACKING),
)
ASK_MARGINS = b"\x1bP$qr\x1b\\"
_ENDS_IN_TEXT = re.compile(
    rb"(?:\A[^\x00-\x1f\x7f]{40}|[\x00-\x1a\x1c-\x1f]|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[ -/]+[0-~]|\x1b[0-OQ-WYZ`-~]|\x1b\\)"
    rb"[^\x00-\x1f\x7f]+\Z"
)


class GhosttyEngine(Parsing):
    """One session's terminal.

    Args:
        cols: columns; fewer than 2 become 2, as do rows.
        rows: rows.
        scrollback: lines above the screen that are kept, at least.
    """

    def __init__(self, cols: int, rows: int, scrollback: int = 1000) -> None:
        cols, rows = max(LEAST, cols), max(LEAST, rows)
        made = ffi.new("GhosttyTerminal*")
        check(lib.ghostty_terminal_new(ffi.NULL, made, cols, rows), "a new terminal")
        self._own(made[0], cols, rows, scrollback)
        self.set_theme(DARK)
        self._set("MODE_DEFAULT", ffi.new("GhosttyTerminalModeConfig*", (GRAPHEME_CLUSTERS, True)))

    @classmethod
    def restore(cls, checkpoint: bytes, cols: int, rows: int, scrollback: int = 1000) -> "GhosttyEngine":
        """A terminal in the state that `checkpoint()` gave.

        Raises:
            EngineError: the bytes are no such state.
        """
        state, tail, unfinished, keys, titles = untie(checkpoint)
        decoder = ffi.new("GhosttySnapshotDecoder*")
        made = ffi.new("GhosttyTerminal*")
        source = ffi.from_buffer(state)
        check(lib.ghostty_snapshot_decoder_new_buf(ffi.NULL, decoder, source, len(state)), "a decoder")
        try:
            for option, value in (
                (lib.GHOSTTY_SNAPSHOT_DECODER_OPT_MAX_CONTINUATION_BYTES, ffi.new("size_t*", UNFINISHED_BYTES)),
                (lib.GHOSTTY_SNAPSHOT_DECODER_OPT_RETAIN_CONTINUATION, ffi.new("bool*", True)),
            ):
                check(lib.ghostty_snapshot_decoder_set(decoder[0], option, value), "a decoder's option")
            check(lib.ghostty_snapshot_decoder_decode(decoder[0], made), "a checkpoint")
        finally:
            lib.ghostty_snapshot_decoder_free(decoder[0])
        engine = cls.__new__(cls)
        engine._own(made[0], 0, 0, scrollback)
        engine.cols, engine.rows = engine._get("COLS", "uint16_t"), engine._get("ROWS", "uint16_t")
        engine._effects.size = engine.cols, engine.rows
        engine._tail = tail
        engine._other_keys = keys
        engine._titles = Titles(titles)
        engine._write(unfinished)
        engine._shorten()
        engine.resize(cols, rows)
        return engine

    def _own(self, terminal: Any, cols: int, rows: int, scrollback: int) -> None:
        Parsing.__init__(self, terminal)
        self.cols, self.rows = cols, rows
        self._inside = 0
        self._front = Front()
        self._effects = Effects()
        self._effects.size = cols, rows
        for option, value in (
            ("SCROLLBACK_MAX_BYTES", SCROLLBACK_BYTES),
            # Before the first output: what is inside a sequence by then would be lost.
            ("CONTINUATION_MAX_BYTES", UNFINISHED_BYTES),
            ("CLIPBOARD_WRITE_MAX_BYTES", 0),
        ):
            self._set(option, ffi.new("size_t*", value))
        self._scrollback = scrollback
        self._narrowest = 0
        self._keep_scrollback(cols or self._get("COLS", "uint16_t"))
        self._set("KITTY_IMAGE_STORAGE_LIMIT", ffi.new("uint64_t*", 0))
        self._set("RESIZE_PULL_SCROLLBACK", ffi.new("bool*", True))
        for option, callback in self._effects.callbacks.items():
            self._set(option, callback)

    @property
    def muted(self) -> bool:
        """While True, queries are not answered: a replay asks nothing again (S7)."""
        return self._effects.muted

    @muted.setter
    def muted(self, muted: bool) -> None:
        self._effects.muted = muted

    def feed(self, data: "Buffer") -> None:
        """Parse these bytes, which may end anywhere; the GIL is free meanwhile.

        What the page's terminal does otherwise is done here (`rewriting.py`).
        """
        view = without_deletes(data)
        for start in range(0, view.nbytes, PIECE_BYTES):
            piece = view[start : start + PIECE_BYTES]
            self._parse(piece)
            if self._get("COLS", "uint16_t") != self.cols:  # DECCOLM, which the page's window does not follow.
                self._set_size()
            self._inside += len(piece)
            if self._get("VT_GROUND", "bool"):
                self._inside = 0
            elif self._inside > STRING_BYTES:
                self._shorten()

    def resize(self, cols: int, rows: int) -> None:
        """The window has another size; fewer than two columns or rows are taken for two."""
        cols, rows = max(LEAST, cols), max(LEAST, rows)
        if (cols, rows) != (self.cols, self.rows):
            if cols < self.cols:
                self._blank_cut(cols)
            if rows < self.rows and self.alternate:
                self._blank_below(self.rows - rows)
            self._tail = b""
            self._keep_scrollback(cols)
            if cols < self.cols and rows > self.rows:
                # Both at once would leave the new rows blank (pyghostty 0.1.3): first higher, without a report.
                self.rows = rows
                muted, self.muted = self.muted, True
                self._set_size()
                self.muted = muted
            self.cols, self.rows = self._effects.size = cols, rows
            self._set_size()
            self._settle()

    def _blank_below(self, count: int) -> None:
        """Before the alternate screen gets lower by so many rows: those below the cursor go first, as in the page."""
        pen = self._state(history=False).screen.pen
        with self._aside():
            self._write(blank_below(count, self.rows, self.cursor, self._origin, pen))

    def _settle(self) -> None:
        """After a size change no character waits to wrap, and no row of the alternate screen is out of sight."""
        rest = b"\x1b[3J" if self.alternate else b""
        if self._get("CURSOR_PENDING_WRAP", "bool"):
            rest += b"\x1b[%dG" % self.cols
        if rest:
            with self._aside():
                self._write(rest)

    def _set_size(self) -> None:
        # Like the page's terminal it reflows the primary screen also while text does not wrap.
        wraps, size = self._mode(WRAP), (self.cols, self.rows, CELL_WIDTH, CELL_HEIGHT)
        self._set("MODE", ffi.new("GhosttyTerminalModeConfig*", (WRAP, True)))
        check(lib.ghostty_terminal_resize(self._terminal, *size), "a size")
        self._set("MODE", ffi.new("GhosttyTerminalModeConfig*", (WRAP, wraps)))

    def _keep_scrollback(self, cols: int) -> None:
        """Ask for as many lines as it takes; never for less, which would drop pages now."""
        if self._narrowest == 0 or cols < self._narrowest:
            self._narrowest = cols
            wanted = self._scrollback + PAGE_CELLS // cols if self._scrollback else 0
            self._set("SCROLLBACK_MAX_LINES", ffi.new("size_t*", wanted))

    def take_replies(self) -> bytes:
        """What was answered since the last call: to be written to the program, once (S7)."""
        replies, self._effects.replies = self._effects.replies, []
        return b"".join(replies)

    def take_bells(self) -> int:
        """How often the bell rang since the last call."""
        bells, self._effects.bells = self._effects.bells, 0
        return bells

    def set_theme(self, theme: Theme) -> None:
        """Queries for colours, and for the colour scheme, are answered with these (S7)."""
        self._effects.light = theme.scheme == "light"
        for option, colour in (
            ("COLOR_FOREGROUND", theme.foreground),
            ("COLOR_BACKGROUND", theme.background),
            ("COLOR_CURSOR", theme.cursor),
        ):
            self._set(option, ffi.new("GhosttyColorRgb*", rgb(colour)))
        palette = ffi.new("GhosttyColorRgb[256]")
        lib.ghostty_color_palette_default(palette)
        for index, colour in enumerate(theme.palette):
            palette[index].r, palette[index].g, palette[index].b = rgb(colour)
        self._set("COLOR_PALETTE", palette)

    def promises_clipboard(self, promised: bool) -> None:
        """Whether a program that asks gets the answer that it can set a clipboard."""
        self._effects.clipboard = promised

    @property
    def modes(self) -> Modes:
        """The modes that others must know of."""
        # Asked after each batch, so without the detours of `_get` and `_mode`.
        terminal, get, bits = self._terminal, lib.ghostty_terminal_get, 0
        config, flag = ffi.new("GhosttyTerminalModeConfig*"), ffi.new("bool*")
        for bit, config.mode in REPORTS:
            get(terminal, lib.GHOSTTY_TERMINAL_DATA_MODE, config)
            bits |= bit if config.value else 0
        for bit, what in STATES:
            get(terminal, what, flag)
            bits |= bit if flag[0] else 0
        return Modes(bits)

    @property
    def scrolls_plainly(self) -> bool:
        """Whether a line that scrolls out at the top leaves no trace but itself: then it need not be drawn (`skim.py`).

        On the primary screen, without margins or origin mode, where text wraps, a line feed keeps the column, and the
        parser is outside of any sequence.
        """
        if self.alternate or not self._get("VT_GROUND", "bool") or not self._mode(WRAP):
            return False
        if any(map(self._mode, (ORIGIN, SIDE_MARGINS, NEWLINE))):
            return False
        return self._ask(ASK_MARGINS) == b"\x1bP1$r1;%dr\x1b\\" % self.rows

    @property
    def keys(self) -> dict[str, Any]:
        """The fields of a `KeyState`: what the program asked of its keys."""
        kitty = self._state(False).screen.kitty
        return {
            "paste": self._mode(2004),
            "application_cursor": self._mode(1),
            "kitty": kitty[-1] if kitty else 0,
            "modify_other_keys": self._other_keys.level,
            "format_other_keys": self._other_keys.form,
        }

    def snapshot(self, scrollback: int) -> bytes:
        """Bytes that rebuild the whole state in a fresh xterm.js of the same size (S4).

        They begin with a reset and end with the bytes of an unfinished sequence, so that the next byte of output fits.
        """
        state = self._state(scrollback > 0)
        text = self._tail.removesuffix(state.unfinished)
        return compose_bounded(state, scrollback, bool(_ENDS_IN_TEXT.search(text)))

    def ansi(self, scrollback: int) -> bytes:
        """The rows with their colours, one line each."""
        return rows.ansi(self._state(scrollback > 0), scrollback)

    def runs(self, scrollback: int) -> list[list[dict[str, Any]]]:
        """The rows as runs of cells that look the same: the fields of `parts.Run` that are set."""
        return rows.runs(self._state(scrollback > 0), scrollback)

    def text(self, scrollback: int) -> str:
        """The rows as plain text, one line each, without trailing blanks."""
        return rows.text(self._state(scrollback > 0), scrollback)

    def lines(self, scrollback: int) -> list[list[str]]:
        """The lines as plain text, each as the rows that it takes. Joined they are what was printed."""
        return rows.wrapped(self._state(scrollback > 0), scrollback)

    def checkpoint(self) -> bytes:
        """The whole state for `restore`."""
        state, unfinished = self._encoded(True)
        return tie(state, self._tail, unfinished, self._other_keys, self._titles.stack)

    def close(self) -> None:
        """Free the native terminal."""
        self._free()

    def _state(self, history: bool = True) -> State:
        """The state; without history, only the rows that come with the screens, which are at least those shown."""
        data, unfinished = self._encoded(history)
        state = read_state(data, history)
        state.unfinished = state.unfinished or unfinished
        state.other_keys = self._other_keys
        return state

    def _encoded(self, history: bool) -> tuple[bytes, bytes]:
        """The state as the library gives it, and the unfinished sequence if that is not in there.

        The library does not give it inside of some broken sequences, nor with a wide character that a resize cut.
        """
        data = self._encode(history)
        if data:
            return data, b""
        with self._aside() as unfinished:
            data = self._encode(history)
            for before, after in MENDINGS:
                if not data:
                    self._write(before)
                    self._mend()
                    self._write(after)
                    data = self._encode(history)
        if not data:
            raise EngineError("libghostty-vt does not give the state")
        return data, unfinished

    @contextmanager
    def _aside(self) -> Iterator[bytes]:
        """Outside of the unfinished sequence, which goes on afterwards as if nothing had been; gives that."""
        unfinished = self._unfinished()
        muted, self.muted = self.muted, True
        self._write(CANCEL if unfinished else b"")
        try:
            yield unfinished
        finally:
            self._write(unfinished)
            self.muted = muted

    def _shorten(self) -> None:
        """Keep of a sequence that is too long only what swallows the rest of it."""
        unfinished = self._unfinished()
        if len(unfinished) > STRING_BYTES:
            muted, self.muted = self.muted, True
            self._write(CANCEL + swallowed(unfinished))
            self.muted = muted
            unfinished = b""
        self._inside = len(unfinished)

    def _encode(self, history: bool) -> bytes:
        if not history:
            return self._front.read(self._terminal)
        return self._allocated(lib.ghostty_snapshot_encode_alloc) or b""

    def _unfinished(self) -> bytes:
        unfinished = self._allocated(lib.ghostty_terminal_continuation_alloc)
        if unfinished is None:
            raise EngineError("inside a sequence that is too long to be read")
        return unfinished

    def _blank_cut(self, cols: int) -> None:
        """Blank the wide characters of the alternate screen that `cols` columns would cut in half."""
        state = self._state(history=False)
        alternate = state.screens[1]
        cut = [] if alternate is None else cut_at(alternate, state.rows, cols)
        if cut:
            with self._aside():
                if state.alternate:
                    self._write(b"\x1b[m" + blank(cut, self.cursor, self._origin) + sgr(state.screen.pen))
                else:
                    self._write(CLEAR_ALTERNATE)

    def _mend(self) -> None:
        """What else might be cut is found cell by cell."""
        if self.alternate:
            self._write(blank(cut_cells(self._terminal, self.cols, self.rows), self.cursor, self._origin))
        else:
            self._write(CLEAR_ALTERNATE)

    @property
    def _origin(self) -> int | None:
        """The row, from 1, from which origin mode counts; None while it is off."""
        if not self._mode(ORIGIN):
            return None
        top = re.match(rb"\x1bP1\$r(\d+)", self._ask(ASK_MARGINS))
        return int(top[1]) if top else 1
