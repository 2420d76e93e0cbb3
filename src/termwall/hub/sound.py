"""What of a session's note can be believed (L10). A bad piece costs that piece, and is named.

Notes come from the holder, written by another version of termwall, or by one with a fault.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from termwall.core.session.attention import Watch
from termwall.core.session.facts import NAMES, Facts, camel
from termwall.core.session.sizes import SizeLog
from termwall.core.session.surroundings import Surroundings
from termwall.hub.record import Record

SIZES = range(2, 1001)
"""Columns, and rows, that a session can have (I4)."""
FAULTS = (AttributeError, IndexError, KeyError, OverflowError, TypeError, ValueError)
"""What reading something that is not what it should be raises."""


def sound(kept: Record, size: tuple[int, int], end: int) -> tuple[Record, list[str]]:
    """A note with only the sound pieces of its state, and the names of the others.

    Args:
        size: where the note has none.
        end: the offset up to which its program has printed.
    """
    state, bad = dict(kept.state), []
    for name, check in _CHECKS.items():
        if name not in state:
            continue
        try:
            check(state[name])
            if _place(name, state[name]) > end:
                raise ValueError
        except FAULTS:
            del state[name]
            bad.append(name)
    if "cols" not in state or "rows" not in state:
        state["cols"], state["rows"] = size
        state.pop("sizes", None)
    return replace(kept, state=state), bad


def _place(name: str, value: Any) -> int:
    """The offset that a piece goes up to."""
    if name == "sizes":
        return int(value[-1][1])
    return int(value) if name == "heard" else 0


def _is(kind: type, *, optional: bool = False) -> Callable[[Any], None]:
    def check(value: Any) -> None:
        if not (optional and value is None) and type(value) is not kind:
            raise TypeError

    return check


def _size(value: Any) -> None:
    if type(value) is not int or value not in SIZES:
        raise ValueError


def _sizes(value: Any) -> None:
    last: tuple[int, int] = (-1, -1)
    for mark in value:
        for number in mark:
            _is(int)(number)
        serial, offset, cols, rows = mark
        _size(cols)
        _size(rows)
        if serial <= last[0] or offset < last[1]:
            raise ValueError
        last = serial, offset
    SizeLog.restore(value, len(value))


def _fact(name: str) -> Callable[[Any], object]:
    return lambda value: Facts.restore({name: value}, "")


def _watch(value: Any) -> None:
    # One that is to be trusted for days is tried for a moment.
    watch = Watch.restore(value)
    watch.printed(0)
    watch.moved_on(0)
    watch.next_deadline()
    watch.ticked(1 << 62)
    watch.typed(1 << 62)
    standing: tuple[object, ...] = watch.value
    if not isinstance(standing[1], str) or not isinstance(standing[2], int):
        raise TypeError


def _surroundings(value: Any) -> None:
    Surroundings.restore(value).settle()


def _recency(value: Any) -> None:
    if len(value) > 3 or any(type(one) is not int for one in value):
        raise TypeError


def _recording(value: Any) -> None:
    if value is None:
        return
    for name in ("id", "epoch"):
        _is(str)(value[name])
    for name in ("part", "bytes", "serial"):
        _is(int)(value[name])
    _is(int, optional=True)(value["offset"])
    for name in ("origin", "start", "time") if "origin" in value else ("began",):
        if not isinstance(value[name], int | float):
            raise TypeError


_CHECKS: Mapping[str, Callable[[Any], object]] = {
    **{name: _fact(name) for name in map(camel, NAMES)},
    "cols": _size,
    "rows": _size,
    "driver": _is(str, optional=True),
    "driverName": _is(str, optional=True),
    "sizes": _sizes,
    "surroundings": _surroundings,
    "heard": _is(int),
    "watch": _watch,
    "recency": _recency,
    "lastOutput": _is(int),
    "recording": _recording,
}
