"""asciicast, the format of terminal recordings: versions 1, 2 and 3 are read, 2 and 3 are written.

Sources: https://docs.asciinema.org/manual/asciicast/v1/, `v2/` and `v3/`. A recording is a header and events: `o`
output, `r` a new size (`80x24`), `m` a marker, `x` the exit status; others are passed on for those who know them. In
versions 2 and 3 each is one JSON value a line; an event's time counts from the beginning in 2, from the event before it
in 3. Version 1 is one JSON object.

What other players take is taken: a byte order mark, empty lines, comments, a fourth item in an event, times that go
back, half a last line, surrogates that no UTF-8 has.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple

MAX_LINE = 16 << 20
"""Characters of one line; a longer one is none of ours."""
MAX_WHOLE = 256 << 20
"""Characters of a file of version 1, which is read as a whole."""
MAX_SECONDS = 1e9
DEFAULT_SIZE = 80, 24
"""Of a recording that was made without a terminal, and says 0."""
_KNOWN = ("o", "i", "r", "m", "x")
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")

Version = Literal[2, 3]


class CastError(ValueError):
    """A file that is no asciicast, or of a version that is not read; the message says where."""


class Header(NamedTuple):
    """What a recording begins with. `timestamp` is seconds since 1970."""

    cols: int
    rows: int
    timestamp: int = 0
    title: str = ""
    version: int = 2
    idle_limit: float | None = None
    """Seconds that a pause lasts at most when it is played, as its author wants it."""
    start: float | None = None
    """Of a part of a longer recording of ours: when it begins, in seconds from the beginning of the first part."""
    continues: bool = False
    """Of such a part: its first event is a picture of how the part before it ended; the rest goes on from there."""


class Event(NamedTuple):
    """Something that happened `time` seconds after the beginning."""

    time: float
    code: str
    data: str


class Cast(NamedTuple):
    """A recording that is being read. `events` may raise `CastError`."""

    header: Header
    events: Iterator[Event]


# ---- writing


def encode_header(header: Header, env: Mapping[str, str] | None = None, version: Version = 2) -> str:
    """The first line. Version 3 has the terminal's type, `TERM` in `env`, with its size."""
    value: dict[str, Any] = {"version": version}
    rest = dict(env or {})
    if version == 2:
        value |= {"width": header.cols, "height": header.rows}
    else:
        kind = {"type": rest.pop("TERM")} if "TERM" in rest else {}
        value["term"] = {"cols": header.cols, "rows": header.rows, **kind}
    value["timestamp"] = header.timestamp
    if header.title:
        value["title"] = _encodable(header.title)
    if rest:
        value["env"] = rest
    if header.start is not None:
        value["termwall"] = {"start": round(header.start, 6), "continues": header.continues}
    return json.dumps(value, ensure_ascii=False) + "\n"


def encode_event(event: Event, after: float | None = None) -> str:
    """A line: of version 2, or of version 3 where it is given the time of the event before."""
    time = round(event.time, 6)
    if after is not None:
        time = max(0.0, round(time - round(after, 6), 6))
    return json.dumps([time, event.code, _encodable(event.data)], ensure_ascii=False) + "\n"


# ---- reading


def read_cast(lines: Iterable[str]) -> Cast:
    r"""A recording from its lines, which end at `\n` and at nothing else.

    Raises:
        CastError: it begins like none; later faults are raised by the iterator of the events.
    """
    numbered = enumerate(lines, 1)
    number, line = next(((number, line) for number, line in numbered if _clean(line, number)), (1, ""))
    text = _clean(line, number)
    try:
        value = _json(text, number)
    except CastError:
        if not text.startswith("{"):
            raise
        value = _json_of_all(text, numbered, number)
    version = value.get("version") if isinstance(value, dict) else None
    if version == 1 and not isinstance(version, bool):
        return Cast(_header(value, 1, value), _frames(value))
    if version == 2:
        return Cast(_header(value, 2, value), _events(numbered, relative=False))
    if version == 3:
        term = value.get("term")
        return Cast(_header(value, 3, term if isinstance(term, dict) else {}), _events(numbered, relative=True))
    says = "" if version is None else f"; it says version {json.dumps(version)[:40]}, and 1, 2 and 3 can be read"
    raise CastError(f"this is not an asciicast recording{says}.")


def read_on(lines: Iterable[str], version: int, now: float, number: int) -> Iterator[Event]:
    """The events of a recording of version 2 or 3 from one of its lines on, whose number and the time before it are
    known.
    """
    return _events(enumerate(lines, number), relative=version == 3, now=now)


def _events(numbered: Iterator[tuple[int, str]], *, relative: bool, now: float = 0.0) -> Iterator[Event]:
    half = ""
    torn: CastError | None = None
    for number, line in numbered:
        text = _clean(line, number)
        if not text or text.startswith("#"):
            continue
        if torn is not None:
            raise torn
        try:
            value = _json(text, number)
        except CastError as error:
            torn = error  # Half of a last line is left out: its writer had no time, or no room, for the rest.
            continue
        event = _event(value, number)
        # A clock that was set back while it was recorded makes no earlier event: what comes later came later.
        now = min(MAX_SECONDS, now + max(0.0, event.time)) if relative else max(now, event.time)
        data = event.data
        if event.code == "o":
            # Recorders that count in UTF-16 cut a character in two; the first half waits for the second.
            data = half + data
            half = data[-1:] if "\ud800" <= data[-1:] < "\udc00" else ""
            data = data[: len(data) - len(half)]
        yield Event(now, event.code, _encodable(data))


