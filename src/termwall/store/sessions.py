"""Sessions and their last screens, as they are kept for the next server (P5)."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from termwall.store.database import Database
from termwall.store.rows import BadRow, Fault, about, identity, maybe, size, text, variables, words


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
        rows = self.read(
            "SELECT id, project_id, name, type, command, cwd, env, cols, rows, epoch, created_at, ended, exit_code,"
            " signal, driver, driver_name FROM sessions ORDER BY position"
        )
        found: list[StoredSession] = []
        for row in rows:
            try:
                found.append(_session(row))
            except BadRow as error:
                project, name = (one if isinstance(one, str) else "" for one in row[1:3])
                self._bad(
                    Fault("session", about(row), f"{error}; its row stays as it is until it is closed", project, name)
                )
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
                "INSERT INTO sessions (id, project_id, name, type, command, cwd, env, cols, rows, epoch, created_at,"
                " ended, exit_code, signal, driver, driver_name, position)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
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
                "INSERT INTO screens (session_id, data, cols, rows, title, cwd, at, saved_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session_id) DO UPDATE SET"
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
        for row in self.read(
            "SELECT session_id, data, cols, rows, title, cwd, at, saved_at FROM screens WHERE session_id = ?",
            session_id,
        ):
            try:
                title, cwd = text("title", row[4]), text("folder", row[5])
                return StoredScreen(session_id, bytes(row[1]), *size(row[2], row[3]), title, cwd, row[6], row[7])
            except (BadRow, TypeError) as error:
                self._bad(Fault("screen", session_id, f"its last screen cannot be read ({error})"))
        return None


def _session(row: Sequence[Any]) -> StoredSession:
    command = words("command", row[4])
    if not command:
        raise BadRow("its command is empty")
    session_id, project_id = identity(row[0]), identity(row[1])
    return StoredSession(
        session_id,
        project_id,
        text("name", row[2]),
        text("type", row[3]),
        command,
        text("folder", row[5]),
        variables(row[6]),
        *size(row[7], row[8]),
        text("epoch", row[9]),
        row[10],
        bool(row[11]),
        row[12],
        maybe("signal", row[13]),
        maybe("driver", row[14]),
        maybe("driver's name", row[15]),
    )
