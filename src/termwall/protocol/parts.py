"""What messages are made of, besides sessions and the stage: sizes, places, people, pictures, colours."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from termwall.protocol.wire import Caption, Cells, Offset, Sentence, Wire


class Size(Wire):
    """The size of a terminal in character cells (I4)."""

    cols: Cells
    rows: Cells


class StreamPosition(Wire):
    """A place in a session's output: the byte `offset` of its current `epoch` (S1)."""

    epoch: Annotated[str, StringConstraints(max_length=64)]
    offset: Offset


class StreamResume(StreamPosition):
    """From where a stream goes on (W11): exactly from `offset`, after the missing bytes or after a snapshot (S3)."""

    resume: Literal["exact", "snapshot"]


class Driver(Wire):
    """The client whose size a session follows (I4). Another token's client is named with its token (X7)."""

    client_id: str
    name: Caption | None = None


class Changer(Wire):
    """Who changed the stage: a client, and what it calls itself. `clientId` is `http` for a call over HTTP."""

    client_id: str
    name: Caption | None = None


AttentionState = Literal["working", "needs input", "done", "idle", "exited", "lost"]


class Attention(Wire):
    """What a session wants from its user, and why termwall thinks so (S9)."""

    state: AttentionState
    reason: Caption
    """The evidence: `bell`, `OSC 9: Build finished`, `Claude hook: Notification`, `exit code 1` ..."""
    since: int
    seen: bool = False
    """Whether somebody had it visible for 2 s, or typed, since it is in this state."""


class Notification(Wire):
    """What a program reported to its user (OSC 9, 99, 777, or `notify`)."""

    title: Caption
    body: Sentence
    timestamp: int


class Progress(Wire):
    """How far a program says it is (OSC 9;4)."""

    state: Literal["normal", "error", "indeterminate", "paused"]
    percent: int | None = None


class Mark(Wire):
    """The newest mark of a shell that marks where its prompts and commands are (OSC 133)."""

    kind: Literal["prompt", "input", "running", "finished"]
    exit_code: int | None = None
    """Of a command that finished, where the shell reports it."""
    timestamp: int


class Run(Wire):
    """Neighbouring cells of a row that look the same. Colours are a palette index, or `#rrggbb`."""

    text: str
    fg: int | str | None = None
    bg: int | str | None = None
    bold: bool | None = None
    italic: bool | None = None
    underline: bool | None = None
    inverse: bool | None = None
    dim: bool | None = None
    strikethrough: bool | None = None
    link: str | None = None


class ScreenCursor(Wire):
    """Where the cursor is on a screen, from 0."""

    x: int
    y: int
    visible: bool


ScreenState = Literal["exact", "rebuilding", "lost"]
"""`exact`: the server knows the screen. `rebuilding`: not at the moment. `lost`: part of the output could not be drawn,
so what is shown may be incomplete until the program draws anew."""


EchoState = Literal["on", "off", "unsure"]
"""Whether what is typed may be shown: `on`, the terminal or a shell's prompt shows it itself; `off`, the program reads
a line that it does not show, as for a password; `unsure`, the program takes each key, as editors do, and ssh."""


class WallNode(Wire):
    """One of several nodes, as a page needs to know it (N7)."""

    name: Caption
    here: bool
    """Whether it is the one that was asked, or that this connection is to."""
    role: str
    """`host` runs programs, `gateway` shows those of others, `both` does both."""
    draining: bool
    """Whether it sends its clients to other nodes."""


Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]


class Colours(Wire):
    """The colours in which a client shows terminals (S7)."""

    scheme: Literal["dark", "light"]
    foreground: Colour
    background: Colour
    cursor: Colour
    palette: Annotated[list[Colour], Field(min_length=16, max_length=16)]
    """The colours 0 to 15; the others are xterm's."""
