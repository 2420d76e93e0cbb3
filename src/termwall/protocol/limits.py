"""The limits that a client is sent and has to keep to (W4)."""

from termwall.protocol.wire import Wire


class Limits(Wire):
    """What a connection has to keep to (W4)."""

    window: int
    """Most unacknowledged bytes of one stream (S5)."""
    ring: int
    """How many bytes of output are kept for each session (S1)."""
    message_bytes: int
    """Largest message to the server; over it: close 1009 (W9)."""
    messages_per_second: int
    """What one connection may send in a second, in keys; more is delayed (L7)."""
    bytes_per_second: int
    token_messages_per_second: int
    """The same of all connections that one token opened."""
    token_bytes_per_second: int
    input_bytes: int
    """Most input that waits for a program that does not read (I3)."""
    name_length: int
    sessions: int
    """Most sessions of a project."""
