"""Which input of which client a session already has, so that a resend types nothing twice and loses nothing (I1).

Input is a log for each client: numbers from 1, each exactly once. A number that was taken is a duplicate, one that
leaves others out is a gap. What is remembered is one number a client, for a bounded number of clients: the one that was
silent longest is forgotten, and is then told to begin at 1 again.
"""

from collections import OrderedDict
from hashlib import blake2b
from typing import Literal

from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ClientId


class InputLog:
    """The last input number of each client of one session."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """Clients that are remembered."""
        self._last: OrderedDict[bytes, int] = OrderedDict()

    def last(self, client: ClientId) -> int:
        """The last number that was taken; 0 if none was."""
        return self._last.get(client_key(client), 0)

    def accept(self, client: ClientId, seq: int) -> Literal["write", "duplicate"] | int:
        """What to do with input `seq`: write it (then call `taken`), drop it, or refuse it and expect this number."""
        last = self.last(client)
        if seq == last + 1:
            return "write"
        return "duplicate" if seq <= last else last + 1

    def taken(self, client: ClientId, seq: int) -> bytes | None:
        """Input `seq` was written. The key of the client that is forgotten for it, if one is."""
        return self.restore(client_key(client), seq)

    def restore(self, key: bytes, seq: int) -> bytes | None:
        """As `taken`, of a client of which only the key is known: what an earlier server wrote down."""
        self._last[key] = seq
        self._last.move_to_end(key)
        return self._last.popitem(last=False)[0] if len(self._last) > self.limit else None


def client_key(client: ClientId) -> bytes:
    """What is kept of a client's id: 16 bytes, however long it is."""
    return blake2b(client.encode(), digest_size=16).digest()


def gap(seq: int | None, expected: int) -> TermwallError:
    """Input that leaves others out."""
    sentence = f"Input {seq} came where {expected} was expected; nothing of it was written."
    return TermwallError(ErrorCode.INPUT_GAP, sentence, field="seq", details={"expected": expected})


def too_late(seq: int | None) -> TermwallError:
    """Input after its deadline. Its number stays free: what was typed behind it is not typed without its beginning."""
    sentence = "Nothing of it was typed: it came later than its client allowed."
    return TermwallError(ErrorCode.TOO_LATE, sentence, field="until", details={} if seq is None else {"expected": seq})
