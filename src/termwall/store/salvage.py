"""A store whose file is damaged is set aside, and begun anew with what can still be read of it (L10).

A stage that is read from a damaged file may be an old one, so each project goes on with another `epoch` (F7).
"""

import logging
import secrets
import sqlite3
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from termwall.store.database import StoreDamaged, StoreError
from termwall.store.projects import Store
from termwall.store.rows import Fault, decoded

log = logging.getLogger("termwall.store")

MOST_ASIDE = 99
"""Damaged files that are kept beside each other; where there are so many, somebody has to look."""
BESIDE = ("", "-wal", "-shm")


def open_store(path: Path) -> Store:
    """The store of a data folder.

    Raises:
        StoreError: it cannot be used, for another reason than damage; what to do.
    """
    try:
        return Store(path)
    except StoreDamaged as error:
        aside = _set_aside(path)
        if aside is None:
            raise
        why = str(error)
    store = Store(path)
    count = _salvage(aside, store)
    kept = f"what could be read of it, {count} rows, goes on" if count else "nothing of it could be read"
    fault = Fault(
        "file", str(path), f"it was damaged and is now `{aside.name}`; {kept}; restore a backup if you have one"
    )
    log.error("%s (%s)", fault, why)
    store.faults[str(fault)] = fault
    return store


def _set_aside(path: Path) -> Path | None:
    aside = next(
        (
            one
            for number in range(1, MOST_ASIDE + 1)
            if not (one := path.with_name(f"{path.name}.damaged-{number}")).exists()
        ),
        None,
    )
    if aside is None:
        return None
    try:
        for suffix in BESIDE:
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    except OSError as error:
        log.error("`%s` cannot be set aside: %s", path, error.strerror)
        return None
    return aside


class _Remains(Store):
    """A damaged file, to be read as far as it goes."""

    def __init__(self, path: Path) -> None:
        self._path, self._logged, self.faults, self.stands_in, self._closed = path, 0.0, {}, False, False
        self._db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None)
        self._db.text_factory = decoded


def _salvage(aside: Path, store: Store) -> int:
    """Take over the rows that can be read; how many."""
    count = 0
    try:
        with closing(_Remains(aside)) as remains:
            for project in remains.projects():
                store.put_project(replace(project, version=0, epoch=f"s{secrets.token_hex(6)}"))
                count += 1
            for token in remains.tokens():
                store.put_token(token)
                count += 1
            for session in remains.sessions():
                store.put_session(session)
                screen = remains.screen(session.id)
                if screen is not None:
                    store.put_screen(screen)
                count += 1
    except (StoreError, sqlite3.Error) as error:
        log.error("not all that could be read of `%s` is taken over: %s", aside, error)
    return count
