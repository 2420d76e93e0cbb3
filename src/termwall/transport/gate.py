"""What every HTTP request passes first: Host, token, Origin, size (X1, X2, X4), and the headers of answers.

Plain ASGI, so that it also holds for static files and for a mounted application. WebSockets pass through: they decide
for themselves in `admission.py`, because the faster edge never comes by here.
"""

import html
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from termwall.core.errors import ERRORS, ErrorCode, TermwallError
from termwall.core.limits import Bounds
from termwall.system import clock
from termwall.transport.auth import Access
from termwall.transport.body import BodyRefused, LimitedBody, has_body, most_bytes
from termwall.transport.doors import EXTENSION, Door
from termwall.transport.faults import fault
from termwall.transport.refusals import shown
from termwall.transport.signing_in import cookie_header, trade

CONTENT_POLICY: Final = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self';"
    " worker-src 'self' blob:; frame-ancestors 'self'; base-uri 'self'; form-action 'self'; object-src 'none'"
)
"""xterm.js writes its colours into `<style>` elements, hence `unsafe-inline` for styles, and for nothing else."""
CLOCK_HEADER: Final = "X-Termwall-Clock"
"""The server's clock in milliseconds: what the `until` of an input is counted on (I1)."""
_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": CONTENT_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}
_SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
log = logging.getLogger("termwall.http")
_OPEN_PATHS: Final = frozenset({"/api/health", "/api/login"})


RETRY_SECONDS: Final[Mapping[ErrorCode, str]] = {ErrorCode.ENGINE_AWAY: "5", ErrorCode.RATE_LIMITED: "1"}
"""What `Retry-After` says with a code."""
SEARCH_CALLS: Final = 16.0
"""A search counts as so many calls (L7): it looks at every session's screen."""
SCREEN_CALLS: Final = 4.0


def is_api(path: str) -> bool:
    """Whether a program asks there, not somebody in front of a browser."""
    return path.startswith("/api/") or path == "/metrics"


def is_private(path: str) -> bool:
    """Whether a path needs a token. The page itself does not: it holds nothing, and shows the login."""
    return is_api(path) and path not in _OPEN_PATHS


def price_of_call(path: str) -> float:
    """As how many calls one counts (L7)."""
    return SEARCH_CALLS if path.endswith("/search") else SCREEN_CALLS if path.endswith("/screen") else 1.0


def error_body(code: ErrorCode, sentence: str, field: str | None = None, **more: object) -> bytes:
    """An error as A3 has it."""
    named = {} if field is None else {"field": field}
    return json.dumps({**more, "success": False, "code": code.value, "error": sentence, **named}).encode()


