"""Projects, and the sessions that each has, over HTTP (A2)."""

from fastapi import APIRouter, Request

from termwall.core.errors import ErrorCode
from termwall.hub.service import TerminalService
from termwall.protocol import bodies, messages
from termwall.transport.http.permission import allow, identity_of
from termwall.transport.http.route import JsonRoute, ProjectId, answers


def project_routes(service: TerminalService) -> APIRouter:
    """`/api/projects` (A2)."""
    router = APIRouter(route_class=JsonRoute, prefix="/api/projects", tags=["projects"])

    @router.get("", operation_id="listProjects", responses=answers())
    async def list_projects(request: Request) -> bodies.ProjectList:
        """All projects that the token opens."""
        only = identity_of(request).project_id
        found = [project for project in service.list_projects() if only in (None, project.id)]
        return bodies.ProjectList(projects=found)

    @router.post(
        "",
        status_code=201,
        operation_id="createProject",
        responses=answers(ErrorCode.ALREADY_EXISTS, ErrorCode.LIMIT_REACHED),
    )
    async def create_project(request: Request, body: bodies.ProjectCreate) -> bodies.Project:
        """A new project for a folder of the server."""
        allow(request, "own")
        return service.create_project(path=body.path, id=body.id, name=body.name, max_focused=body.max_focused)

    @router.get("/{projectId}", operation_id="getProject", responses=answers(ErrorCode.UNKNOWN_PROJECT))
    async def get_project(request: Request, project_id: ProjectId) -> bodies.Project:
        """One project."""
        allow(request, "view", project_id)
        return service.get_project(project_id)

    @router.patch("/{projectId}", operation_id="updateProject", responses=answers(ErrorCode.UNKNOWN_PROJECT))
    async def update_project(request: Request, project_id: ProjectId, body: bodies.ProjectPatch) -> bodies.Project:
        """Rename a project, or change how many sessions its stage holds."""
        allow(request, "own", project_id)
        return await service.update_project(project_id, name=body.name, max_focused=body.max_focused)

    @router.delete(
        "/{projectId}", status_code=204, operation_id="deleteProject", responses=answers(ErrorCode.UNKNOWN_PROJECT)
    )
    async def delete_project(request: Request, project_id: ProjectId) -> None:
        """End the project's programs and forget it; the folder is not touched."""
        allow(request, "own", project_id)
        await service.delete_project(project_id)

    @router.get("/{projectId}/sessions", operation_id="listSessions", responses=answers(ErrorCode.UNKNOWN_PROJECT))
    async def list_sessions(request: Request, project_id: ProjectId) -> bodies.SessionList:
        """The project's sessions."""
        allow(request, "view", project_id)
        await service.fresh(project_id)
        return bodies.SessionList(sessions=service.list_sessions(project_id))

    @router.post(
        "/{projectId}/sessions",
        status_code=201,
        operation_id="createSession",
        responses=answers(
            ErrorCode.UNKNOWN_PROJECT, ErrorCode.ALREADY_EXISTS, ErrorCode.LIMIT_REACHED, ErrorCode.CANNOT_START
        ),
    )
    async def create_session(request: Request, project_id: ProjectId, body: bodies.SessionCreate) -> messages.Session:
        """Start a program on a terminal of its own."""
        allow(request, "type", project_id)
        return await service.create_session(project_id, body)

    return router
