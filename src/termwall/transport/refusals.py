"""What was refused because of where it came from, for the log and for the page that wonders why (X2).

A browser cannot read why a handshake was refused. So the last reason of each client is kept for a while, and its page
asks for it over HTTP.
"""

import logging
from collections import OrderedDict
from typing import TypeVar
from urllib.parse import parse_qs

from termwall.system import clock

T = TypeVar("T")

MOST_CLIENTS = 256
"""Clients whose last refusal is remembered; of more the oldest is forgotten."""
REMEMBERED_SECONDS = 60.0
LOGGED_SECONDS = 60.0
"""The same refusal is logged once in so long, and no more than `MOST_CLIENTS` different ones."""
MOST_CHARACTERS = 128
"""Of a header that is repeated."""

log = logging.getLogger("termwall.access")


class Refusals:
    """Of one server."""

    def __init__(self) -> None:
        self._clients: OrderedDict[str, tuple[str, float]] = OrderedDict()
        self._logged: OrderedDict[str, float] = OrderedDict()

    def note(self, reason: str, query: str = "") -> None:
        """Something was refused; `query`: of its address, which may name its client."""
        now = clock.seconds()
        if now - self._logged.get(reason, -LOGGED_SECONDS) >= LOGGED_SECONDS:
            _put(self._logged, reason, now)
            log.warning("refused: %s", reason)
        client = _client_of(query)
        if client is not None:
            _put(self._clients, client, (reason, now))

    def last(self, client: str) -> str | None:
        """Why this client was refused last, not long ago."""
        reason, at = self._clients.get(client, ("", -REMEMBERED_SECONDS))
        return reason if clock.seconds() - at < REMEMBERED_SECONDS else None


def shown(header: str | None) -> str:
    """A header as it may stand in a log or in a sentence."""
    if header is None:
        return "none"
    text = "".join(one if one.isprintable() else "?" for one in header[:MOST_CHARACTERS])
    return f"`{text}`" if len(header) <= MOST_CHARACTERS else f"`{text}…`"


def _client_of(query: str) -> str | None:
    try:
        found = parse_qs(query, max_num_fields=32).get("clientId", [])
    except ValueError:
        return None
    return found[-1][:MOST_CHARACTERS] if found else None


def _put(kept: OrderedDict[str, T], key: str, value: T) -> None:
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > MOST_CLIENTS:
        kept.popitem(last=False)
