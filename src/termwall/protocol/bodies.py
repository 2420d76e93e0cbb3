"""What crosses the wire over HTTP (A1, A2): requests and answers, each one documented type.

`wire.py` has the base, `messages.py` says how the wire may grow, `recordings.py` has those of recordings and search.
"""

from base64 import b64decode
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from termwall.core.clients import Role
from termwall.protocol.messages import FocusState, Session
from termwall.protocol.parts import Run, ScreenCursor, WallNode
from termwall.protocol.wire import (
    MAX_COMMAND,
    Caption,
    Cells,
    Id,
    MaxFocused,
    Moment,
    Name,
    Sentence,
    Text,
    Variable,
    Wire,
)


class ProjectCreate(Wire):
    """A new project: a folder of work. Without `id` and `name` both come from the folder's name."""

    id: Id | None = None
    name: Name | None = None
    path: Text
    max_focused: MaxFocused | None = None


class ProjectPatch(Wire):
    """What may change about a project."""

    name: Name | None = None
    max_focused: MaxFocused | None = None


class Project(Wire):
    """A project as everybody sees it."""

    id: str
    name: Caption
    path: str
    max_focused: int
    created_at: int


class ProblemList(Wire):
    """Sentences for the owner, each about one thing (L10)."""

    problems: list[str]


class ProjectList(Wire):
    """All projects, the oldest first."""

    projects: list[Project]


class SessionCreate(Wire):
    """A new session. Without `command` it is the profile's of this `type` (P1, P4)."""

    id: Id | None = None
    name: Name | None = None
    type: Annotated[str, StringConstraints(min_length=1, max_length=64)] | None = None
    command: Annotated[list[Text], Field(min_length=1, max_length=MAX_COMMAND)] | None = None
    cwd: Text | None = None
    env: Annotated[dict[Variable, Text], Field(max_length=MAX_COMMAND)] | None = None
    cols: Cells | None = None
    rows: Cells | None = None
    node: Name | None = None
    """The node to run on, where there are several; else the one that is asked."""


class SessionPatch(Wire):
    """What may change about a session."""

    name: Name | None = None


class SessionList(Wire):
    """The sessions of a project, the oldest first."""

    sessions: list[Session]


KeyName = Annotated[str, StringConstraints(min_length=1, max_length=256)]


def _whole_base64(text: str) -> str:
    b64decode(text, validate=True)  # A ValueError where it is broken.
    return text


Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]*={0,2}$"), AfterValidator(_whole_base64)]


class InputBody(Wire):
    """Input for the program: `data`, `base64` or `keys`, or `enter` alone. It makes nobody its driver (I4, A7)."""

    data: str | None = None
    base64: Base64 | None = None
    """In place of `data`, where it is no UTF-8."""
    keys: Annotated[list[KeyName], Field(max_length=256)] | None = None
    """Keys by name, sent as the program asked for them: `Enter`, `Up`, `F5`, `C-c`, `S-Tab`, `x`; `=text` is text."""
    mode: Literal["raw", "text", "paste"] = "raw"
    """`raw`: these bytes. `text`: as a person would type it: a paste where the program takes pastes, unless it is one
    character; a line's end is Enter, other control characters are pictures. `paste`: one character is a paste too."""
    enter: bool = False
    """Then press Enter, a moment after the rest was read."""
    until: Moment | None = None
    """On the server's clock (`X-Termwall-Clock` of its answers): what is not typed before is `too_late`, and is not."""

    @model_validator(mode="after")
    def _one_of_all(self) -> "InputBody":
        given = [one for one in (self.data, self.base64, self.keys) if one is not None]
        if len(given) > 1 or not (given or self.enter):
            raise ValueError("give one of data, base64 and keys")
        return self

    @property
    def bytes(self) -> bytes:
        """`data` or `base64`."""
        return b64decode(self.base64) if self.base64 is not None else (self.data or "").encode()


NotifyState = Literal["working", "needs input", "done", "idle"]


class NotifyBody(Wire):
    """What an agent or a script says of its own session (S9)."""

    state: NotifyState = "needs input"
    message: Annotated[Sentence, StringConstraints(max_length=4096)] = ""
    """Told to the user, where not empty."""
    source: Annotated[Caption, StringConstraints(min_length=1, max_length=64)] = "notify"
    """Who says so, for the evidence: `Claude hook: Notification`."""


