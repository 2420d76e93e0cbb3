"""What a viewer gets that cannot go on from where it was (S3, S4): a place in the log and how to begin there.

This version has no terminal of its own to draw a screen from. Its snapshot resets the viewer's terminal in band and
names the offset where the replay of the log's tail begins; the bytes from there on follow as ordinary output, under
the viewer's credit. While the ring still has the session's first byte, that replay is the exact screen.
"""

from dataclasses import dataclass

from termwall.core.ring import Ring
from termwall.core.session.sizes import SizeLog

RESET = b"\x1bc"
"""RIS: screen, scrollback, modes and pen as new. In band: a terminal's own reset would overtake queued bytes."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A screen anew: feed `data` to a terminal of this size, then the log's bytes from `offset` on."""

    offset: int
    data: bytes
    cols: int
    rows: int


def take_snapshot(ring: Ring, sizes: SizeLog, replay_bytes: int) -> Snapshot:
    """The snapshot of a session as it is now, with at most `replay_bytes` of replay once the ring has wrapped."""
    offset = ring.replay_start(replay_bytes)
    cols, rows = sizes.at(offset)
    return Snapshot(offset, RESET, cols, rows)
