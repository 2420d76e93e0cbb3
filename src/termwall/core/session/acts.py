"""What people, scripts and agents do to a session: the one way in, from every door (I1, I3, I4, S7, S9, W7).

`plain` and `act_of` are how acts go to the node that runs the session's program. An act that is not known is an error.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, assert_never, get_args

from termwall.core.ids import ClientId
from termwall.core.theme import Theme

Size = tuple[int, int]
"""Columns and rows."""
ReportedState = Literal["working", "needs input", "done", "idle"]


@dataclass(frozen=True, slots=True)
class Person:
    """Who does something to a session: a client, and what it calls itself."""

    client_id: ClientId
    name: str | None = None
    theme: Theme | None = None
    """Its colours, as far as they are known."""


NOBODY = Person(ClientId(""))
"""Nobody in particular: a call over HTTP, or the server itself."""


@dataclass(slots=True)
class Typed:
    """Types, which makes a person the driver; nobody in particular (HTTP) does not become it."""

    data: bytes
    seq: int | None = None
    """The client's number for it; None where it gives none (I1)."""
    until: int | None = None
    """No longer once `clock.milliseconds` shows more."""
    log: ClientId | None = None
    """Whose numbers these are, if not the client's."""


@dataclass(frozen=True, slots=True)
class Resized:
    """Tells the size of its pane, which counts if it drives or nobody does; of nobody in particular it counts once."""

    size: Size


@dataclass(frozen=True, slots=True)
class Claimed:
    """Drives from now on."""

    size: Size | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """Has the session's keys, or has them no more."""

    has: bool


@dataclass(frozen=True, slots=True)
class Coloured:
    """Has other colours."""


@dataclass(frozen=True, slots=True)
class Saw:
    """Has seen what the session wants."""


@dataclass(frozen=True, slots=True)
class Left:
    """Has no connection left that carries the session."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """Gives it another name."""

    name: str


@dataclass(frozen=True, slots=True)
class Reported:
    """An agent's hook or a script says what it wants from its user. `source`: `Claude hook`."""

    state: ReportedState
    source: str
    message: str = ""


@dataclass(frozen=True, slots=True)
class Reset:
    """Ends what a program which is gone left on in the terminal."""


Act = Typed | Resized | Claimed | Held | Coloured | Saw | Left | Renamed | Reported | Reset


class UnknownAct(ValueError):
    """What another node wants done, and nobody here knows. The message is its name."""


def plain(act: Act) -> dict[str, Any]:
    """An act for another node, without the bytes that are typed and who does it."""
    match act:
        case Typed(_, seq):
            return {"do": "input", "seq": seq}
        case Resized(size):
            return {"do": "resize", "size": size}
        case Claimed(wanted):
            return {"do": "drive", "size": wanted}
        case Held(has):
            return {"do": "keys", "has": has}
        case Coloured():
            return {"do": "theme"}
        case Saw():
            return {"do": "saw"}
        case Left():
            return {"do": "leave"}
        case Renamed(name):
            return {"do": "rename", "to": name}
        case Reported(state, source, message):
            return {"do": "report", "state": state, "source": source, "message": message}
        case Reset():
            return {"do": "reset"}
        case _:
            assert_never(act)


def act_of(found: Mapping[str, Any], data: bytes) -> Act:
    """What another node wants done.

    Args:
        data: what is typed.

    Raises:
        UnknownAct: it is of a newer version.
        KeyError, TypeError, ValueError: it is no act.
    """
    match found["do"]:
        case "input":
            return Typed(data, found["seq"], log=ClientId(found["log"]))
        case "resize":
            return Resized(_size(found["size"]))
        case "drive":
            return Claimed(None if found["size"] is None else _size(found["size"]))
        case "keys":
            return Held(found["has"] is True)
        case "theme":
            return Coloured()
        case "saw":
            return Saw()
        case "leave":
            return Left()
        case "rename":
            return Renamed(_text(found["to"]))
        case "report":
            return Reported(_state(found["state"]), _text(found["source"]), _text(found["message"]))
        case "reset":
            return Reset()
        case other:
            raise UnknownAct(str(other))


def _size(value: Any) -> Size:
    cols, rows = map(int, value)
    return cols, rows


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _state(value: Any) -> ReportedState:
    if value not in get_args(ReportedState):
        raise ValueError
    return value  # type: ignore[no-any-return]