class Screen(Wire):
    """What a person would see of a session (A2)."""

    session_id: str
    epoch: str
    offset: int
    cols: int
    rows: int
    cursor: ScreenCursor
    title: Caption
    lines: list[list[Run]]
    """Rows from the top, the asked scrollback first; a row without its trailing blanks."""


class ScreenLines(Wire):
    """The same as lines of plain text."""

    session_id: str
    epoch: str
    offset: int
    cols: int
    rows: int
    cursor: ScreenCursor
    title: Caption
    lines: list[list[str]]
    """From the top: of each line the rows that it takes, where it wraps. Joined they are the line."""


class FocusBody(Wire):
    """A focus command over HTTP (A1)."""

    project_id: str
    session_id: str | None = None
    session_ids: Annotated[list[str], Field(max_length=1024)] | None = None
    focused: bool = True
    expected_version: int | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "FocusBody":
        if (self.session_id is None) == (self.session_ids is None):
            raise ValueError("give either sessionId or sessionIds")
        return self


class FocusAnswer(FocusState):
    """The stage after a focus command that was taken (A1)."""

    success: Literal[True] = True


class ErrorAnswer(Wire):
    """Every error over HTTP (A3). A `version_conflict` holds the whole focus state as well."""

    success: Literal[False] = False
    code: str
    error: Caption
    field: str | None = None
    expected: int | None = None
    project_id: str | None = None
    focused_sessions: list[str] | None = None
    total_focused: int | None = None
    max_focused: int | None = None
    version: int | None = None
    epoch: str | None = None
    timestamp: int | None = None


EngineState = Literal["none", "up", "down"]
"""Whether the other nodes are reached; `none` where the server is alone."""


class Health(Wire):
    """That the server answers, and which version it is."""

    status: Literal["ok", "draining"] = "ok"
    version: str
    engine: EngineState = "none"


class Reach(Wire):
    """How a page's requests arrive, for one whose WebSocket does not."""

    host: str
    """The Host header, as it came."""
    origin_allowed: bool
    """Whether a page of the origin that was asked about may connect."""
    refused: str | None = None
    """Why this client's handshake was refused in the last minute, with what came and what was expected."""


class NodeShown(WallNode):
    """One node of the wall, with its figures."""

    version: str
    protocol: int
    """What it speaks with the others: the same number understands each other."""
    sessions: int
    connections: int


class NodeList(Wire):
    """The nodes that are there."""

    engine: EngineState
    nodes: list[NodeShown]


class DrainBody(Wire):
    """Whether the node sends its clients to others."""

    draining: bool = True


class Profile(Wire):
    """A kind of session that can be started: its command, and how to show it (P1)."""

    type: str
    label: Caption
    command: list[str]
    icon: str


class ProfileList(Wire):
    """The profiles of this server, the default first."""

    profiles: list[Profile]


class LoginBody(Wire):
    """A token, or a one-time code for one, to trade for a cookie (X1)."""

    token: Text | None = None
    code: Text | None = None

    @model_validator(mode="after")
    def _one(self) -> "LoginBody":
        if (self.token is None) == (self.code is None):
            raise ValueError("give either `token` or `code`")
        return self


class CodeMade(Wire):
    """A one-time code for opening a browser of the server's own user that is signed in (X1)."""

    code: str
    seconds: float
    """How long it is good."""


class BrowserShown(Wire):
    """A browser that is signed in (X5)."""

    id: str
    agent: Caption
    """What it is, such as `Firefox on Linux`."""
    name: Caption | None
    """Of the token that it signed in with; null: the owner's."""
    role: Role
    project_id: str | None
    created_at: int
    used_at: int
    """Perhaps an hour ago."""
    here: bool
    """Whether it is the one that asks."""


class BrowserList(Wire):
    """The browsers that are signed in, the one that was used last first."""

    browsers: list[BrowserShown]
    days: int
    """Without use, after which one has to sign in again."""


class TokenCreate(Wire):
    """A token for somebody else: what it opens (X3)."""

    name: Name
    role: Role = "view"
    project_id: Id | None = None


class TokenShown(Wire):
    """A token given to somebody, without the token."""

    id: str
    name: Caption
    role: Role
    project_id: str | None
    created_at: int


class TokenMade(TokenShown):
    """A new token, the one time that it can be read."""

    token: str


class TokenList(Wire):
    """The tokens given to others, the oldest first."""

    tokens: list[TokenShown]
