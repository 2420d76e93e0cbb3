"""Search over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query, Request

from termwall.core.errors import ErrorCode
from termwall.core.search import MAX_QUERY
from termwall.hub.search import MATCHES, search
from termwall.hub.service import TerminalService
from termwall.protocol import recordings
from termwall.transport.http.permission import allow
from termwall.transport.http.route import ProjectId, answers

MAX_MATCHES = 1_000


def search_routes(service: TerminalService) -> APIRouter:
    """`/api/projects/{projectId}/search`."""
    router = APIRouter(tags=["recordings"])

    @router.get("/api/projects/{projectId}/search", operation_id="search", responses=answers(ErrorCode.UNKNOWN_PROJECT))
    async def search_project(
        request: Request,
        project_id: ProjectId,
        q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY)],
        limit: Annotated[int, Query(ge=1, le=MAX_MATCHES)] = MATCHES,
        recordings: bool = True,
    ) -> recordings.SearchAnswer:
        """Find text in all sessions' screens and scrollback, and in recordings. Small letters find both cases."""
        allow(request, "view", project_id)
        return await search(service, project_id, q, limit, recordings)

    return router
