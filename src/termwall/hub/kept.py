"""What is kept of a session for the next server: in the holder while its program lives, as JSON that may grow (P5)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from termwall.protocol import messages

if TYPE_CHECKING:
    from termwall.hub.session import LiveSession

FACTS: Mapping[str, type[BaseModel]] = {
    "notification": messages.Notification,
    "progress": messages.Progress,
    "mark": messages.Mark,
}
"""Facts that are messages of their own."""


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
class Kept:
    """A session as its last owner left it."""

    id: str
    name: str
    home: Home
    launch: Launch
    epoch: str
    created_at: int
    state: Mapping[str, Any] = field(default_factory=dict)


def dump(kept: Kept) -> bytes:
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
    return json.dumps(document, separators=(",", ":")).encode()


def load(data: bytes) -> Kept:
    """What `dump` wrote, of this or of another version.

    Raises:
        ValueError: it is no such thing.
    """
    try:
        document = json.loads(data)
        launch = document["launch"]
        return Kept(
            id=document["id"],
            name=document["name"],
            home=Home(**document["home"]),
            launch=Launch(launch["type"], tuple(launch["command"]), launch["cwd"], launch["env"]),
            epoch=document["epoch"],
            created_at=document["createdAt"],
            state=document["state"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no session was kept: {error!r}") from None


def state_of(session: "LiveSession") -> dict[str, Any]:
    """What another owner needs to go on with a session, besides its program's memory."""
    facts, recency = session.facts(), session.recency
    told = {name: None if facts[name] is None else facts[name].model_dump() for name in FACTS}
    return {
        **{name: facts[name] for name in ("title", "cwd", "bell")},
        **told,
        "cols": session.seat.size[0],
        "rows": session.seat.size[1],
        "driver": session.seat.driver,
        "driverName": session.driver_name,
        "sizes": session.sizes.marks,
        "surroundings": session.voice.state(),
        "heard": 0 if session.feed is None else session.feed.heard,
        "watch": session.watch.state(),
        "recency": [recency.user, recency.output, recency.focused],
        "lastOutput": session.last_output,
        "recording": None if session.recorder is None else session.recorder.state(),
    }


def facts_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """What a session's program had said of itself."""
    facts: dict[str, Any] = {name: state.get(name) for name in ("title", "cwd", "bell")}
    for name, kind in FACTS.items():
        value = state.get(name)
        facts[name] = None if value is None else kind.model_validate(value)
    return facts
