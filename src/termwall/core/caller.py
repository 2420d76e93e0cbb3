"""What a session's output may do to the terminal of whoever called `attach` or `play`, and what undoes it.

Every sequence of the output passes through here. What draws goes on as it is. What changes the terminal's modes goes on
and is noted, so that `leave` undoes exactly that. What asks the terminal something (S7), moves or resizes its window,
prints, reprograms its keys or empties its scrollback stops here, and so does whatever is not known here.

`attach` draws in the alternate screen, whichever screen the program is on, so that the caller's screen and scrollback
stay. When the program goes back to its primary screen, a new picture is wanted (`wants_picture`): the server has it.
`play` draws below what is there, in both screens, and passes no mode that concerns keys: nobody types into a recording.
"""

import re
from collections.abc import Callable
from typing import Literal

from termwall.core.kittykeys import KittyKeys

ESC, ST = "\x1b", "\x1b\\"
MAX_HELD = 4096
"""Characters of an unfinished sequence that wait for its end; a longer string goes on in pieces or is dropped."""
TAB_WIDTH = 8
MAX_TITLES = 8
"""Titles that a program may save: xterm keeps ten, and one of them is the caller's."""

_SEQUENCE = re.compile(r"\x1b(?:\[([<-?]?)([0-;]*)([ -/]*)([@-~])|([ -/]+)([0-~])|([0-OQ-WYZ\\`-~]))")
_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]{0,1024}[ -/]{0,8}|[ -/]{0,8})\Z")
_BROKEN = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|[ -/]*)")
_STRING = re.compile(r"\x1b([]PX^_])")
_OSC_END = re.compile(r"\x07|\x18|\x1a|\x1b(?:\\|(?=[^\\]))")
_OTHER_END = re.compile(r"\x18|\x1a|\x1b(?:\\|(?=[^\\]))")
_C1 = re.compile("[\x80-\x9f]")
_CONTROLS = re.compile("[\x00-\x06\x10-\x1a\x1c-\x1f\x7f]")
"""Those that a terminal does nothing with, answers (ENQ) or shows differently from others."""

_ON_BY_ITSELF = frozenset((7, 25))
_SHOWN = frozenset((5, 6, 7, 12, 25, 45, 69, 2026, 2027))
_TYPED = frozenset((1, 9, 66, 1000, 1002, 1003, 1005, 1006, 1015, 2004))
_SCREENS = frozenset((47, 1047, 1049))
_PIXELS = 1016
"""Mouse reports in pixels: the server promises a cell of its own (S7), so they are made from those in cells."""
_SGR_MOUSE = 1006
_FOCUS = 1004
"""On while attached, whatever the program wants: the server reports the focus to programs (S7)."""
_SAVED = ";".join(map(str, sorted((_SHOWN | _TYPED | {_FOCUS}) - {69, 2026})))
"""xterm restores 69 as on whatever it was."""

_DRAWING = frozenset("@ABCDEFGHIJKLMPSTXZ`abdefgjkmrsu") | {
    *("?K", " @", " A", "$r", "$t", "$v", "$x", "$z", "${", "*x", "'}", "'~", "#p", "#q", "#{", "#}")
}
_ESCAPES = frozenset("78=>DEHMNOno|}~69VW")
_CHARSETS = frozenset("()*+-./")

_UNCHANGED = "\x1b[m\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b[r"
"""Pen, character sets and margins as they are in a shell."""

ASK_STYLE = "\x1bP$q q\x1b\\"
"""Asks for the cursor's style (DECRQSS); `core.typed` reads the answer."""

_SET_COLOURS = frozenset(("4", "5", *map(str, range(10, 20))))
_RESET_COLOURS = frozenset(("104", "105", *map(str, range(110, 120))))


