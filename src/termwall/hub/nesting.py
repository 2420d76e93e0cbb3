"""Which sessions `termwall attach` shows within others, so that none comes to show itself (A6).

A session that is shown within itself, directly or through others, prints what it prints, for ever.
"""

from collections import Counter
from collections.abc import Callable

from termwall.core.ids import SessionId
from termwall.hub.anysession import AnySession
from termwall.hub.connection import Hello
from termwall.hub.session import LiveSession


class Nesting:
    """Of one server. Other nodes are told of its sessions' `attached`, as of all that is known of a session.

    Args:
        find: a session of any node.
        changed: what is shown within a session of this node is different.
    """

    def __init__(self, find: Callable[[SessionId], AnySession | None], changed: Callable[[LiveSession], None]) -> None:
        self._find = find
        self._changed = changed
        self._within_distant: dict[SessionId, Counter[SessionId]] = {}
        """What clients here show within other nodes' sessions: at most one a connection."""

    def loops(self, hello: Hello) -> bool:
        """Whether this client would show a session within one that is shown in it."""
        if hello.session_id is None or self._outer(hello) is None or hello.inside is None:
            return False
        known = {hello.session_id}
        ahead = [hello.session_id]
        while ahead:
            place = ahead.pop()
            if place == hello.inside:
                return True
            session = self._find(place)
            within = {*self._within_distant.get(place, ()), *(session.attached if session is not None else ())}
            ahead += within - known
            known |= within
        return False

    def came(self, hello: Hello) -> None:
        """A client is connected."""
        self._count(hello, 1)

    def left(self, hello: Hello) -> None:
        """It is no more."""
        self._count(hello, -1)

    def _outer(self, hello: Hello) -> AnySession | None:
        """The session that it says to run in, unless it is none that its token knows of (X3)."""
        outer = None if hello.inside is None else self._find(hello.inside)
        return outer if outer is not None and hello.only_project in (None, outer.project_id) else None

    def _count(self, hello: Hello, more: int) -> None:
        if hello.inside is None or hello.session_id is None:
            return
        outer = self._outer(hello)
        if isinstance(outer, LiveSession):
            outer.attached = _counted(outer.attached, hello.session_id, more)
            self._changed(outer)
        elif outer is not None or hello.inside in self._within_distant:
            counted = _counted(self._within_distant.pop(hello.inside, Counter()), hello.session_id, more)
            if counted:
                self._within_distant[hello.inside] = counted


def _counted(before: Counter[SessionId], session: SessionId, more: int) -> Counter[SessionId]:
    """Without those that nobody shows any more."""
    return +(before + Counter({session: more}) if more > 0 else before - Counter({session: -more}))
