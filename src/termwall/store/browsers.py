"""The browsers that are signed in, as they are kept for the next server (X5)."""

from collections.abc import Iterable
from dataclasses import dataclass

from termwall.store.database import Database
from termwall.store.rows import BadRow, Fault, about, identity, text


@dataclass(frozen=True, slots=True)
class StoredBrowser:
    """A browser that is signed in: of its cookie only the SHA-256 is kept. Moments are ms since 1970."""

    id: str
    hash: bytes
    token_hash: bytes
    """Of the token that it signed in with, the owner's or one given to others: it is that token's, and ends with it."""
    agent: str
    """What it is, such as `Firefox on Linux`."""
    created_at: int
    used_at: int
    """Perhaps an hour ago."""


class BrowserStore(Database):
    """The part of the store that is about browsers."""

    def browsers(self) -> list[StoredBrowser]:
        """All of them, the oldest first."""
        found: list[StoredBrowser] = []
        for row in self.read(
            "SELECT id, hash, token_hash, agent, created_at, used_at FROM browsers ORDER BY created_at, rowid"
        ):
            try:
                found.append(StoredBrowser(identity(row[0]), row[1], row[2], text("name", row[3]), row[4], row[5]))
            except BadRow as error:
                self._bad(Fault("browser", about(row), f"{error}; it has to sign in again"))
        return found

    def put_browser(self, browser: StoredBrowser) -> None:
        """Keep a new browser, or when it was used last.

        Raises:
            StoreUnavailable: nothing was kept.
        """
        with self.writing() as db:
            db.execute(
                "INSERT INTO browsers (id, hash, token_hash, agent, created_at, used_at)"
                " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
                " used_at = excluded.used_at",
                (
                    browser.id,
                    browser.hash,
                    browser.token_hash,
                    browser.agent,
                    browser.created_at,
                    browser.used_at,
                ),
            )

    def delete_browsers(self, browsers: Iterable[str]) -> None:
        """Forget browsers by their ids.

        Raises:
            StoreUnavailable: all are still there.
        """
        with self.writing() as db:
            db.executemany("DELETE FROM browsers WHERE id = ?", [(one,) for one in browsers])
