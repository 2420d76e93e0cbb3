"""Finds what a program says of itself in its output, without a terminal: OSC 0, 2, 7, 9, 52, 99, 133, 633 and
777 (S7, S9).

It looks for one introducer with `bytes.find`, so a flood without such sequences costs one search a batch. A sequence
ends with BEL or ST; CAN, SUB or any other escape breaks it off. It may be split over batches anywhere: an unfinished
one is carried up to a limit, then it is nothing, wherever the batches were cut. The unknown and malformed is ignored.

    OSC 0, 2       title                                                          Titled
    OSC 7          file://host/path; OSC 9;9 path (ConEmu)                        Moved
    OSC 9          text; not ConEmu's commands 9;1 to 9;12                        Notified
    OSC 777        notify;title;body                                              Notified
    OSC 99         kitty's, its parts joined by their id until one is the last    Notified
    OSC 52         selection;base64 writes, selection;? reads                     Copied, Asked
    OSC 9;4        state;percent                                                  Progressed
    OSC 133, 633   A prompt, B input, C running, D[;exit code] finished           Marked
    OSC 133        C;cmdline_url=line (kitty, fish 4); OSC 633 E;line (VS Code)   Marked, Ran
"""

import binascii
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args
from urllib.parse import unquote_to_bytes

from termwall.core.caption import caption, sentence

MAX_TITLE = 256
"""Characters of a title; a longer one is cut (X4)."""
MAX_TITLE_BYTES = 2_047
"""A longer title is ignored, as by the terminals that draw the session."""
MAX_BODY = 1024
"""Characters of a notification's body; a longer one is cut (X4)."""
MAX_LINE = 1024
"""Characters of a command line; a longer one is cut: it is for people to read (X4)."""
MAX_DIRECTORY = 4096
"""Characters of a directory; a longer one is ignored: cut, it would be another one."""
MAX_CARRY = 8192
"""Bytes of an unfinished sequence, after its introducer, that are kept for the next batch; kitty's longest fit in."""
COPIED_BYTES = 256 << 10
"""Bytes of a text for the clipboard, unless set otherwise; a longer one is ignored: cut, it would be another one."""
MAX_UNFINISHED = 16
"""OSC 99 notifications whose last part is still to come; of one more, the one longest without a part is forgotten."""

ProgressState = Literal["normal", "error", "indeterminate", "paused"]
MarkKind = Literal["prompt", "input", "running", "finished"]


@dataclass(frozen=True, slots=True)
class Titled:
    """The program set its title, perhaps to nothing."""

    title: str


@dataclass(frozen=True, slots=True)
class Moved:
    """The program says which directory it works in: a path, perhaps of another machine."""

    directory: str


@dataclass(frozen=True, slots=True)
class Notified:
    """The program notifies its user. `source` is `OSC 9`, `OSC 99` or `OSC 777`; title or body may be empty."""

    source: str
    title: str
    body: str


@dataclass(frozen=True, slots=True)
class Progressed:
    """How far the program says it is, 0 to 100; a `state` of None ends its progress."""

    state: ProgressState | None
    percent: int | None = None


@dataclass(frozen=True, slots=True)
class Marked:
    """A shell's mark. Where the shell reports them: `exit_code` of a command that finished, `line` of one that runs."""

    kind: MarkKind
    exit_code: int | None = None
    line: str | None = None


@dataclass(frozen=True, slots=True)
class Ran:
    """The command line that a shell is about to run."""

    line: str


