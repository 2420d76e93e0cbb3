"""What the hub needs of a WebSocket, so that it runs on any of them. This file holds a contract and no code."""

from typing import Protocol


class Outlet(Protocol):
    """The sending side of one WebSocket. Nothing here waits or raises: after the end of the socket all is ignored."""

    @property
    def unsent(self) -> int:
        """Bytes that were sent here and that the kernel has not taken yet."""

    def send_text(self, data: bytes) -> None:
        """Send one text message of UTF-8 bytes."""

    def send_binary(self, data: bytes) -> None:
        """Send one binary message."""

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake; the edge then calls the connection's `closed`."""

    def read(self, wanted: bool) -> None:
        """Read on, or read nothing until that is wanted again: what the other side sends waits in its socket (L7)."""
