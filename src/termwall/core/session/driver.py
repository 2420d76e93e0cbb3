"""Who drives a session, and so whose size it has (I4).

    a client ...          drives already    nobody drives     another drives
    types                 -                 it drives now     it drives now
    claims                new size          it drives now     it drives now
    sends its size        new size          it drives now     remembered only
    leaves                nobody drives     -                 -

A new driver brings the size it sent last, so that a take-over by typing needs no second message.
"""

from termwall.core.ids import ClientId

Size = tuple[int, int]


class Seat:
    """The driver's seat of one session. Methods say True if the driver or the size changed."""

    def __init__(self, cols: int, rows: int) -> None:
        self.driver: ClientId | None = None
        self.size: Size = (cols, rows)
        # Bounded by the clients that are connected: who leaves is forgotten.
        self._wanted: dict[ClientId, Size] = {}

    def typed(self, client: ClientId) -> bool:
        """A client typed."""
        return False if client == self.driver else self._sit(client)

    def claim(self, client: ClientId, size: Size | None) -> bool:
        """A client claims the session, perhaps with its size."""
        if size is not None:
            self._wanted[client] = size
        return self._sit(client)

    def resize(self, client: ClientId, size: Size) -> bool:
        """A client sends its size."""
        self._wanted[client] = size
        return self._sit(client) if self.driver in (None, client) else False

    def leave(self, client: ClientId) -> bool:
        """The last connection of a client is gone; the size stays."""
        self._wanted.pop(client, None)
        if client != self.driver:
            return False
        self.driver = None
        return True

    def set_size(self, size: Size) -> bool:
        """Set the size once, from no client's screen."""
        changed = size != self.size
        self.size = size
        return changed

    def _sit(self, client: ClientId) -> bool:
        before = self.driver, self.size
        self.driver = client
        self.size = self._wanted.get(client, self.size)
        return (self.driver, self.size) != before
