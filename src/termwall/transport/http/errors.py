"""Every error of the HTTP API in its one shape (A3)."""

from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from termwall.core.errors import ERRORS, ErrorCode, TermwallError
from termwall.protocol.reading import explain
from termwall.store.database import StoreUnavailable
from termwall.transport.gate import RETRY_SECONDS, error_body


def install_errors(app: FastAPI) -> None:
    """Give every error its one shape (A3)."""

    def respond(code: ErrorCode, sentence: str, field: str | None = None, **more: object) -> Response:
        body = error_body(code, sentence, field, **more)
        headers = {"retry-after": RETRY_SECONDS[code]} if code in RETRY_SECONDS else None
        return Response(body, ERRORS[code].status, headers, "application/json")

    async def termwall_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, TermwallError)
        return respond(error.code, error.message, error.field, **error.details)

    async def not_kept(request: Request, error: Exception) -> Response:
        return respond(ErrorCode.ENGINE_AWAY, f"Nothing was changed: {error}")

    async def validation_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        field, sentence = explain(error.errors(), skip=1)
        return respond(ErrorCode.INVALID, sentence, field)

    async def http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        body = error_body(ErrorCode.INVALID, f"{request.method} {request.url.path}: {error.detail}.")
        return Response(body, error.status_code, error.headers, "application/json")

    handlers: dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]] = {
        TermwallError: termwall_error,
        StoreUnavailable: not_kept,
        RequestValidationError: validation_error,
        HTTPException: http_error,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
