"""Who a client is: the id that it gives itself, bound to the token that it came with (X7).

The owner's clients go by the ids that they give themselves; those of a token given to others by `~TOKEN~ID`, where
TOKEN is a hash. So nobody is another token's client, whatever id it says; it reads its own id as it gave it.
"""

from hashlib import blake2b

from termwall.core.ids import ClientId

_MARK = "~"


def bound(name: str, token_id: str | None) -> ClientId:
    """The client that calls itself `name` and came with this token; None: the owner's."""
    return ClientId(name if token_id is None else f"{token_prefix(token_id)}{name}")


def token_prefix(token_id: str) -> str:
    """What the ids of a token's clients begin with."""
    return f"{_MARK}{blake2b(token_id.encode(), digest_size=6).hexdigest()}{_MARK}"


def name_of(client: ClientId) -> str:
    """What a client calls itself."""
    return client.split(_MARK, 2)[2] if token_of(client) else client


def token_of(client: ClientId) -> str:
    """The same text for all clients of one token; empty for the owner's."""
    parts = client.split(_MARK, 2)
    return parts[1] if len(parts) == 3 and not parts[0] else ""
