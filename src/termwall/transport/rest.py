"""The HTTP API (A1-A4): a thin skin over `TerminalService`. Bodies are the wire's types; errors have one shape."""

import json
import secrets
from collections.abc import Awaitable, Callable, Coroutine
from typing import Annotated, Any, Literal

from fastapi import APIRouter, FastAPI, Path, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import StreamingResponse

from termwall.core.caption import caption
from termwall.core.clients import Reader
from termwall.core.errors import ERRORS, ErrorCode, TermwallError
from termwall.core.ids import ID_PATTERN
from termwall.hub.connection import Role
from termwall.hub.service import TerminalService
from termwall.observe import Metrics
from termwall.protocol import bodies, messages
from termwall.protocol.reading import explain, read_json
from termwall.screen.feed import Picture
from termwall.store.database import StoreUnavailable
from termwall.store.projects import Store, StoredToken
from termwall.transport.admission import MAX_CLIENT_ID
from termwall.transport.auth import Access, hash_token
from termwall.transport.gate import RETRY_SECONDS, error_body
from termwall.transport.permission import allow, enter_session, identity_of

NOT_UPGRADED = "a WebSocket came without `Upgrade: websocket`; a proxy has to pass that on, and `Connection`."

ProjectId = Annotated[str, Path(alias="projectId", pattern=ID_PATTERN)]
SessionId = Annotated[str, Path(alias="sessionId", pattern=ID_PATTERN)]

MAX_SCROLLBACK = 100_000
"""Lines that can be asked for; a session has as many as the server keeps."""
ERROR = {"$ref": "#/components/schemas/ErrorAnswer"}
"""The shape of an error, where it is described. As FastAPI's `model`, 400 times over, it would cost each start 0.05 s.
One call has to name the model, so that the description holds it: an export does."""
MAX_TOKENS = 1_000
"""Tokens given to others; one more is `limit_reached`."""


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
        """What a person would see of a session: text and ANSI tell the offset in `X-Termwall-Offset`.

        As `lines` each line is a list: the rows that it takes, where it wraps.
        """
        session = enter(request, session_id, "view")
        picture = await service.show_session(session_id, "runs" if format == "json" else format, scrollback)
        if format in ("text", "ansi"):
            headers = {"x-termwall-offset": str(picture.offset)}
            return Response(picture.data, headers=headers, media_type="text/plain; charset=utf-8")
        return Response(screen_text(session.id, session.epoch, picture), media_type="application/json")

    @router.post("/resize", operation_id="resizeSession", responses=answers(unknown))
    async def resize_session(request: Request, session_id: SessionId, body: messages.Size) -> messages.Session:
        """Set a session's size once."""
        enter(request, session_id, "type")
        return service.resize_session(session_id, body.cols, body.rows)

    return router


