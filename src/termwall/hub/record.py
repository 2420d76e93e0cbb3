"""What is kept of a session for the next server: in the holder while its program lives, as JSON that may grow (P5)."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from termwall.core.errors import ErrorCode, TermwallError

MAX_KEPT = 1 << 20
"""Bytes that a holder keeps of a session, those of earlier versions too."""
MAX_STATE = 192 << 10
"""Bytes of it that are for `LiveSession.state`: more sizes than are kept, each field at its longest."""
MAX_LAUNCH = MAX_KEPT - MAX_STATE
"""Bytes of it that what a session runs may take: a command, its variables, names and folders (P6)."""

_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
"""Those of nodes with long names are longer than others."""

KEEPS_PER_SECOND = 20
"""Of one session; each costs about 0.1 ms. What changes more often is kept with the next one, but for sizes and where a
recording is, which are kept at once."""
KEEPS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Launch:
    """What to run: the same for a restart (P2)."""

    type: str
    command: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    """Besides the server's own."""


@dataclass(frozen=True, slots=True)
class Home:
    """The project of a session, should it have to be made again."""

    id: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class Record:
    """A session as its last owner left it."""

    id: str
    name: str
    home: Home
    launch: Launch
    epoch: str
    created_at: int
    state: Mapping[str, Any] = field(default_factory=dict)


def dump(kept: Record) -> bytes:
    """As bytes, for the holder."""
    home, launch = kept.home, kept.launch
    document = {
        "id": kept.id,
        "name": kept.name,
        "home": {"id": home.id, "name": home.name, "path": home.path},
        "launch": {
            "type": launch.type,
            "command": list(launch.command),
            "cwd": launch.cwd,
            "env": dict(launch.env),
        },
        "epoch": kept.epoch,
        "createdAt": kept.created_at,
        "state": dict(kept.state),
    }
    # UTF-8, because an escaped character takes up to three times its room; a lone surrogate comes back as it was.
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def must_fit(kept: Record) -> None:
    """Whether a new session can be kept whole, whatever becomes of its state (P6). Raises `invalid` where not."""
    size = len(dump(replace(kept, state={})))
    if size > MAX_LAUNCH:
        raise TermwallError(
            ErrorCode.INVALID,
            f"The session's command, variables and names take {size} bytes; at most {MAX_LAUNCH} outlive the server. "
            "Put large values into a file.",
            field="env" if sum(map(len, kept.launch.command)) < size // 2 else "command",
        )


def load(data: bytes) -> Record:
    """What `dump` wrote, of this or of another version.

    Raises:
        ValueError: it is no such thing.
    """
    try:
        document = json.loads(data)
        launch, home = document["launch"], document["home"]
        command, env = _texts(launch["command"]), launch["env"]
        _texts([*env, *env.values()])
        if not command or not isinstance(document["createdAt"], int) or not isinstance(document["state"], dict):
            raise TypeError("something is of another kind")
        return Record(
            id=_id(document["id"]),
            name=_text(document["name"]),
            home=Home(_id(home["id"]), _text(home["name"]), _text(home["path"])),
            launch=Launch(_text(launch["type"]), command, _text(launch["cwd"]), env),
            epoch=_text(document["epoch"]),
            created_at=document["createdAt"],
            state=document["state"],
        )
    except (KeyError, TypeError, AttributeError, RecursionError, ValueError) as error:
        raise ValueError(f"no session was kept: {error!r}") from None


def _id(value: object) -> str:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise ValueError("an id is missing")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("a text is missing")
    return value


def _texts(values: object) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise TypeError("a list of texts is missing")
    return tuple(values)
