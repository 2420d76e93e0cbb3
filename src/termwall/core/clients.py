"""Who a client is: the id that it gives itself, bound to the token that it came with (X7).

The owner's clients go by the ids that they give themselves; those of a token given to others by `~TOKEN~ID`, where
TOKEN is a hash. So nobody is another token's client, whatever id it says; it reads its own id as it gave it.
"""

from hashlib import blake2b
from typing import Literal

from termwall.core.ids import ClientId

Role = Literal["view", "type", "own"]
"""What a token allows, each more than the one before: watch, type, and all else (X3)."""
_MARK = "~"


def bound(name: str, token_id: str | None) -> ClientId:
    """The client that calls itself `name` and came with this token; None: the owner's."""
    return ClientId(name if token_id is None else f"{token_prefix(token_id)}{name}")


def token_prefix(token_id: str) -> str:
    """What the ids of a token's clients begin with."""
    return f"{_MARK}{blake2b(token_id.encode(), digest_size=6).hexdigest()}{_MARK}"


class Reader:
    """Who reads what is said of clients: with a token given to somebody its own clients by their own ids.

    This is the one way by which ids leave the server, whatever carries them (X7).

    Args:
        token_id: whose reader it is; None: the owner's.
    """

    def __init__(self, token_id: str | None) -> None:
        self._theirs = b"" if token_id is None else _FIELD + token_prefix(token_id).encode()

    def reads(self, text: bytes) -> bytes:
        """What a text of JSON is to this one. Within a string of it the quotes would be escaped."""
        return text.replace(self._theirs, _FIELD) if self._theirs else text


_FIELD = b'"clientId":"'
"""As it stands on the wire."""


def name_of(client: ClientId) -> str:
    """What a client calls itself."""
    return client.split(_MARK, 2)[2] if token_of(client) else client


def token_of(client: ClientId) -> str:
    """The same text for all clients of one token; empty for the owner's."""
    parts = client.split(_MARK, 2)
    return parts[1] if len(parts) == 3 and not parts[0] else ""
