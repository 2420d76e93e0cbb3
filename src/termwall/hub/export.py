"""A whole recording out of its parts: as one file, of version 2 or 3, and as a time line for a player."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from termwall.castfile import split_lines
from termwall.core.asciicast import (
    Cast,
    CastError,
    Event,
    Version,
    encode_event,
    encode_header,
    joined,
    read_cast,
)
from termwall.hub.frames import frame_before
from termwall.protocol.bodies import Frame, Recording, Timeline, TimelinePart

CHUNK_BYTES = 64 << 10
TAIL_BYTES = 64 << 10
MAX_TAIL_BYTES = 4 << 20
"""Read of a part's end to find its last event; a longer line is none of ours."""


def whole_cast(recording: Recording, parts: Iterable[Path], version: Version) -> Iterator[bytes]:
    """All parts as one file, in pieces; of one that runs what was written by now.

    Raises:
        CastError: there is nothing of it.
    """
    with ExitStack() as stack:
        # All at once: a part that is deleted meanwhile is still read.
        files = [stack.enter_context(open(path, "rb")) for path in parts if path.exists()]
        casts = [read_cast(split_lines(file, os.fstat(file.fileno()).st_size)) for file in files]
        cast = joined(casts)
        yield encode_header(cast.header._replace(version=version), {"TERM": "xterm-256color"}, version).encode()
        pieces, size, before = [], 0, 0.0
        for event in _with_exit(cast, recording, version):
            line = encode_event(event, before if version == 3 else None).encode()
            before = event.time
            pieces.append(line)
            size += len(line)
            if size >= CHUNK_BYTES:
                yield b"".join(pieces)
                pieces, size = [], 0
        yield b"".join(pieces)


def _with_exit(cast: Cast, recording: Recording, version: Version) -> Iterator[Event]:
    now = 0.0
    try:
        for event in cast.events:
            now = event.time
            yield event
    except CastError:  # The rest of a part is broken: what came before it is what there is.
        pass
    if version == 3 and recording.exit_code is not None:
        yield Event(now, "x", str(recording.exit_code))


def timeline(parts: Iterable[tuple[int, Path]]) -> Timeline:
    """Which parts there are, how large, and when each begins and the last one ends."""
    found: list[TimelinePart] = []
    origin = now = 0.0
    for number, path in parts:
        try:
            with open(path, "rb") as file:
                header = read_cast(split_lines(file)).header
                size = os.fstat(file.fileno()).st_size
                last = last_time(file, size)
        except (OSError, CastError):
            continue
        if not found:
            origin = header.start or 0.0
        # A part of a version that did not say when it begins follows the one before it.
        begins = now if header.start is None or not found else max(now, header.start - origin)
        one = TimelinePart(
            part=number, start=begins, bytes=size, cols=header.cols, rows=header.rows, continues=header.continues
        )
        found.append(one)
        now = begins + last
    return Timeline(parts=found, seconds=now)


def last_moment(parts: list[tuple[int, Path]]) -> float:
    """When the last event of a recording was, in seconds from the beginning of its first part."""
    for _, path in reversed(parts):
        try:
            with open(path, "rb") as file:
                start = read_cast(split_lines(file)).header.start or 0.0
                return start + last_time(file, os.fstat(file.fileno()).st_size)
        except (OSError, CastError):
            continue
    return 0.0


def last_time(file: BinaryIO, size: int) -> float:
    """The time of the last whole event among the first `size` bytes of a part."""
    length = TAIL_BYTES
    while True:
        file.seek(max(0, size - length))
        lines = file.read(min(size, length)).split(b"\n")
        # The first may be cut at its beginning, and the last at its end.
        for line in reversed(lines[1:-1]):
            text = line.decode("utf-8", "replace")
            try:
                events = list(read_cast(('{"version":2,"width":1,"height":1}', text)).events)
            except CastError:
                continue
            if events:
                return events[-1].time
        if length >= min(size, MAX_TAIL_BYTES):
            return 0.0
        length *= 4


def frame_at(parts: list[tuple[int, Path]], seconds: float) -> Frame | None:
    """The last picture of a recording that shows nothing later than that; None where there is nothing of it."""
    line = timeline(parts)
    paths = dict(parts)
    here = [one for one in line.parts if one.start <= seconds] or line.parts[:1]
    if not here:
        return None
    part = here[-1]
    found = frame_before(paths[part.part], seconds - part.start)
    if found is None:
        return Frame(part=part.part, time=part.start, at=0, cols=part.cols, rows=part.rows, data="")
    (spot, _, _), text = found
    return Frame(part=part.part, time=part.start + spot.time, at=spot.at, cols=spot.cols, rows=spot.rows, data=text)
