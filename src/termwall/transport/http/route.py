"""What the calls of the HTTP API have in common: how a body is read, and which errors a call has (A3, A4)."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Path, Request, Response
from fastapi.routing import APIRoute
from starlette.responses import StreamingResponse

from termwall.core.clients import Reader
from termwall.core.errors import ERRORS, ErrorCode
from termwall.core.ids import ID_PATTERN
from termwall.protocol.reading import read_json

ProjectId = Annotated[str, Path(alias="projectId", pattern=ID_PATTERN)]
SessionId = Annotated[str, Path(alias="sessionId", pattern=ID_PATTERN)]
ERROR = {"$ref": "#/components/schemas/ErrorAnswer"}
"""The shape of an error, where it is described. As FastAPI's `model`, 400 times over, it would cost each start 0.05 s.
One call has to name the model, so that the description holds it: an export does."""


class JsonRoute(APIRoute):
    """A call whose body is read as every word from outside is (`read_json`), before anything else looks at it.

    Its answer names clients as whoever asks may read them (X7).
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """FastAPI's."""
        handle = super().get_route_handler()

        async def read_first(request: Request) -> Response:
            body = await request.body() if self.body_field is not None else b""
            kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if body and (kind == "application/json" or kind.endswith("+json")):
                # Where Starlette keeps what was read, for whoever asks next.
                request._json = read_json(body)
            answer = await handle(request)
            if answer.media_type == "application/json" and not isinstance(answer, StreamingResponse):
                _name_clients(request, answer)
            return answer

        return read_first


def _name_clients(request: Request, answer: Response) -> None:
    identity = getattr(request.state, "identity", None)
    read = answer.body if identity is None else Reader(identity.token_id).reads(bytes(answer.body))
    if read != answer.body:
        answer.body = read
        answer.headers["content-length"] = str(len(read))


def answers(*codes: ErrorCode) -> dict[int | str, dict[str, Any]]:
    """The errors of a route for OpenAPI, besides those that every route has (A4)."""
    always = (
        ErrorCode.UNAUTHORIZED,
        ErrorCode.FORBIDDEN,
        ErrorCode.TOO_LARGE,
        ErrorCode.INVALID,
        ErrorCode.BAD_MESSAGE,
        ErrorCode.RATE_LIMITED,
        ErrorCode.ENGINE_AWAY,
    )
    described: dict[int | str, dict[str, Any]] = {}
    for code in (*always, *codes):
        status = ERRORS[code].status
        before = described.get(status, {}).get("description")
        text = f"`{code}`: {ERRORS[code].meaning}"
        described[status] = {
            "content": {"application/json": {"schema": ERROR}},
            "description": text if before is None or text in before else f"{before} {text}",
        }
    return described
