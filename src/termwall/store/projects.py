"""Projects, the versions of their stages (F7), and the tokens given to others (X1), in SQLite.

Every change is one transaction, so a file is never read half-written; WAL with `synchronous=NORMAL` keeps all that was
committed when the server is killed. Calls take well below a millisecond and run on the event loop.
"""

import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from termwall.store.sessions import StoredScreen, StoredSession

SCHEMA_VERSION = 2

_SCHEMA = """
CREATE TABLE projects (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL, max_focused INTEGER NOT NULL,
    created_at INTEGER NOT NULL, version INTEGER NOT NULL, epoch TEXT NOT NULL
) STRICT;
CREATE TABLE tokens (
    id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL, project_id TEXT,
    created_at INTEGER NOT NULL
) STRICT;
"""
_SECOND = """
ALTER TABLE projects ADD COLUMN sessions TEXT NOT NULL DEFAULT '[]';
CREATE TABLE sessions (
    id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, command TEXT NOT NULL,
    cwd TEXT NOT NULL, env TEXT NOT NULL, cols INTEGER NOT NULL, rows INTEGER NOT NULL, epoch TEXT NOT NULL,
    created_at INTEGER NOT NULL, ended INTEGER NOT NULL, exit_code INTEGER, signal TEXT, driver TEXT, driver_name TEXT,
    position INTEGER NOT NULL
) STRICT;
CREATE TABLE screens (
    session_id TEXT PRIMARY KEY, data BLOB NOT NULL, cols INTEGER NOT NULL, rows INTEGER NOT NULL, title TEXT NOT NULL,
    cwd TEXT NOT NULL, offset INTEGER NOT NULL, saved_at INTEGER NOT NULL
) STRICT;
"""


class StoreError(Exception):
    """The data folder's file cannot be used; the message says what to do."""


class StoreUnavailable(StoreError):
    """A change cannot be written now; nothing of it was."""


@dataclass(frozen=True, slots=True)
class StoredProject:
    """A project as it was kept, with the version of its stage."""

    id: str
    name: str
    path: str
    max_focused: int
    created_at: int
    version: int
    epoch: str
    sessions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token given to somebody else: only its SHA-256 is kept (X1)."""

    id: str
    hash: bytes
    name: str
    role: Literal["view", "type", "own"]
    project_id: str | None
    created_at: int


class Store:
    """The file. One process at a time may have it open; the server's lock on the data folder sees to that."""

    def __init__(self, path: Path) -> None:
        """Open or make it.

        Raises:
            StoreError: not a database, damaged, of a newer termwall, or not writable.
        """
        try:
            self._db = sqlite3.connect(path, isolation_level=None)
        except sqlite3.Error as error:
            raise StoreError(f"`{path}` cannot be used: {error}. Repair it or move it away.") from None
        try:
            self._prepare(path)
        except sqlite3.Error as error:
            self._db.close()
            raise StoreError(f"`{path}` cannot be used: {error}. Repair it or move it away.") from None
        except StoreError:
            self._db.close()
            raise

    def _prepare(self, path: Path) -> None:
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        found: int = self._db.execute("PRAGMA user_version").fetchone()[0]
        if found < 2:
            first = _SCHEMA if found == 0 else ""
            self._db.executescript(f"BEGIN; {first} {_SECOND} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        elif found > SCHEMA_VERSION:
            raise StoreError(f"`{path}` was written by a newer termwall; upgrade termwall or move the file away.")
        damage = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise StoreError(f"`{path}` is damaged ({damage}); restore it from a backup or move it away.")

    def load(self) -> list[StoredProject]:
        """All projects, the oldest first."""
        rows = self._db.execute(
            "SELECT id, name, path, max_focused, created_at, version, epoch, sessions FROM projects ORDER BY created_at, rowid"
        )
        return [StoredProject(*row[:-1], tuple(json.loads(row[-1]))) for row in rows]

    def put_project(self, project: StoredProject) -> None:
        """Keep a new project, or its changes."""
        self._db.execute(
            "INSERT INTO projects VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
            " path = excluded.path, max_focused = excluded.max_focused, version = excluded.version, sessions = excluded.sessions",
            (
                project.id,
                project.name,
                project.path,
                project.max_focused,
                project.created_at,
                project.version,
                project.epoch,
                json.dumps(project.sessions),
            ),
        )

    def delete_project(self, project_id: str) -> None:
        """Forget a project and the tokens for it; a later one with its id has another epoch and opens for none."""
        self._db.execute("BEGIN")
        self._db.execute("DELETE FROM projects WHERE id = ?", (project_id,))
        self._db.execute("DELETE FROM sessions WHERE project_id = ?", (project_id,))
        self._db.execute("DELETE FROM tokens WHERE project_id = ?", (project_id,))
        self._db.execute("COMMIT")

    def put_stage(self, project_id: str, version: int, sessions: tuple[str, ...]) -> None:
        """Keep a project's stage; its version never goes back (F7)."""
        self._db.execute(
            "UPDATE projects SET version = ?, sessions = ? WHERE id = ? AND version <= ?",
            (version, json.dumps(sessions), project_id, version),
        )

    def sessions(self) -> list[StoredSession]:
        rows = self._db.execute("SELECT * FROM sessions ORDER BY position")
        return [
            StoredSession(
                *row[:4], tuple(json.loads(row[4])), row[5], json.loads(row[6]), *row[7:11], bool(row[11]), *row[12:]
            )
            for row in rows
        ]

    def put_session(self, one: StoredSession) -> None:
        columns = list(one.__dataclass_fields__)
        values = [
            json.dumps(v) if n in ("command", "env") else v
            for n in columns
            if n != "position"
            for v in (getattr(one, n),)
        ]
        marks = ", ".join("?" * len(values))
        names = ", ".join(columns[:-1])
        updates = ", ".join(f"{n} = excluded.{n}" for n in columns[1:-1])
        self._db.execute(
            f"INSERT INTO sessions ({names}, position) VALUES ({marks}, (SELECT coalesce(max(position), 0) + 1 FROM sessions))"
            f" ON CONFLICT (id) DO UPDATE SET {updates}",
            values,
        )

    def delete_session(self, session_id: str) -> None:
        self._db.execute("BEGIN")
        self._db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))
        self._db.execute("DELETE FROM screens WHERE session_id = ?", (session_id,))
        self._db.execute("COMMIT")

    def put_screen(self, one: StoredScreen) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO screens VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (one.session_id, one.data, one.cols, one.rows, one.title, one.cwd, one.offset, one.saved_at),
        )

    def screen(self, session_id: str) -> StoredScreen | None:
        row = self._db.execute("SELECT * FROM screens WHERE session_id = ?", (session_id,)).fetchone()
        return None if row is None else StoredScreen(*row)

    def tokens(self) -> list[StoredToken]:
        """The tokens given to others, the oldest first."""
        rows = self._db.execute("SELECT id, hash, name, role, project_id, created_at FROM tokens ORDER BY created_at")
        return [StoredToken(*row) for row in rows]

    def put_token(self, token: StoredToken) -> None:
        """Keep a token's hash."""
        self._db.execute(
            "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
            (token.id, token.hash, token.name, token.role, token.project_id, token.created_at),
        )

    def delete_token(self, token_id: str) -> bool:
        """Revoke a token. False if there is none."""
        return self._db.execute("DELETE FROM tokens WHERE id = ?", (token_id,)).rowcount > 0

    def close(self) -> None:
        """Close the file."""
        self._db.close()
