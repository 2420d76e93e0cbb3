"""Records a session into asciicast files: one more cursor on its ring, which never slows anybody.

Each part begins with a picture, so that it can be played alone. What is written and how far that is in the log are kept
together for the next server, which cuts off what was written after that and goes on: no byte is missing or doubled. If
the cursor falls out of the ring, the recording says so in a marker and goes on with a new picture.
"""

import asyncio
import codecs
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from termwall.core.asciicast import Event, Header, encode_event, encode_header

if TYPE_CHECKING:
    from termwall.hub.session import LiveSession
    from termwall.screen.feed import Picture

FLUSH_SECONDS = 1.0
FLUSH_BYTES = 256 << 10
"""Waiting to be written; more is written at once."""
PIECE_BYTES = 64 << 10
MISSING = "output is missing here"


class Recorder:
    """A recording that runs.

    Args:
        session: what is recorded.
        folder: gets the parts, `1.cast`, `2.cast` ...
        part_bytes: a part that has as much is followed by another.
        changed: called when something was written: its state is to be kept.
        failed: called once, with why, when it cannot go on.
    """

    def __init__(
        self,
        session: "LiveSession",
        id: str,
        folder: Path,
        *,
        part_bytes: int,
        changed: Callable[["Recorder"], None],
        failed: Callable[["Recorder", str], None],
        state: dict[str, Any] | None = None,
    ) -> None:
        self.session = session
        self.id = id
        self._folder = folder
        self._part_bytes = part_bytes
        self._changed = changed
        self._failed = failed
        self._loop = asyncio.get_running_loop()
        self._waiting: list[str] = []
        self._waiting_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._asked = False
        self._ended = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.part, self.bytes, self.whole = 0, 0, 0
        """The part's number, its bytes, and those of all parts."""
        self._offset: int | None = None
        self._serial = 0
        self._began = 0.0
        self._kept: tuple[int | None, int] = (None, 0)
        """The offset and size mark up to which the file is: what waits to be written is not in it."""
        if state is None or state["epoch"] != session.epoch:
            self._ask()
        else:
            self._go_on(state)

    # ---- over a restart of the server

    def state(self) -> dict[str, Any]:
        """Where it is, of what was written."""
        return {
            "id": self.id,
            "epoch": self.session.epoch,
            "part": self.part,
            "bytes": self.bytes,
            "whole": self.whole,
            "offset": self._kept[0],
            "serial": self._kept[1],
            "began": self._began,
        }

    def _go_on(self, state: dict[str, Any]) -> None:
        self.part, self.bytes, self.whole = state["part"], state["bytes"], state["whole"]
        self._offset, self._serial, self._began = state["offset"], state["serial"], state["began"]
        self._kept = self._offset, self._serial
        if self._offset is None:
            self._ask()
            return
        try:
            with open(self._path, "r+b") as file:
                file.truncate(self.bytes)
        except OSError as error:
            self._fail(error)
            return
        self.pump()

    # ---- the cursor

    def pump(self) -> None:
        """There is new output, or a new size."""
        if self._offset is None or self._ended:
            return
        ring, sizes = self.session.ring, self.session.sizes
        if self._offset < ring.start:
            self._note("m", MISSING)
            self._ask()
            return
        while True:
            mark = sizes.next_after(self._serial)
            stop = ring.end if mark is None else min(ring.end, max(self._offset, mark.offset))
            while self._offset < stop:
                piece = ring.read(self._offset, min(stop, self._offset + PIECE_BYTES))
                self._offset += len(piece)
                text = self._decoder.decode(piece)
                if text:
                    self._note("o", text)
            if mark is None or mark.offset > ring.end:
                break
            self._serial = mark.serial
            self._note("r", f"{mark.cols}x{mark.rows}")
        if self.bytes + self._waiting_bytes >= self._part_bytes:
            self._ask()
        elif self._waiting_bytes >= FLUSH_BYTES:
            self._flush()
        elif self._waiting and self._timer is None:
            self._timer = self._loop.call_later(FLUSH_SECONDS, self._flush)

    def end(self) -> None:
        """Write what waits; it is over."""
        if not self._ended:
            if self.part == 0:
                self._drawn(None)  # It is over before its first picture came; the file must still be one.
            self.pump()
            self._flush()
            self._ended = True

    # ---- parts

    def _ask(self) -> None:
        """Begin another part with the picture of this moment."""
        if self._asked or self._ended:
            return
        self._asked = True
        session = self.session
        if session.feed is None or not session.drawn:
            self._loop.call_soon(self._drawn, None)
        else:
            session.feed.ask("snapshot", session.scrollback, self._drawn)

    def _drawn(self, picture: "Picture | None") -> None:
        self._asked = False
        if self._ended:
            return
        ring, sizes = self.session.ring, self.session.sizes
        offset = ring.end if picture is None else picture.offset
        if self._offset is not None and self._offset < offset and self._offset >= ring.start:
            self._copy_to(offset)
        self._flush()
        cols, rows = sizes.at(offset) if picture is None else (picture.cols, picture.rows)
        self._offset = offset
        self._serial = sizes.serial_at(offset) if picture is None else picture.serial
        self._decoder.reset()
        self.part, self.bytes, self._began = self.part + 1, 0, time.time()
        header = Header(cols, rows, int(self._began), self.session.title or self.session.name)
        self._put(encode_header(header, {"TERM": "xterm-256color"}))
        self._put(encode_event(Event(0.0, "o", "" if picture is None else picture.data.decode("utf-8", "replace"))))
        self._flush()
        self.pump()

    def _copy_to(self, stop: int) -> None:
        """The rest of a part, up to where the next one begins."""
        assert self._offset is not None
        while self._offset < stop:
            piece = self.session.ring.read(self._offset, min(stop, self._offset + PIECE_BYTES))
            self._offset += len(piece)
            self._note("o", self._decoder.decode(piece))

    # ---- the file

    @property
    def _path(self) -> Path:
        return self._folder / f"{self.part}.cast"

    def _note(self, code: str, data: str) -> None:
        self._put(encode_event(Event(max(0.0, time.time() - self._began), code, data)))

    def _put(self, line: str) -> None:
        self._waiting.append(line)
        self._waiting_bytes += len(line)

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
        self.whole += len(data)
        assert self._offset is not None
        # Bytes of an unfinished character are not in the file yet.
        self._kept = self._offset - len(self._decoder.getstate()[0]), self._serial
        self._changed(self)

    def _fail(self, error: OSError) -> None:
        self._ended = True
        self._failed(self, f"`{self._path}` could not be written: {error.strerror}. Free some space and record again.")


def _private(path: str, flags: int) -> int:
    import os

    return os.open(path, flags, 0o600)