def server_routes(service: TerminalService, access: Access, metrics: Metrics, version: str) -> APIRouter:
    """Health, profiles and metrics."""
    router = APIRouter(route_class=JsonRoute, tags=["server"])

    @router.get(
        "/api/health",
        operation_id="getHealth",
        responses={403: answers()[403], 503: {"model": bodies.Health, "description": "It is being drained."}},
    )
    async def get_health(response: Response) -> bodies.Health:
        """That the server answers; needs no token. 503 sends a load balancer elsewhere."""
        response.status_code = 503 if service.draining else 200
        status: Literal["ok", "draining"] = "draining" if service.draining else "ok"
        return bodies.Health(status=status, version=version, engine=service.engine)

    @router.get("/api/reach", operation_id="getReach", responses=answers())
    async def get_reach(
        request: Request,
        client_id: Annotated[str, Query(alias="clientId", max_length=MAX_CLIENT_ID)] = "",
        origin: Annotated[str, Query(max_length=1024)] = "",
    ) -> bodies.Reach:
        """How requests from a page arrive: what it can say to its user when its WebSocket is not let in."""
        identity_of(request)
        host = request.headers.get("host")
        return bodies.Reach(
            host=host or "",
            origin_allowed=access.check_origin(origin, host, request.url.scheme),
            refused=access.refusals.last(client_id),
        )

    @router.get("/ws/terminal", status_code=426, include_in_schema=False)
    async def not_upgraded(request: Request) -> Response:
        """A WebSocket's handshake that lost its `Upgrade` on the way."""
        access.refusals.note(NOT_UPGRADED, request.url.query)
        return Response(NOT_UPGRADED, 426, {"upgrade": "websocket"}, "text/plain")

    @router.get("/api/nodes", operation_id="listNodes", responses=answers())
    async def list_nodes(request: Request) -> bodies.NodeList:
        """The nodes of the wall that are there; none where the server is alone."""
        allow(request, "own")
        nodes = [] if service.cluster is None else service.cluster.nodes()
        return bodies.NodeList(engine=service.engine, nodes=nodes)

    @router.get("/api/problems", operation_id="listProblems", responses=answers())
    async def list_problems(request: Request) -> bodies.ProblemList:
        """What of the data folder cannot be read or is not right; the rest goes on without it."""
        allow(request, "own")
        return bodies.ProblemList(problems=[str(fault) for fault in service.archive.unreadable()])

    @router.post("/api/drain", status_code=204, operation_id="drain", responses=answers())
    async def drain(request: Request, body: bodies.DrainBody) -> None:
        """Send this node's clients to others, before an upgrade; or take clients again."""
        allow(request, "own")
        service.drain(body.draining)

    @router.get("/api/profiles", operation_id="listProfiles", responses=answers())
    async def list_profiles() -> bodies.ProfileList:
        """The kinds of session that can be started."""
        found = [
            bodies.Profile(type=kind, label=spec.label, command=list(spec.command), icon=spec.icon)
            for kind, spec in service.profiles.items()
        ]
        return bodies.ProfileList(profiles=found)

    @router.get(
        "/metrics",
        operation_id="getMetrics",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}, **answers()},
    )
    async def get_metrics(request: Request) -> Response:
        """The server's figures as Prometheus text: of all projects, so no link for one of them reads it."""
        allow(request, "view")
        return Response(metrics.render(service), media_type=metrics.content_type)

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


def token_routes(
    store: Store,
    clock: Callable[[], int],
    new_id: Callable[[], str],
    revoked: Callable[[str], None],
    find_project: Callable[[str], object],
) -> APIRouter:
    """`/api/tokens`: what the owner gives to others (X1, X3).

    Args:
        revoked: gets the id of a token that ended.
        find_project: raises `unknown_project`.
    """
    router = APIRouter(route_class=JsonRoute, prefix="/api/tokens", tags=["tokens"])

    @router.get("", operation_id="listTokens", responses=answers())
    async def list_tokens(request: Request) -> bodies.TokenList:
        """The tokens given to others; the tokens themselves are not kept."""
        allow(request, "own")
        return bodies.TokenList(tokens=[_shown(token) for token in store.tokens()])

    @router.post(
        "",
        status_code=201,
        operation_id="createToken",
        responses=answers(ErrorCode.LIMIT_REACHED, ErrorCode.UNKNOWN_PROJECT),
    )
    async def create_token(request: Request, body: bodies.TokenCreate) -> bodies.TokenMade:
        """A new token for somebody; shown this once."""
        allow(request, "own")
        if body.project_id is not None:
            find_project(body.project_id)
        if len(store.tokens()) >= MAX_TOKENS:
            raise TermwallError(ErrorCode.LIMIT_REACHED, f"There are {MAX_TOKENS} tokens, the most allowed.")
        token = secrets.token_urlsafe(24)
        stored = StoredToken(new_id(), hash_token(token), body.name, body.role, body.project_id, clock())
        store.put_token(stored)
        return bodies.TokenMade(**_shown(stored).model_dump(by_alias=False), token=token)

    @router.delete(
        "/{tokenId}", status_code=204, operation_id="revokeToken", responses=answers(ErrorCode.UNKNOWN_TOKEN)
    )
    async def revoke_token(
        request: Request, token_id: Annotated[str, Path(alias="tokenId", pattern=ID_PATTERN)]
    ) -> None:
        """End a token, and the connections that it opened."""
        allow(request, "own")
        if not store.delete_token(token_id):
            raise TermwallError(ErrorCode.UNKNOWN_TOKEN, f"There is no token `{token_id[:64]}`.", field="tokenId")
        revoked(token_id)

    return router


def _shown(token: StoredToken) -> bodies.TokenShown:
    return bodies.TokenShown(
        id=token.id, name=token.name, role=token.role, project_id=token.project_id, created_at=token.created_at
    )


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
