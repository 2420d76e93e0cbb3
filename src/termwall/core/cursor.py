"""One viewer's place in a ring, and its credit (S3, S5).

The cursor only answers what may be sent next; it holds no bytes and no socket:

    (start, stop)  send these bytes, then `advance(stop)`
    "wait"         there are bytes, but `window` of them are unacknowledged: go on after an `ack`
    "lagged"       the ring has dropped bytes it never sent, and the viewer has parsed all that it was: it needs a
                   snapshot, then `jump`
    None           everything was sent

Until its first ack a viewer has no window: a client of the seed's never acks, and its socket's buffer is the limit.
"""

from typing import Literal


class Cursor:
    """A viewer at `position`, with at most `window` bytes unacknowledged once it has acked."""

    __slots__ = ("acked", "position", "window")

    def __init__(self, position: int, window: int) -> None:
        self.position = position
        self.window = window
        self.acked: int | None = None

    def next(self, ring_start: int, ring_end: int, most: int) -> tuple[int, int] | Literal["wait", "lagged"] | None:
        """What to send now, at most `most` bytes of a ring that holds `ring_start` to `ring_end`."""
        position = self.position
        if position < ring_start:
            # Only once it has parsed all it was sent: one that never acks would be fed snapshots for ever.
            return "lagged" if self.acked in (None, position) else "wait"
        if position >= ring_end:
            return None
        stop = min(ring_end, position + most)
        if self.acked is not None:
            stop = min(stop, self.acked + self.window)
            if stop <= position:
                return "wait"
        return position, stop

    def advance(self, stop: int) -> None:
        """The bytes before `stop` were sent."""
        self.position = stop

    def ack(self, offset: int) -> bool:
        """The viewer has parsed all before `offset`. True if that gave credit; what it was never sent is ignored."""
        if offset > self.position or (self.acked is not None and offset <= self.acked):
            return False
        self.acked = offset
        return True

    def jump(self, position: int) -> None:
        """Go on elsewhere, with nothing outstanding: after a snapshot, or where the viewer says it is."""
        self.position = position
        if self.acked is not None:
            self.acked = position
