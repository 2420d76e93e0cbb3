"""Looks for text in every session's screen and scrollback, and in recordings."""

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from termwall.core.asciicast import CastError, decode_event, decode_header
from termwall.core.errors import TermwallError
from termwall.core.plain import PlainText
from termwall.core.search import Query
from termwall.protocol.bodies import Match, Recording, SearchAnswer

if TYPE_CHECKING:
    from termwall.hub.service import TerminalService

SECONDS = 5.0
"""For one search; what was not reached by then is told as `truncated`."""
MATCHES = 100
"""Unless more or fewer are asked for."""
OF_ONE = 25
"""Matches of one session or recording, so that one that prints the word all the time does not hide the others."""


async def search(
    service: "TerminalService", project_id: str, text: str, limit: int, with_recordings: bool
) -> SearchAnswer:
    """The newest matches of each session that runs here, then those of the recordings that are here.

    Raises:
        TermwallError: `unknown_project`.
    """
    query, deadline = Query(text), time.monotonic() + SECONDS
    matches: list[Match] = []
    skipped: list[str] = []
    truncated = False
    sessions = service.list_sessions(project_id)
    for session in sessions:
        if session.node != service.node:
            continue
        if len(matches) >= limit or time.monotonic() > deadline:
            truncated = True
            break
        try:
            picture = await service.show_session(session.id, "text", service.bounds.scrollback_lines)
        except TermwallError:  # It is gone, or cannot be drawn now.
            skipped.append(session.id)
            continue
        lines = picture.data.decode("utf-8", "replace").split("\n")
        for count, found in enumerate(query.find_all(lines)):
            if count == OF_ONE or len(matches) == limit:
                truncated = True
                break
            matches.append(
                Match(
                    session_id=session.id,
                    session_name=session.name,
                    node=service.node,
                    text=found.text,
                    start=found.start,
                    end=found.end,
                    lines_from_end=len(lines) - 1 - found.line,
                )
            )
    if with_recordings and not truncated:
        known = {session.id for session in sessions}
        files = [(one, service.recordings.files(one.id)) for one in service.recordings.of_project(project_id)]
        room = limit - len(matches)
        more, truncated = await asyncio.to_thread(_in_recordings, files, query, room, deadline, known)
        matches += more
    return SearchAnswer(matches=matches, limit=limit, truncated=truncated, skipped=skipped)


def _in_recordings(
    files: "list[tuple[Recording, list[tuple[int, Path]]]]", query: Query, room: int, deadline: float, known: set[str]
) -> tuple[list[Match], bool]:
    matches: list[Match] = []
    for recording, parts in files:
        count = 0
        for part, path in parts:
            for at, line in _lines(path):
                if time.monotonic() > deadline:
                    return matches, True
                found = query.find(line)
                if found is None:
                    continue
                if len(matches) == room or count == OF_ONE:
                    return matches, True
                count += 1
                matches.append(
                    Match(
                        session_id=recording.session_id if recording.session_id in known else None,
                        session_name=recording.session_name,
                        recording_id=recording.id,
                        part=part,
                        time=at,
                        node=recording.node,
                        text=found.text,
                        start=found.start,
                        end=found.end,
                    )
                )
    return matches, False


def _lines(path: Path) -> Iterator[tuple[float, str]]:
    """What was printed, in lines without sequences, each with its time."""
    plain, at = PlainText(), 0.0
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            decode_header(file.readline())
            for number, line in enumerate(file, 2):
                event = decode_event(line, number, at)
                at = event.time
                if event.code == "o":
                    for text in plain.feed(event.data):
                        yield at, text
            yield at, plain.rest
    except (OSError, CastError):  # Deleted meanwhile, or its last line is not whole yet.
        return
