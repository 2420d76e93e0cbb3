"""A whole recording out of its parts: as one file, of version 2 or 3, and as a time line for a player."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from stat import S_ISREG
from typing import NamedTuple

from termwall.core.asciicast import (
    Cast,
    CastError,
    Event,
    Header,
    Version,
    encode_event,
    encode_header,
    joined,
    read_cast,
)
from termwall.hub.frames import frame_before
from termwall.protocol.recordings import Frame, Recording, Timeline, TimelinePart
from termwall.store.castfile import split_lines
from termwall.store.disk import open_plain
from termwall.system import shortage

CHUNK_BYTES = 64 << 10
TAIL_BYTES = 64 << 10
NOTHING = "Nothing of the recording is there yet."
MAX_TAIL_BYTES = 4 << 20
"""Read of a part's end to find its last event; a longer line is none of ours."""


def whole_cast(recording: Recording, parts: Iterable[tuple[int, Path]], version: Version) -> Iterator[bytes]:
    """All parts as one file, in pieces; of one that runs what was written by now.

    A part that is damaged costs what follows in it: a marker says so, and the next part goes on (L10).

    Raises:
        CastError: none of it can be read; the message says why.
    """
    with ExitStack() as stack:
        faults: list[str] = []
        # All at once: a part that is deleted meanwhile is still read.
        opened = [(number, _open_part(stack, number, path)) for number, path in parts if _begun(path)]
        header = next((one.header for _, one in opened if isinstance(one, Cast)), None)
        if header is None:
            raise CastError(str(opened[0][1]) if opened else NOTHING)
        casts = []
        for number, one in opened:
            # A part that begins like none takes no time, where the one before it ended.
            header = one.header if isinstance(one, Cast) else header
            casts.append(Cast(header, _watched(number, header, one, faults)))
        cast = joined(casts)
        yield encode_header(cast.header._replace(version=version), {"TERM": "xterm-256color"}, version).encode()
        pieces, size, before = [], 0, 0.0
        for event in _with_end(cast, faults, recording, version):
            line = encode_event(event, before if version == 3 else None).encode()
            before = event.time
            pieces.append(line)
            size += len(line)
            if size >= CHUNK_BYTES:
                yield b"".join(pieces)
                pieces, size = [], 0
        yield b"".join(pieces)


def check_part(number: int, path: Path, *, whole: bool) -> None:
    """Look whether a part can be read: all of it, or its beginning.

    Raises:
        CastError: no; the message says where.
    """
    faults: list[str] = []
    with ExitStack() as stack:
        one = _open_part(stack, number, path)
        if isinstance(one, CastError):
            raise one
        for _ in _watched(number, one.header, one, faults) if whole else ():
            pass
    if faults:
        raise CastError(faults[0])


def _begun(path: Path) -> bool:
    try:
        found = path.stat()
    except OSError:
        return False
    return found.st_size > 0 or not S_ISREG(found.st_mode)


def _open_part(stack: ExitStack, number: int, path: Path) -> Cast | CastError:
    try:
        file = stack.enter_context(open_plain(path))
        return read_cast(split_lines(file, os.fstat(file.fileno()).st_size))
    except (OSError, CastError) as error:
        return _damaged(number, error)


def _damaged(number: int, error: OSError | CastError) -> CastError:
    why = f"{shortage.why(error)}." if isinstance(error, OSError) else str(error)
    return CastError(f"Part {number} of the recording is damaged: {why}")


def _watched(number: int, header: Header, part: Cast | CastError, faults: list[str]) -> Iterator[Event]:
    """The events of a part up to where it cannot be read; why is added to `faults`, and a marker of the next."""
    if faults and header.continues:
        yield Event(0.0, "m", "")  # Left out by `joined` in place of the picture, which repeats nothing that was read.
    yield from _markers(0.0, faults)
    if isinstance(part, CastError):
        faults.append(str(part))
        return
    try:
        yield from part.events
    except (OSError, CastError) as error:
        faults.append(str(_damaged(number, error)))


def _markers(now: float, faults: list[str]) -> Iterator[Event]:
    for fault in faults:
        yield Event(now, "m", fault)
    faults.clear()


def _with_end(cast: Cast, faults: list[str], recording: Recording, version: Version) -> Iterator[Event]:
    now = 0.0
    for event in cast.events:
        now = event.time
        yield event
    yield from _markers(now, faults)
    if version == 3 and recording.exit_code is not None:
        yield Event(now, "x", str(recording.exit_code))


class _Place(NamedTuple):
    number: int
    path: Path
    header: Header
    start: float
    """Seconds from the beginning of the first part that is still there."""


def _places(parts: Iterable[tuple[int, Path]]) -> list[_Place]:
    """The parts that can be read, and when each begins."""
    found: list[_Place] = []
    origin = 0.0
    for number, path in parts:
        try:
            with open_plain(path) as file:
                header = read_cast(split_lines(file)).header
        except (OSError, CastError):
            continue
        if not found:
            origin, start = header.start or 0.0, 0.0
        elif header.start is None:  # Of a version that did not say it: it follows the one before it.
            start = found[-1].start + last_time(found[-1].path)[0]
        else:
            start = max(found[-1].start, header.start - origin)
        found.append(_Place(number, path, header, start))
    return found


def timeline(parts: Iterable[tuple[int, Path]]) -> Timeline:
    """Which parts there are, how large, and when each begins and the last one ends."""
    shown: list[TimelinePart] = []
    seconds = 0.0
    for number, path, header, start in _places(parts):
        last, size = last_time(path)
        seconds = start + last
        cols, rows, continues = header.cols, header.rows, header.continues
        shown.append(TimelinePart(part=number, start=start, bytes=size, cols=cols, rows=rows, continues=continues))
    return Timeline(parts=shown, seconds=seconds)


def last_moment(parts: list[tuple[int, Path]]) -> float:
    """When the last event of a recording was, in seconds from the beginning of its first part."""
    for _, path, header, start in reversed(_places(parts)):
        return (start if header.start is None else header.start) + last_time(path)[0]
    return 0.0


def last_time(path: Path) -> tuple[float, int]:
    """The time of the last whole event of a part, and how many bytes it has now."""
    length = TAIL_BYTES
    try:
        with open_plain(path) as file:
            size = os.fstat(file.fileno()).st_size
            while True:
                file.seek(max(0, size - length))
                # The first may be cut at its beginning, and the last at its end.
                for line in reversed(file.read(min(size, length)).split(b"\n")[1:-1]):
                    if (time := _time_of(line)) is not None:
                        return time, size
                if length >= min(size, MAX_TAIL_BYTES):
                    return 0.0, size
                length *= 4
    except OSError:
        return 0.0, 0


def _time_of(line: bytes) -> float | None:
    try:
        events = read_cast(('{"version":2,"width":1,"height":1}', line.decode("utf-8", "replace"))).events
        return next((event.time for event in events), None)
    except CastError:
        return None


def frame_at(parts: list[tuple[int, Path]], seconds: float) -> Frame | None:
    """The last picture of a recording that shows nothing later than that; None where there is nothing of it."""
    places = _places(parts)
    if not places:
        return None
    number, path, header, start = [one for one in places if one.start <= seconds][-1]
    found = frame_before(path, seconds - start)
    if found is None:
        return Frame(part=number, time=start, at=0, cols=header.cols, rows=header.rows, data="")
    (spot, _, _), text = found
    return Frame(part=number, time=start + spot.time, at=spot.at, cols=spot.cols, rows=spot.rows, data=text)
