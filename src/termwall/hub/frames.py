"""Key frames of a part of a recording: pictures from which a player goes on, so that a seek reads little.

They are in `N.frames` beside `N.cast`: of each a line that says where in the part it belongs and how long it is, and
then its text. What is broken off at the end of the file is not there.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from termwall.store.disk import open_plain

MAX_HEAD = 256
"""Bytes of the line before a picture."""


class Spot(NamedTuple):
    """Where a key frame belongs."""

    at: int
    """The byte of the part with which the events after it begin."""
    time: float
    """Seconds from the part's beginning: of the last event that it shows."""
    cols: int
    rows: int


class KeyFrame(NamedTuple):
    """A key frame, and where its text is in the file."""

    spot: Spot
    place: int
    length: int


def frames_of(part: Path) -> Path:
    """The file with the key frames of a part."""
    return part.with_suffix(".frames")


def encode_frame(spot: Spot, text: str) -> bytes:
    """A key frame as it is in the file."""
    data = text.encode("utf-8", "replace")
    return json.dumps([*spot, len(data)], separators=(",", ":")).encode() + b"\n" + data + b"\n"


def list_frames(part: Path) -> Iterator[KeyFrame]:
    """The key frames of a part, the first one first. It reads no pictures."""
    try:
        with open_plain(frames_of(part)) as file:
            size = os.fstat(file.fileno()).st_size
            while head := file.readline(MAX_HEAD):
                at, time, cols, rows, length = json.loads(head)
                frame = KeyFrame(Spot(int(at), float(time), int(cols), int(rows)), file.tell(), int(length))
                if length < 0 or frame.place + length >= size:
                    return
                yield frame
                file.seek(length + 1, os.SEEK_CUR)
    except (OSError, ValueError, TypeError, OverflowError):  # There is none, or the rest is broken.
        return


def read_frame(part: Path, frame: KeyFrame) -> str:
    """A key frame's text.

    Raises:
        OSError: it is not there any more.
    """
    with open(frames_of(part), "rb") as file:
        file.seek(frame.place)
        return file.read(frame.length).decode("utf-8", "replace")


def cut_frames(part: Path, size: int) -> None:
    """Take away the key frames beyond a part's first `size` bytes, which are written again in another way."""
    keep = 0
    for frame in list_frames(part):
        if frame.spot.at > size:
            break
        keep = frame.place + frame.length + 1
    try:
        os.truncate(frames_of(part), keep)
    except OSError:
        frames_of(part).unlink(missing_ok=True)


def frame_before(part: Path, seconds: float) -> tuple[KeyFrame, str] | None:
    """The last key frame of a part that shows nothing later than that."""
    found: KeyFrame | None = None
    for frame in list_frames(part):
        if frame.spot.time > seconds:
            break
        found = frame
    if found is None:
        return None
    try:
        return found, read_frame(part, found)
    except OSError:
        return None
