"""Everything that crosses the socket, each message one documented type (W7). The HTTP bodies are in `bodies.py`.

One definition validates what comes in, documents itself in OpenAPI and in the reference page, and is what
`web/packages/client/src/messages.ts` is generated from. Names on the wire are camelCase, as in the seed.

How the wire may grow: new message types and new optional fields, nothing else. Both sides ignore fields that they do
not know, and clients ignore types that they do not know (W8). A field never changes its meaning or its type.
"""

from typing import Literal

from termwall.core.clients import Role
from termwall.protocol.limits import Limits
from termwall.protocol.parts import (
    Attention,
    Changer,
    Driver,
    EchoState,
    Mark,
    Notification,
    Progress,
    Run,
    ScreenCursor,
    ScreenState,
    StreamResume,
    WallNode,
)
from termwall.protocol.wire import (
    Caption,
    Moment,
    Sentence,
    Wire,
)

# ---- Parts


class Session(Wire):
    """One terminal as everybody sees it (A2)."""

    id: str
    project_id: str
    name: Caption
    title: Caption
    type: Caption
    command: list[str]
    """Exactly as it is run: who shows it has to leave out what a terminal would obey (X9)."""
    cwd: Caption
    """Where the program says it works (OSC 7); until it does, where it was started."""
    status: Literal["starting", "running", "exited", "lost"]
    exit_code: int | None
    signal: str | None
    cols: int
    rows: int
    focused: bool
    attention: Attention
    driver: Driver | None
    created_at: int
    last_activity: int
    """Time of the last output, or of the start: ms since 1970."""
    epoch: str
    offset: int
    """How many bytes the program has written in this epoch."""
    foreground: Caption | None = None
    """The program a close would end: null for an ended session and for a shell that waits at its prompt."""
    bell: int | None = None
    """Time of the last bell: ms since 1970."""
    notification: Notification | None = None
    progress: Progress | None = None
    mark: Mark | None = None
    shell_command: Sentence | None = None
    """The newest command line that its shell reported (OSC 633;E, OSC 133;C): with `mark`, what runs or ran last."""
    screen: ScreenState = "exact"
    echo: EchoState | None = None
    recording: str | None = None
    """The id of the recording that runs."""
    attached: list[str] = []
    """Sessions that `termwall attach` shows within this one: they may not show it in turn (A6)."""
    recording_error: Caption | None = None
    """Why the last one ended, if that was not wanted; until another one begins."""
    resume: list[str] | None = None
    """What a lost session runs when it is started again, if that is not its command (P5)."""
    node: str | None = None
    """The node that its program runs on, where there are several."""
    sealed: str | None = None
    """Why it cannot be shown, typed into or started again, though it is there: it is of another version (L9)."""
    away: Caption | None = None
    """Why that node cannot be reached: the session is `lost` until it can."""


class FocusState(Wire):
    """The stage of a project (A1)."""

    project_id: str
    focused_sessions: list[str]
    total_focused: int
    max_focused: int
    version: int
    epoch: str
    timestamp: int


# ---- Client messages


# ---- Server messages


class ConnectionStatus(Wire):
    """The first message of a connection (W4); while a session is waited for, also the news of each try (W5)."""

    type: Literal["connection_status"] = "connection_status"
    status: Literal["connecting", "connected"]
    project_id: str
    timestamp: int
    session_id: str | None = None
    retry_count: int | None = None
    client_id: str | None = None
    role: Role | None = None
    focused_sessions: list[str] | None = None
    total_focused: int | None = None
    max_focused: int | None = None
    version: int | None = None
    epoch: str | None = None
    sessions: list[Session] | None = None
    heartbeat_interval: int | None = None
    """Milliseconds between the heartbeats that the server expects (W6)."""
    visible_heartbeat_interval: int | None = None
    """As often may a page send one that somebody looks at, to learn soon of a server that does not answer (W6)."""
    clock: Moment | None = None
    """What the clock that `until` is given on shows (I1)."""
    limits: Limits | None = None


class FocusUpdate(FocusState):
    """One change of the stage, the same for every connection of the project (F2, F8)."""

    type: Literal["focus_update"] = "focus_update"
    session_id: str | None
    """The session that was named; null for a batch."""
    focused: bool
    added: list[str]
    removed: list[str]
    evicted: list[str]
    """The part of `removed` that had to make room (F3)."""
    by: Changer | None = None
    """Null where nobody asked for it: a session is gone, or `maxFocused` was lowered."""
    request_id: str | None = None


class SyncComplete(FocusState):
    """The answer to `sync_request`, and to a focus command that altered nothing (W11, F2)."""

    type: Literal["sync_complete"] = "sync_complete"
    session_id: str | None = None
    streams: dict[str, StreamResume] | None = None
    request_id: str | None = None


