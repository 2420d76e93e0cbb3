"""One-time codes: how a command opens a browser that is signed in, without a token where others can read it (X1).

What a program is started with is read by every user of the machine, and an address that a browser is opened with is
such an argument. A code is good once, for a minute, and for a browser of the server's own user only.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass

from termwall.system import clock

CODE_SECONDS = 60.0
"""From making it to spending it: a browser has to start meanwhile."""
MOST_LOOKS = 8
"""That others come with it; then it is good no more, for each costs a look at the system's connections."""
MOST_CODES = 16
"""That are not spent yet; of more, the oldest is good no more."""


@dataclass(slots=True)
class _Code:
    token_hash: bytes
    made: float
    looks: int = 0


class Codes:
    """Of one server. They do not outlive it."""

    def __init__(self) -> None:
        self._all: OrderedDict[str, _Code] = OrderedDict()

    def make(self, token_hash: bytes) -> str:
        """A code that stands for this token."""
        code = secrets.token_urlsafe(24)
        self._all[code] = _Code(token_hash, clock.seconds())
        if len(self._all) > MOST_CODES:
            self._all.popitem(last=False)
        return code

    def look(self, code: str) -> bool:
        """Whether it can be spent; somebody comes with it, which is found out to be the right one or not."""
        found = self._all.get(code)
        if found is None or clock.seconds() - found.made > CODE_SECONDS or found.looks == MOST_LOOKS:
            self._all.pop(code, None)
            return False
        found.looks += 1
        return True

    def spend(self, code: str) -> bytes | None:
        """The hash of the token that it stands for, the first time."""
        found = self._all.pop(code, None)
        return None if found is None else found.token_hash
