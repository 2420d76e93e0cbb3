"""Sessions and their last screens, as they are kept for the next server (P5)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from termwall.store.database import Database


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session as it was kept: what it runs, and how it ended if somebody saw that."""

    id: str
    project_id: str
    name: str
    type: str
    command: tuple[str, ...]
    cwd: str
    env: Mapping[str, str]
    cols: int
    rows: int
    epoch: str
    created_at: int
    ended: bool = False
    exit_code: int | None = None
    signal: str | None = None
    driver: str | None = None
    driver_name: str | None = None


@dataclass(frozen=True, slots=True)
class StoredScreen:
    """What a session showed when it was last saved: a stream that makes any terminal show it."""

    session_id: str
    data: bytes
    cols: int
    rows: int
    title: str
    cwd: str
    offset: int
    saved_at: int
    """ms since 1970."""


class SessionStore(Database):
    """The part of the store that is about sessions."""

    def sessions(self) -> list[StoredSession]:
        """All of them, in the order in which they were made."""
        rows = self._db.execute(
            "SELECT id, project_id, name, type, command, cwd, env, cols, rows, epoch, created_at, ended, exit_code,"
            " signal, driver, driver_name FROM sessions ORDER BY position"
        )
        found: list[StoredSession] = []
        for row in rows:
            command, env, ended = tuple(json.loads(row[4])), json.loads(row[6]), bool(row[11])
            found.append(StoredSession(*(*row[:4], command, row[5], env, *row[7:11], ended, *row[12:])))
        return found

    def put_session(self, session: StoredSession) -> None:
        """Keep a new session after all others, or the changes of one.

        Raises:
            StoreUnavailable: nothing was kept.
        """
        values = (
            session.id,
            session.project_id,
            session.name,
            session.type,
            json.dumps(session.command),
            session.cwd,
            json.dumps(dict(session.env)),
            session.cols,
            session.rows,
            session.epoch,
            session.created_at,
            session.ended,
            session.exit_code,
            session.signal,
            session.driver,
            session.driver_name,
        )
        with self.writing() as db:
            db.execute(
                "INSERT INTO sessions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                " (SELECT coalesce(max(position), 0) + 1 FROM sessions)) ON CONFLICT (id) DO UPDATE SET"
                " name = excluded.name, type = excluded.type, command = excluded.command, cwd = excluded.cwd,"
                " env = excluded.env, cols = excluded.cols, rows = excluded.rows, epoch = excluded.epoch,"
                " ended = excluded.ended, exit_code = excluded.exit_code, signal = excluded.signal,"
                " driver = excluded.driver, driver_name = excluded.driver_name",
                values,
            )

    def delete_session(self, session_id: str) -> None:
        """Forget a session and its screen.

        Raises:
            StoreUnavailable: both are still there.
        """
        with self.writing() as db:
            db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
            db.execute("DELETE FROM screens WHERE session_id = ?", (session_id,))

    def put_screen(self, screen: StoredScreen) -> None:
        """Keep a session's screen in place of the last one. A large one takes some milliseconds.

        Raises:
            StoreUnavailable: the last one is still there.
        """
        with self.writing() as db:
            db.execute(
                "INSERT INTO screens VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id) DO UPDATE SET"
                " data = excluded.data, cols = excluded.cols, rows = excluded.rows, title = excluded.title,"
                " cwd = excluded.cwd, at = excluded.at, saved_at = excluded.saved_at",
                (
                    screen.session_id,
                    screen.data,
                    screen.cols,
                    screen.rows,
                    screen.title,
                    screen.cwd,
                    screen.offset,
                    screen.saved_at,
                ),
            )

    def screen(self, session_id: str) -> StoredScreen | None:
        """The last screen of a session, if one was kept."""
        found = self.read(
            "SELECT session_id, data, cols, rows, title, cwd, at, saved_at FROM screens WHERE session_id = ?",
            session_id,
        )
        return StoredScreen(*found[0]) if found else None