class Caller:
    """The caller's terminal, fed with all output in order as text.

    Args:
        attached: its user types into a session, which is drawn in the alternate screen; else it shows a recording.
    """

    def __init__(self, *, attached: bool) -> None:
        self.wants_picture = False
        """The program went to a screen that only the server has a picture of. Asking for it clears this."""
        self.style = 0
        """The cursor's style (DECSCUSR) as it was before, where the terminal said it; else its own default."""
        self._attached = attached
        self._carry = ""
        self._string: Literal["", "pass", "drop"] = ""
        self._string_end = _OTHER_END
        self._moved = False
        self._columns = 0
        self._begin()

    def _begin(self) -> None:
        """Nothing was changed yet."""
        self._modes: dict[int, bool] = {}
        self._saved: dict[int, bool] = {}
        self._ansi: set[int] = set()
        self._keys = KittyKeys()
        self._modified: set[str] = set()
        self._colours: set[str] = set()
        self._titles = 0
        self._keypad = self._tabs = self._style = self._protected = False
        self._link = self._pointer = self._progress = False

    # ---- before and after

    def enter(self, columns: int, rows: int) -> str:
        """What to write first, on a terminal of this size."""
        self._columns = columns
        if self._attached:
            return f"\x1b[?{_SAVED}s\x1b[#P\x1b[?1049h\x1b[H\x1b[2J\x1b[?{_FOCUS}h"
        # Scrolls what is there out of the way: it stays in the scrollback.
        return "\x1b[#P" + "\n" * rows + "\x1b[H\x1b[J"

    def leave(self, columns: int) -> str:
        """What to write last, whatever was in the middle of something: all is then as it was before `enter`.

        Args:
            columns: the terminal's.
        """
        self._columns = columns
        parts = ["\x18", self._undo(), self._tab_stops()]
        if self._keys.pushed:
            parts.append("\x1b[<u")
        if self._titles:
            parts.append("\x1b[23;0t" * self._titles)
        if self._attached:
            parts.append(f'\x1b[?{_SAVED}r\x1b[r\x1b[#Q\x1b[?1049l\x1b[0"q')
        elif self._moved:
            parts.append("\x1b[#Q\x1b[999;1H\r\n")
        else:
            parts.append("\x1b[#Q\r\n")
        self._carry, self._string = "", ""
        self._begin()
        return "".join(parts)

    @property
    def encodes_keys(self) -> bool:
        """Whether the terminal may send keys in other forms than it does in a shell."""
        return self._keys.flags > 0 or bool(self._modified)

    @property
    def pixels(self) -> bool:
        """Whether the program wants the mouse in pixels; the terminal reports it in cells all the same."""
        return self._modes.get(_PIXELS, False)

    def _undo(self) -> str:
        """Ends every mode that is on, and gives back what was changed in passing."""
        parts = [
            f"\x1b[?{mode}{'h' if mode in _ON_BY_ITSELF else 'l'}"
            for mode, on in sorted(self._modes.items())
            if on != (mode in _ON_BY_ITSELF) and mode != _PIXELS
        ]
        if self._modes.get(_PIXELS) and not self._modes.get(_SGR_MOUSE):
            parts.append(f"\x1b[?{_SGR_MOUSE}l")
        parts += [f"\x1b[{mode}l" for mode in sorted(self._ansi)]
        parts += [f"\x1b[>{which}" for which in sorted(self._modified)]
        parts.append(self._keys.reset())
        if self._keypad:
            parts.append("\x1b>")
        if self._style:
            parts.append(f"\x1b[{self.style} q")
        if self._link:
            parts.append("\x1b]8;;" + ST)
        if self._pointer:
            parts.append("\x1b]22;" + ST)
        if self._progress:
            parts.append("\x1b]9;4;0" + ST)
        parts += [f"\x1b]{100 + int(number)}{ST}" for number in sorted(self._colours)]
        if self._protected:
            parts.append('\x1b[0"q')
        parts.append(_UNCHANGED)
        self._modes.clear()
        self._ansi.clear()
        self._modified.clear()
        self._keypad = self._style = self._protected = self._link = self._pointer = self._progress = False
        return "".join(parts)

    def _tab_stops(self) -> str:
        if not self._tabs:
            return ""
        self._tabs = False
        stops = "".join(f"\x1b[{column}G\x1bH" for column in range(TAB_WIDTH + 1, self._columns + 1, TAB_WIDTH))
        return f"\x1b[3g{stops}\x1b[?5W\x1b[G"

    # ---- in between

    def snapshot(self) -> str:
        """What comes next is a new picture, and the rest of an unfinished sequence never comes. What to write first."""
        first = "\x18" if self._string == "pass" else ""
        self._carry, self._string = "", ""
        return first

    def feed(self, data: str) -> str:
        """What to write of it. At most `MAX_HELD` characters wait for more."""
        data = self._carry + _C1.sub(lambda found: ESC + chr(ord(found[0]) - 0x40), data)
        self._carry = ""
        out: list[str] = []
        place = 0
        while place < len(data):
            if self._string:
                place = self._go_on(data, place, out)
                continue
            at = data.find(ESC, place)
            text = data[place:] if at < 0 else data[place:at]
            if text:
                out.append(_CONTROLS.sub("", text))
            if at < 0:
                break
            place = self._escape(data, at, out)
        return "".join(out)

    def _escape(self, data: str, at: int, out: list[str]) -> int:
        """One sequence; returns where the next begins."""
        found = _SEQUENCE.match(data, at)
        if found is not None:
            out.append(self._sequence(found))
            return found.end()
        if _UNFINISHED.match(data, at):
            self._carry = data[at:]
            return len(data)
        string = _STRING.match(data, at)
        if string is not None:
            return self._begin_string(data, at, string[1], out)
        broken = _BROKEN.match(data, at)
        return at + 1 if broken is None else broken.end()

    def _sequence(self, found: re.Match[str]) -> str:
        prefix, numbers, middle, final, between, last, plain = found.groups()
        if final is None:
            return self._plain(found[0], plain) if plain else self._with_middle(found[0], between, last)
        kind = prefix + middle + final
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(self, found[0], numbers)
        if kind not in _DRAWING:
            return ""
        if final in "Hdfr" or final in "AFM":
            self._moved = True
        return found[0]

    def _plain(self, whole: str, final: str) -> str:
        if final == "c":
            return self._reset()
        if final not in _ESCAPES:
            return ""
        if final in "=>":
            if not self._attached:
                return ""
            self._keypad = final == "="
        self._tabs |= final == "H"
        self._moved |= final in "8M"
        return whole

    def _with_middle(self, whole: str, between: str, final: str) -> str:
        if between in _CHARSETS or (between == "#" and final in "34568"):
            return whole
        return ""

    def _reset(self) -> str:
        """In place of a reset, which would empty the caller's scrollback."""
        self._keys.alternate = False
        self._saved.clear()
        self._moved = True
        return f"{self._undo()}{self._tab_stops()}\x1b[H\x1b[2J\x1b7"

    # ---- modes

    def _private(self, whole: str, numbers: str) -> str:
        on = whole[-1] == "h"
        return "".join(self._mode(int(number), on) for number in numbers.split(";") if number.isdecimal())

    def _mode(self, mode: int, on: bool) -> str:
        if mode in _SCREENS:
            return self._screen(mode, on)
        if mode == 1048:
            return "\x1b7" if on else "\x1b8"
        if mode == _PIXELS and self._attached:
            self._modes[mode] = on
            mode = _SGR_MOUSE
            return f"\x1b[?{mode}{'h' if on or self._modes.get(mode) else 'l'}"
        if mode not in _SHOWN and not (mode in _TYPED and self._attached):
            return ""
        self._modes[mode] = on
        return f"\x1b[?{mode}{'h' if on else 'l'}"

    def _screen(self, mode: int, on: bool) -> str:
        changed = on != self._keys.alternate
        self._moved = True
        keys = self._keys.switch(alternate=on)
        if not self._attached:
            self._modes[1049] = on
            return f"\x1b[?{mode}{'h' if on else 'l'}"
        if not changed:
            return ""
        if on and mode == 1049:
            return "\x1b7\x1b[2J" + keys
        self.wants_picture = True
        return "\x1b[2J" + keys

    def _save_modes(self, whole: str, numbers: str) -> str:
        for number in numbers.split(";"):
            if number.isdecimal() and int(number) in _SHOWN | _TYPED:
                mode = int(number)
                self._saved[mode] = self._modes.get(mode, mode in _ON_BY_ITSELF)
        return ""

    def _restore_modes(self, whole: str, numbers: str) -> str:
        wanted = [int(number) for number in numbers.split(";") if number.isdecimal()]
        return "".join(self._mode(mode, self._saved[mode]) for mode in wanted if mode in self._saved)

    def _ansi_mode(self, whole: str, numbers: str) -> str:
        known = {int(number) for number in numbers.split(";") if number in ("4", "20")}
        if not self._attached:
            known.discard(20)
        if not known:
            return ""
        self._ansi = self._ansi | known if whole[-1] == "h" else self._ansi - known
        return f"\x1b[{';'.join(map(str, sorted(known)))}{whole[-1]}"

    # ---- keys

    def _kitty(self, whole: str, numbers: str) -> str:
        return self._keys.take(whole[2], numbers) if self._attached else ""

    def _modify(self, whole: str, numbers: str) -> str:
        """XTMODKEYS, XTFMTKEYS, and what disables the first."""
        if not self._attached:
            return ""
        which = numbers.split(";")[0]
        final = "f" if whole[-1] == "f" else "m"
        if which:
            self._modified.add(which + final)
        else:
            self._modified.clear()
        return whole

    # ---- what else is noted

    def _erase(self, whole: str, numbers: str) -> str:
        return "" if "3" in numbers.split(";") else whole

    def _tab_stop(self, whole: str, numbers: str) -> str:
        self._tabs = True
        return whole

    def _cursor_style(self, whole: str, numbers: str) -> str:
        self._style = True
        return whole

    def _protect(self, whole: str, numbers: str) -> str:
        self._protected = True
        return whole

    def _soft_reset(self, whole: str, numbers: str) -> str:
        modified = "".join(f"\x1b[>{which}" for which in sorted(self._modified))
        self._modified.clear()
        self._style = True
        return whole + modified + self._keys.reset_shown()

    def _title_stack(self, whole: str, numbers: str) -> str:
        what = numbers.split(";")[0]
        if what == "22" and self._titles < MAX_TITLES:
            first = self._keep_title()
            self._titles += 1
            return first + whole
        if what == "23" and self._titles > 1:
            self._titles -= 1
            return whole
        return ""

    def _keep_title(self) -> str:
        if self._titles:
            return ""
        self._titles = 1
        return "\x1b[22;0t"

    # ---- strings

    def _begin_string(self, data: str, at: int, kind: str, out: list[str]) -> int:
        ends = _OSC_END if kind == "]" else _OTHER_END
        end = ends.search(data, at + 2)
        if end is not None:
            body = data[at + 2 : end.start()]
            if end[0] not in ("\x18", "\x1a"):
                out.append(self._whole(kind, _CONTROLS.sub("", body), "\x07" if end[0] == "\x07" else ST))
            return end.end()
        if len(data) - at <= MAX_HELD:
            self._carry = data[at:]
            return len(data)
        head = data[at + 2 : at + 2 + MAX_HELD]
        passes = kind == "P" and _is_sixel(head)
        self._string, self._string_end = "pass" if passes else "drop", ends
        if passes:
            out.append(ESC + kind)
        return at + 2

    def _go_on(self, data: str, place: int, out: list[str]) -> int:
        """More of a string that was too long to wait for its end."""
        end = self._string_end.search(data, place)
        stop = len(data) if end is None else end.start()
        if end is None and data.endswith(ESC):
            stop -= 1
            self._carry = ESC
        if self._string == "pass":
            out.append(_CONTROLS.sub("", data[place:stop]))
            if end is not None:
                out.append(end[0] if end[0] in ("\x07", "\x18", "\x1a") else ST)
        if end is not None:
            self._string = ""
            return end.end()
        return len(data)

    def _whole(self, kind: str, body: str, end: str) -> str:
        if kind == "P":
            return f"{ESC}P{body}{ST}" if _is_sixel(body) else ""
        if kind != "]":
            return ""
        number, _, rest = body.partition(";")
        before = self._osc(number, rest)
        return "" if before is None else f"{before}{ESC}]{body}{end}"

    def _osc(self, number: str, rest: str) -> str | None:
        """What to write before it; None where it stops here."""
        asks = "?" in rest.split(";")
        if number in _SET_COLOURS and not asks:
            self._colours.add(number)
            return ""
        if number in _RESET_COLOURS:
            return "" if self._colours else None
        match number:
            case "0" | "1" | "2":
                return self._keep_title() if rest or self._titles else None
            case "8":
                self._link = bool(rest.partition(";")[2])
            case "9" if rest.startswith("4;"):
                self._progress = True
            case "9" if not re.match(
                r"[0-9]+(;|\Z)", rest
            ):  # The others are a terminal's own: it sleeps, or runs macros.
                pass
            case "22" if "?" not in rest:
                self._pointer = True
            case "66":
                pass
            case "777" if rest.startswith("notify;"):
                pass
            case _:
                return None
        return ""


def _is_sixel(body: str) -> bool:
    return re.match(r"[0-9;]*q", body) is not None


_HANDLERS: dict[str, Callable[[Caller, str, str], str]] = {
    "?h": Caller._private,
    "?l": Caller._private,
    "?s": Caller._save_modes,
    "?r": Caller._restore_modes,
    "h": Caller._ansi_mode,
    "l": Caller._ansi_mode,
    ">u": Caller._kitty,
    "<u": Caller._kitty,
    "=u": Caller._kitty,
    ">m": Caller._modify,
    ">n": Caller._modify,
    ">f": Caller._modify,
    "J": Caller._erase,
    "?J": Caller._erase,
    "g": Caller._tab_stop,
    "?W": Caller._tab_stop,
    " q": Caller._cursor_style,
    '"q': Caller._protect,
    "!p": Caller._soft_reset,
    "t": Caller._title_stack,
}