@dataclass(frozen=True, slots=True)
class Copied:
    """The program put a text on the clipboard; an empty one empties it."""

    text: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The program asks for the clipboard. `selection` and `bel` (BEL ended it, not ST) are for the answer."""

    selection: str
    bel: bool

    def answer(self, text: str) -> bytes:
        """What the terminal answers: this text is on the clipboard."""
        data = binascii.b2a_base64(text.encode(), newline=False)
        return b"\x1b]52;%s;%s%s" % (self.selection.encode(), data, b"\x07" if self.bel else b"\x1b\\")


Sign = Titled | Notified | Progressed | Marked
"""What says something of how far the program is (S9)."""
OscEvent = Sign | Ran | Moved | Copied | Asked

_EVENTS: dict[str, type[OscEvent]] = {kind.__name__: kind for kind in get_args(OscEvent)}


def encode_events(events: Iterable[OscEvent]) -> list[list[Any]]:
    """Events as plain lists, for JSON between processes."""
    return [[type(event).__name__, *(getattr(event, field.name) for field in fields(event))] for event in events]


def decode_events(encoded: Iterable[Sequence[Any]]) -> list[OscEvent]:
    """What `encode_events` encoded."""
    return [_EVENTS[name](*values) for name, *values in encoded]


_END = re.compile(rb"[\x07\x18\x1a\x1b]")
_BEL = 0x07
_ESC = 0x1B


class OscScanner:
    """Fed with all output of a program in order, it returns what the program says of itself.

    `copied_bytes`: the longest text for the clipboard.
    """

    def __init__(self, copied_bytes: int = COPIED_BYTES) -> None:
        self._copied_bytes = copied_bytes
        self._copied_carry = max(MAX_CARRY, copied_bytes // 3 * 4 + 4 + MAX_SELECTION)
        self._carry = bytearray()
        self._searched = 0
        """Before this place in what is carried nothing ends it."""
        self._unfinished: dict[bytes, tuple[bytes, bytes]] = {}
        """The title and body so far of OSC 99 notifications, by their id."""

    @property
    def waiting(self) -> bool:
        """Whether an unfinished sequence is carried: the next bytes must be fed, whatever they hold."""
        return bool(self._carry)

    def feed(self, data: bytes) -> list[OscEvent]:
        """The events that are complete with these bytes, in order."""
        if self._carry:
            self._carry += data
            if self._searched and self._end(self._carry, 2, self._searched) is None:
                self._searched = len(self._carry) - 1
                return []
            data, self._carry, self._searched = bytes(self._carry), bytearray(), 0
        events: list[OscEvent] = []
        place = data.find(b"\x1b]")
        while place >= 0:
            stop = self._end(data, place + 2)
            if stop is None:
                self._carry = bytearray(data[place:])
                self._searched = len(self._carry) - 1 if len(self._carry) > 5 else 0
                break
            whole = stop < place + 2 + self._limit(data, place + 2)
            whole = whole and (data[stop] == _BEL or data.startswith(b"\x1b\\", stop))
            event = self._read(data[place + 2 : stop], data[stop] == _BEL) if whole else None
            if event is not None:
                events.append(event)
            place = data.find(b"\x1b]", stop)
        else:
            if data.endswith(b"\x1b"):
                self._carry = bytearray(b"\x1b")
        return events

    def _limit(self, data: bytes | bytearray, start: int) -> int:
        return self._copied_carry if data.startswith(b"52;", start) else MAX_CARRY

    def _end(self, data: bytes | bytearray, start: int, since: int = 0) -> int | None:
        """Where the string that begins at `start` ends, or has become too long; None if that is still to come.

        `since`: before this place it is known not to end.
        """
        limit = start + self._limit(data, start)
        found = _END.search(data, max(start, since), limit)
        if found is None:
            return limit if len(data) > limit else None
        stop = found.start()
        # Only the byte after an escape shows whether it is ST or breaks the string off.
        return None if data[stop] == _ESC and stop + 1 == len(data) else stop

    def _read(self, sequence: bytes, bel: bool) -> OscEvent | None:
        number, separator, rest = sequence.partition(b";")
        if not separator:
            return None
        match number:
            case b"0" | b"2" if len(rest) > MAX_TITLE_BYTES:
                return None
            case b"0" | b"2":
                return Titled(_line(rest, 4 * MAX_TITLE).strip()[:MAX_TITLE])
            case b"7":
                return _location(rest)
            case b"9":
                return _conemu(rest) if _CONEMU.match(rest) else _notified("OSC 9", b"", rest)
            case b"52":
                return _clipboard(rest, self._copied_bytes, bel)
            case b"99":
                return self._kitty(rest)
            case b"633" if rest.startswith(b"E;"):
                line = _command(_ESCAPED.sub(_unescaped, rest.split(b";")[1]))
                return None if line is None else Ran(line)
            case b"133" | b"633":
                return _mark(rest)
            case b"777":
                word, _, rest = rest.partition(b";")
                title, _, body = rest.partition(b";")
                return _notified("OSC 777", title, body) if word == b"notify" else None
            case _:
                return None

    def _kitty(self, rest: bytes) -> Notified | None:
        metadata, separator, payload = rest.partition(b";")
        given = dict(_pair(part) for part in metadata.split(b":"))
        part = given.get(b"p", b"title")
        if not separator or part in (b"close", b"?", b"alive"):
            return None
        if given.get(b"e") == b"1":
            try:
                payload = binascii.a2b_base64(payload + b"=" * (-len(payload) % 4), strict_mode=True)
            except binascii.Error:
                return None
        name = given.get(b"i", b"")
        title, body = self._unfinished.pop(name, (b"", b""))
        # Icons and buttons are parts too; all that matters of them here is that one may be the last.
        if part == b"title":
            title = (title + payload)[: 4 * MAX_TITLE]
        elif part == b"body":
            body = (body + payload)[: 4 * MAX_BODY]
        if given.get(b"d") != b"0":
            return _notified("OSC 99", title, body)
        self._unfinished[name] = title, body
        if len(self._unfinished) > MAX_UNFINISHED:
            del self._unfinished[next(iter(self._unfinished))]
        return None


# ---- Text


def titled(text: bytes) -> Titled:
    """The event of a title that comes back without its sequence."""
    return Titled(_line(text, MAX_TITLE))


def _line(text: bytes, most: int) -> str:
    return caption(text.decode("utf-8", "replace"))[:most]


def _notified(source: str, title: bytes, body: bytes) -> Notified | None:
    text = sentence(body.decode("utf-8", "replace")).strip()[:MAX_BODY]
    shown = _line(title, MAX_TITLE).strip()
    return Notified(source, shown, text) if shown or text else None


# ---- Clipboard

MAX_SELECTION = 16
"""Characters that name selections: any of them, several or none; they are all one here."""
_SELECTION = re.compile(rb"[a-z0-9]{0,%d}" % MAX_SELECTION)


def _clipboard(rest: bytes, most: int, bel: bool) -> OscEvent | None:
    selection, separator, payload = rest.partition(b";")
    if not separator or _SELECTION.fullmatch(selection) is None:
        return None
    if payload == b"?":
        return Asked(selection.decode(), bel)
    payload = payload.translate(None, b" \t\r\n").rstrip(b"=")
    try:
        data = binascii.a2b_base64(payload + b"=" * (-len(payload) % 4), strict_mode=True)
    except binascii.Error:
        return None
    return Copied(data.decode("utf-8", "replace")) if len(data) <= most else None


# ---- Directory, progress and marks

_LOCATION = re.compile(rb"(file|kitty-shell-cwd)://[^/]*(/.*)", re.DOTALL)
_CONEMU = re.compile(rb"(?:[1-9]|1[0-2])(?:;|$)")
_STATES: dict[bytes, ProgressState | None] = {
    b"0": None,
    b"1": "normal",
    b"2": "error",
    b"3": "indeterminate",
    b"4": "paused",
}
_MARKS: dict[bytes, MarkKind] = {b"A": "prompt", b"B": "input", b"C": "running", b"D": "finished"}
_EXIT_CODE = re.compile(rb"-?[0-9]{1,10}")
_ESCAPED = re.compile(rb"\\(?:\\|x([0-9a-fA-F]{2}))")
"""A byte in a command line of VS Code's."""


