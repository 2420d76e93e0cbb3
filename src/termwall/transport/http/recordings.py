"""Recordings over HTTP."""

from itertools import chain
from pathlib import Path as FilePath
from typing import Annotated, Literal
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, Response, StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from termwall.core.asciicast import MAX_SECONDS, CastError
from termwall.core.caption import sentence
from termwall.core.clients import Role
from termwall.core.errors import ErrorCode, TermwallError
from termwall.core.ids import ID_PATTERN
from termwall.hub.export import NOTHING, frame_at, timeline, whole_cast
from termwall.hub.service import TerminalService
from termwall.protocol import bodies, recordings
from termwall.system.deadline import DISK_SECONDS, in_thread
from termwall.transport.http.permission import allow, enter_recording, enter_session
from termwall.transport.http.route import ProjectId, SessionId, answers

RecordingId = Annotated[str, Path(alias="recordingId", pattern=ID_PATTERN)]
MEDIA_TYPE = "application/x-asciicast"
RANGE_BEHIND = 416


class SteadyFile(FileResponse):
    """A file as it was when it was asked for: a recording that runs grows while it is sent."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI's. A `Range` that is none asks for the whole (RFC 9110, 14.2)."""
        left, refused = 0, 0

        async def bounded(message: Message) -> None:
            nonlocal left, refused
            if message["type"] == "http.response.start":
                refused = message["status"] if message["status"] >= 400 else 0
                left = int(Headers(raw=message["headers"])["content-length"])
            elif "body" in message:
                message["body"] = message["body"][:left]
                left -= len(message["body"])
            if not refused:
                await send(message)

        await super().__call__(scope, receive, bounded)
        if refused == RANGE_BEHIND:
            raise HTTPException(RANGE_BEHIND, "The recording ends before that range")
        if refused:
            headers = [(name, value) for name, value in scope["headers"] if name != b"range"]
            await super().__call__({**scope, "headers": headers}, receive, bounded)


def recording_routes(service: TerminalService) -> APIRouter:
    """`/api/sessions/{sessionId}/recording`, `/api/recordings` and what a project has of them."""
    router = APIRouter(tags=["recordings"])
    unknown = ErrorCode.UNKNOWN_RECORDING

    def enter(request: Request, recording_id: str, role: Role) -> recordings.Recording:
        return enter_recording(service, request, recording_id, role)

    def sound(recording_id: str, part: int, path: FilePath) -> bool:
        try:
            service.recordings.check(recording_id, part, path)
        except CastError:  # What of it can be read is read.
            return False
        return True

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
    async def start_recording(request: Request, session_id: SessionId) -> recordings.Recording:
        """Record a session from now on."""
        enter_session(service, request, session_id, "type")
        return service.start_recording(session_id)

    @router.delete(
        "/api/sessions/{sessionId}/recording",
        operation_id="stopRecording",
        responses=answers(ErrorCode.UNKNOWN_SESSION, unknown),
    )
    async def stop_recording(request: Request, session_id: SessionId) -> recordings.Recording:
        """End a session's recording; it stays listed."""
        enter_session(service, request, session_id, "type")
        return service.stop_recording(session_id)

    @router.get(
        "/api/projects/{projectId}/recordings",
        operation_id="listRecordings",
        responses=answers(ErrorCode.UNKNOWN_PROJECT),
    )
    async def list_recordings(request: Request, project_id: ProjectId) -> recordings.RecordingList:
        """A project's recordings, the newest first."""
        allow(request, "view", project_id)
        service.get_project(project_id)
        return recordings.RecordingList(recordings=service.recordings.of_project(project_id))

    @router.get("/api/recordings/{recordingId}", operation_id="getRecording", responses=answers(unknown))
    async def get_recording(request: Request, recording_id: RecordingId) -> recordings.Recording:
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
        response_class=StreamingResponse,
        responses={
            200: {"content": {MEDIA_TYPE: {}}},
            206: {"content": {MEDIA_TYPE: {}}, "description": "The range of it that was asked for."},
            416: {
                "model": bodies.ErrorAnswer,
                "description": "`invalid`: it ends before the range that was asked for.",
            },
            **answers(unknown),
        },
    )
    async def get_cast(
        request: Request,
        recording_id: RecordingId,
        part: Annotated[int | None, Query(ge=1)] = None,
        format: Literal["v2", "v3"] = "v2",
    ) -> Response:
        """A recording as one asciicast file, or one part of it. What is one v2 file already can be had in ranges."""
        found = enter(request, recording_id, "view")
        files = service.recordings.files(recording_id)
        if part is not None:
            files = [(part, service.recordings.part(recording_id, part))]
        if not any(path.exists() for _, path in files):
            raise TermwallError(unknown, NOTHING)
        plain = "".join(one if one.isalnum() or one in "-_" else "-" for one in found.session_name)[:64]
        name = "-".join([plain or "recording", recording_id, *([] if part is None else [str(part)])]) + ".cast"
        if len(files) == 1 and format == "v2" and await in_thread(DISK_SECONDS, sound, recording_id, *files[0]):
            return SteadyFile(files[0][1], media_type=MEDIA_TYPE, filename=name)
        # A part that is not the last does not end with the program.
        whole = found if part is None else found.model_copy(update={"exit_code": None})
        pieces = whole_cast(whole, files, 3 if format == "v3" else 2)
        try:
            first = await in_thread(DISK_SECONDS, next, pieces)
        except CastError as error:
            raise TermwallError(unknown, sentence(str(error)), field=None if part is None else "part") from None
        attached = {"content-disposition": f"attachment; filename*=utf-8''{quote(name)}"}
        return StreamingResponse(chain([first], pieces), media_type=MEDIA_TYPE, headers=attached)

    @router.get("/api/recordings/{recordingId}/timeline", operation_id="getTimeline", responses=answers(unknown))
    async def get_timeline(request: Request, recording_id: RecordingId) -> recordings.Timeline:
        """How long a recording is, and its parts."""
        enter(request, recording_id, "view")
        return await in_thread(DISK_SECONDS, timeline, service.recordings.files(recording_id))

    @router.get("/api/recordings/{recordingId}/frame", operation_id="getFrame", responses=answers(unknown))
    async def get_frame(
        request: Request, recording_id: RecordingId, time: Annotated[float, Query(ge=0, le=MAX_SECONDS)] = 0
    ) -> recordings.Frame:
        """The last picture that shows nothing later than `time`, in seconds, to play on from."""
        enter(request, recording_id, "view")
        found = await in_thread(DISK_SECONDS, frame_at, service.recordings.files(recording_id), time)
        if found is None:
            raise TermwallError(unknown, NOTHING)
        return found

    return router
