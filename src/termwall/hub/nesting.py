"""Which sessions `termwall attach` shows within others, so that none ends up showing itself (A6).

A session that is shown within itself, directly or through others, prints what it prints, for ever.
"""

import asyncio
from collections.abc import Callable, Collection
from typing import Protocol

from termwall.core.errors import CloseCode
from termwall.core.ids import SessionId
from termwall.hub.anysession import AnySession
from termwall.hub.hello import Hello
from termwall.hub.session import LiveSession

WITHIN_ITSELF = "A session cannot be shown within itself, nor within one that it shows"


class Client(Protocol):
    """A connection of `termwall attach`."""

    @property
    def hello(self) -> Hello:
        """What it shows, and in which session it runs."""

    def close(self, code: CloseCode, reason: str) -> None:
        """End it."""


class Nesting:
    """Of one server.

    Each node hears what is shown within the others' sessions, and what the others' clients show within its own. Where
    a loop was closed before it was known (two attaches at the same time, nodes that could not reach each other), the
    client that shows the last of the loop's pairs, by their ids, is sent away: the other nodes conclude the same.

    Args:
        find: a session of any node.
        changed: what is shown within a session of this node is different.
    """

    def __init__(self, find: Callable[[SessionId], AnySession | None], changed: Callable[[LiveSession], None]) -> None:
        self._find = find
        self._changed = changed
        self._clients: dict[SessionId, set[Client]] = {}
        """Of this node, by the session that each runs in: as many as there are connections."""
        self._elsewhere: dict[SessionId, dict[str, frozenset[SessionId]]] = {}
        """What clients of other nodes show within sessions of this one, by node."""
        self._due = False
        self.changed_distant: Callable[[SessionId], None] = lambda outer: None
        """What clients here show within another node's session is different."""

    def loops(self, hello: Hello) -> bool:
        """Whether this client would show a session within one that is shown in it."""
        return self._leads_back(hello, lambda outer, inner: True)

    def came(self, client: Client) -> None:
        """A client is connected."""
        inside = client.hello.inside
        if inside is not None and client.hello.session_id is not None:
            self._clients.setdefault(inside, set()).add(client)
            self._refresh(inside)

    def left(self, client: Client) -> None:
        """It is no more."""
        inside = client.hello.inside
        clients = self._clients.get(inside, set()) if inside is not None else set()
        if inside is not None and client in clients:
            clients.discard(client)
            if not clients:
                del self._clients[inside]
            self._refresh(inside)

    def say_again(self) -> None:
        """Call `changed_distant` for every session of another node within which clients here show some."""
        for outer in tuple(self._clients):
            if not isinstance(self._find(outer), LiveSession):
                self.changed_distant(outer)

    def shown_here(self, outer: SessionId) -> set[SessionId]:
        """What clients of this node show within a session of any node."""
        hellos = [client.hello for client in self._clients.get(outer, ())]
        return {one.session_id for one in hellos if one.session_id is not None and self._knows(one)}

    def reported(self, node: str, outer: SessionId, shown: Collection[SessionId]) -> None:
        """Clients of another node show these within a session of this one, and no others."""
        nodes = self._elsewhere.pop(outer, {})
        nodes.pop(node, None)
        if shown:
            nodes[node] = frozenset(shown)
        if nodes:
            self._elsewhere[outer] = nodes
        self._refresh(outer)

    def look_again(self) -> None:
        """Something is known to be shown that was not: soon look whether clients here close a loop."""
        if self._clients and not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self._send_away)

    def _send_away(self) -> None:
        self._due = False
        for client in [client for clients in self._clients.values() for client in clients]:
            hello = client.hello
            own = hello.inside, hello.session_id
            if self._leads_back(hello, lambda outer, inner, own=own: (outer, inner) <= own):  # type: ignore[misc]
                client.close(CloseCode.POLICY, WITHIN_ITSELF)

    def _leads_back(self, hello: Hello, counts: Callable[[SessionId, SessionId], bool]) -> bool:
        """Whether what it shows ends up showing the session it runs in, by pairs (outer, inner) that count."""
        if hello.session_id is None or hello.inside is None or not self._knows(hello):
            return False
        known = {hello.session_id}
        ahead = [hello.session_id]
        while ahead:
            outer = ahead.pop()
            if outer == hello.inside:
                return True
            session = self._find(outer)
            within = self.shown_here(outer) | set(session.attached if session is not None else ())
            new = {inner for inner in within - known if counts(outer, inner)}
            ahead += new
            known |= new
        return False

    def _knows(self, hello: Hello) -> bool:
        """Whether the session that it says to run in is there, and one that its token knows of (X3)."""
        outer = None if hello.inside is None else self._find(hello.inside)
        return outer is not None and hello.only_project in (None, outer.project_id)

    def _refresh(self, outer: SessionId) -> None:
        session = self._find(outer)
        if isinstance(session, LiveSession):
            attached = self.shown_here(outer).union(*self._elsewhere.get(outer, {}).values())
            if attached != session.attached:
                more = not attached <= session.attached
                session.attached = frozenset(attached)
                self._changed(session)
                if more:
                    self.look_again()
        elif session is not None:
            self.changed_distant(outer)
