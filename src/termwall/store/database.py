"""The file that survives a restart: SQLite in the data folder, opened, brought up to date and written with care.

Every change is one transaction, so a file is never read half-written; WAL with `synchronous=NORMAL` keeps all that was
committed when the server is killed, and at a power cut all but perhaps the last moment. Calls take well below a
millisecond, but for screens, and run on the event loop.
"""

import errno
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from termwall.store import disk
from termwall.store.rows import Fault, decoded
from termwall.system import clock

log = logging.getLogger("termwall.store")

SCHEMA = (
    """
    CREATE TABLE projects (
        id TEXT PRIMARY KEY, name TEXT NOT NULL, path TEXT NOT NULL, max_focused INTEGER NOT NULL,
        created_at INTEGER NOT NULL, version INTEGER NOT NULL, epoch TEXT NOT NULL
    ) STRICT;
    CREATE TABLE tokens (
        id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, name TEXT NOT NULL, role TEXT NOT NULL, project_id TEXT,
        created_at INTEGER NOT NULL
    ) STRICT;
    """,
    """
    ALTER TABLE projects ADD COLUMN stage TEXT NOT NULL DEFAULT '[]';
    CREATE TABLE sessions (
        id TEXT PRIMARY KEY, project_id TEXT NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL, command TEXT NOT NULL,
        cwd TEXT NOT NULL, env TEXT NOT NULL, cols INTEGER NOT NULL, rows INTEGER NOT NULL, epoch TEXT NOT NULL,
        created_at INTEGER NOT NULL, ended INTEGER NOT NULL, exit_code INTEGER, signal TEXT, driver TEXT,
        driver_name TEXT, position INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX sessions_of_projects ON sessions (project_id);
    CREATE TABLE screens (
        session_id TEXT PRIMARY KEY, data BLOB NOT NULL, cols INTEGER NOT NULL, rows INTEGER NOT NULL,
        title TEXT NOT NULL, cwd TEXT NOT NULL, at INTEGER NOT NULL, saved_at INTEGER NOT NULL
    ) STRICT;
    """,
    """
    CREATE TABLE browsers (
        id TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, token_hash BLOB NOT NULL, agent TEXT NOT NULL,
        created_at INTEGER NOT NULL, used_at INTEGER NOT NULL
    ) STRICT;
    """,
)
"""What each version added: a file of version n gets all after the n-th. What was published never changes."""
FULL = "the server's disk is full; free some space and try again."
LOCKED = "another process has what the server keeps locked; end it, and try again."
REPLACED = (
    "another file was put in its place while the server ran, which goes on with the one before; after "
    "`termwall restart` the new one counts, and what was changed meanwhile is lost"
)
LOCKED_MILLISECONDS = 50
"""How long another process that has the file locked, such as somebody's SQL shell, is waited for: the event loop waits
along (L6)."""
LOGGED_SECONDS = 60.0
"""That changes cannot be written is logged once in so long, with the file; clients are not sent where it is (X3)."""
OLDEST = 2
"""The oldest version whose code can read and write a file of the newest: what came since was only added."""
MAX_FAULTS = 1_000
"""Faults that are remembered and reported; of more there is the log of the first of them."""
LOG_BYTES = 8 << 20
"""The write-ahead log is cut back to this after each checkpoint: one large transaction does not stay for good."""

Places = dict[str, tuple[int, int]]
"""Devices and numbers of files, by their names."""


class StoreError(Exception):
    """The data folder's file cannot be used; the message says what to do."""


class StoreDamaged(StoreError):
    """What is in the file is not a database, or no longer whole: a new one has to be begun."""


class StoreUnavailable(StoreError):
    """A change cannot be written at the moment; nothing of it was. It may work again later."""