class Stream(Wire):
    """Output of a session as text, for JSON connections (S8). `offset` is where these bytes end."""

    type: Literal["stream"] = "stream"
    session_id: str
    project_id: str
    data: str
    offset: int
    epoch: str
    timestamp: int
    snapshot: Literal[True] | None = None
    """True where the data begins by resetting the terminal (S4)."""
    reason: Literal["attach", "focus", "resume", "lagged", "restart", "resize"] | None = None
    cols: int | None = None
    rows: int | None = None


class SessionUpdate(Wire):
    """What changed about a session: only the fields that did, all of them for a new one (S1, S3, S9, I4)."""

    type: Literal["session_update"] = "session_update"
    session_id: str
    project_id: str
    timestamp: int
    session: Session | None = None
    """The whole session, where it is new to this connection or was restarted."""
    name: Caption | None = None
    title: Caption | None = None
    cwd: Caption | None = None
    bell: int | None = None
    notification: Notification | None = None
    progress: Progress | None = None
    """Null, and in the message, where a program ended its progress."""
    mark: Mark | None = None
    shell_command: Sentence | None = None
    screen: ScreenState | None = None
    echo: EchoState | None = None
    recording: str | None = None
    """Null, and in the message, where a recording ended."""
    attached: list[str] | None = None
    recording_error: Caption | None = None
    """Null, and in the message, where another recording began."""
    status: Literal["starting", "running", "exited", "lost"] | None = None
    exit_code: int | None = None
    signal: str | None = None
    cols: int | None = None
    rows: int | None = None
    focused: bool | None = None
    attention: Attention | None = None
    driver: Driver | None = None
    away: Caption | None = None
    """Null, and in the message, where its node is back."""
    last_activity: int | None = None
    epoch: str | None = None
    offset: int | None = None
    """With `cols` and `rows`: where in the output the size changed (S3)."""
    removed: Literal[True] | None = None
    """The session is gone for good; forget it."""


class Preview(Wire):
    """The screen of a session that is watched cheaply (S6): at most 4 in a second, states in between are skipped."""

    type: Literal["preview"] = "preview"
    session_id: str
    project_id: str
    timestamp: int
    epoch: str
    offset: int
    cols: int
    rows: int
    cursor: ScreenCursor
    alternate: bool
    """Whether a full-screen program shows its own screen."""
    lines: list[list[Run]]
    """The visible rows from the top; a row without its trailing blanks."""


class Clipboard(Wire):
    """A program put a text on the clipboard (OSC 52): sent to its driver alone, once, and never again (S7)."""

    type: Literal["clipboard"] = "clipboard"
    session_id: str
    project_id: str
    timestamp: int
    data: str


class InputAck(Wire):
    """All input up to `seq` has been taken (I1)."""

    type: Literal["input_ack"] = "input_ack"
    session_id: str
    project_id: str
    seq: int
    timestamp: int


class HeartbeatAnswer(Wire):
    """The answer to a heartbeat, at once; `echo` is the client's own timestamp (W6)."""

    type: Literal["heartbeat"] = "heartbeat"
    timestamp: int
    session_id: str | None = None
    echo: int | float | None = None
    clock: Moment | None = None
    """What the clock that `until` is given on shows (I1)."""
    request_id: str | None = None


class NodesUpdate(Wire):
    """Which nodes there are, once connected and when that changes; none of it where the server is alone (N7)."""

    type: Literal["nodes_update"] = "nodes_update"
    engine: Literal["up", "down"]
    """Whether the other nodes are reached. While they are not, `nodes` is this one alone."""
    nodes: list[WallNode]
    timestamp: int


class ErrorMessage(Wire):
    """A client message was refused; the connection lives on (W8). A `version_conflict` holds the whole focus state."""

    type: Literal["error"] = "error"
    code: str
    data: str
    """What is wrong, as a sentence."""
    timestamp: int
    field: str | None = None
    session_id: str | None = None
    project_id: str | None = None
    request_id: str | None = None
    expected: int | None = None
    """With `input_gap` and `too_late`: the `seq` to go on with."""
    focused_sessions: list[str] | None = None
    total_focused: int | None = None
    max_focused: int | None = None
    version: int | None = None
    epoch: str | None = None


AnyServerMessage = (
    ConnectionStatus
    | FocusUpdate
    | SyncComplete
    | Stream
    | SessionUpdate
    | Preview
    | Clipboard
    | InputAck
    | HeartbeatAnswer
    | NodesUpdate
    | ErrorMessage
)
