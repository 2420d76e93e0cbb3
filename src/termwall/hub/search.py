"""Looks for text in every session's screen and scrollback, and in recordings."""

import asyncio
import json
import time
from collections.abc import Iterator
from itertools import accumulate, islice
from pathlib import Path
from typing import TYPE_CHECKING

from termwall.core.asciicast import CastError, read_cast
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.plain import Line, PlainText
from termwall.core.search import Found, Query
from termwall.protocol.recordings import Match, Recording, SearchAnswer
from termwall.store.castfile import cast_lines
from termwall.system.deadline import in_thread

if TYPE_CHECKING:
    from termwall.hub.service import TerminalService

SECONDS = 5.0
"""For one search; what was not reached by then is reported as `truncated`."""
LATE_SECONDS = 1.0
"""How much later a thread that reads recordings may see that the time is over."""
MATCHES = 100
"""Unless more or fewer are asked for."""
OF_ONE = 25
"""Matches of one session or recording, so that one that prints the word all the time does not hide the others."""


async def search(
    service: "TerminalService", project_id: str, text: str, limit: int, with_recordings: bool
) -> SearchAnswer:
    """The newest matches of each session that runs here, then those of the recordings that are here.

    Raises:
        TermwallError: `unknown_project`; `engine_away` where no session can be drawn, so none can be looked into;
            `rate_limited` where others search all the time.
    """
    searches = service.budgets.searches
    try:
        await asyncio.wait_for(searches.acquire(), SECONDS)
    except TimeoutError:
        raise TermwallError(ErrorCode.RATE_LIMITED, "Too many searches run at the moment; try again.") from None
    try:
        return await _search(service, project_id, text, limit, with_recordings)
    finally:
        searches.release()


async def _search(
    service: "TerminalService", project_id: str, text: str, limit: int, with_recordings: bool
) -> SearchAnswer:
    query, deadline = Query(text), time.monotonic() + SECONDS
    matches: list[Match] = []
    skipped: list[str] = []
    truncated = away = drawn = False
    sessions = service.list_sessions(project_id)
    for session in sessions:
        if session.node != service.node:
            continue
        if len(matches) >= limit or time.monotonic() > deadline:
            truncated = True
            break
        left = max(0.0, deadline - time.monotonic())
        try:
            picture = await service.show_session(session.id, "lines", service.bounds.scrollback_lines, seconds=left)
        except TermwallError as error:  # It is gone, or cannot be drawn now.
            skipped.append(session.id)
            away = away or error.code is ErrorCode.ENGINE_AWAY
            continue
        drawn = True
        room = min(OF_ONE, limit - len(matches))
        try:
            found, more = await in_thread(max(1.0, left), _in_screen, picture.data, query, room)
        except TermwallError:  # Of a hundred thousand lines; what was looked into is what there is.
            truncated = True
            break
        truncated = truncated or more
        matches += [
            Match(
                session_id=session.id,
                session_name=session.name,
                node=service.node,
                text=one.text,
                start=one.start,
                end=one.end,
                lines_from_end=below,
            )
            for one, below in found
        ]
    if away and not drawn and service.screens is not None:
        raise TermwallError(
            ErrorCode.ENGINE_AWAY, "No screen can be drawn at the moment, so no session can be searched; try again."
        )
    if with_recordings and not truncated:
        known = {session.id for session in sessions}
        files = [(one, service.recordings.files(one.id)) for one in service.recordings.of_project(project_id)]
        room = limit - len(matches)
        try:
            recorded, truncated = await in_thread(
                deadline - time.monotonic() + LATE_SECONDS, _in_recordings, files, query, room, deadline, known
            )
        except TermwallError:  # The disk does not answer: what the sessions have is what there is.
            recorded, truncated = [], True
        matches += recorded
    return SearchAnswer(matches=matches, limit=limit, truncated=truncated, skipped=skipped)


def _in_screen(data: bytes, query: Query, room: int) -> tuple[list[tuple[Found, int]], bool]:
    """The first matches of a screen, each with the rows below it; and whether there are more."""
    screen = _Screen(json.loads(data))
    found = list(islice(query.find_all(screen.lines), room + 1))
    return [(one, screen.rows_below(one)) for one in found[:room]], len(found) > room


class _Screen:
    """A session's lines, and on which of its rows each is: a line that wraps takes several."""

    def __init__(self, lines: list[list[str]]) -> None:
        self.lines = ["".join(rows) for rows in lines]
        self._rows = lines
        self._before = [0, *accumulate(map(len, lines))]

    def rows_below(self, found: Found) -> int:
        """Rows of the screen below the one in which a match begins."""
        row, left = self._before[found.line], found.at
        for text in self._rows[found.line][:-1]:
            if left < len(text):
                break
            left -= len(text)
            row += 1
        return self._before[-1] - 1 - row


def _in_recordings(
    files: "list[tuple[Recording, list[tuple[int, Path]]]]", query: Query, room: int, deadline: float, known: set[str]
) -> tuple[list[Match], bool]:
    matches: list[Match] = []
    for recording, parts in files:
        count = 0
        for part, at, line in _lines(parts):
            if time.monotonic() > deadline:
                return matches, True
            found = query.find(line.text, after=line.seen)
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


def _lines(parts: list[tuple[int, Path]]) -> Iterator[tuple[int, float, Line]]:
    """What was printed, in lines without sequences, each with the part and its time in there."""
    plain, part, at = PlainText(), 0, 0.0
    for part, path in parts:
        at = 0.0
        if not path.is_file():  # Deleted meanwhile, or something that is never read to its end.
            continue
        try:
            header, events = read_cast(cast_lines(path))
            if part != parts[0][0] and not header.continues:
                yield part, at, plain.rest
                plain = PlainText()
            for number, event in enumerate(events):
                at = event.time
                if event.code != "o" or (number == 0 and header.continues and part != parts[0][0]):
                    continue  # What a part repeats of the one before it was seen there.
                for line in plain.feed(event.data):
                    yield part, at, line
        except (OSError, CastError):  # Broken: what was read is what there is.
            continue
    yield part, at, plain.rest
