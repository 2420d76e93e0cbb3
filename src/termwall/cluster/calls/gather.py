"""Calls that every node answers for itself, and one answer put together of theirs. Who did not answer is named (N8)."""

import asyncio
import itertools
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from termwall.cluster.bus.contract import BusError
from termwall.cluster.bus.parcel import others
from termwall.cluster.calls.calls import Call, Calls
from termwall.hub.search import SECONDS as SEARCH_SECONDS
from termwall.protocol.recordings import Match, RecordingList, SearchAnswer

log = logging.getLogger("termwall.cluster")

Part = TypeVar("Part")

MOST_BYTES = 32 << 20
"""Of all answers to one call together; each node has the same part."""
LIST_SECONDS = 3.0
"""For each node: one that hangs costs as long as until it is reported away (N5)."""
LATE_SECONDS = 2.0
"""For the way of a search's answer, besides the time of the search itself."""


async def ask(
    calls: Calls, call: Call, read: Callable[[bytes], Part], *, seconds: float, away: Collection[str]
) -> tuple[dict[str, Part], list[str]]:
    """Ask all other nodes at once; one of another protocol is away (N5).

    Args:
        read: an answer from its bytes; ValidationError where it is none.
        seconds: for each.
        away: nodes that are known and may not be there.

    Returns:
        The answers by node, without those that know nothing of what was asked (404); and the nodes that gave none.
    """
    there = others(calls.bus)
    most = MOST_BYTES // max(1, len(there))

    async def one(node: str) -> tuple[int, bytes]:
        try:
            return await calls.collect(node, call, seconds=seconds, most=most)
        except BusError as error:
            log.info("node %s is missing in an answer: %s", node, error)
            return 0, b""

    answers: dict[str, Part] = {}
    missing = set(away) - set(there) - {calls.bus.node}
    for node, (status, body) in zip(there, await asyncio.gather(*map(one, there)), strict=True):
        if status == 200:
            try:
                answers[node] = read(body)
            except ValidationError as error:
                log.warning("node %s answers something else: %s", node, error)
                missing.add(node)
        elif status != 404:
            missing.add(node)
    return answers, sorted(missing)


@dataclass(frozen=True, slots=True)
class Gathered(Generic[Part]):
    """A list that every node has a part of."""

    seconds: float
    """For each node."""
    read: Callable[[bytes], Part]
    recordings: Callable[[Part], Iterable[str]]
    """The ids that an answer names."""
    merge: Callable[[Sequence[Part], list[str]], Part]
    """One answer of all; from the nodes' answers, the one of the node that was asked first, and the names of those
    without one."""


def _merge_recordings(answers: Sequence[RecordingList], missing: list[str]) -> RecordingList:
    found = [one for answer in answers for one in answer.recordings]
    found.sort(key=lambda one: one.started_at, reverse=True)
    return RecordingList(recordings=found, missing=missing)


def _merge_matches(answers: Sequence[SearchAnswer], missing: list[str]) -> SearchAnswer:
    """Sessions before recordings. The nodes take turns, so that one does not hide the others."""
    limit = answers[0].limit
    found: list[Match] = []
    for recorded in (False, True):
        parts = [[one for one in answer.matches if (one.recording_id is not None) is recorded] for answer in answers]
        turns = itertools.zip_longest(*map(_groups, parts), fillvalue=())
        found += [match for turn in turns for group in turn for match in group]
    return SearchAnswer(
        matches=found[:limit],
        limit=limit,
        truncated=len(found) > limit or any(answer.truncated for answer in answers),
        skipped=[session for answer in answers for session in answer.skipped],
        missing=missing,
    )


def _groups(matches: Sequence[Match]) -> list[tuple[Match, ...]]:
    """Those of one session or recording stay together."""
    by = itertools.groupby(matches, key=lambda match: (match.recording_id, match.session_id))
    return [tuple(group) for _, group in by]


GATHERED: Mapping[str, Gathered[Any]] = {
    "recordings": Gathered(
        LIST_SECONDS,
        RecordingList.model_validate_json,
        lambda answer: [one.id for one in answer.recordings],
        _merge_recordings,
    ),
    "search": Gathered(
        SEARCH_SECONDS + LATE_SECONDS,
        SearchAnswer.model_validate_json,
        lambda answer: [match.recording_id for match in answer.matches if match.recording_id is not None],
        _merge_matches,
    ),
}
"""By the last part of their path."""
