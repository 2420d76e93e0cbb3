"""How a browser gets its cookie, and keeps it (X1, X4, X5): decisions on one request's headers; plain ASGI, no routes.

A token in the address of the page is traded for one at once, but only where the request shows a document to somebody:
another port's page may load any address as an image, and browsers send cookies to all ports of a host alike. Whatever
is not traded here the page itself signs in with, by a POST, which no other page can send.
"""

from collections.abc import MutableMapping
from typing import Any, Final

from starlette.datastructures import Headers, QueryParams

from termwall.transport.auth import Access, hash_token
from termwall.transport.browsers import agent_of

_AHEAD: Final = ("prefetch", "prerender", "preview")
"""What browsers load before anybody wants to see it."""


def is_secure(access: Access, scope: MutableMapping[str, Any]) -> bool:
    """Whether the browser sees this server over TLS, so that its cookie may never go without.

    A proxy on another machine is not asked who it is: who claims TLS that is not there only loses the own cookie.
    """
    headers = Headers(scope=scope)
    if scope["scheme"] in ("https", "wss") or headers.get("origin", "").lower().startswith("https://"):
        return True
    if access.over_tls(headers.get("host")):
        return True
    forwarded = headers.get("forwarded", "").partition(",")[0].lower().replace(" ", "").replace('"', "")
    return (
        headers.get("x-forwarded-proto", "").partition(",")[0].strip().lower() == "https"
        or "proto=https" in forwarded.split(";")
        or headers.get("x-forwarded-ssl", "").lower() == "on"
    )


def cookie_header(access: Access, value: str, scope: MutableMapping[str, Any]) -> str:
    """The Set-Cookie header of a sign-in, as long as it lasts without use; an empty value ends it."""
    seconds = access.browsers.life // 1000 if value else 0
    secure = "; Secure" if is_secure(access, scope) else ""
    return f"{access.cookie_name}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}"


def trade(access: Access, scope: MutableMapping[str, Any], path: str) -> list[tuple[bytes, bytes]] | None:
    """The headers of the answer (303) to a page's address with a right token in it; None where it is no such.

    Args:
        path: within this application.
    """
    if scope["method"] != "GET" or path != "/" or not scope["path"].endswith("/"):
        return None
    if b"token=" not in scope["query_string"]:
        return None
    query, headers = QueryParams(scope["query_string"]), Headers(scope=scope)
    token, cookie = query.get("token", ""), headers.get("cookie")
    wanted = access.recognize(token)
    if wanted is None or not _for_a_document(headers):
        return None
    before = access.identify(None, cookie)
    same = before is not None and before.token_id == wanted.token_id
    if before is not None and not same and "sec-fetch-dest" not in headers:
        return None  # Nobody says what it is for: it replaces nobody's cookie.
    value = access.sign_in(hash_token(token), agent_of(headers.get("user-agent")), cookie)
    rest = QueryParams([(name, value) for name, value in query.multi_items() if name != "token"])
    # Relative, so that it stays right behind a proxy's prefix; and always this page, with what it is asked for encoded.
    return [
        (b"location", (f"./?{rest}" if str(rest) else "./").encode()),
        (b"set-cookie", cookie_header(access, value, scope).encode()),
        (b"cache-control", b"no-store"),
        (b"referrer-policy", b"no-referrer"),
        (b"content-length", b"0"),
    ]


def _for_a_document(headers: Headers) -> bool:
    """Whether somebody wants to see a page. Browsers say so to https and to this machine; programs say nothing."""
    ahead = headers.get("sec-purpose", headers.get("purpose", "")).lower()
    return headers.get("sec-fetch-dest", "document") == "document" and not any(one in ahead for one in _AHEAD)