def _frames(value: dict[str, Any]) -> Iterator[Event]:
    """The output of version 1: pairs of a delay and a text."""
    frames = value.get("stdout")
    if not isinstance(frames, list):
        raise CastError("`stdout` of this asciicast v1 recording is not a list.")
    now = 0.0
    for number, frame in enumerate(frames, 1):
        if not (isinstance(frame, list) and len(frame) >= 2 and isinstance(frame[1], str)):
            raise CastError(f"item {number} of `stdout`: this is not a pair of a delay and a text.")
        now = min(MAX_SECONDS, now + max(0.0, _seconds(frame[0], f"item {number} of `stdout`")))
        yield Event(now, "o", _encodable(frame[1]))


def _event(value: Any, number: int) -> Event:
    """Its time and its data are as they stand there."""
    if not (isinstance(value, list) and len(value) >= 3 and isinstance(value[1], str)):
        raise CastError(f"line {number}: this is not an event.")
    time, code, data = value[:3]
    seconds = _seconds(time, f"line {number}")
    if not isinstance(data, str):
        if code in _KNOWN:
            raise CastError(f"line {number}: the event's data is not text.")
        data = ""
    return Event(seconds, code, data)


def _seconds(time: object, where: str) -> float:
    if not isinstance(time, int | float) or isinstance(time, bool) or not -MAX_SECONDS < time < MAX_SECONDS:
        raise CastError(f"{where}: its time is not a number of seconds.")
    return float(time)


def _header(value: dict[str, Any], version: int, size: dict[str, Any]) -> Header:
    names = ("cols", "rows") if version == 3 else ("width", "height")
    cols, rows = (_size(size.get(name), default) for name, default in zip(names, DEFAULT_SIZE, strict=True))
    if cols is None or rows is None:
        where = "`cols` and `rows` of `term`" if version == 3 else "`width` and `height`"
        raise CastError(f"{where} are not the size of a terminal.")
    title, ours = value.get("title"), value.get("termwall")
    part = ours if isinstance(ours, dict) else {}
    return Header(
        cols,
        rows,
        int(_number(value.get("timestamp"), 1e12) or 0),
        _encodable(title) if isinstance(title, str) else "",
        version,
        _number(value.get("idle_time_limit"), MAX_SECONDS) or None,
        _number(part.get("start"), MAX_SECONDS),
        part.get("continues") is True,
    )


def _number(value: object, most: float) -> float | None:
    """A number from 0 to that; None for anything else."""
    fits = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most
    return float(value) if fits else None  # type: ignore[arg-type]


def _size(value: object, default: int) -> int | None:
    number = _number(value, 10_000)
    return None if number is None or number != int(number) else int(number) or default


def _encodable(text: str) -> str:
    """Pairs of surrogates become the character they stand for; lone ones, which no UTF-8 has, U+FFFD."""
    return text if text.isascii() else text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _clean(line: str, number: int) -> str:
    return (line.removeprefix("\ufeff") if number == 1 else line).strip(" \t\r\n\0")


def _json_of_all(first: str, numbered: Iterator[tuple[int, str]], number: int) -> Any:
    """A file of version 1 on several lines."""
    room = MAX_WHOLE - len(first)
    lines = [first]
    for _, line in numbered:
        room -= len(line)
        if room < 0:
            break
        lines.append(line)
    text = "".join(line if line.endswith("\n") else line + "\n" for line in lines)
    value = None
    if room >= 0:
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            pass
    if not isinstance(value, dict):
        raise CastError(f"line {number}: this is not JSON.")
    return value


def _json(line: str, number: int) -> Any:
    if len(line) > MAX_LINE:
        raise CastError(f"line {number} is too long.")
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise CastError(f"line {number}: this is not JSON.") from None


def parse_size(data: str) -> tuple[int, int] | None:
    """The columns and rows that an `r` event has."""
    found = _SIZE.fullmatch(data.strip())
    return (int(found[1]), int(found[2])) if found and int(found[1]) and int(found[2]) else None


def joined(parts: Iterable[Cast]) -> Cast:
    """Parts of one recording as one: times go on, and what a part repeats of the one before it is left out.

    Raises:
        CastError: there is no part, or one is none.
    """
    rest = iter(parts)
    first = next(rest, None)
    if first is None:
        raise CastError("there is no part of it.")
    return Cast(first.header._replace(start=None, continues=False), _joined(first, rest))


def _joined(first: Cast, rest: Iterator[Cast]) -> Iterator[Event]:
    origin = first.header.start or 0.0
    size = first.header.cols, first.header.rows
    now = 0.0
    part: Cast | None = first
    while part is not None:
        header = part.header
        begins = now if header.start is None or part is first else max(now, header.start - origin)
        if (header.cols, header.rows) != size:
            size = header.cols, header.rows
            yield Event(begins, "r", f"{size[0]}x{size[1]}")
        for number, event in enumerate(part.events):
            if event.code == "r":
                size = parse_size(event.data) or size
            now = begins + event.time
            if number or part is first or not header.continues:
                yield event._replace(time=now)
        part = next(rest, None)
