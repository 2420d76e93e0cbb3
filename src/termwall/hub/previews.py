"""Who watches which unfocused sessions, and what they get: the screen as rows, at most 4 times a second (S6).

A picture is asked of the screen worker only for a session that somebody watches and that has changed; it is sent only
where it differs from the last one. Whatever was printed in between costs nothing.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from termwall.protocol.codec import preview_text
from termwall.screen.feed import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from termwall.hub.anysession import AnySession
    from termwall.hub.audience import Listener


@dataclass(slots=True, eq=False)
class _Watched:
    """A session that somebody watches."""

    connections: "set[Listener]" = field(default_factory=set)
    behind: "set[Listener]" = field(default_factory=set)
    """Those that have not had the newest picture yet."""
    shown: tuple[object, ...] | None = None
    """What the session showed when a picture was last asked for."""
    message: bytes = b""
    content: tuple[object, ...] = ()
    asked: bool = False


class Previews:
    """All that is watched in one room. Bounded by its sessions and connections."""

    def __init__(self, clock: "Callable[[], int]") -> None:
        self._clock = clock
        self._watched: dict[AnySession, _Watched] = {}

    def watch(self, connection: "Listener", sessions: "Iterable[AnySession]") -> None:
        """A connection wants to see these sessions and no others, from now on."""
        wanted = set(sessions)
        for session in wanted:
            watched = self._watched.setdefault(session, _Watched())
            if connection not in watched.connections:
                watched.connections.add(connection)
                watched.behind.add(connection)
        for session in [s for s, watched in self._watched.items() if connection in watched.connections]:
            if session not in wanted:
                self._leave(connection, session)

    def left(self, connection: "Listener") -> None:
        """A connection is gone."""
        self.watch(connection, ())

    def dropped(self, session: "AnySession") -> None:
        """A session is gone."""
        self._watched.pop(session, None)

    def _leave(self, connection: "Listener", session: "AnySession") -> None:
        watched = self._watched[session]
        watched.connections.discard(connection)
        watched.behind.discard(connection)
        if not watched.connections:
            del self._watched[session]

    def sweep(self) -> bool:
        """Ask for the pictures of what has changed, and catch up those that were full.

        Returns:
            True where somebody still waits for a picture that is there.
        """
        for session, watched in list(self._watched.items()):
            if not session.drawn or session.drawer is None:
                continue
            now = session.shows
            if now != watched.shown and not watched.asked:
                watched.shown, watched.asked = now, True
                session.drawer.ask("runs", 0, lambda picture, s=session, w=watched: self._drawn(s, w, picture))  # type: ignore[misc]
            elif watched.message:
                self._send(watched)
        return any(watched.behind and watched.message for watched in self._watched.values())

    def _drawn(self, session: "AnySession", watched: _Watched, picture: Picture | None) -> None:
        watched.asked = False
        if self._watched.get(session) is not watched:
            return
        if picture is None:  # No engine now: look again at the next change.
            watched.shown = None
            return
        content = picture.data, picture.cols, picture.rows, picture.alternate, *picture.cursor.values()
        if content != watched.content:
            watched.content = content
            watched.message = preview_text(
                session.id,
                session.project_id,
                session.epoch,
                picture.offset,
                self._clock(),
                cols=picture.cols,
                rows=picture.rows,
                cursor=picture.cursor,
                alternate=picture.alternate,
                lines=picture.data,
            )
            watched.behind = set(watched.connections)
        self._send(watched)

    def _send(self, watched: _Watched) -> None:
        for connection in tuple(watched.behind):
            if connection.keeps_up:
                watched.behind.discard(connection)
                connection.send(watched.message)
