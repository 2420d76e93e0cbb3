"""Health, nodes, profiles and metrics over HTTP."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response

from termwall.hub.service import TerminalService
from termwall.protocol import bodies
from termwall.transport.admission import MAX_CLIENT_ID
from termwall.transport.auth import Access
from termwall.transport.http.permission import allow, identity_of
from termwall.transport.http.route import JsonRoute, answers
from termwall.transport.metrics import Metrics

NOT_UPGRADED = "a WebSocket came without `Upgrade: websocket`; a proxy has to pass that on, and `Connection`."


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
        faults = *service.archive.unreadable(), *service.recordings.faults
        late = service.lateness.problem
        return bodies.ProblemList(problems=[*map(str, faults), *([late] if late else [])])

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
