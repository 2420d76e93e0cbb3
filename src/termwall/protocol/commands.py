"""What clients send over the socket (W7); how the wire may grow is said in `messages.py`."""

from typing import Annotated, Any, ClassVar, Literal, get_args

from pydantic import Field, StringConstraints, TypeAdapter

from termwall.protocol.parts import (
    Colours,
    Size,
    StreamPosition,
)
from termwall.protocol.wire import (
    Moment,
    Name,
    Offset,
    Wire,
)


class ClientMessage(Wire):
    """What every message to the server may carry; on a one-session connection `sessionId` may be left out (W7)."""

    session_id: str | None = None
    project_id: str | None = None
    timestamp: int | float | None = None
    request_id: Annotated[str, StringConstraints(max_length=128)] | None = None
    kept: ClassVar[bool] = False
    """Whether what it does is written to the disk, which costs more (L7)."""


class _FocusCommand(ClientMessage):
    session_ids: Annotated[list[str], Field(max_length=1024)] | None = None
    expected_version: int | None = None


class Focus(_FocusCommand):
    """Put a session on the stage, or with `sessionIds` make them the whole stage in one version (F3, F5)."""

    type: Literal["focus"]
    focused: bool = True


class Blur(_FocusCommand):
    """Take a session, or all of `sessionIds` in one version, from the stage."""

    type: Literal["blur"]


class Input(ClientMessage):
    """Keys for the program. `seq` counts from 1 per client and session, so that a resend types nothing twice (I1)."""

    type: Literal["input"]
    data: str
    seq: Annotated[int, Field(ge=1, lt=2**32)] | None = None
    until: Moment | None = None
    """On the server's `clock`: what is not taken before is `too_late`, and not typed."""


class Resize(ClientMessage):
    """The size this client shows; it counts while the client drives the session (I4)."""

    type: Literal["resize"]
    data: Size


class SyncRequest(ClientMessage):
    """Ask for the stage; with `offsets` also resume streams from there (W11)."""

    type: Literal["sync_request"]
    offsets: Annotated[dict[str, StreamPosition], Field(max_length=1024)] | None = None


class Heartbeat(ClientMessage):
    """A sign of life, each `heartbeatInterval` (W6)."""

    type: Literal["heartbeat"]


class Ack(ClientMessage):
    """The terminal has parsed all bytes before `offset`: gives credit back (S5)."""

    type: Literal["ack"]
    offset: Offset


class PreviewRequest(ClientMessage):
    """Ask for cheap pictures of these sessions and no others, from now on (S6): `preview`s on each change."""

    type: Literal["preview"]
    session_ids: Annotated[list[str], Field(max_length=1024)]


class Drive(ClientMessage):
    """Claim a session: from now on it follows this client's size (I4)."""

    type: Literal["drive"]
    data: Size | None = None


class Seen(ClientMessage):
    """Somebody had this session visible for 2 s in a front window (S9)."""

    type: Literal["seen"]


class Keys(ClientMessage):
    """Whether this client has the session's keys: a person's next key would go there (S7). One session a connection."""

    type: Literal["keys"]
    has: bool = True


class Rename(ClientMessage):
    """Give a session another name."""

    type: Literal["rename"]
    name: Name
    kept: ClassVar[bool] = True


class ClientTheme(ClientMessage):
    """The colours of this client, for the programs that it drives (S7)."""

    type: Literal["theme"]
    data: Colours


AnyClientMessage = (
    Focus
    | Blur
    | Input
    | Resize
    | SyncRequest
    | Heartbeat
    | Ack
    | PreviewRequest
    | Drive
    | Seen
    | Keys
    | Rename
    | ClientTheme
)


CLIENT_MESSAGES: dict[str, TypeAdapter[Any]] = {
    get_args(model.model_fields["type"].annotation)[0]: TypeAdapter(model) for model in get_args(AnyClientMessage)
}
"""The validator of each client message by its `type`."""
