"""The browsers that are signed in: each has a cookie of its own, which ends when it is not used, and when its owner or
the server's says so (X5).

A cookie is sent to all ports of a host, so it is no more than a name for what is known here: what was ended here opens
nothing any more, whoever has it.
"""

import hashlib
import logging
import re
import secrets
from collections import OrderedDict
from collections.abc import Callable, Container, Iterable
from dataclasses import replace
from typing import Protocol

from termwall.store.browsers import StoredBrowser
from termwall.store.database import StoreUnavailable

MOST_BROWSERS = 256
"""For one token; of more, the one that was not used for longest is signed out."""
USED_MILLISECONDS = 3600 * 1000
"""How exactly it is known when a browser was used last. As often it is kept, and the browser gets its cookie anew."""
DAY_MILLISECONDS = 24 * 3600 * 1000
_AGENTS = ("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrom", "Chrome"), ("Safari", "Safari")
_SYSTEMS = (
    ("Android", "Android"),
    ("iP(hone|ad)", "iOS"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("Linux", "Linux"),
)

log = logging.getLogger("termwall.access")


class Keeps(Protocol):
    """What outlives the server."""

    def browsers(self) -> list[StoredBrowser]:
        """All that were kept."""

    def put_browser(self, browser: StoredBrowser) -> None:
        """Keep one; may raise `StoreUnavailable`."""

    def delete_browsers(self, browsers: Iterable[str]) -> None:
        """Forget some; may raise `StoreUnavailable`."""


class Browsers:
    """Of one server.

    Args:
        store: keeps them for the next server; None: they end with this one.
        clock: milliseconds since 1970.
        days: without use, after which a browser has to sign in again.
        ended: gets the id of each that ends.
    """

    def __init__(
        self,
        store: Keeps | None = None,
        *,
        clock: Callable[[], int] = lambda: 0,
        days: int = 14,
        ended: Callable[[str], None] = lambda browser_id: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self.life = days * DAY_MILLISECONDS
        """Milliseconds without use that one lasts."""
        self._ended = ended
        self._all: OrderedDict[bytes, StoredBrowser] = OrderedDict()
        """By the hash of its cookie, the one that was used last at the end."""
        self._forgotten: set[str] = set()
        """Ended, and not deleted from the store yet."""
        for one in sorted([] if store is None else store.browsers(), key=lambda one: one.used_at):
            self._all[one.hash] = one

    def all(self) -> list[StoredBrowser]:
        """Those that are signed in, the one that was used last at the end."""
        return [one for one in self._all.values() if not self._over(one)]

    def add(self, token_hash: bytes, agent: str) -> str:
        """Sign one in; returns its cookie."""
        mine = [one for one in self._all.values() if one.token_hash == token_hash]
        self._end(mine[: max(0, len(mine) + 1 - MOST_BROWSERS)])
        cookie, now = secrets.token_urlsafe(24), self._clock()
        one = StoredBrowser("b" + secrets.token_hex(6), _hash(cookie), token_hash, agent, now, now)
        self._all[one.hash] = one
        self._keep(one)
        return cookie

    def find(self, cookie: str) -> StoredBrowser | None:
        """Whose cookie this is."""
        one = self._all.get(_hash(cookie))
        return None if one is None or self._over(one) else one

    def used(self, browser: StoredBrowser) -> bool:
        """It was used: it lasts longer now. True where that was noted, so that its cookie is due as well."""
        now = self._clock()
        if now - browser.used_at < USED_MILLISECONDS:
            return False
        self._all[browser.hash] = one = replace(browser, used_at=now)
        self._all.move_to_end(browser.hash)
        self._keep(one)
        return True

    def end(self, browser_id: str) -> bool:
        """Sign one out. False if there is none."""
        found = [one for one in self._all.values() if one.id == browser_id]
        self._end(found)
        return bool(found)

    def sweep(self, tokens: Container[bytes]) -> None:
        """Sign out those that were not used for too long, and those whose token is none of these any more."""
        self._end([one for one in self._all.values() if self._over(one) or one.token_hash not in tokens])

    def _over(self, one: StoredBrowser) -> bool:
        return self._clock() - one.used_at > self.life

    def _end(self, some: list[StoredBrowser]) -> None:
        for one in some:
            del self._all[one.hash]
            self._forgotten.add(one.id)
            self._ended(one.id)
        if not self._forgotten or self._store is None:
            return
        try:
            self._store.delete_browsers(self._forgotten)
            self._forgotten.clear()
        except StoreUnavailable as error:  # On a full disk; it is tried again with the next one, and each hour.
            log.warning("browsers that were signed out are still kept: %s", error)

    def _keep(self, one: StoredBrowser) -> None:
        if self._store is None:
            return
        try:
            self._store.put_browser(one)
        except StoreUnavailable as error:  # Whoever has to free a full disk must get in for it.
            log.warning("a browser is signed in until the server ends only: %s", error)


def agent_of(header: str | None) -> str:
    """What a browser says that it is, in two words of ours."""
    what, where = (
        next((name for pattern, name in known if re.search(pattern, header or "")), None)
        for known in (_AGENTS, _SYSTEMS)
    )
    return f"{what or 'a program'} on {where}" if where else what or "a program"


def _hash(cookie: str) -> bytes:
    # Cookies are random, so no slow hash is needed; and looking one up by its hash says nothing of it to who measures.
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).digest()
