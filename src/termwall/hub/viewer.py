"""One connection's view of one session: a cursor on its ring, and how those bytes are put into frames (S3, S5, S8).

States: parked (the session is not on the stage: nothing is sent, the place is kept), live. A live viewer that has no
place to go on from, or lost it, owes its terminal a snapshot first; `owed` is the reason it will give. The snapshot is
drawn by the screen worker as of one offset; until it comes nothing is sent, then it and the bytes from exactly there.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from termwall.core.cursor import Cursor
from termwall.core.replay import Replay, take_replay
from termwall.hub.outlet import Outlet
from termwall.protocol.codec import TextDecoder, encode, snapshot_frame, stream_text
from termwall.protocol.messages import SessionUpdate

if TYPE_CHECKING:
    from termwall.hub.anysession import AnySession
    from termwall.screen.feed import Picture

Reason = Literal["attach", "focus", "resume", "lagged", "restart", "resize"]

FRAME_BYTES = 64 << 10
"""Most output in one frame: larger ones would hold back the messages behind them and gain nothing measurable."""


class Viewer:
    """A cursor of one connection on one session."""

    def __init__(
        self,
        session: "AnySession",
        outlet: Outlet,
        *,
        binary: bool,
        window: int,
        clock: Callable[[], int],
        scrollback: int | None = None,
    ) -> None:
        self.session = session
        self._outlet = outlet
        self._window = window
        self._clock = clock
        self._scrollback = scrollback
        self._cursor = Cursor(0, window)
        self._text = None if binary else TextDecoder()
        self._size_serial = 0
        self._epoch: str | None = None
        self._awaited: object | None = None
        self.live = False
        self.owed: Reason | None = "attach"

    def start(self, reason: Reason) -> None:
        """The output flows from now on: from the kept place where the ring has it, else by a snapshot (S3)."""
        session, position = self.session, self._cursor.position
        placed = self.owed is None and self._epoch == session.epoch
        session.looked_at(position if placed else None)
        self.live = True
        if not placed or not session.has(position):
            self.owed = reason
        elif self._size_serial != session.sizes.last_serial:
            # It was sent the newest size while it was away; the bytes it missed belong to an older one.
            self._send_size(position, *session.sizes.at(position))
        self.pump()

    def park(self) -> None:
        """The session left the stage: send nothing more, keep the place."""
        self.live = False
        self._awaited = None

    def restart(self) -> None:
        """A new epoch began: the old place means nothing any more (S1)."""
        self._awaited = None
        self.owed = "restart"
        self.pump()

    def misplaced(self) -> None:
        """The output ends before where the client says it was: it was never there."""
        if self._cursor.position > self.session.ring.end:
            self.owed = "resume"
            self.pump()

    def resized(self) -> None:
        """The size changed a moment ago: draw the screen anew, for terminals do with it each what they like (S3)."""
        if self.live and self.owed is None and self._awaited is None:
            self.owed = "resize"
            self.pump()

    def seek(self, epoch: str, offset: int, *, staged: bool) -> tuple[int, Literal["exact", "snapshot"]]:
        """Go on from where the client says it is (W11): (offset from where the stream goes on, how).

        Sends nothing: the caller answers the client first, then calls `start`.

        Args:
            staged: the session is on the stage, so that its stream will go on now.
        """
        session = self.session
        self._awaited = None
        if epoch == session.epoch and session.has(offset):
            self._anchor(offset)
            return offset, "exact"
        self.owed = "resume"
        if staged and session.drawn:
            return self._await("resume"), "snapshot"
        return session.ring.end if session.drawn else self._replay().offset, "snapshot"

    def ack(self, offset: int) -> int:
        """The client's terminal has parsed everything before `offset` (S5).

        Returns:
            How many bytes of credit that gave; of a first ack 1.
        """
        before = self._cursor.acked
        if not self._cursor.ack(offset):
            return 0
        self.pump()
        return 1 if before is None else offset - before

    def pump(self) -> None:
        """Send what there is, as far as credit and the socket allow."""
        cursor, session = self._cursor, self.session
        ring, sizes = session.ring, session.sizes
        while self.live and self._awaited is None:
            if self._outlet.unsent >= self._window:
                return
            if self.owed is not None:
                self._begin_snapshot(self.owed)
                continue
            mark = sizes.next_after(self._size_serial)
            if mark is not None and mark.offset <= cursor.position:
                self._size_serial = mark.serial
                self._send_size(mark.offset, mark.cols, mark.rows)
                continue
            step = cursor.next(ring.start, ring.end, FRAME_BYTES)
            if step == "lagged":
                self.owed = "lagged"
                continue
            if step is None or step == "wait":
                return
            start, stop = step
            if mark is not None:
                stop = min(stop, mark.offset)
            cursor.advance(stop)
            self._send_output(start, stop)
            if mark is None and stop == ring.end:
                return

    # ---- snapshots

    def _begin_snapshot(self, reason: Reason) -> None:
        if self.session.drawn:
            self._await(reason)
        else:
            self._send_replay(reason)

    def _await(self, reason: Reason) -> int:
        """Have the screen drawn as it is now; returns the offset that it will be of."""
        token = self._awaited = object()
        session, drawer = self.session, self.session.drawer
        assert drawer is not None

        def drawn(picture: "Picture | None") -> None:
            if self._awaited is not token or session.drawer is not drawer:
                return  # Parked, restarted or moved meanwhile: somebody asked anew, or nobody wants it.
            self._awaited = None
            if picture is None:
                self._undrawn(reason)
            else:
                self._send_snapshot(reason, picture.offset, picture.serial, picture.cols, picture.rows, picture.data)
            self.pump()

        lines = session.scrollback if self._scrollback is None else min(self._scrollback, session.scrollback)
        return drawer.ask("snapshot", lines, drawn)

    def _undrawn(self, reason: Reason) -> None:
        """There is no picture. After a resize the terminal has a place to go on from; else the log's tail must do."""
        if reason == "resize":
            self.owed = None
        else:
            self._send_replay(reason)

    def _send_replay(self, reason: Reason) -> None:
        """A reset, then the log's tail as ordinary output: what it holds by now is marked as replay (S7)."""
        session, snapshot = self.session, self._replay(lagged=reason == "lagged")
        self._send_text(
            encode(
                SessionUpdate(
                    session_id=session.id,
                    project_id=session.project_id,
                    timestamp=self._clock(),
                    epoch=session.epoch,
                    offset=session.known_end,
                )
            )
        )
        serial = session.sizes.serial_at(snapshot.offset)
        self._send_snapshot(reason, snapshot.offset, serial, snapshot.cols, snapshot.rows, snapshot.data)

    def _replay(self, *, lagged: bool = False) -> Replay:
        bounds = self.session.bounds
        most = min(self._window, bounds.replay_bytes) if lagged else bounds.replay_bytes
        return take_replay(self.session.ring, self.session.sizes, most)

    def _anchor(self, offset: int, serial: int | None = None) -> None:
        self._cursor.jump(offset)
        self._epoch = self.session.epoch
        self._size_serial = self.session.sizes.serial_at(offset) if serial is None else serial
        self.owed = None
        if self._text is not None:
            self._text.reset()

    def _send_snapshot(self, reason: Reason, offset: int, serial: int, cols: int, rows: int, data: bytes) -> None:
        session = self.session
        self._anchor(offset, serial)
        if self._text is None:
            self._outlet.send_binary(snapshot_frame(session.id, offset, cols, rows, reason, data))
            return
        text = self._text.feed(data)
        self._send_text(
            stream_text(
                session.id,
                session.project_id,
                session.epoch,
                offset - self._text.held,
                text,
                self._clock(),
                snapshot=True,
                reason=reason,
                cols=cols,
                rows=rows,
            )
        )

    def _send_output(self, start: int, stop: int) -> None:
        session = self.session
        if self._text is None:
            self._outlet.send_binary(session.frame(start, stop))
            return
        text = self._text.feed(session.ring.read(start, stop))
        if text:
            offset = stop - self._text.held
            self._send_text(stream_text(session.id, session.project_id, session.epoch, offset, text, self._clock()))

    def _send_size(self, offset: int, cols: int, rows: int) -> None:
        self._send_text(self.session.size_text(offset, cols, rows, self._clock()))

    def _send_text(self, data: bytes) -> None:
        self._outlet.send_text(data)
