"""The stage over HTTP (A1)."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from termwall.core.errors import ErrorCode
from termwall.hub.service import TerminalService
from termwall.protocol import bodies, messages
from termwall.transport.http.permission import allow
from termwall.transport.http.route import JsonRoute, answers


def focus_routes(service: TerminalService) -> APIRouter:
    """`/api/terminal/focus` (A1)."""
    router = APIRouter(route_class=JsonRoute, prefix="/api/terminal", tags=["stage"])

    @router.get("/focus", operation_id="getFocus", responses=answers(ErrorCode.UNKNOWN_PROJECT))
    async def get_focus(request: Request, project_id: Annotated[str, Query(alias="projectId")]) -> messages.FocusState:
        """The stage of a project."""
        allow(request, "view", project_id)
        return service.get_focus_state(project_id)

    @router.put(
        "/focus",
        operation_id="setFocus",
        responses=answers(
            ErrorCode.UNKNOWN_PROJECT,
            ErrorCode.UNKNOWN_SESSION,
            ErrorCode.VERSION_CONFLICT,
            ErrorCode.TOO_MANY_FOCUSED,
        ),
    )
    async def set_focus(request: Request, body: bodies.FocusBody) -> bodies.FocusAnswer:
        """Change the stage, in one version."""
        allow(request, "type", body.project_id)
        if body.session_id is not None:
            state = await service.set_session_focus(
                body.session_id, body.focused, project_id=body.project_id, expected_version=body.expected_version
            )
        else:
            state = await service.set_project_focus(
                body.project_id, body.session_ids or (), focused=body.focused, expected_version=body.expected_version
            )
        return bodies.FocusAnswer(**state.model_dump(by_alias=False))

    return router
