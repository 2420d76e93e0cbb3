"""Projects, the versions of their stages (F7), and the tokens given to others (X1), in SQLite.

Every change is one transaction, so a file is never read half-written; WAL with `synchronous=NORMAL` keeps all that was
committed when the server is killed. Calls take well below a millisecond and run on the event loop.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

SCHEMA_VERSION = 1

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


class StoreError(Exception):
    """The data folder's file cannot be used; the message says what to do."""


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
        if found == 0:
            self._db.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        elif found > SCHEMA_VERSION:
            raise StoreError(f"`{path}` was written by a newer termwall; upgrade termwall or move the file away.")
        damage = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if damage != "ok":
            raise StoreError(f"`{path}` is damaged ({damage}); restore it from a backup or move it away.")

    def load(self) -> list[StoredProject]:
        """All projects, the oldest first."""
        rows = self._db.execute(
            "SELECT id, name, path, max_focused, created_at, version, epoch FROM projects ORDER BY created_at, rowid"
        )
        return [StoredProject(*row) for row in rows]

    def put_project(self, project: StoredProject) -> None:
        """Keep a new project, or its changes."""
        self._db.execute(
            "INSERT INTO projects VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET name = excluded.name,"
            " path = excluded.path, max_focused = excluded.max_focused, version = excluded.version",
            (
                project.id,
                project.name,
                project.path,
                project.max_focused,
                project.created_at,
                project.version,
                project.epoch,
            ),
        )

    def delete_project(self, project_id: str) -> None:
        """Forget a project and the tokens for it; a later one with its id has another epoch and opens for none."""
        self._db.execute("BEGIN")
        self._db.execute("DELETE FROM projects WHERE id = ?", (project_id,))
        self._db.execute("DELETE FROM tokens WHERE project_id = ?", (project_id,))
        self._db.execute("COMMIT")

    def put_version(self, project_id: str, version: int) -> None:
        """Keep the version of a project's stage, which never goes back (F7)."""
        self._db.execute(
            "UPDATE projects SET version = max(version, ?) WHERE id = ?",
            (version, project_id),
        )

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
