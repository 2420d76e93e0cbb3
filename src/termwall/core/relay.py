"""A session's output on its way to another node: exactly once and in order, over messages that may be lost (S3, S5).

The host has the ring; the gateway a copy of its newest part. `Sender` is a cursor on the ring with credit and a lease,
`Receiver` knows what the copy has. Times are seconds of one clock on each side. The rules:

    lease      nothing is sent to a gateway that was silent for `LEASE_SECONDS`; every ack renews it, and one
               that has nothing yet acks too
    window     at most `WINDOW_BYTES` that were not acked are on their way: what a slow gateway costs the network
    go-back    no progress for `RESEND_SECONDS`: send again from the last ack
    reset      bytes that the ring has lost were never acked: go on at its end, in band, so in order with the data. Any
               ack at or past the first reset without an answer ends it, else a slow ack and the timer go on for ever
    attach     each attachment has a number of its own; what belongs to another is ignored
"""

from dataclasses import dataclass

from termwall.core.ring import Ring

WINDOW_BYTES = 512 << 10
CHUNK_BYTES = 32 << 10
"""Bytes of one message: larger ones gain nothing (measured), smaller ones cost more for each byte."""
ACK_BYTES = WINDOW_BYTES // 4
"""A gateway acks after so many bytes, and each `ACK_SECONDS`."""
ACK_SECONDS = 0.5
LEASE_SECONDS = 3.0
RESEND_SECONDS = 1.0
NOTHING = -1
"""The ack of a gateway that waits for the first reset: before every offset."""


@dataclass(frozen=True, slots=True)
class Send:
    """Send the bytes from `start` to before `stop`."""

    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Reset:
    """Tell that the stream goes on at `offset`."""

    offset: int


class Sender:
    """The host's side of one attachment.

    Args:
        offset: where the gateway goes on; None if it has nothing.
        start, end: what the ring has.
        now: seconds.
        fresh: where a gateway begins that cannot go on, while the ring has that; None: at its end.
    """

    def __init__(self, offset: int | None, start: int, end: int, now: float, fresh: int | None = None) -> None:
        resumes = offset is not None and start <= offset <= end
        self._fresh = None if resumes else fresh
        begin = end if self._fresh is None else self._fresh
        self.acked = offset if resumes and offset is not None else begin
        self.sent = self.acked
        self.reset_at: int | None = None if resumes else begin
        self._sent_reset = False
        self.heard = now
        self._progress = now

    def expired(self, now: float) -> bool:
        """Whether the lease ended."""
        return now - self.heard > LEASE_SECONDS

    def ack(self, offset: int, now: float) -> None:
        """The gateway has everything before `offset`."""
        self.heard = now
        if self.reset_at is not None:
            if offset < self.reset_at:
                return
            self.reset_at = self._fresh = None
            self.acked = self.sent = offset
            self._progress = now
        elif self.acked < offset:
            self.acked = offset
            self.sent = max(self.sent, offset)
            self._progress = now

    def lost(self, now: float) -> None:
        """The network was away: what was on its way may be lost."""
        self.sent = self.acked
        self._sent_reset = False
        self._progress = self.heard = now

    def next(self, start: int, end: int, now: float) -> Send | Reset | None:
        """What to send now of a ring that has `start` to `end`; call again until None."""
        late = now - self._progress > RESEND_SECONDS
        if self.acked < start and self.reset_at is None:
            self.reset_at, self._sent_reset = end, False
        if self.reset_at is not None:
            if self._sent_reset and not late:
                return None
            self._sent_reset, self._progress = True, now
            place = end if self._fresh is None or self._fresh < start else self._fresh
            self.acked = self.sent = place
            return Reset(place)
        if late and self.sent > self.acked:
            self.sent, self._progress = self.acked, now
        if self.sent == self.acked:
            self._progress = now
        stop = min(end, self.sent + CHUNK_BYTES, self.acked + WINDOW_BYTES)
        if stop <= self.sent:
            return None
        send = Send(self.sent, stop)
        self.sent = stop
        return send

    def deadline(self) -> float:
        """When `next` or `expired` may say something else though nothing was printed."""
        waits = self.sent > self.acked or self.reset_at is not None
        return min(self.heard + LEASE_SECONDS, self._progress + RESEND_SECONDS) if waits else self.heard + LEASE_SECONDS


class Receiver:
    """The gateway's side: `offset` is what its copy has, None before the first reset of an empty one.

    `sure`: the offset was reached by this gateway itself, and not only named by a client.
    """

    def __init__(self, offset: int | None, *, sure: bool = True) -> None:
        self.offset = offset
        self.sure = sure
        self._acked: int | None = None

    def data(self, offset: int, count: int) -> int | None:
        """`count` bytes from `offset` came: how many of the first to leave out; None takes none of them."""
        if self.offset is None or offset > self.offset:
            return None  # Some before it were lost: the host goes back by itself.
        if offset + count <= self.offset:
            return None
        skip = self.offset - offset
        self.sure = True
        self.offset = offset + count
        return skip

    def reset(self, offset: int) -> bool:
        """The stream goes on at `offset`: True if the copy has to begin anew there."""
        if self.offset is not None and self.sure and offset <= self.offset:
            return False
        self.sure = True
        self.offset = offset
        return True

    def due(self) -> bool:
        """Whether so much came since the last ack that one is due before its time."""
        return self.offset is not None and (self._acked is None or self.offset - self._acked >= ACK_BYTES)

    def ack(self) -> int:
        """What to ack now: the lease needs one each `ACK_SECONDS` also without news, and while there is nothing yet."""
        self._acked = self.offset
        return NOTHING if self.offset is None else self.offset


class Copy(Ring):
    """The newest part of another node's ring. `begin` makes it empty at an offset; its history starts there."""

    floor = 0

    @property
    def start(self) -> int:
        """The offset of the oldest byte that is still there."""
        return max(self.floor, self.end - self.capacity)

    def begin(self, offset: int) -> None:
        """Forget everything, and go on at `offset`."""
        self.floor = self.end = offset
