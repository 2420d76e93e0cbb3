"""What a connection begins with, as the edge that carries it found out."""

from dataclasses import dataclass

from termwall.core.clients import Role
from termwall.core.ids import ClientId, SessionId


@dataclass(frozen=True, slots=True)
class Hello:
    """Who connects and to what (W1, W2)."""

    client_id: ClientId
    """Unlike any other token's client's: `core.clients.bound` makes it so (X7)."""
    session_id: SessionId | None = None
    name: str | None = None
    resume: bool = False
    binary: bool = False
    role: Role = "own"
    token_id: str | None = None
    """The token given to others that opened it, if one did."""
    browser_id: str | None = None
    """The browser that opened it, where one that is signed in did (X5)."""
    only_project: str | None = None
    """The one project that its token opens; None: all."""
    inside: SessionId | None = None
    """The session that this client runs in: a `termwall attach` in a terminal of the wall itself."""
    scrollback: int | None = None
    """The most lines above the screen that its snapshots may have; None: as many as there are."""
