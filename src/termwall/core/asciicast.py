"""asciicast v2, the format of terminal recordings: one JSON value a line, a header and then `[seconds, code, data]`.

Source: https://docs.asciinema.org/manual/asciicast/v2/. Codes here: `o` output, `r` a new size (`80x24`), `m` a marker.
"""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

MAX_LINE = 16 << 20
"""Characters of one line; a longer one is none of ours."""


class CastError(ValueError):
    """A file that is no asciicast, or of a version that is not read; the message says where."""


class Header(NamedTuple):
    """What a recording begins with. `timestamp` is seconds since 1970."""

    cols: int
    rows: int
    timestamp: int = 0
    title: str = ""


class Event(NamedTuple):
    """Something that happened `time` seconds after the beginning."""

    time: float
    code: str
    data: str


def encode_header(header: Header, env: Mapping[str, str] | None = None) -> str:
    """The first line."""
    value: dict[str, Any] = {"version": 2, "width": header.cols, "height": header.rows, "timestamp": header.timestamp}
    if header.title:
        value["title"] = header.title
    if env:
        value["env"] = dict(env)
    return json.dumps(value, ensure_ascii=False) + "\n"


def encode_event(event: Event) -> str:
    """A line. Lone surrogates, which no UTF-8 has, are written as U+FFFD."""
    text = event.data.encode("utf-8", "replace").decode()
    return json.dumps([round(event.time, 6), event.code, text], ensure_ascii=False) + "\n"


def decode_header(line: str) -> Header:
    """The first line.

    Raises:
        CastError: it is none.
    """
    value = _json(line, 1)
    if not isinstance(value, dict) or value.get("version") != 2:
        version = value.get("version") if isinstance(value, dict) else None
        raise CastError("this is no asciicast v2 recording" + (f"; it says version {version}" if version else "") + ".")
    cols, rows = _size(value.get("width")), _size(value.get("height"))
    if cols is None or rows is None:
        raise CastError("line 1: `width` and `height` are no size of a terminal.")
    stamp, title = value.get("timestamp"), value.get("title")
    return Header(cols, rows, stamp if isinstance(stamp, int) else 0, title if isinstance(title, str) else "")


def decode_event(line: str, number: int, after: float) -> Event:
    """Line `number` of a file; `after` is the time of the one before it.

    Raises:
        CastError: it is no event, or lies before that.
    """
    value = _json(line, number)
    if not (isinstance(value, list) and len(value) == 3 and isinstance(value[1], str) and isinstance(value[2], str)):
        raise CastError(f"line {number}: this is no event.")
    time = value[0]
    if not isinstance(time, int | float) or isinstance(time, bool) or not after <= time < 1e9:
        raise CastError(f"line {number}: its time is no number of seconds after the line before.")
    return Event(float(time), value[1], value[2])


def _size(value: object) -> int | None:
    fits = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 10_000
    return int(value) if fits else None  # type: ignore[call-overload]


def _json(line: str, number: int) -> Any:
    if len(line) > MAX_LINE:
        raise CastError(f"line {number} is too long.")
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise CastError(f"line {number}: this is no JSON.") from None
