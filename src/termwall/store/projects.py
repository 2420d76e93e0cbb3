"""Projects with their stages (F7), and the tokens given to others (X1), as they are kept; `Store` has it all."""

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from termwall.core.clients import Role
from termwall.store.browsers import BrowserStore
from termwall.store.rows import DEFAULT_FOCUSED, FOCUSED, BadRow, Fault, about, identity, role, stage, text
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
    """Empty where it has to be another one than before."""
    stage: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token given to somebody else: only its SHA-256 is kept (X1)."""

    id: str
    hash: bytes
    name: str
    role: Role
    project_id: str | None
    created_at: int


class Store(SessionStore, BrowserStore):
    """Everything that survives a restart. Each change may raise `StoreUnavailable`, and then has changed nothing."""

    _tokens: tuple[StoredToken, ...] | None = None
    """As they are in the file; None where that is not known."""

    def projects(self) -> list[StoredProject]:
        """All projects, the oldest first."""
        found: list[StoredProject] = []
        for row in self.read(
            "SELECT id, name, path, max_focused, created_at, version, epoch, stage FROM projects"
            " ORDER BY created_at, rowid"
        ):
            try:
                found.append(self._project(row))
            except BadRow as error:
                self._bad(Fault("project", about(row), str(error)))
        return found

    def _project(self, row: Sequence[Any]) -> StoredProject:
        project_id = identity(row[0])
        wrong = [
            name
            for name, right in (
                ("name", isinstance(row[1], str) and row[1]),
                ("folder", isinstance(row[2], str) and row[2]),
                ("size", row[3] in FOCUSED),
                ("version", row[5] >= 0),
                ("epoch", isinstance(row[6], str) and row[6]),
            )
            if not right
        ]
        most = row[3] if "size" not in wrong else DEFAULT_FOCUSED
        on_stage = stage(row[7])
        if on_stage is None:
            wrong.append("stage")
        if wrong:
            self._bad(Fault("project", project_id, f"its {', '.join(wrong)} cannot be read; it goes on without"))
        again = {"size", "version", "epoch", "stage"}.intersection(wrong)
        return StoredProject(
            id=project_id,
            name=project_id if "name" in wrong else row[1],
            path="/" if "folder" in wrong else row[2],
            max_focused=most,
            created_at=row[4],
            version=0 if again else row[5],
            # Another stage at a version that was sent would not be seen (F7).
            epoch="" if again else row[6],
            stage=on_stage or (),
        )

    def put_project(self, project: StoredProject) -> None:
        """Keep a new project, or its changes."""
        with self.writing() as db:
            db.execute(
                "INSERT INTO projects (id, name, path, max_focused, created_at, version, epoch, stage)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
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
        self._tokens = None
        with self.writing() as db:
            db.execute(
                "DELETE FROM screens WHERE session_id IN (SELECT id FROM sessions WHERE project_id = ?)", (project_id,)
            )
            for table in ("sessions", "tokens"):
                db.execute(f"DELETE FROM {table} WHERE project_id = ?", (project_id,))  # noqa: S608
            db.execute("DELETE FROM projects WHERE id = ?", (project_id,))
        self.forget_deleted()

    def tokens(self) -> Sequence[StoredToken]:
        """The tokens given to others, the oldest first; the same object until one comes or goes.

        It is asked for at each request, of strangers too, so it costs no look into the file.
        """
        if self._tokens is None:
            self._tokens = self._read_tokens()
        return self._tokens

    def _read_tokens(self) -> tuple[StoredToken, ...]:
        found: list[StoredToken] = []
        for row in self.read("SELECT id, hash, name, role, project_id, created_at FROM tokens ORDER BY created_at"):
            try:
                token_id, name, kind = identity(row[0]), text("name", row[2]), role(row[3])
                project = None if row[4] is None else identity(row[4])
            except BadRow as error:
                self._bad(Fault("token", about(row), f"{error}; it lets nobody in; revoke it"))
            else:
                found.append(StoredToken(token_id, row[1], name, kind, project, row[5]))
        return tuple(found)

    def put_token(self, token: StoredToken) -> None:
        """Keep a token's hash."""
        self._tokens = None
        with self.writing() as db:
            db.execute(
                "INSERT INTO tokens (id, hash, name, role, project_id, created_at) VALUES (?, ?, ?, ?, ?, ?)",
                (token.id, token.hash, token.name, token.role, token.project_id, token.created_at),
            )

    def delete_token(self, token_id: str) -> bool:
        """Revoke a token. False if there is none."""
        self._tokens = None
        with self.writing() as db:
            found = db.execute("DELETE FROM tokens WHERE id = ?", (token_id,)).rowcount > 0
        self.forget_deleted()
        return found


def _put_stage(db: sqlite3.Connection, project_id: str, version: int, stage: tuple[str, ...]) -> None:
    db.execute(
        "UPDATE projects SET version = ?, stage = ? WHERE id = ? AND version <= ?",
        (version, json.dumps(stage), project_id, version),
    )
