"""Who may open a WebSocket, and as what: one decision for every edge that can carry one (W1, W2, X1-X4).

The edges see the request before any HTTP middleware does, so Host, Origin and token are checked here again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qs

from termwall.core.caption import caption
from termwall.core.clients import bound
from termwall.core.errors import CloseCode
from termwall.core.ids import SessionId
from termwall.hub.hello import Hello
from termwall.protocol.codec import BINARY_SUBPROTOCOL, JSON_SUBPROTOCOL
from termwall.protocol.wire import MAX_NAME
from termwall.transport.auth import Access

MAX_CLIENT_ID = 64
"""Characters of a `clientId`."""
MAX_FIELDS = 32
"""Fields of the address's query."""


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Answer the handshake with HTTP 403: a wrong Host or Origin (W9)."""

    reason: str


@dataclass(frozen=True, slots=True)
class Turned:
    """Accept the handshake and close with this code, so that a browser can read it (W9)."""

    subprotocol: str | None
    code: CloseCode
    reason: str


@dataclass(frozen=True, slots=True)
class Admitted:
    """Accept, and connect to this project."""

    subprotocol: str | None
    project_id: str
    hello: Hello


def choose_subprotocol(offered: Sequence[str]) -> str | None:
    """The first of the client's that we speak; None means JSON only, as the seed's client does (W2)."""
    return next((name for name in offered if name in (BINARY_SUBPROTOCOL, JSON_SUBPROTOCOL)), None)


def admit(
    headers: Mapping[str, str], query: str, scheme: str, access: Access, new_id: Callable[[], str]
) -> Forbidden | Turned | Admitted:
    """Decide a handshake.

    Args:
        headers: by lower-case name.
        query: the address's query, without the question mark.
        scheme: `http` or `https`, as the client sees it.
        access: what is allowed here.
        new_id: makes the id of a client that brings none; it lives as long as its connection (I1).
    """
    host = headers.get("host")
    if not access.check_host(host):
        access.refusals.note(access.wrong_host(host), query)
        return Forbidden("This Host is not served here")
    identity = access.identify(headers.get("authorization"), headers.get("cookie"))
    origin = headers.get("origin")
    # Without an Origin only a Bearer token is good enough: a page of another site sends cookies too (X2).
    if origin is not None and not access.check_origin(origin, host, scheme):
        access.refusals.note(access.wrong_origin(origin, host, scheme), query)
        return Forbidden("This Origin may not connect")
    if origin is None and identity is not None and identity.by == "cookie":
        access.refusals.note("a cookie came without an Origin; a proxy has to pass that on.", query)
        return Forbidden("A cookie needs an Origin")
    offered = [name.strip() for name in headers.get("sec-websocket-protocol", "").split(",") if name.strip()]
    subprotocol = choose_subprotocol(offered)
    if identity is None:
        return Turned(subprotocol, CloseCode.UNAUTHORIZED, "Not signed in")
    try:
        values = {name: found[-1] for name, found in parse_qs(query, max_num_fields=MAX_FIELDS).items()}
    except ValueError:
        return Turned(subprotocol, CloseCode.POLICY, "The address has too many fields")
    project_id = values.get("projectId", "")
    if not project_id:
        return Turned(subprotocol, CloseCode.UNKNOWN_PROJECT, "No such project")
    if identity.project_id not in (None, project_id):
        return Turned(subprotocol, CloseCode.FORBIDDEN, "Your link is for another project")
    client_id = values.get("clientId")
    name = values.get("name")
    inside = values.get("inside", "")
    lengths = (len(client_id or ""), MAX_CLIENT_ID), (len(name or ""), MAX_NAME), (len(values.get("sessionId", "")), 64)
    if any(length > most for length, most in (*lengths, (len(inside), 64))):
        return Turned(subprotocol, CloseCode.POLICY, "An id or name in the address is too long")
    session_id = values.get("sessionId")
    hello = Hello(
        client_id=bound(client_id or f"connection-{new_id()}", identity.token_id),
        session_id=SessionId(session_id) if session_id else None,
        name=caption(name or identity.name or "") or None,
        resume=values.get("resume") == "1",
        binary=subprotocol == BINARY_SUBPROTOCOL,
        role=identity.role,
        token_id=identity.token_id,
        browser_id=identity.browser_id,
        only_project=identity.project_id,
        inside=SessionId(inside) if inside else None,
        scrollback=int(lines) if (lines := values.get("scrollback", "")).isdecimal() and len(lines) < 9 else None,
    )
    return Admitted(subprotocol, project_id, hello)
