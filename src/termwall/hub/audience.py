"""Who hears of a project and its sessions: what a room needs of a connection, whatever it is made of."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

from termwall.core.errors import CloseCode
from termwall.core.ids import ClientId, SessionId
from termwall.hub.anysession import AnySession
from termwall.protocol.parts import Changer


class Listener(Protocol):
    """One connection of a client."""

    client_id: ClientId
    with_keys: SessionId | None
    """The session whose keys its client says to have (S7)."""

    @property
    def may_type(self) -> bool:
        """Whether it may do more than watch (X3)."""

    @property
    def keeps_up(self) -> bool:
        """Whether it takes what it is sent: else what may be skipped is (S6)."""

    def carries(self, session_id: SessionId) -> bool:
        """Whether messages about this session belong on it now (W1)."""

    def views(self, session: AnySession) -> bool:
        """Whether it gets the session's stream at the moment (S2)."""

    def send(self, text: bytes) -> None:
        """Send it a message."""

    def close(self, code: CloseCode, reason: str) -> None:
        """End it."""

    def stage_changed(self, added: Iterable[SessionId], removed: Iterable[SessionId]) -> None:
        """The stage is another one (S2)."""

    def session_added(self, session: AnySession) -> None:
        """A session appeared (W5)."""

    def session_dropped(self, session: AnySession) -> None:
        """A session is gone for good."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asked for a change, so that its own copy of the answer repeats the `requestId` (W7)."""

    connection: Listener | None
    request_id: str | None
    by: Changer
