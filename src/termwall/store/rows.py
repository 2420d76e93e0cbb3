"""Rows of the store as they are read: one that is bad is an error about that thing, and stays as it is (L10).

What can be done without is put right (a size, a name, a stage); the command of a session, or the role of a token, is
not guessed.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from termwall.core.clients import Role
from termwall.core.ids import ID_PATTERN

SIZE = (80, 24)
SIZES = range(2, 1001)
FOCUSED = range(1, 65)
DEFAULT_FOCUSED = 4


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the data folder that cannot be read or is not right."""

    kind: Literal["project", "session", "screen", "token", "browser", "file", "recording"]
    id: str
    why: str
    """A sentence without its end."""
    project_id: str = ""
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind} `{self.id}`: {self.why}"


class BadRow(Exception):
    """A row that cannot be used; the message says why."""


def decoded(data: bytes) -> str | bytes:
    """A text of the file; as bytes where it is none, which then fails as any other value of a wrong kind."""
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data


def text(name: str, value: Any) -> str:
    """Raises `BadRow` where it is no text."""
    if not isinstance(value, str):
        raise BadRow(f"its {name} is no text")
    return value


def identity(value: Any) -> str:
    """An id. Raises `BadRow`."""
    if not isinstance(value, str) or not value or len(value) > 200 or not re.match(r"[A-Za-z0-9_.-]+\Z", value):
        raise BadRow("its id is none")
    return value


def maybe(name: str, value: Any) -> str | None:
    """Raises `BadRow` where it is neither a text nor nothing."""
    return None if value is None else text(name, value)


def words(name: str, value: Any) -> tuple[str, ...]:
    """A list of texts, as JSON. Raises `BadRow`."""
    found = _json(name, value)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise BadRow(f"its {name} is no list of texts")
    return tuple(found)


def variables(value: Any) -> Mapping[str, str]:
    """A mapping of texts, as JSON. Raises `BadRow`."""
    found = _json("environment", value)
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise BadRow("its environment is no list of variables")
    return found


def size(cols: Any, rows: Any) -> tuple[int, int]:
    """A size; the usual one where these are none."""
    return (cols, rows) if cols in SIZES and rows in SIZES else SIZE


def role(value: Any) -> Role:
    """What a token allows. Raises `BadRow`: nobody guesses that."""
    for known in get_args(Role):
        if value == known:
            return known  # type: ignore[no-any-return]
    raise BadRow("its role is none")


def stage(value: Any) -> tuple[str, ...] | None:
    """A project's stage; None where it cannot be read."""
    try:
        return words("stage", value)
    except BadRow:
        return None


def about(row: Sequence[Any]) -> str:
    """The id of a row that is bad, as far as it has one."""
    return row[0] if isinstance(row[0], str) and re.match(ID_PATTERN, row[0]) else repr(row[0])[:80]


def _json(name: str, value: Any) -> Any:
    try:
        return json.loads(text(name, value))
    except (ValueError, RecursionError):
        raise BadRow(f"its {name} is no JSON") from None
