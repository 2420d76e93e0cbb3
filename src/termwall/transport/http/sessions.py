"""Sessions over HTTP (A2)."""

import json
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from termwall.core.caption import caption
from termwall.core.clients import Role
from termwall.core.errors import ErrorCode
from termwall.hub.service import TerminalService
from termwall.protocol import bodies, messages, parts
from termwall.screen.feed import Picture
from termwall.transport.http.permission import enter_session
from termwall.transport.http.route import JsonRoute, SessionId, answers

MAX_SCROLLBACK = 100_000
"""Lines that can be asked for; a session has as many as the server keeps."""


def session_routes(service: TerminalService) -> APIRouter:
    """`/api/sessions` (A2)."""
    router = APIRouter(route_class=JsonRoute, prefix="/api/sessions/{sessionId}", tags=["sessions"])
    unknown = ErrorCode.UNKNOWN_SESSION

    def enter(request: Request, session_id: str, role: Role) -> messages.Session:
        return enter_session(service, request, session_id, role)

    @router.get("", operation_id="getSession", responses=answers(unknown))
    async def get_session(request: Request, session_id: SessionId) -> messages.Session:
        """One session."""
        await service.fresh(enter(request, session_id, "view").project_id)
        return service.get_session(session_id)

    @router.patch("", operation_id="updateSession", responses=answers(unknown))
    async def update_session(request: Request, session_id: SessionId, body: bodies.SessionPatch) -> messages.Session:
        """Rename a session."""
        session = enter(request, session_id, "type")
        return session if body.name is None else service.rename_session(session_id, body.name)

    @router.delete("", status_code=204, operation_id="deleteSession", responses=answers(unknown))
    async def delete_session(request: Request, session_id: SessionId) -> None:
        """Close the program and forget the session."""
        enter(request, session_id, "type")
        await service.delete_session(session_id)

    @router.post("/restart", operation_id="restartSession", responses=answers(unknown, ErrorCode.CANNOT_START))
    async def restart_session(request: Request, session_id: SessionId) -> messages.Session:
        """Run the command again under the same id."""
        enter(request, session_id, "type")
        return await service.restart_session(session_id)

    @router.post("/reset", operation_id="resetSession", responses=answers(unknown, ErrorCode.SESSION_ENDED))
    async def reset_session(request: Request, session_id: SessionId) -> messages.Session:
        """Put the modes of its terminal back that a program which is gone left on; text and program stay."""
        enter(request, session_id, "type")
        return service.reset_session(session_id)

    @router.post(
        "/input",
        status_code=204,
        operation_id="writeInput",
        responses=answers(unknown, ErrorCode.SESSION_ENDED, ErrorCode.INPUT_OVERFLOW, ErrorCode.TOO_LATE),
    )
    async def write_input(request: Request, session_id: SessionId, body: bodies.InputBody) -> None:
        """Type into a session; makes nobody its driver."""
        enter(request, session_id, "type")
        await service.send_input(session_id, body)

    @router.post("/notify", operation_id="notifySession", responses=answers(unknown))
    async def notify_session(request: Request, session_id: SessionId, body: bodies.NotifyBody) -> messages.Session:
        """Say what a session wants from its user: for agents and scripts, of their own session (S9)."""
        enter(request, session_id, "type")
        return service.notify_session(session_id, body.state, body.message, body.source)

    @router.get(
        "/screen",
        operation_id="getScreen",
        response_model=bodies.Screen | bodies.ScreenLines,
        responses={
            200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            **answers(unknown),
        },
    )
    async def get_screen(
        request: Request,
        session_id: SessionId,
        format: Literal["text", "ansi", "json", "lines"] = "json",
        scrollback: Annotated[int, Query(ge=0, le=MAX_SCROLLBACK)] = 0,
    ) -> Response:
        """What a person would see of a session: text and ANSI have the offset in `X-Termwall-Offset`.

        As `lines` each line is a list: the rows that it takes, where it wraps.
        """
        session = enter(request, session_id, "view")
        picture = await service.show_session(session_id, "runs" if format == "json" else format, scrollback)
        if format in ("text", "ansi"):
            headers = {"x-termwall-offset": str(picture.offset)}
            return Response(picture.data, headers=headers, media_type="text/plain; charset=utf-8")
        return Response(screen_text(session.id, session.epoch, picture), media_type="application/json")

    @router.post("/resize", operation_id="resizeSession", responses=answers(unknown))
    async def resize_session(request: Request, session_id: SessionId, body: parts.Size) -> messages.Session:
        """Set a session's size once."""
        enter(request, session_id, "type")
        return service.resize_session(session_id, body.cols, body.rows)

    return router


def screen_text(session_id: str, epoch: str, picture: Picture) -> bytes:
    """A `Screen`; its lines are JSON already, as the screen worker made them."""
    head = {
        "sessionId": session_id,
        "epoch": epoch,
        "offset": picture.offset,
        "cols": picture.cols,
        "rows": picture.rows,
        "cursor": picture.cursor,
        "title": caption(picture.title),
    }
    return json.dumps(head, ensure_ascii=False).encode()[:-1] + b',"lines":' + picture.data + b"}"
