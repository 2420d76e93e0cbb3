"""Recordings and search over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from termwall.core.errors import ErrorCode
from termwall.core.ids import ID_PATTERN
from termwall.core.search import MAX_QUERY
from termwall.hub.connection import Role
from termwall.hub.search import MATCHES, search
from termwall.hub.service import TerminalService
from termwall.protocol import bodies
from termwall.transport.rest import ProjectId, SessionId, allow, answers

RecordingId = Annotated[str, Path(alias="recordingId", pattern=ID_PATTERN)]
MAX_MATCHES = 1_000


class SteadyFile(FileResponse):
    """A file as it was when it was asked for: a recording that runs grows while it is sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's."""
        left = 0

        async def bounded(message: Message) -> None:
            nonlocal left
            if message["type"] == "http.response.start":
                left = int(Headers(raw=message["headers"])["content-length"])
            elif "body" in message:
                message["body"] = message["body"][:left]
                left -= len(message["body"])
            await send(message)

        await super().__call__(scope, receive, bounded)


def recording_routes(service: TerminalService) -> APIRouter:
    """`/api/sessions/{sessionId}/recording`, `/api/recordings` and what a project has of them."""
    router = APIRouter(tags=["recordings"])
    unknown = ErrorCode.UNKNOWN_RECORDING

    def enter(request: Request, recording_id: str, role: Role) -> bodies.Recording:
        found = service.recordings.get(recording_id)
        allow(request, role, found.project_id)
        return found

    @router.post(
        "/api/sessions/{sessionId}/recording",
        status_code=201,
        operation_id="startRecording",
        responses=answers(
            ErrorCode.UNKNOWN_SESSION,
            ErrorCode.ALREADY_EXISTS,
            ErrorCode.SESSION_ENDED,
            ErrorCode.LIMIT_REACHED,
        ),
    )
    async def start_recording(request: Request, session_id: SessionId) -> bodies.Recording:
        """Record a session from now on."""
        allow(request, "type", service.get_session(session_id).project_id)
        return service.start_recording(session_id)

    @router.delete(
        "/api/sessions/{sessionId}/recording",
        operation_id="stopRecording",
        responses=answers(ErrorCode.UNKNOWN_SESSION, unknown),
    )
    async def stop_recording(request: Request, session_id: SessionId) -> bodies.Recording:
        """End a session's recording; it stays listed."""
        allow(request, "type", service.get_session(session_id).project_id)
        return service.stop_recording(session_id)

    @router.get(
        "/api/projects/{projectId}/recordings",
        operation_id="listRecordings",
        responses=answers(ErrorCode.UNKNOWN_PROJECT),
    )
    async def list_recordings(request: Request, project_id: ProjectId) -> bodies.RecordingList:
        """A project's recordings, the newest first."""
        allow(request, "view", project_id)
        service.get_project(project_id)
        return bodies.RecordingList(recordings=service.recordings.of_project(project_id))

    @router.get("/api/recordings/{recordingId}", operation_id="getRecording", responses=answers(unknown))
    async def get_recording(request: Request, recording_id: RecordingId) -> bodies.Recording:
        """One recording."""
        return enter(request, recording_id, "view")

    @router.delete(
        "/api/recordings/{recordingId}", status_code=204, operation_id="deleteRecording", responses=answers(unknown)
    )
    async def delete_recording(request: Request, recording_id: RecordingId) -> None:
        """Forget a recording and its files; one that runs must be stopped first."""
        enter(request, recording_id, "type")
        service.recordings.delete(recording_id)

    @router.get(
        "/api/recordings/{recordingId}/cast",
        operation_id="getCast",
        response_class=SteadyFile,
        responses={200: {"content": {"application/x-asciicast": {}}}, **answers(unknown)},
    )
    async def get_cast(
        request: Request, recording_id: RecordingId, part: Annotated[int | None, Query(ge=1)] = None
    ) -> SteadyFile:
        """A part of a recording, the first that is there unless one is named: an asciicast v2 file."""
        found = enter(request, recording_id, "view")
        number = part or found.first_part
        path = service.recordings.part(recording_id, number)
        plain = "".join(one if one.isalnum() or one in "-_" else "-" for one in found.session_name)[:64]
        name = f"{plain or 'recording'}-{recording_id}-{number}.cast"
        return SteadyFile(path, media_type="application/x-asciicast", filename=name)

    @router.get("/api/projects/{projectId}/search", operation_id="search", responses=answers(ErrorCode.UNKNOWN_PROJECT))
    async def search_project(
        request: Request,
        project_id: ProjectId,
        q: Annotated[str, Query(min_length=1, max_length=MAX_QUERY)],
        limit: Annotated[int, Query(ge=1, le=MAX_MATCHES)] = MATCHES,
        recordings: bool = True,
    ) -> bodies.SearchAnswer:
        """Find text in all sessions' screens and scrollback, and in recordings. Small letters find both cases."""
        allow(request, "view", project_id)
        return await search(service, project_id, q, limit, recordings)

    return router