class Gate:
    """The ASGI middleware."""

    def __init__(
        self, app: ASGIApp, access: Access, bounds: Bounds, turn: Callable[[str | None, float], Awaitable[None]]
    ) -> None:
        self._app = app
        self._access = access
        self._bounds = bounds
        self._turn = turn

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request. Whatever goes wrong in it, its answer is an error as A3 has it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def noted(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self._pass(scope, receive, noted)
        except ClientDisconnect:
            log.debug("%s %s: the client went before its answer", scope["method"], shown(scope["path"]))
        except Exception as error:
            if started:
                raise  # The answer cannot be taken back: its connection ends amid it.
            found = fault(error)
            if found is None:
                log.exception("%s %s was not answered", scope["method"], shown(scope["path"]))
                found = TermwallError(ErrorCode.INTERNAL, ERRORS[ErrorCode.INTERNAL].meaning)
            await _answer(send, found.code, found.message)

    async def _pass(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        path = scope["path"].removeprefix(scope.get("root_path", "")) or "/"
        refusal = self._refusal(scope, headers, path)
        if refusal is not None:
            if has_body(headers):
                send = _leaving_body(scope, send)
            if not is_api(path) and "text/html" in headers.get("accept", ""):
                await _explain(send, *refusal)
            else:
                await _answer(send, *refusal)
            return
        traded = trade(self._access, scope, path)
        if traded is not None:
            await send({"type": "http.response.start", "status": 303, "headers": traded})
            await send({"type": "http.response.body", "body": b""})
            return
        identity = scope["state"]["identity"]
        if identity is not None and is_api(path):
            await self._turn(identity.token_id, price_of_call(path))
        renewed = self._renewed(scope, headers, path)
        body = LimitedBody(receive, self._bounds, stranger=identity is None)
        started = False

        async def send_headers(message: Message) -> None:
            nonlocal started
            if body.refused is not None:
                return  # Whatever the application makes of a body that it could not read: the answer is ours.
            if message["type"] == "http.response.start":
                started = True
                for name, value in _HEADERS.items():
                    MutableHeaders(scope=message).setdefault(name, value)
                if identity is not None and is_api(path):
                    MutableHeaders(scope=message)[CLOCK_HEADER] = str(clock.milliseconds())
                if renewed is not None:
                    MutableHeaders(scope=message).setdefault("set-cookie", renewed)
            await send(message)

        try:
            await self._app(scope, body, send_headers)
        except BodyRefused:
            pass
        if body.refused is not None and not started:
            await _answer(_leaving_body(scope, send), *body.refused)

    def _refusal(self, scope: Scope, headers: Headers, path: str) -> tuple[ErrorCode, str] | None:
        access, host, origin = self._access, headers.get("host"), headers.get("origin")
        if not access.check_host(host):
            access.refusals.note(access.wrong_host(host))
            return ErrorCode.FORBIDDEN, f"The Host {shown(host)} is not served here; add it with --allowed-hosts."
        scheme = "https" if scope["scheme"] == "https" else "http"
        identity = access.identify(headers.get("authorization"), headers.get("cookie"))
        changes = scope["method"] not in _SAFE_METHODS
        if changes and origin is not None and not access.check_origin(origin, host, scheme):
            access.refusals.note(access.wrong_origin(origin, host, scheme))
            return ErrorCode.FORBIDDEN, f"Pages of {shown(origin)} may not change things at {shown(host)}."
        if is_private(path) and identity is None:
            if headers.get("authorization", "").lower().startswith("bearer "):
                return ErrorCode.UNAUTHORIZED, "This token is not known here."
            return ErrorCode.UNAUTHORIZED, "Show a token: `Authorization: Bearer ...`, or sign in on the page."
        if changes and origin is None and identity is not None and identity.by == "cookie":
            return ErrorCode.FORBIDDEN, "A cookie needs an Origin header; programs use a Bearer token."
        most = most_bytes(self._bounds, stranger=identity is None)
        if int(headers.get("content-length", "0") or 0) > most:
            return ErrorCode.TOO_LARGE, f"A request may have {most} bytes."
        scope.setdefault("state", {})["identity"] = identity
        door = _door(scope)
        if door is not None and identity is not None:
            door.known()
        return None

    def _renewed(self, scope: Scope, headers: Headers, path: str) -> str | None:
        """The Set-Cookie header for a browser that was here again; not with what others may keep (assets)."""
        if not (is_api(path) or path == "/"):
            return None
        value = self._access.due(headers.get("cookie"))
        return None if value is None else cookie_header(self._access, value, scope)


def _door(scope: Scope) -> Door | None:
    """The door that a request came through, where the server is ours."""
    door: Door | None = scope.get("extensions", {}).get(EXTENSION)
    return door


def _leaving_body(scope: Scope, send: Send) -> Send:
    """For an answer to a request whose body is not read: another's server might wait for its rest without an end.

    Ours has a deadline for it, so that a client which still sends reads the answer.
    """
    if _door(scope) is not None or not scope["http_version"].startswith("1."):
        return send

    async def send_closing(message: Message) -> None:
        if message["type"] == "http.response.start":
            message["headers"] = [*message["headers"], (b"connection", b"close")]
        await send(message)

    return send_closing


async def _answer(send: Send, code: ErrorCode, sentence: str) -> None:
    await _send(send, code, error_body(code, sentence), b"application/json")


async def _explain(send: Send, code: ErrorCode, sentence: str) -> None:
    """The same for somebody in front of a browser."""
    body = f"<!doctype html><meta charset=utf-8><title>termwall</title><p>{html.escape(sentence)}"
    await _send(send, code, body.encode(), b"text/html; charset=utf-8")


async def _send(send: Send, code: ErrorCode, body: bytes, kind: bytes) -> None:
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers += [(name.encode(), value.encode()) for name, value in _HEADERS.items()]
    if code is ErrorCode.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    if code in RETRY_SECONDS:
        headers.append((b"retry-after", RETRY_SECONDS[code].encode()))
    await send({"type": "http.response.start", "status": ERRORS[code].status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
