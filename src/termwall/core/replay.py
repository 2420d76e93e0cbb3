"""How a viewer begins where there is no picture of its session's screen: a reset, and the log's tail (S3, S4).

The reset comes in band and names the offset where the replay begins; the bytes from there on follow as ordinary output,
under the viewer's credit. While the ring still has the session's first byte, the replay is the exact screen.
"""

from dataclasses import dataclass

from termwall.core.ring import Ring
from termwall.core.session.sizes import SizeLog

RESET = b"\x1bc"
"""RIS: screen, scrollback, modes and pen as new. In band: a terminal's own reset would overtake queued bytes."""


@dataclass(frozen=True, slots=True)
class Replay:
    """A screen anew: feed `data` to a terminal of this size, then the log's bytes from `offset` on."""

    offset: int
    data: bytes
    cols: int
    rows: int


def take_replay(ring: Ring, sizes: SizeLog, replay_bytes: int) -> Replay:
    """Of a session as it is now, with at most `replay_bytes` of the log once the ring has wrapped."""
    offset = ring.replay_start(replay_bytes)
    cols, rows = sizes.at(offset)
    return Replay(offset, RESET, cols, rows)