def _location(address: bytes) -> Moved | None:
    found = _LOCATION.match(address)
    if found is None:
        return None
    return _moved(unquote_to_bytes(found[2]) if found[1] == b"file" else found[2])


def _moved(path: bytes) -> Moved | None:
    directory = _line(path, MAX_DIRECTORY + 1)
    return Moved(directory) if 0 < len(directory) <= MAX_DIRECTORY else None


def _conemu(rest: bytes) -> OscEvent | None:
    command, _, rest = rest.partition(b";")
    if command == b"9":
        return _moved(rest.strip(b'"'))
    if command != b"4":
        return None
    word, _, rest = rest.partition(b";")
    if word not in _STATES:
        return None
    state = _STATES[word]
    number = rest.partition(b";")[0]
    if state is None or state == "indeterminate" or not _is_number(number):
        return Progressed(state)
    return Progressed(state, min(int(number), 100))


def _is_number(word: bytes) -> bool:
    return 0 < len(word) <= 10 and word.isdigit()


def _mark(rest: bytes) -> Marked | None:
    word, _, rest = rest.partition(b";")
    kind = _MARKS.get(word)
    if kind is None:
        return None
    code = rest.partition(b";")[0] if kind == "finished" else b""
    url = dict(map(_pair, rest.split(b";"))).get(b"cmdline_url", b"") if kind == "running" else b""
    return Marked(kind, int(code) if _EXIT_CODE.fullmatch(code) else None, _command(unquote_to_bytes(url)))


def _command(line: bytes) -> str | None:
    return sentence(line.decode("utf-8", "replace")).strip()[:MAX_LINE] or None


def _unescaped(escape: re.Match[bytes]) -> bytes:
    return bytes.fromhex(escape[1].decode()) if escape[1] else b"\\"


def _pair(part: bytes) -> tuple[bytes, bytes]:
    key, _, value = part.partition(b"=")
    return key, value
