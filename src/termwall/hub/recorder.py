"""Records a session into asciicast files: one more cursor on its ring, which never slows anybody.

Each part begins with a picture, so that it can be played alone, and goes on from exactly where the part before it ends.
What is written and how far that is in the log are kept together for the next server, which cuts off what was written
after that and goes on: no byte is missing or doubled. If the cursor falls out of the ring, the recording says so in a
marker and goes on with a new picture. Times are those of a clock that nobody sets.
"""

import asyncio
import codecs
import logging
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from termwall.core.asciicast import Event, Header, encode_event, encode_header
from termwall.core.limits import Bounds
from termwall.core.replay import RESET
from termwall.core.ring import Ring
from termwall.core.session.sizes import SizeLog
from termwall.hub.frames import Spot, cut_frames, encode_frame, frames_of
from termwall.screen.feed import Picture, ScreenFeed
from termwall.system import clock, shortage

log = logging.getLogger("termwall.recordings")

FLUSH_SECONDS = 1.0
FLUSH_BYTES = 256 << 10
"""Waiting to be written; more is written at once."""
PIECE_BYTES = 64 << 10
"""The most output in one event; of small parts a sixteenth."""
FRAME_BYTES = 512 << 10
"""Of a part, until the next key frame: what a player has to read at most to get anywhere."""
MOST_FRAMES_ASKED = 8
"""Key frames that are not drawn yet: the screen may be a ring behind. Of more, one is left out."""
FRAME_SECONDS = 1.0
"""Between key frames for new sizes: one that is dragged sends many."""
FRAME_LINES = 100
"""Lines above the screen in a key frame: what a window that grows later pulls down."""
MISSING = "output is missing here"


class Recorded(Protocol):
    """A session that can be recorded."""

    bounds: Bounds
    epoch: str
    ring: Ring
    sizes: SizeLog
    scrollback: int
    feed: ScreenFeed | None

    @property
    def name(self) -> str:
        """What people call it."""

    @property
    def title(self) -> str:
        """What its program calls it."""

    @property
    def drawn(self) -> bool:
        """Whether pictures of it can be had at the moment."""


S = TypeVar("S", bound=Recorded)


