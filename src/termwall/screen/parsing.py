"""Feeds output to the native terminal, with something else in place of what the page's terminal takes otherwise."""

from typing import Any

from termwall.screen.checkpoint import shown_title
from termwall.screen.library import Library, check
from termwall.screen.native import ffi, lib
from termwall.screen.otherkeys import OtherKeys
from termwall.screen.questions import KEPT_BYTES, STRINGS_BEGUN, answer, is_question, kept_end
from termwall.screen.rewriting import (
    ALTERNATE_MODES,
    BEGUN,
    DIFFERENT,
    MARK_OF_NOTHING,
    MOST_BYTES,
    SAVES_CURSOR,
    STRING_OF_NOTHING,
    STRINGS,
    in_one_form,
    kept_modes,
)
from termwall.screen.titles import Titles

TAIL_BYTES = 64
"""Enough of the output's end to see whether it ends in text; more is kept of a question that began before."""
LINE_FEED = 0x0A
ERASES = ord("K")
CANCEL = b"\x18"
"""Ends an unfinished sequence without effect."""
SOFT_RESET = (
    b"\x1b[?1;6;45;1004;2004;2026l\x1b[4l\x1b[?7;25h\x1b>\x1b[r\x1b[0 q\x1b[m\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b[H\x1b7"
    b"\x1b[<8u\x1b[>4m"
)
"""What the page's terminal resets by DECSTR; the cursor stays where it was. Keys are sent as ever from then on."""
RESET = b"\x1bc"


class Parsing(Library):
    """A native terminal that is fed with output."""

    def __init__(self, terminal: Any) -> None:
        super().__init__(terminal)
        self._tail = b""
        """The end of the output."""
        self._flag = ffi.new("bool*")
        self._other_keys = OtherKeys()
        self._titles = Titles()

    @property
    def alternate(self) -> bool:
        """Whether the alternate screen is shown."""
        return bool(self._get("ACTIVE_SCREEN", "GhosttyTerminalScreen") == lib.GHOSTTY_TERMINAL_SCREEN_ALTERNATE)

    @property
    def cursor(self) -> tuple[int, int, bool]:
        """Column and row from 0, and whether it is shown."""
        return (
            self._get("CURSOR_X", "uint16_t"),
            self._get("CURSOR_Y", "uint16_t"),
            bool(self._get("CURSOR_VISIBLE", "bool")),
        )

    @property
    def title(self) -> str:
        """The title the program set."""
        out = ffi.new("GhosttyString*")
        check(lib.ghostty_terminal_get(self._terminal, lib.GHOSTTY_TERMINAL_DATA_TITLE, out), "the title")
        return shown_title(bytes(ffi.buffer(out.ptr, out.len))) if out.len else ""

    def take_popped(self) -> bool:
        """Whether an earlier title was restored since the last call."""
        popped, self._titles.popped = self._titles.popped, False
        return popped

    def _parse(self, view: memoryview) -> None:
        end = view.nbytes
        write, terminal = lib.ghostty_terminal_vt_write, self._terminal
        base = ffi.from_buffer("uint8_t[]", view)
        start = 0
        begun = BEGUN.search(self._tail)
        if begun:
            found = DIFFERENT.match(begun[0] + view[:MOST_BYTES])
            whole = found and (found.end() > len(begun[0]) or begun[0].startswith(STRINGS_BEGUN))
            if found and whole and self._differs(found[0], True):
                start = found.end() - len(begun[0])
        for found in DIFFERENT.finditer(view, start):
            at = found.start()
            # After a line end the cursor is at no row's end; that is where most erasures are.
            if at > start and view[at - 1] == LINE_FEED and view[found.end() - 1] == ERASES:
                continue
            if at > start:
                write(terminal, base + start, at - start)
                start = at
            if self._differs(found[0], False):
                start = found.end()
        if end > start:
            write(terminal, base + start, end - start)
        last = bytes(view[-KEPT_BYTES:])
        self._tail = kept_end(last if end >= KEPT_BYTES else (self._tail + last)[-KEPT_BYTES:], TAIL_BYTES)

    def _differs(self, sequence: bytes, begun: bool) -> bool:
        """Do what xterm.js does with this sequence, if it is something else.

        Args:
            sequence: one of `DIFFERENT`.
            begun: whether the native parser has its beginning already.
        """
        terminal, flag = self._terminal, self._flag
        if is_question(sequence):
            self._answer(sequence, begun)
            return True
        plain = in_one_form(sequence)
        if plain != sequence:
            if not begun and not self._get("VT_GROUND", "bool"):  # As below.
                self._write(sequence[:1])
                begun = True
            self._write(CANCEL if begun else b"")
            if not plain.endswith(b"[K") or not self._get("CURSOR_PENDING_WRAP", "bool"):
                self._write(plain)
            return True
        if sequence.endswith((b"m", b"f", b"n", b"g", b"c")):
            self._hear_keys(sequence)
            return False
        if sequence.endswith(b"t"):
            title = self._titles.obey(sequence, self.title)
            if title is not None:
                text = title.encode("utf-8", "replace")
                kept = ffi.from_buffer("uint8_t[]", text)
                self._set("TITLE", ffi.new("GhosttyString*", {"ptr": kept, "len": len(text)}))
            return False
        if sequence.endswith(b"K"):
            lib.ghostty_terminal_get(terminal, lib.GHOSTTY_TERMINAL_DATA_CURSOR_PENDING_WRAP, flag)
            if not flag[0]:
                return False
        if not begun and not self._get("VT_GROUND", "bool"):
            # It ends a string, or an unfinished character, which may be printed now and wrap.
            self._write(sequence[:1])
            begun = True
            if sequence.endswith(b"K") and not self._get("CURSOR_PENDING_WRAP", "bool"):
                self._write(sequence[1:])
                return True
        if begun:
            self._write(CANCEL)
        if sequence.endswith(b"p"):
            x, y, _ = self.cursor
            self._write(b"%s\x1b[%d;%dH" % (SOFT_RESET, y + 1, x + 1))
            self._other_keys.reset()
        elif sequence.endswith(b";"):
            self._write(MARK_OF_NOTHING)
        elif sequence in STRINGS:
            self._write(STRING_OF_NOTHING)
        elif not sequence.endswith(b"K"):
            self._change_modes(*kept_modes(sequence))
        return True

    def _change_modes(self, modes: list[int], on: bool) -> None:
        """Set or reset private modes, one after the other."""
        for mode in modes:
            entered = on and mode in ALTERNATE_MODES
            if entered and self.alternate:
                # As in the page's terminal the screen stays as it is; 1049 saves the cursor.
                self._write(b"\x1b[?1048h" if mode == SAVES_CURSOR else b"")
                continue
            self._write(b"\x1b[?%d%s" % (mode, b"h" if on else b"l"))
            if entered:
                self._write(b"\x1b[2J")

    def _answer(self, sequence: bytes, begun: bool) -> None:
        effects = self._effects
        if begun:
            muted, effects.muted = effects.muted, True  # What is cancelled may be answered.
            self._write(CANCEL)
            effects.muted = muted
        else:
            self._write(b"\x1b\\")  # It ends a string, which may be a question of its own.
        if not effects.muted:
            effects.replies.append(answer(sequence, self._ask, *effects.size))

    def _hear_keys(self, sequence: bytes) -> None:
        if sequence == RESET:
            self._other_keys.reset()
            return
        answer = self._other_keys.obey(sequence)
        if answer and not self._effects.muted:
            self._effects.replies.append(answer)