class Database:
    """The file. One process at a time may have it open; the server's lock on the data folder sees to that.

    Where the disk has no room even to open it, a copy in memory stands in for it: what was kept is read, every change
    is refused, and each tries first whether the file can be had again (L5).

    Raises:
        StoreError: not a database, damaged, of a newer termwall, or not writable.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._logged = -LOGGED_SECONDS
        self.faults: dict[str, Fault] = {}
        """What of it cannot be read, each thing once (L10)."""
        self.stands_in = False
        """Whether nothing can be kept now, for the disk is full."""
        self._closed, self._places = False, Places()
        try:
            self._open()
        except StoreError:
            if disk.has_room(path.parent):
                raise
            self._stand_in()

    def _open(self) -> None:
        path = self._path
        try:
            # Sessions' variables may hold secrets; SQLite gives its other files the same mode.
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
            path.chmod(0o600)
            self._db = sqlite3.connect(path, isolation_level=None)
        except (sqlite3.Error, OSError) as error:
            raise self._unusable(error) from None
        try:
            self._prepare()
        except sqlite3.Error as error:
            self._db.close()
            raise self._unusable(error) from None
        except StoreError:
            self._db.close()
            raise
        self._places = _places(path)

    def _stand_in(self) -> None:
        log.error(
            "`%s` cannot be opened because its disk is full: nothing new is stored until there is room.", self._path
        )
        self._db = sqlite3.connect(":memory:", isolation_level=None)
        try:
            if self._path.exists() and self._path.stat().st_size:
                with closing(sqlite3.connect(self._path, isolation_level=None)) as file:
                    # Without a file for the memory that several processes would share, which needs room.
                    file.execute("PRAGMA locking_mode=EXCLUSIVE")
                    file.backup(self._db)
            self._prepare()
        except (sqlite3.Error, OSError) as error:
            self._db.close()
            raise self._unusable(error) from None
        self.stands_in = True

    def _come_back(self) -> None:
        """Have the file again in place of what stands in for it. Raises `StoreUnavailable` while that cannot be."""
        stand_in = self._db
        try:
            self._open()
        except StoreError:
            self._db = stand_in
            raise StoreUnavailable(FULL) from None
        self.stands_in = False
        stand_in.close()
        log.warning("`%s` can be written again.", self._path)

    def _unusable(self, error: Exception) -> StoreError:
        why = error.strerror if isinstance(error, OSError) else str(error)
        # A statement that is right fails as wrong where the tables are others than the file's version says.
        other = getattr(error, "sqlite_errorcode", 0) == sqlite3.SQLITE_ERROR
        kind = StoreDamaged if other or _damaged(error) else StoreError
        return kind(f"`{self._path}` cannot be used: {why}. Repair it or move it away.")

    def _prepare(self) -> None:
        db, path = self._db, self._path
        db.text_factory = decoded
        # Before anything is changed in it.
        found: int = db.execute("PRAGMA user_version").fetchone()[0]
        if found > len(SCHEMA) and oldest_reader(db) > len(SCHEMA):
            raise StoreError(newer(path))
        damage = db.execute("PRAGMA quick_check(1)").fetchone()[0] if found >= 0 else f"it has version {found}"
        if damage != "ok":
            raise _damage(path, damage)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=NORMAL")
        # What is deleted holds secrets: it is overwritten, and `forget_deleted` sees to the log of changes.
        db.execute("PRAGMA secure_delete=ON")
        db.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
        if found < len(SCHEMA):
            with self._transaction():
                for script in SCHEMA[found:]:
                    for statement in script.split(";"):
                        if statement.strip():
                            db.execute(statement)
                db.execute(f"PRAGMA user_version={len(SCHEMA)}")
                # Not a version of its own, because those who do not know the table do not mind it.
                db.execute("CREATE TABLE IF NOT EXISTS readable (since INTEGER NOT NULL) STRICT")
                db.execute("DELETE FROM readable")
                db.execute("INSERT INTO readable (since) VALUES (?)", (OLDEST,))
        if lacking := _lacking(db):
            raise _damage(path, f"it lacks {lacking}")
        db.execute(f"PRAGMA busy_timeout={LOCKED_MILLISECONDS}")

    def _bad(self, fault: Fault) -> None:
        if str(fault) not in self.faults and len(self.faults) < MAX_FAULTS:
            self.faults[str(fault)] = fault
            log.error("%s", fault, extra={"session": fault.id} if fault.kind == "session" else None)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is done in the block, or nothing of it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield self._db
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:  # SQLite itself ends one that met a full disk.
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A change: all that is done in the block, or nothing of it.

        Raises:
            StoreUnavailable: it cannot be written now; why, and what to do.
        """
        if self.stands_in:
            self._come_back()
        try:
            with self._transaction() as db:
                yield db
        except sqlite3.Error as error:
            self._note(error)
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                sentence = FULL
            elif getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY:
                sentence = LOCKED
            else:
                sentence = f"the server cannot write what it keeps ({error}); see to what its log says, and try again."
            raise StoreUnavailable(sentence) from None

    def _note(self, error: sqlite3.Error) -> None:
        now = clock.seconds()
        if now - self._logged >= LOGGED_SECONDS:
            self._logged = now
            log.error("`%s` cannot be used: %s. Check its disk and its permissions.", self._path, error)

    def read(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a query finds; without those behind a place of the file that is damaged, which is a fault.

        Raises:
            StoreUnavailable: it cannot be read now; why.
        """
        found: list[tuple[Any, ...]] = []
        try:
            found.extend(self._db.execute(query, values))  # Row by row: those before a damaged place are there.
            return found
        except sqlite3.Error as error:
            if _damaged(error):
                self._bad(
                    Fault("file", str(self._path), f"a part of it cannot be read ({error}); restore it from a backup")
                )
                return found
            self._note(error)
            raise StoreUnavailable(f"what was kept cannot be read ({error}); try again later.") from None

    def look_after(self) -> None:
        """Put back what somebody removed: the file, or one of the two beside it, without which it lacks what is newest.

        A file that somebody put in its place is left alone: it may be a backup. That is a fault then, with what to do.

        Raises:
            OSError: it cannot be put back now; all is as it was.
        """
        if self.stands_in or self._closed:
            return
        now, main = _places(self._path), self._path.name
        if now == self._places:
            return
        if now.get(main, self._places[main]) != self._places[main]:
            self._bad(Fault("file", str(self._path), REPLACED))
            return
        fresh = None if main in now else self._copied()
        try:
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            self._db.close()
            if fresh is not None:
                # What is in those that were beside it belongs to the one that is gone.
                for name in now:
                    self._path.with_name(name).unlink(missing_ok=True)
                fresh.replace(self._path)
            self._open()
        except (sqlite3.Error, StoreError) as error:
            log.error("`%s` is gone, and cannot be opened again: %s", self._path, error)
            self._stand_in()
            return
        log.warning(
            "`%s`, or a file that belongs to it, was gone; it is there again, with all that was in it", self._path
        )

    def _copied(self) -> Path:
        """All that is in the file, also where that has no name any more, as another one beside it."""
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            fresh.unlink(missing_ok=True)
            os.close(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            with closing(sqlite3.connect(fresh)) as copy:
                self._db.backup(copy)
        except sqlite3.Error as error:
            fresh.unlink(missing_ok=True)
            full = getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL
            raise OSError(errno.ENOSPC if full else errno.EIO, str(error)) from None
        return fresh

    def forget_deleted(self) -> None:
        """Have nothing of deleted rows in the log of changes either; where that cannot be now, the next one does it."""
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file."""
        self._closed = True
        self._db.close()


def _places(path: Path) -> Places:
    """Which of the database's files are there, and which they are."""
    found = {}
    for suffix in ("", "-wal", "-shm"):
        with suppress(FileNotFoundError, NotADirectoryError):
            there = os.stat(f"{path}{suffix}")
            found[f"{path.name}{suffix}"] = there.st_dev, there.st_ino
    return found


def newer(path: Path) -> str:
    """What is to be done with a file that another version wrote."""
    return f"`{path}` was written by a newer termwall; upgrade termwall or move the file away."


def _damage(path: Path, why: str) -> StoreDamaged:
    return StoreDamaged(f"`{path}` is damaged ({why}); restore it from a backup or move it away.")


_COLUMNS = "SELECT t.name || '.' || c.name FROM sqlite_master t, pragma_table_info(t.name) c WHERE t.type = 'table'"


def _lacking(db: sqlite3.Connection) -> str | None:
    """What of its tables a file has not, whatever version it says it is of: one table with one column, as `a.b`."""
    with closing(sqlite3.connect(":memory:")) as whole:
        for script in SCHEMA:
            whole.executescript(script)
        wanted = {name for (name,) in whole.execute(_COLUMNS)}
    return min(wanted - {name for (name,) in db.execute(_COLUMNS)}, default=None)


def _damaged(error: Exception) -> bool:
    """Whether what is in the file is wrong, and not that it cannot be had now."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def oldest_reader(db: sqlite3.Connection) -> int:
    """The oldest version whose code reads the file, as its writer said; those that do not say it: only its own."""
    try:
        return int(db.execute("SELECT since FROM readable").fetchone()[0])
    except (sqlite3.Error, TypeError, ValueError):
        return 1 << 30
