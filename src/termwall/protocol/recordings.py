"""Recordings and search over HTTP: the bodies of those calls. All others are in `bodies.py`."""

from termwall.protocol.wire import Caption, Wire


class Recording(Wire):
    """A recording of a session, which goes on or has ended."""

    id: str
    project_id: str
    session_id: str
    session_name: Caption
    command: list[str]
    started_at: int
    ended_at: int | None
    """ms since 1970; null while it runs."""
    seconds: float = 0.0
    """How long it is, by a clock that nobody sets; of one that runs, when it was last written."""
    bytes: int
    first_part: int
    """The number of the first part that is still there; they are counted from 1."""
    parts: int
    """How many there are; none where not even its first picture could be written."""
    cols: int
    rows: int
    error: Caption | None
    """Why it ended, if that was not wanted."""
    exit_code: int | None = None
    """How the program ended, where the recording ended with it; a signal counts from 128, as in a shell."""
    node: str | None = None
    """The node that has it, where there are several."""


class RecordingList(Wire):
    """A project's recordings, the newest first."""

    recordings: list[Recording]
    missing: list[str] = []
    """Nodes that could not be asked, or did not answer in time: what they have is not listed."""


class TimelinePart(Wire):
    """A part of a recording, on the time line of the whole."""

    part: int
    start: float
    """Seconds from the beginning of the first part that is still there."""
    bytes: int
    """Of its file, when it was asked for."""
    cols: int
    rows: int
    """The size it begins with."""
    continues: bool
    """Whether its first event only repeats how the part before it ended."""


class Timeline(Wire):
    """How long a recording is, and where in its files what is."""

    parts: list[TimelinePart]
    seconds: float
    """When the last event is."""


class Frame(Wire):
    """A picture that a player can go on from."""

    part: int
    time: float
    """Seconds from the beginning of the whole: nothing in `data` is later."""
    at: int
    """The byte of the part from which the events go on."""
    cols: int
    rows: int
    data: str
    """What to write into a terminal of that size; empty at a part's beginning, which has its own picture."""


class Match(Wire):
    """A line in which something was found."""

    session_id: str | None
    """Null for a recording of a session that is gone."""
    session_name: Caption
    recording_id: str | None = None
    part: int | None = None
    time: float | None = None
    """Seconds from the part's beginning."""
    text: str
    """The line; of a very long one what is around the match."""
    start: int
    end: int
    """Where the match is in `text`, in characters."""
    lines_from_end: int | None = None
    """How many lines above the last one of the screen, of a session."""
    node: str | None = None
    """The node that has the session or the recording, where there are several."""


class SearchAnswer(Wire):
    """What a search found."""

    matches: list[Match]
    limit: int
    """The most matches that were asked for."""
    truncated: bool
    """Whether there is more: the limit was reached, or the time was over."""
    skipped: list[str]
    """Sessions that could not be searched because no screen can be drawn."""
    missing: list[str] = []
    """Nodes that could not be asked, or did not answer in time: what they have was not searched."""
