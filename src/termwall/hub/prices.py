"""What each message of a client counts as (L7): a key is 1, and so is whatever takes the server no longer than a key.

The price of what is listeners to others grows with how many they are. Pure.
"""

from collections.abc import Sized

from termwall.protocol import commands
from termwall.protocol.codec import InputFrame

FRAME = 1.0
"""A WebSocket frame that is no message: a ping, a pong, a part of a message."""
REFUSED = 2.0
"""What cannot be read: it is answered."""
TEXT_BYTES = 512
"""Of JSON, each so many bytes more count as a message more: it takes longer to read than anything else."""
LISTENER = 1 / 16
"""For each connection that is sent it."""
NAMED = 1 / 8
"""For each session that is named in a list."""
STAGE = 4.0
"""What is stored: a change of the stage, a name."""
SYNC = 4.0
RESUMED = 1.0
"""A stream that goes on from elsewhere: perhaps with a snapshot."""
THEME = 4.0
ACK = 0.25
"""An ack that gives less credit back than `FREE_ACK_BYTES`."""
FREE_ACK_BYTES = 8 << 10
"""An ack of so much counts nothing: it is paid for by the output that was sent. One that says nothing new is a key."""


def price(message: commands.AnyClientMessage | InputFrame, listeners: int) -> float:
    """Of one message.

    Args:
        listeners: connections of its project.
    """
    match message:
        case commands.Focus() | commands.Blur():
            return STAGE + LISTENER * listeners + NAMED * _count(message.session_ids)
        case commands.Resize() | commands.Drive():
            return FRAME + LISTENER * listeners
        case commands.SyncRequest():
            return SYNC + RESUMED * _count(message.offsets)
        case commands.PreviewRequest():
            return FRAME + NAMED * _count(message.session_ids)
        case commands.ClientTheme():
            return THEME
        case commands.ClientMessage() if message.kept:
            return STAGE + LISTENER * listeners
        case _:
            return FRAME


def price_of_text(size: int) -> float:
    """Of the length of a JSON message, on top."""
    return float(size // TEXT_BYTES)


def price_of_ack(news: int) -> float:
    """Of an ack that gives so many bytes of credit back."""
    if news >= FREE_ACK_BYTES:
        return 0.0
    return ACK if news > 0 else FRAME


def _count(named: Sized | None) -> int:
    return 0 if named is None else len(named)
