"""What a session's program has said of itself, as everybody sees it (S7, S9), and how it is kept over a restart (P5).

A new field is one line in `Facts` and one case in `after`; that it is reported, and kept, needs no more.
"""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from types import NoneType, UnionType
from typing import Any, Literal, assert_never, get_args, get_origin, get_type_hints

from termwall.core.osc import (
    Asked,
    Copied,
    Marked,
    MarkKind,
    Moved,
    Notified,
    OscEvent,
    Progressed,
    ProgressState,
    Ran,
    Titled,
)


@dataclass(frozen=True, slots=True)
class Notification:
    """What it reported to its user. `timestamp`: ms since 1970."""

    title: str
    body: str
    timestamp: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it says it is, in per cent."""

    state: ProgressState
    percent: int | None


@dataclass(frozen=True, slots=True)
class Mark:
    """The newest mark of a shell."""

    kind: MarkKind
    exit_code: int | None
    timestamp: int


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it; the names are those of the fields of `messages.Session`."""

    cwd: str
    title: str = ""
    bell: int | None = None
    """When it rang last: ms since 1970."""
    notification: Notification | None = None
    progress: Progress | None = None
    mark: Mark | None = None
    shell_command: str | None = None
    """The newest command line that a shell reported; it stays when that has finished."""

    def after(self, event: OscEvent, now: int) -> "Facts":
        """As they are after this was heard at `now` (ms since 1970)."""
        match event:
            case Titled(title):
                return replace(self, title=title)
            case Moved(directory):
                return replace(self, cwd=directory)
            case Notified(_, title, body):
                return replace(self, notification=Notification(title, body, now))
            case Progressed(state, percent):
                return replace(self, progress=None if state is None else Progress(state, percent))
            case Marked(kind, exit_code, line):
                return replace(self, mark=Mark(kind, exit_code, now), shell_command=line or self.shell_command)
            case Ran(line):
                return replace(self, shell_command=line)
            case Copied() | Asked():
                return self
            case _:
                assert_never(event)

    def plain(self) -> dict[str, Any]:
        """As JSON has them, with the names of the wire."""
        return {camel(name): _plain(getattr(self, name)) for name in NAMES}

    def shown(self) -> dict[str, Any]:
        """As `messages` has them: with the names of Python, what is in them with those of the wire."""
        return {name: _plain(getattr(self, name)) for name in NAMES}

    @classmethod
    def restore(cls, state: Mapping[str, Any], cwd: str) -> "Facts":
        """From the `plain` of another version, or a part of it.

        Args:
            cwd: where it was started.

        Raises:
            KeyError, TypeError, ValueError: a value is of another kind.
        """
        kinds = get_type_hints(cls)
        known = {field.name: camel(field.name) for field in fields(cls) if camel(field.name) in state}
        return cls(**{"cwd": cwd} | {name: _restored(kinds[name], state[key]) for name, key in known.items()})


NAMES = tuple(field.name for field in fields(Facts))


def camel(name: str) -> str:
    """A name as the wire has it."""
    first, *others = name.split("_")
    return first + "".join(map(str.title, others))


def _plain(value: Any) -> Any:
    if is_dataclass(value):
        return {camel(field.name): _plain(getattr(value, field.name)) for field in fields(value)}
    return value


def _restored(kind: Any, value: Any) -> Any:
    """`value` as one of that kind."""
    if isinstance(kind, UnionType):
        [kind] = [one for one in get_args(kind) if (one is NoneType) == (value is None)]
    if get_origin(kind) is Literal:
        if value not in get_args(kind):
            raise ValueError
        return value
    if is_dataclass(kind):
        kinds = get_type_hints(kind)
        # One that an older version did not know has its default.
        known = [one.name for one in fields(kind) if camel(one.name) in value or one.default is MISSING]
        return kind(**{name: _restored(kinds[name], value[camel(name)]) for name in known})  # type: ignore[operator]
    if type(value) is not kind:
        raise TypeError
    return value
