"""Projects with their stages (F7), and the tokens given to others (X1), as they are kept; `Store` has it all."""

import json
import sqlite3
from dataclasses import dataclass
from typing import Literal

from termwall.store.browsers import BrowserStore
from termwall.store.sessions import SessionStore


@dataclass(frozen=True, slots=True)
class StoredProject:
    """A project as it was kept, with its stage."""

    id: str
    name: str
    path: str
    max_focused: int
    created_at: int
    version: int
    epoch: str
    stage: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token given to somebody else: only its SHA-256 is kept (X1)."""

    id: str
    hash: bytes
    name: str
    role: Literal["view", "type", "own"]
    project_id: str | None
    created_at: int


class Store(SessionStore, BrowserStore):
    """Everything that survives a restart. Each change may raise `StoreUnavailable`, and then has changed nothing."""

    def projects(self) -> list[StoredProject]:
        """All projects, the oldest first."""
        rows = self._db.execute(
            "SELECT id, name, path, max_focused, created_at, version, epoch, stage FROM projects"
            " ORDER BY created_at, rowid"
        )
        return [StoredProject(*(*row[:7], tuple(json.loads(row[7])))) for row in rows]

    def put_project(self, project: StoredProject) -> None:
        """Keep a new project, or its changes."""
        with self.writing() as db:
            db.execute(
                "INSERT INTO projects VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " name = excluded.name, path = excluded.path, max_focused = excluded.max_focused,"
                # Another epoch begins its own count (F7).
                " version = CASE epoch WHEN excluded.epoch THEN version ELSE 0 END, epoch = excluded.epoch",
                (
                    project.id,
                    project.name,
                    project.path,
                    project.max_focused,
                    project.created_at,
                    project.version,
                    project.epoch,
                    json.dumps(project.stage),
                ),
            )
            _put_stage(db, project.id, project.version, project.stage)

    def put_stage(self, project_id: str, version: int, stage: tuple[str, ...], max_focused: int | None = None) -> None:
        """Keep a project's stage, and its size if given. Its version never goes back: an older one is ignored (F7)."""
        with self.writing() as db:
            _put_stage(db, project_id, version, stage)
            if max_focused is not None:
                db.execute("UPDATE projects SET max_focused = ? WHERE id = ?", (max_focused, project_id))

    def delete_project(self, project_id: str) -> None:
        """Forget a project, its sessions and the tokens for it; a later one with its id has another epoch."""
        with self.writing() as db:
            db.execute(
                "DELETE FROM screens WHERE session_id IN (SELECT id FROM sessions WHERE project_id = ?)", (project_id,)
            )
            for table in ("sessions", "tokens"):
                db.execute(f"DELETE FROM {table} WHERE project_id = ?", (project_id,))  # noqa: S608
            db.execute("DELETE FROM projects WHERE id = ?", (project_id,))

    def tokens(self) -> list[StoredToken]:
        """The tokens given to others, the oldest first."""
        rows = self.read("SELECT id, hash, name, role, project_id, created_at FROM tokens ORDER BY created_at")
        return [StoredToken(*row) for row in rows]

    def put_token(self, token: StoredToken) -> None:
        """Keep a token's hash."""
        with self.writing() as db:
            db.execute(
                "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?)",
                (token.id, token.hash, token.name, token.role, token.project_id, token.created_at),
            )

    def delete_token(self, token_id: str) -> bool:
        """Revoke a token. False if there is none."""
        with self.writing() as db:
            return db.execute("DELETE FROM tokens WHERE id = ?", (token_id,)).rowcount > 0


def _put_stage(db: sqlite3.Connection, project_id: str, version: int, stage: tuple[str, ...]) -> None:
    db.execute(
        "UPDATE projects SET version = ?, stage = ? WHERE id = ? AND version <= ?",
        (version, json.dumps(stage), project_id, version),
    )