class Recorder(Generic[S]):
    """A recording that runs.

    Args:
        session: what is recorded.
        folder: gets the parts, `1.cast`, `2.cast` ..., and their key frames.
        part_bytes: a part that has as much is followed by another.
        room: called before another part begins; says why there is no room for it, or nothing.
        changed: called when something was written: its state is to be kept.
        failed: called once, with why, when it cannot go on.
    """

    def __init__(
        self,
        session: S,
        id: str,
        folder: Path,
        *,
        part_bytes: int,
        room: Callable[["Recorder[S]"], str | None],
        changed: Callable[["Recorder[S]"], None],
        failed: Callable[["Recorder[S]", str], None],
    ) -> None:
        self.session = session
        self.id = id
        self.folder = folder
        self._part_bytes = part_bytes
        self._piece_bytes = max(1024, min(PIECE_BYTES, part_bytes // 16))
        self._room = room
        self._changed = changed
        self._failed = failed
        self._finished: Callable[[Recorder[S]], None] | None = None
        self._loop = asyncio.get_running_loop()
        self._waiting: list[str] = []
        self._waiting_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._asked = False
        self._ended = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.part, self.bytes = 0, 0
        """The part's number, and its bytes."""
        self._offset: int | None = None
        self._serial = 0
        self._origin = clock.seconds()
        """When it began."""
        self._start, self._time = 0.0, 0.0
        """When the part began, and when the last event was: seconds since `_origin`."""
        self._frame_at, self._frame_time = 0, -FRAME_SECONDS
        """Where in the part, and when, the last key frame was asked for."""
        self._frames_asked, self._resized = 0, False
        self._kept: tuple[int | None, int] = (None, 0)
        """The offset and size mark up to which the file is: what waits to be written is not in it."""

    def begin(self, state: dict[str, Any] | None = None) -> None:
        """Record from now on, or from where an earlier server's `state` says that it was."""
        if state is None or state["epoch"] != self.session.epoch:
            self._ask(None)
        else:
            self._go_on(state)

    @property
    def seconds(self) -> float:
        """How long it has run, by the clock that nobody sets."""
        self._time = max(self._time, clock.seconds() - self._origin)
        return self._time

    # ---- over a restart of the server

    def state(self) -> dict[str, Any]:
        """Where it is, of what was written."""
        return {
            "id": self.id,
            "epoch": self.session.epoch,
            "part": self.part,
            "bytes": self.bytes,
            "offset": self._kept[0],
            "serial": self._kept[1],
            "origin": self._origin,
            "start": self._start,
            "time": self._time,
        }

    def _go_on(self, state: dict[str, Any]) -> None:
        self.part, self.bytes = state["part"], state["bytes"]
        self._offset, self._serial = state["offset"], state["serial"]
        if "origin" in state:
            self._origin, self._start, self._time = state["origin"], state["start"], state["time"]
        else:  # Of a version whose parts went by the machine's time of day.
            self._origin -= max(0.0, time.time() - state["began"])
        self._kept = self._offset, self._serial
        if self._offset is None:
            self._ask(None)
            return
        try:
            os.truncate(self._path, self.bytes)
            cut_frames(self._path, self.bytes)
        except OSError as error:
            self._fail(error)
            return
        self.pump()

    def rest(self) -> None:
        """Write what waits; the next server goes on from there."""
        self._flush()
        self._ended = True

    # ---- the cursor

    def pump(self) -> None:
        """There is new output, or a new size."""
        if self._offset is None or self._ended or self._asked:
            return
        if self._offset < self.session.ring.start:
            self._jump()
            return
        if not self._copy(self.session.ring.end, self._part_bytes):
            self._ask(self._offset)
            return
        if self._finished is not None:
            self._finish()
        elif self._waiting_bytes >= FLUSH_BYTES:
            self._flush()
        elif self._waiting and self._timer is None:
            self._timer = self._loop.call_later(FLUSH_SECONDS, self._flush)
        if not self._ended:
            self._want_frame()

    def _copy(self, stop: int, most: int) -> bool:
        """Note what is in the log before an offset, and the sizes up to it; False once the part has so many bytes."""
        ring, sizes = self.session.ring, self.session.sizes
        assert self._offset is not None
        while self.bytes + self._waiting_bytes < most:
            mark = sizes.next_after(self._serial)
            if mark is not None and mark.offset <= self._offset:
                self._serial = mark.serial
                self._note("r", f"{mark.cols}x{mark.rows}")
                self._resized = True
                continue
            until = min(stop, self._offset + self._piece_bytes)
            if mark is not None:
                until = min(until, mark.offset)
            if until <= self._offset:
                return True
            text = self._decoder.decode(ring.read(self._offset, until))
            self._offset = until
            if text:
                self._note("o", text)
            if self.bytes + self._waiting_bytes - self._frame_at >= FRAME_BYTES:
                self._want_frame()
        return False

    def _jump(self) -> None:
        self._note("m", MISSING)
        self._flush()
        if not self._ended:
            self._ask(None)

    def finish(self, finished: Callable[["Recorder[S]"], None]) -> None:
        """The program has ended: record what is left of its output, which may take pictures, and call then."""
        self._finished = finished
        if self._offset is None:
            self._loop.call_later(FLUSH_SECONDS, self._finish)
        self.pump()

    def _finish(self) -> None:
        if not self._ended:
            self.end()
            if self._finished is not None:
                self._finished(self)

    def end(self) -> None:
        """Write what is left at once; it is over."""
        if self._ended:
            return
        if self.part == 0:
            self._begin(None, continues=False)  # Over before its first picture came; the file must still be one.
        ring = self.session.ring
        while self._runs() and (self._offset or 0) >= ring.start:
            if self._copy(ring.end, self._part_bytes):
                break
            self._begin(None, continues=True)
        self._flush()
        self._ended = True

    # ---- parts

    def _ask(self, offset: int | None) -> None:
        """Have the picture that another part begins with: of that offset, with which it goes on, or of this moment."""
        if self._asked or self._ended:
            return
        self._asked = True
        session = self.session
        drawn = partial(self._drawn, offset is not None)
        if session.feed is None or not session.drawn:
            self._loop.call_soon(drawn, None)
        elif offset is None:
            session.feed.ask("snapshot", session.scrollback, drawn)
        else:
            # The lines above the screen are in the part before.
            session.feed.ask("snapshot", 0, drawn, at=offset)

    def _drawn(self, continues: bool, picture: "Picture | None") -> None:
        self._asked = False
        if self._ended:
            return
        if continues:
            assert self._offset is not None
            if self._offset < self.session.ring.start:
                self._jump()
                return
            if picture is not None:
                self._copy(picture.offset, 1 << 62)
        self._begin(picture, continues=continues)
        self.pump()

    def _begin(self, picture: "Picture | None", *, continues: bool) -> None:
        """Another part, from the picture on."""
        self._flush()
        if self._ended:
            return
        if self.part and (why := self._room(self)) is not None:
            self._stop(why)
            return
        ring, sizes = self.session.ring, self.session.sizes
        text = ""
        if picture is not None:
            # It may end inside a character, as the log does there: the rest follows.
            decoder = codecs.getincrementaldecoder("utf-8")("replace")
            text = decoder.decode(picture.data)
            if not continues:
                self._decoder, self._offset = decoder, picture.offset
            self._serial, size = picture.serial, (picture.cols, picture.rows)
        elif continues:
            size = sizes.size_of(self._serial)
        else:
            self._decoder.reset()
            self._offset = ring.replay_start(self.session.bounds.replay_bytes)
            text = RESET.decode()  # As a new viewer gets it then (S3).
            self._serial, size = sizes.serial_at(self._offset), sizes.at(self._offset)
        self.part, self.bytes, self._start = self.part + 1, 0, self.seconds
        self._frame_at, self._frame_time, self._resized = 0, self._time - 2 * FRAME_SECONDS, continues
        title = self.session.title or self.session.name
        header = Header(*size, int(time.time()), title, start=self._start, continues=continues)
        self._put(encode_header(header, {"TERM": "xterm-256color"}))
        self._put(encode_event(Event(0.0, "o", text)))
        self._flush()
        if not self._ended:
            self._want_frame()

    # ---- key frames

    def _want_frame(self) -> None:
        """Ask for one, if it is time."""
        due = self.bytes + self._waiting_bytes - self._frame_at >= FRAME_BYTES
        due |= self._resized and self._time - self._frame_time >= FRAME_SECONDS
        feed, offset = self.session.feed, self._offset
        if (
            not due
            or self._frames_asked >= MOST_FRAMES_ASKED
            or feed is None
            or not self.session.drawn
            or offset is None
        ):
            return
        if offset >= feed.reached:
            spot = Spot(self.bytes + self._waiting_bytes, round(self._time - self._start, 6), 0, 0)
            self._frame_at, self._frame_time = spot.at, self._time
            self._frames_asked, self._resized = self._frames_asked + 1, False
            framed = partial(self._framed, self.part, offset, self._serial, spot)
            feed.ask("snapshot", FRAME_LINES, framed, at=offset)

    def _framed(self, part: int, offset: int, serial: int, spot: Spot, picture: "Picture | None") -> None:
        self._frames_asked -= 1
        if self._ended or picture is None or (picture.offset, picture.serial, self.part) != (offset, serial, part):
            return
        self._flush()
        if not self._runs():
            return
        text = codecs.getincrementaldecoder("utf-8")("replace").decode(picture.data)
        frame = encode_frame(spot._replace(cols=picture.cols, rows=picture.rows), text)
        path = frames_of(self._path)
        try:
            size = path.stat().st_size if path.exists() else 0
            try:
                with open(path, "ab", opener=_private) as file:
                    file.write(frame)
            except OSError:
                os.truncate(path, size)
        except OSError:  # It plays without; seeks take longer.
            pass

    # ---- the file

    def _runs(self) -> bool:
        return not self._ended

    @property
    def _path(self) -> Path:
        return self.folder / f"{self.part}.cast"

    def _note(self, code: str, data: str) -> None:
        self._put(encode_event(Event(self.seconds - self._start, code, data)))

    def _put(self, line: str) -> None:
        self._waiting.append(line)
        self._waiting_bytes += len(line) if line.isascii() else len(line.encode())

    def _flush(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting or self._ended:
            return
        data = "".join(self._waiting).encode()
        self._waiting, self._waiting_bytes = [], 0
        try:
            with open(self._path, "ab", opener=_private) as file:
                file.write(data)
        except OSError as error:
            self._fail(error)
            return
        self.bytes += len(data)
        assert self._offset is not None
        # Bytes of an unfinished character are not in the file yet.
        self._kept = self._offset - len(self._decoder.getstate()[0]), self._serial
        self._changed(self)

    def _fail(self, error: OSError) -> None:
        path = self._path
        try:
            self.bytes = cut_torn(path, self.bytes)
            cut_frames(path, self.bytes)
        except OSError:  # Readers leave out half a last line.
            pass
        if not self.bytes and self.part > 1:
            self.part -= 1
        log.error("`%s` could not be written: %s", path, error.strerror)
        self._stop(f"The recording could not be written: {shortage.why(error)}. Put that right and record again.")

    def _stop(self, why: str) -> None:
        self._ended, self._finished = True, None
        self._failed(self, why)


def cut_torn(path: Path, whole: int = 0) -> int:
    """Cut a part to the last whole event, and say how many bytes it has then; one without any is deleted.

    Args:
        whole: bytes at its beginning that are known to be whole.

    Raises:
        OSError: it is not there, or cannot be cut.
    """
    with open(path, "r+b") as file:
        keep = end = file.seek(0, os.SEEK_END)
        while keep > whole:
            start = max(whole, keep - PIECE_BYTES)
            file.seek(start)
            line = file.read(keep - start).rfind(b"\n")
            if line >= 0:
                keep = start + line + 1
                break
            keep = start
        if keep < end:
            file.truncate(keep)
    if not keep:
        path.unlink()
    return keep


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
