"""Which input of which client a session already has, so that a resend types nothing twice and loses nothing (I1).

Input is a log for each client: numbers from 1, each exactly once. A number that was taken is a duplicate, one that
leaves others out is a gap. What is remembered is one number a client, for a bounded number of clients. One more costs
the token with the most of them a place (X7): its client that was silent longest and is not connected is forgotten, and
then has to begin at 1 again. Where that is the newcomer's own token and all its clients are connected, the newcomer
is refused: ids that somebody invents push nobody out.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Literal

from termwall.core.clients import name_of, token_of
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ClientId


class InputLog:
    """The last input number of each client of one session."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """Clients that are remembered."""
        self.connected: Callable[[], Iterable[ClientId]] = tuple
        """Who is connected and may type."""
        self._last: OrderedDict[bytes, int] = OrderedDict()
        self._by_name: frozenset[bytes] = frozenset()

    def last(self, client: ClientId) -> int:
        """The last number that was taken; 0 if none was."""
        found = self._last.get(client_key(client))
        if found is None and self._by_name:
            named = client_key(ClientId(name_of(client)))
            found = self._last.get(named) if named in self._by_name else None
        return found or 0

    def name_only(self) -> None:
        """What is remembered was written by a version that knew clients by their names alone: it holds for them."""
        self._by_name = frozenset(self._last)

    def accept(self, client: ClientId, seq: int) -> Literal["write", "duplicate"] | int:
        """What to do with input `seq`: write it (then call `taken`), drop it, or refuse it and expect this number.

        Raises:
            TermwallError: `input_overflow` where too many clients of its token type already.
        """
        key = client_key(client)
        last = self.last(client)
        if seq == last + 1:
            if key not in self._last and len(self._last) >= self.limit:
                self._make_room(_token_key(key))
            return "write"
        return "duplicate" if seq <= last else last + 1

    def taken(self, client: ClientId, seq: int) -> bytes | None:
        """Input `seq` was written. The key of the client that is forgotten for it, if one is."""
        return self.restore(client_key(client), seq)

    def restore(self, key: bytes, seq: int) -> bytes | None:
        """As `taken`, of a client that only the key is known of: what an earlier server wrote down."""
        self._last[key] = seq
        self._last.move_to_end(key)
        return self._last.popitem(last=False)[0] if len(self._last) > self.limit else None

    def _make_room(self, token: bytes) -> None:
        """Let the next to be forgotten be one of the token with the most clients, if in doubt of the newcomer's."""
        sizes = Counter(map(_token_key, self._last))
        sizes[token] += 1
        loser = max(sizes, key=lambda one: (sizes[one], one == token))
        connected = {client_key(client) for client in self.connected()}
        clients = [key for key in self._last if _token_key(key) == loser]
        away = [key for key in clients if key not in connected]
        if loser == token and not away:
            sentence = f"{len(clients)} clients type here already, the most allowed."
            raise TermwallError(ErrorCode.INPUT_OVERFLOW, sentence)
        self._last.move_to_end((away or clients)[0], last=False)


_KEY_BYTES = 16
_SHARED = b"\xff\xfe"
"""What the keys of tokens given to others begin with. One in 65,536 of the owner's does too, and counts for itself."""
_TOKEN_BYTES = 6
"""Of such a key, for its mark and its token."""


def client_key(client: ClientId) -> bytes:
    """What is kept of a client's id: 16 bytes, however long it is."""
    token = token_of(client)
    if not token:
        return blake2b(client.encode(), digest_size=_KEY_BYTES).digest()
    mark = _SHARED + blake2b(token.encode(), digest_size=_TOKEN_BYTES - len(_SHARED)).digest()
    return mark + blake2b(client.encode(), digest_size=_KEY_BYTES - len(mark)).digest()


def _token_key(key: bytes) -> bytes:
    """The same for all clients of one token; empty for the owner's."""
    return key[:_TOKEN_BYTES] if key.startswith(_SHARED) else b""


TYPED_MILLISECONDS = 5_000
"""How long what was typed may be typed into the program (I2)."""


def gap(seq: int | None, expected: int) -> TermwallError:
    """Input that leaves others out."""
    sentence = f"Input {seq} came where {expected} was expected; nothing of it was written."
    return TermwallError(ErrorCode.INPUT_GAP, sentence, field="seq", details={"expected": expected})


def too_late(seq: int | None) -> TermwallError:
    """Input after its deadline. Its number stays free: what was typed behind it is not typed without its beginning."""
    sentence = "Nothing of it was typed: it came later than its client allowed."
    return TermwallError(ErrorCode.TOO_LATE, sentence, field="until", details={} if seq is None else {"expected": seq})
