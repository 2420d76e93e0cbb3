"""Keys go first: while somebody types, floods that nobody watches make way.

Twenty programs that print without end take every core, and a key's echo would wait for its turn behind them for
milliseconds. So for a moment after each key those that have no viewer are read in small portions with pauses between;
they wait in the kernel meanwhile, as they would for a slow terminal.
"""

import time

KEY_SECONDS = 0.25
"""How long after a key others make way: longer than the pauses of somebody who types."""
PORTION_BYTES = 16 << 10
REST_SECONDS = 0.02
"""One portion in so long is 0.8 MB/s."""


class Pace:
    """One server's: `key` is called when somebody typed."""

    def __init__(self) -> None:
        self._until = 0.0

    def key(self) -> None:
        """Somebody typed."""
        self._until = time.monotonic() + KEY_SECONDS

    @property
    def keys_first(self) -> bool:
        """Whether somebody types at the moment."""
        return time.monotonic() < self._until
